//go:build integration

package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// computeHost is what the private daemon reports as its host name.
const computeHost = "k2o-a"

// env is a variable that testdata/services wrote.
func env(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set; run testdata/services/with.sh go test -tags integration ./cmd/kvm2openstack/", name)
	}
	return v
}

// A site is one Nova on the real server, one host with real guests, and the
// files of the person who runs the command.
type site struct {
	t         *testing.T
	release   string // of the schemas
	dir       string // all files: disks, instances_path, configuration
	databases map[string]*sql.DB
	dsn       *mysql.Config
	guests    []*guest
	config    string
	plan      string
}

// newSite makes a cloud of the release Zed and defines the guests. host is the
// entry of the configuration, without its compute host.
func newSite(t *testing.T, host string) *site {
	t.Helper()
	return newSiteOf(t, "zed", host)
}

func newSiteOf(t *testing.T, release, host string) *site {
	t.Helper()
	steady = 300 * time.Millisecond
	t.Cleanup(func() { steady = 0 })
	s := bareSite(t, release)
	s.must(os.Mkdir(s.path("instances"), 0o755))
	s.seed()
	s.defineGuests()
	s.write("cloud.json", s.cloud())
	s.write("config.yaml", s.configuration(s.url("api"), host))
	return s
}

// under is the same site in a subtest, which is the one that fails.
func (s *site) under(t *testing.T) *site {
	one := *s
	one.t = t
	return &one
}

