package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/lightcloud/kvm2openstack/testdata/libvirtd"
	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// A world is the data centre, its Nova and the journal.
type world struct {
	bin, dir      string
	fleet         *libvirtd.Fleet
	weather       weather
	hosts, strays int // that there are; domains of each that nobody adopts
	adopted       int // hosts of which the domains are

	server, api, cell, journal *sql.DB
	names                      []string
	apiURL, journalURL         string
}

// newWorld makes it, with nothing adopted.
func newWorld(ctx context.Context, bin, dsn string, hosts, domains int) (w *world, err error) {
	w = &world{bin: bin, hosts: hosts, strays: 1}
	defer func() {
		if err != nil {
			err = w.remove(err)
		}
	}()
	if w.server, err = sql.Open("mysql", dsn); err != nil {
		return w, err
	}
	if w.dir, err = os.MkdirTemp("", "k2o-sync"); err != nil {
		return w, err
	}
	w.fleet = &libvirtd.Fleet{Hosts: hosts, Domains: domains, Delay: w.weather.delay, Silent: w.weather.dead}
	if err := errors.Join(w.fleet.Start(), w.disks(domains)); err != nil {
		return w, err
	}
	return w, w.databases(ctx, dsn)
}

// databases makes those of Nova, with every host, and the journal's.
func (w *world) databases(ctx context.Context, dsn string) (err error) {
	var cellURL string
	if w.api, w.apiURL, err = w.database(dsn, "api"); err != nil {
		return err
	}
	if w.cell, cellURL, err = w.database(dsn, "cell"); err != nil {
		return err
	}
	if w.journal, w.journalURL, err = w.database(dsn, "journal"); err != nil {
		return err
	}
	w.journalURL = strings.Replace(w.journalURL, "mysql+pymysql:", "mysql:", 1)
	if err := errors.Join(schema.Create(w.api, schema.MariaDB, "zed", schema.API), schema.Create(w.cell, schema.MariaDB, "zed", schema.Cell)); err != nil {
		return err
	}
	seed := schema.Plausible("zed", schema.CellSeed{DB: w.cell, URL: cellURL})
	seed.Cells[0].Hosts = nil
	for h := range w.hosts {
		seed.Cells[0].Hosts = append(seed.Cells[0].Hosts, schema.HostSeed{
			Host: libvirtd.Name(h), UUID: libvirtd.Mark(h) + "-aaaa-4000-8000-000000000000", VCPUs: 64, MemoryMB: 262144, LocalGB: 8000, CPURatio: 16, RAMRate: 1.5,
		})
	}
	seed.Quotas = map[string]map[string]int{project: {"instances": -1, "cores": -1, "ram": -1}}
	return seed.Insert(ctx, w.api)
}

var project, user = strings.Repeat("a", 32), strings.Repeat("b", 32)

// database makes one, and gives SQLAlchemy's name of it.
func (w *world) database(dsn, part string) (*sql.DB, string, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, "", errors.New("the DSN is not one of the driver")
	}
	config.DBName = fmt.Sprintf("k2o_bench_%d_%s", time.Now().UnixNano(), part)
	if _, err := w.server.Exec("CREATE DATABASE " + config.DBName); err != nil {
		return nil, "", err
	}
	w.names = append(w.names, config.DBName)
	db, err := sql.Open("mysql", config.FormatDSN())
	login := url.UserPassword(config.User, config.Passwd)
	return db, fmt.Sprintf("mysql+pymysql://%s@%s/%s", login, config.Addr, config.DBName), err
}

// disks is the one file tree that all hosts have: whose domains are adopted is
// not looked at again.
func (w *world) disks(domains int) error {
	root := filepath.Join(w.dir, "root")
	header := make([]byte, 512)
	copy(header, "QFI\xfb")
	binary.BigEndian.PutUint32(header[4:], 3)
	binary.BigEndian.PutUint64(header[24:], libvirtd.GiB<<30)
	var errs []error
	for _, folder := range []string{"data", "etc", "var/lib/nova/instances"} {
		errs = append(errs, os.MkdirAll(filepath.Join(root, folder), 0o755))
	}
	errs = append(errs, os.WriteFile(filepath.Join(root, "etc/passwd"), fmt.Appendf(nil, "nova:x:%d:%d::/:/bin/sh\n", os.Getuid(), os.Getgid()), 0o644))
	for d := range domains {
		errs = append(errs, os.WriteFile(filepath.Join(root, fmt.Sprintf("data/guest-%02d.qcow2", d)), header, 0o644))
	}
	return errors.Join(errs...)
}

// configure writes what the binary is told, of the first hosts.
func (w *world) configure(hosts int) (file string, err error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "nova: {api_database: %q, instances_path: /var/lib/nova/instances, images_type: qcow2}\njournal: %q\n", w.apiURL, w.journalURL)
	fmt.Fprintf(&b, "defaults: {project: %s, user: %s}\nnetworks: [{bridge: br0, network: 11111111-2222-4333-8444-555555555555}]\n", project, user)
	fmt.Fprintf(&b, "scan: {call_timeout: %v}\nhosts:\n", callTimeout)
	for h := range hosts {
		fmt.Fprintf(&b, "  - {name: %s, uri: %q, files: %q}\n", libvirtd.Name(h), w.fleet.URI(h), "file://"+filepath.Join(w.dir, "root"))
	}
	file = filepath.Join(w.dir, "config.yaml")
	return file, os.WriteFile(file, b.Bytes(), 0o600)
}

// command runs the binary to a good end.
func (w *world) command(ctx context.Context, most int, args ...string) (*exec.Cmd, []byte, error) {
	cmd := exec.CommandContext(ctx, w.bin, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code >= 0 && code <= most {
		err = nil
	}
	if err != nil {
		return cmd, nil, fmt.Errorf("%s: %w: %s%s", strings.Join(args, " "), err, last(out.Bytes()), last(errs.Bytes()))
	}
	return cmd, out.Bytes(), nil
}

// last is the end of a long text.
func last(text []byte) []byte { return text[max(0, len(text)-2000):] }

// remove takes everything away again, and gives the error it was given, or its
// own.
func (w *world) remove(err error) error {
	for _, db := range []*sql.DB{w.api, w.cell, w.journal} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	for _, name := range w.names {
		_, dropped := w.server.Exec("DROP DATABASE " + name)
		err = errors.Join(err, dropped)
	}
	if w.fleet != nil {
		err = errors.Join(err, w.fleet.Close())
	}
	return errors.Join(err, w.server.Close(), os.RemoveAll(w.dir))
}
