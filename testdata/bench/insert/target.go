package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// A target is a fresh cloud on the server, and the rows to be written.
type target struct {
	server, api, cell *sql.DB
	names             []string
	cloud             *nova.Cloud
	writer            *nova.Writer
	instances         []nova.Instance
}

func newTarget(ctx context.Context, dsn string, instances []nova.Instance) (*target, error) {
	t := &target{instances: instances}
	var err error
	if t.server, err = sql.Open("mysql", dsn); err != nil {
		return nil, err
	}
	prefix := fmt.Sprintf("k2o_bench_%d", time.Now().UnixNano())
	var apiURL, cellURL string
	if t.api, apiURL, err = t.create(dsn, prefix+"_api", schema.API); err != nil {
		return nil, t.drop(err)
	}
	if t.cell, cellURL, err = t.create(dsn, prefix+"_cell", schema.Cell); err != nil {
		return nil, t.drop(err)
	}
	if err := schema.Plausible("zed", schema.CellSeed{DB: t.cell, URL: cellURL}).Insert(ctx, t.api); err != nil {
		return nil, t.drop(err)
	}
	if t.cloud, err = nova.Open(ctx, nova.Config{APIDatabase: apiURL}); err != nil {
		return nil, t.drop(err)
	}
	if t.writer, err = t.cloud.Writer(ctx, "benchmark"); err != nil {
		return nil, t.drop(err)
	}
	return t, nil
}

// create makes one database with its schema, and gives both its names.
func (t *target) create(dsn, name, part string) (*sql.DB, string, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, "", errors.New("the DSN is not one of the driver")
	}
	if _, err := t.server.Exec("CREATE DATABASE " + name); err != nil {
		return nil, "", err
	}
	t.names = append(t.names, name)
	config.DBName = name
	db, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		return nil, "", err
	}
	user := url.UserPassword(config.User, config.Passwd)
	return db, "mysql+pymysql://" + user.String() + "@" + config.Addr + "/" + name, schema.Create(db, schema.MariaDB, "zed", part)
}

// check counts what has arrived: a fast way that loses rows is none.
func (t *target) check(rows, instances int) error {
	found := 0
	for db, tables := range map[*sql.DB][]string{
		t.cell: {"instances", "instance_extra", "instance_info_caches", "instance_system_metadata", "block_device_mapping", "virtual_interfaces", "instance_actions", "instance_id_mappings"},
		t.api:  {"request_specs", "instance_mappings"},
	} {
		for _, table := range tables {
			var n int
			if err := db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
				return err
			}
			found += n
		}
	}
	if found != rows {
		return fmt.Errorf("%d rows of %d instances were written and %d are there", rows, instances, found)
	}
	return nil
}

// drop removes the databases and returns the error it was given, or its own.
func (t *target) drop(err error) error {
	if t.writer != nil {
		err = errors.Join(err, t.writer.Close())
	}
	if t.cloud != nil {
		err = errors.Join(err, t.cloud.Close())
	}
	for _, db := range []*sql.DB{t.api, t.cell} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	for _, name := range t.names {
		_, dropped := t.server.Exec("DROP DATABASE " + name)
		err = errors.Join(err, dropped)
	}
	return errors.Join(err, t.server.Close())
}