// bareSite has the names alone.
func bareSite(t *testing.T, release string) *site {
	t.Helper()
	s := &site{t: t, release: release, dir: t.TempDir(), databases: map[string]*sql.DB{}}
	s.config, s.plan = filepath.Join(s.dir, "config.yaml"), filepath.Join(s.dir, "plan.yaml")
	dsn, err := mysql.ParseDSN(env(t, "K2O_TEST_MYSQL"))
	if err != nil {
		t.Fatal("K2O_TEST_MYSQL is not a DSN of the driver")
	}
	s.dsn = dsn
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// write makes a file that only its owner can read: the configuration has the
// database's password in it.
func (s *site) write(name, text string) {
	s.t.Helper()
	s.must(os.WriteFile(s.path(name), []byte(text), 0o600))
}

// seed makes the three databases under names of their own, which go with the
// test.
func (s *site) seed() {
	ctx := context.Background()
	prefix := "k2o_way_" + strings.ReplaceAll(uuid.NewString()[:13], "-", "")
	for name, part := range map[string]string{"api": schema.API, "cell0": schema.Cell, "cell1": schema.Cell} {
		s.databases[name] = s.create(prefix+"_"+name, part)
	}
	r, err := schema.Find(s.release)
	s.must(err)
	cloud := schema.Seed{
		Release: r.Name, Now: time.Now().UTC(),
		Cells: []schema.CellSeed{{
			Name: "cell1", UUID: "6e3b9d4f-2a71-4c8e-9b05-d17f6a3c2e84", URL: s.url("cell1"), DB: s.databases["cell1"],
			Hosts: []schema.HostSeed{{Host: computeHost, UUID: "a4c81f01-6b2e-4d97-8f35-0e9b7c5d2a16", AvailabilityZone: "nova",
				VCPUs: 64, MemoryMB: 64 * 1024, LocalGB: 500, CPURatio: 16, RAMRate: 1.5}},
		}},
		Flavors: []schema.FlavorSeed{
			{ID: "1", Name: "tiny", VCPUs: 1, MemoryMB: 16, RootGB: 1},
			{ID: "2", Name: "tiny.data", VCPUs: 1, MemoryMB: 16, RootGB: 1, EphemeralGB: 2},
		},
	}
	s.must(cloud.Insert(ctx, s.databases["api"]))
	_, err = s.databases["api"].Exec("UPDATE cell_mappings SET database_connection = ? WHERE uuid = ?", s.url("cell0"), schema.Cell0UUID)
	s.must(err)
	_, err = schema.Insert(ctx, s.databases["cell1"], "services", map[string]any{
		"uuid": uuid.NewString(), "host": "controller01", "binary": "nova-conductor", "topic": "conductor", "report_count": 1,
		"disabled": 0, "forced_down": 0, "deleted": 0, "version": r.Service, "last_seen_up": time.Now().UTC().Format(time.DateTime),
	})
	s.must(err)
}

// create makes one database with all of Nova's tables of that kind.
func (s *site) create(name, part string) *sql.DB {
	s.t.Helper()
	root, err := sql.Open("mysql", s.dsn.FormatDSN())
	s.must(err)
	_, err = root.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb3")
	s.must(err)
	one := s.dsn.Clone()
	one.DBName = name
	db, err := sql.Open("mysql", one.FormatDSN())
	s.must(err)
	s.t.Cleanup(func() {
		db.Close()
		if _, err := root.Exec("DROP DATABASE " + name); err != nil {
			s.t.Errorf("drop database %s: %v", name, err)
		}
		root.Close()
	})
	if part != "" {
		s.must(schema.Create(db, schema.MariaDB, s.release, part))
	}
	return db
}

// url is a database as nova.conf and cell_mappings name it.
func (s *site) url(name string) string {
	s.t.Helper()
	var database string
	s.must(s.databases[name].QueryRow("SELECT DATABASE()").Scan(&database))
	return fmt.Sprintf("mysql+pymysql://%s:%s@%s/%s?charset=utf8", s.dsn.User, s.dsn.Passwd, s.dsn.Addr, database)
}

// configuration is what an operator would write.
func (s *site) configuration(api string, hosts ...string) string {
	return fmt.Sprintf(`nova:
  api_database: %q
  instance_name_template: instance-%%08x
  instances_path: %q
cloud_file: cloud.json
journal: journal.db
hosts:
  - %s
networks: [{bridge: k2obr0, network: net0, subnet: net0-v4}]
defaults: {project: legacy, user: admin, availability_zone: nova}
rules: [{match: {name: "running-*"}, lock: none}]
scan: {parallel: 4, host_timeout: 30s, call_timeout: 10s}
`, api, s.path("instances"), strings.Join(hosts, "\n  - "))
}

// dump is every row of every table of the cloud, one line each.
func (s *site) dump() (lines []string) {
	s.t.Helper()
	for name, db := range s.databases {
		for _, table := range s.filled(db) {
			for _, row := range s.rows(db, "SELECT * FROM `"+table+"`") {
				lines = append(lines, name+"."+table+": "+row)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// filled are the tables that have rows, found with one question to the server.
func (s *site) filled(db *sql.DB) []string {
	s.t.Helper()
	var ask []string
	for _, table := range s.column(db, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()") {
		ask = append(ask, fmt.Sprintf("SELECT '%[1]s' FROM DUAL WHERE EXISTS (SELECT 1 FROM `%[1]s`)", table))
	}
	if len(ask) == 0 {
		return nil
	}
	return s.column(db, strings.Join(ask, " UNION ALL "))
}

func (s *site) column(db *sql.DB, query string, args ...any) (values []string) {
	s.t.Helper()
	for _, row := range s.rows(db, query, args...) {
		_, value, _ := strings.Cut(row, "=")
		values = append(values, strings.TrimSuffix(value, ";"))
	}
	return values
}

// rows are the rows of a query as text: name=value; name=value;
func (s *site) rows(db *sql.DB, query string, args ...any) (lines []string) {
	s.t.Helper()
	rows, err := db.Query(query, args...)
	s.must(err)
	defer rows.Close()
	names, err := rows.Columns()
	s.must(err)
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		s.must(rows.Scan(into...))
		var b strings.Builder
		for i, v := range values {
			text := v.String
			if !v.Valid {
				text = "NULL"
			}
			fmt.Fprintf(&b, "%s=%s;", names[i], text)
		}
		lines = append(lines, b.String())
	}
	s.must(rows.Err())
	return lines
}

// command runs kvm2openstack in this process and insists on its exit status.
func (s *site) command(want int, args ...string) (out string) {
	s.t.Helper()
	got, text := s.try(args...)
	if got != want {
		s.t.Fatalf("%v ended with status %d, want %d:\n%s", args, got, want, text)
	}
	return text
}

// try runs kvm2openstack in this process.
func (s *site) try(args ...string) (status int, text string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	status = run(ctx, append(args, "--config", s.config), streams{in: strings.NewReader(""), out: &stdout, err: &stderr})
	text = stdout.String() + stderr.String()
	if strings.Contains(text, s.dsn.Passwd) {
		s.t.Errorf("%v printed the password of the database:\n%s", args, text)
	}
	return status, text
}
