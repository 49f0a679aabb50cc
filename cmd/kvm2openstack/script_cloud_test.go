package main

import (
	"context"
	"database/sql"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// makeCloud makes the databases of another release than the demonstration's in
// a folder: one cell, whose hosts are kvm01 and kvm02. Its nova.yaml names them.
//
//	cloud d epoxy
func makeCloud(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cloud FOLDER RELEASE")
	}
	dir, release := ts.MkAbs(args[0]), args[1]
	r, err := schema.Find(release)
	ts.Check(err)
	ts.Check(os.MkdirAll(dir, 0o755))
	open := func(name, part string) *sql.DB {
		db, err := sql.Open("sqlite", "file:"+dir+"/"+name+".sqlite")
		ts.Check(err)
		ts.Check(schema.Create(db, schema.SQLite, release, part))
		return db
	}
	api, cell := open("nova_api", schema.API), open("nova_cell1", schema.Cell)
	defer api.Close()
	defer cell.Close()
	seed := schema.Seed{Release: release, Now: time.Now().UTC(), Cells: []schema.CellSeed{{
		Name: "cell1", UUID: "11111111-1111-4111-8111-111111111111", URL: "sqlite:///" + dir + "/nova_cell1.sqlite", DB: cell,
		Hosts: []schema.HostSeed{
			{Host: "kvm01", Node: "kvm01.example.net", UUID: "aaaaaaaa-0000-4000-8000-000000000001", VCPUs: 64, MemoryMB: 262144, LocalGB: 8000},
			{Host: "kvm02", Node: "kvm02.example.net", UUID: "aaaaaaaa-0000-4000-8000-000000000002", VCPUs: 64, MemoryMB: 262144, LocalGB: 8000},
		},
	}}}
	ctx := context.Background()
	ts.Check(seed.Insert(ctx, api))
	_, err = schema.Insert(ctx, cell, "services", map[string]any{
		"uuid": "c0000000-0000-4000-8000-000000000001", "host": "ctl1", "binary": "nova-conductor", "topic": "conductor",
		"report_count": 1, "disabled": 0, "forced_down": 0, "deleted": 0, "version": r.Service, "last_seen_up": time.Now().UTC().Format(time.DateTime),
	})
	ts.Check(err)
	ts.Check(os.WriteFile(dir+"/nova.yaml", []byte("nova: {api_database: \"sqlite:///"+dir+"/nova_api.sqlite\"}\n"), 0o600))
}

// runSQL changes a SQLite database: sql d/nova_api.sqlite 'UPDATE …'
func runSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql FILE STATEMENT")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0])+"?mode=rw&_pragma=busy_timeout(5000)")
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[1])
	ts.Check(err)
}
