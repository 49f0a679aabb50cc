package sync

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite" // registers the driver "sqlite"
	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/testdata/demo"
)

// A world is the demonstration's data centre: four hosts as folders, and a Nova
// in SQLite files with Nova's own tables.
type world struct {
	t     testing.TB
	dir   string
	hosts []discover.Host
	plan.Settings
	api   *fakeAPI // nil: on the databases alone
	alone bool     // nothing is known of the cloud but what its databases say
	now   time.Time
	extra func(*Runner)

	apiURL, journalURL string // instead of the files
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	w.must(demo.Unpack(w.dir))
	w.must(demo.SeedNova(w.dir))
	w.read()
	w.wholeHosts()
	return w
}

// small leaves two hosts, and a policy under which few domains are adopted.
func (w *world) small() Policy {
	w.hosts = w.hosts[:2]
	p := everything
	p.Import = []plan.Match{{Name: "h*"}, {Name: "web-0*"}, {Name: "staging*"}}
	return p
}

// read takes over what the demonstration's configuration says.
func (w *world) read() {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "config.yaml"))
	w.must(err)
	var c struct {
		plan.Settings `yaml:",inline"`
		Hosts         []struct {
			Name, URI, Files string
			ComputeHost      string `yaml:"compute_host"`
		}
	}
	w.must(yaml.Unmarshal(text, &c))
	w.Settings = c.Settings
	for _, h := range c.Hosts {
		w.hosts = append(w.hosts, discover.Host{Name: h.Name, URI: h.URI, Files: h.Files, ComputeHost: h.ComputeHost})
	}
	w.apiURL, w.journalURL = "sqlite:///"+filepath.Join(w.dir, "nova_api.sqlite"), filepath.Join(w.dir, "journal.db")
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) snapshot() *cloud.Snapshot {
	w.t.Helper()
	if w.alone {
		return nil
	}
	s, err := cloud.LoadSnapshot(filepath.Join(w.dir, "cloud.json"))
	w.must(err)
	if w.api != nil {
		s.Live, s.Ports = true, w.api.all()
	}
	return s
}

// A process opens everything as the command does.
type process struct {
	*Runner
	journal *journal.Journal
	nova    *nova.Cloud
}

func (w *world) process(ctx context.Context, p Policy, heal, shared bool) (*process, error) {
	x := &process{}
	var err error
	if x.nova, err = nova.Open(ctx, nova.Config{APIDatabase: w.apiURL}); err != nil {
		return nil, err
	}
	if x.journal, err = journal.Open(ctx, w.journalURL); err != nil {
		return nil, err
	}
	if !w.now.IsZero() {
		x.journal.Clock = func() time.Time { return w.now }
	}
	start := x.journal.Start
	if shared {
		start = x.journal.StartShared
	}
	run, err := start(ctx, journal.Run{Command: "kvm2openstack sync"})
	if err != nil {
		return nil, err
	}
	snapshot, project := w.snapshot(), cloud.Project{ID: w.Defaults.Project}
	if snapshot != nil {
		if project, err = snapshot.Project(w.Defaults.Project); err != nil {
			return nil, err
		}
	}
	x.Runner = &Runner{
		Audit: audit.Input{
			Hosts: w.hosts, Snapshot: snapshot, Identity: audit.Identity{ProjectID: project.ID},
			Settings: check.Settings{InstancesPath: "/var/lib/nova/instances", ImagesType: "qcow2", InstanceNameTemplate: "instance-%08x", Networks: w.Networks},
		},
		Nova: x.nova, Journal: run, Policy: p, Digest: fmt.Sprint(p, len(w.hosts)),
	}
	if w.api != nil {
		x.Cloud = w.api
	}
	if heal {
		x.Heal = func(ctx context.Context) (*Healer, error) { return w.healer(ctx, x, run, snapshot) }
	}
	if w.extra != nil {
		w.extra(x.Runner)
	}
	return x, nil
}

func (w *world) healer(ctx context.Context, x *process, run *journal.Recorder, snapshot *cloud.Snapshot) (*Healer, error) {
	writer, err := x.nova.Writer(ctx, run.Holder().String())
	if err != nil {
		return nil, err
	}
	i := &importer.Importer{
		Nova: x.nova, Writer: writer, Hosts: importer.Libvirt{}, Journal: run, Snapshot: snapshot, Log: x.Log, RequestID: "req-1e6ac700-0000-4000-8000-000000000000",
		Reach: func(h plan.Host) discover.Host {
			for _, one := range w.hosts {
				if one.Name == h.Name {
					return one
				}
			}
			return discover.Host{}
		},
	}
	if w.api != nil {
		i.Cloud = w.api
	}
	return &Healer{Importer: i, Close: writer.Close, Plan: func(ctx context.Context, r audit.Report) (plan.Plan, error) {
		in := plan.Input{
			Made:       plan.Made{At: time.Now(), InstancesPath: "/var/lib/nova/instances", ImagesType: "qcow2", InstanceNameTemplate: "instance-%08x"},
			Unreadable: r.Unreadable, Settings: w.Settings, Release: r.Release, Computes: r.Computes, Cloud: snapshot,
		}
		var err error
		if in.Flavors, err = x.nova.Flavors(ctx); err != nil {
			return plan.Plan{}, err
		}
		for _, h := range r.Hosts {
			in.Hosts = append(in.Hosts, h.Inventory)
		}
		for d := range r.Domains() {
			in.Domains = append(in.Domains, plan.Candidate{Domain: d.Domain, Assessment: d.Assessment})
		}
		if w.api != nil {
			in.Allocations = map[string]cloud.Allocation{}
		}
		return plan.Build(in)
	}}, nil
}

func (x *process) close(ctx context.Context) {
	_ = x.Journal.End(ctx, "")
	_ = x.journal.Close()
	_ = x.nova.Close()
}

// sync is one run of the command.
func (w *world) sync(p Policy, heal bool) (Result, error) {
	w.t.Helper()
	x, err := w.process(w.t.Context(), p, heal, false)
	w.must(err)
	defer x.close(w.t.Context())
	return x.Run(w.t.Context())
}

func (w *world) syncs(p Policy, heal bool) Result {
	w.t.Helper()
	r, err := w.sync(p, heal)
	if err != nil {
		w.t.Fatalf("sync: %v", err)
	}
	return r
}

var everything = Policy{
	Heal:   []Remedy{"power", "sizes", "ports", "info_cache", "allocations", "unfinished"},
	Import: []plan.Match{{Name: "*"}}, Vanished: VanishedRelease,
}

// of are the drifts of one domain.
func of(r Result, name string) (some []Drift) {
	for _, d := range r.Drifts {
		if d.Domain == name {
			some = append(some, d)
		}
	}
	return some
}

// with are the drifts with a code.
func with(r Result, c Code) (some []Drift) {
	for _, d := range r.Drifts {
		if d.Code == c {
			some = append(some, d)
		}
	}
	return some
}

func (w *world) definition(host, name string) string {
	return filepath.Join(w.dir, "hosts", host, name+".xml")
}

// edit changes a domain's definition.
func (w *world) edit(host, name, pattern, with string) {
	w.t.Helper()
	text, err := os.ReadFile(w.definition(host, name))
	w.must(err)
	changed := regexp.MustCompile(pattern).ReplaceAllString(string(text), with)
	if changed == string(text) {
		w.t.Fatalf("%s of %s has no %s", name, host, pattern)
	}
	w.must(os.WriteFile(w.definition(host, name), []byte(changed), 0o644))
}

// say changes what host.yaml says of a domain.
func (w *world) say(host, domain, key string, value any) {
	w.t.Helper()
	file := filepath.Join(w.dir, "hosts", host, "host.yaml")
	text, err := os.ReadFile(file)
	w.must(err)
	var said map[string]any
	w.must(yaml.Unmarshal(text, &said))
	domains := said["domains"].(map[string]any)
	one, _ := domains[domain].(map[string]any)
	if one == nil {
		one = map[string]any{}
	}
	one[key], domains[domain] = value, one
	text, err = yaml.Marshal(said)
	w.must(err)
	w.must(os.WriteFile(file, text, 0o644))
}

// move takes a domain's definition to another host, with what host.yaml says.
func (w *world) move(from, to, name string) {
	w.t.Helper()
	w.must(os.Rename(w.definition(from, name), w.definition(to, name)))
	w.forget(from, name)
}

// destroy takes a domain from its host.
func (w *world) destroy(host, name string) {
	w.t.Helper()
	w.must(os.Remove(w.definition(host, name)))
	w.forget(host, name)
}

// forget takes a domain out of host.yaml, which may name only what is there.
func (w *world) forget(host, name string) {
	w.t.Helper()
	file := filepath.Join(w.dir, "hosts", host, "host.yaml")
	text, err := os.ReadFile(file)
	w.must(err)
	var said map[string]any
	w.must(yaml.Unmarshal(text, &said))
	delete(said["domains"].(map[string]any), name)
	text, err = yaml.Marshal(said)
	w.must(err)
	w.must(os.WriteFile(file, text, 0o644))
}

// cell is Nova's cell database, for what somebody else does to it.
func (w *world) cell(statement string, values ...any) {
	w.t.Helper()
	w.exec("nova_cell1.sqlite", statement, values...)
}

func (w *world) exec(file, statement string, values ...any) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, file)+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	_, err = db.Exec(statement, values...)
	w.must(err)
}

// ask is the first value of a query on Nova's cell.
func (w *world) ask(query string, values ...any) (text string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "nova_cell1.sqlite")+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	var value any
	w.must(db.QueryRow(query, values...).Scan(&value))
	return fmt.Sprint(value)
}

// dump is every row of Nova's databases, but for dates and ids, and every name
// on every host.
func (w *world) dump() string {
	w.t.Helper()
	var b strings.Builder
	for _, file := range []string{"nova_api.sqlite", "nova_cell1.sqlite"} {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, file)+"?_pragma=busy_timeout(10000)")
		w.must(err)
		w.must(dumpRows(&b, db))
		w.must(db.Close())
	}
	w.must(filepath.WalkDir(filepath.Join(w.dir, "hosts"), func(name string, _ os.DirEntry, err error) error {
		fmt.Fprintln(&b, strings.TrimPrefix(name, w.dir))
		return err
	}))
	return b.String()
}

func dumpRows(b *strings.Builder, db *sql.DB) error {
	for _, q := range []string{
		"SELECT 'instance', uuid, host, vm_state, power_state, task_state, locked, vcpus, memory_mb, root_gb, ephemeral_gb, deleted FROM instances ORDER BY uuid",
		"SELECT 'extra', instance_uuid, flavor FROM instance_extra ORDER BY instance_uuid",
		"SELECT 'cache', instance_uuid, network_info FROM instance_info_caches ORDER BY instance_uuid",
		"SELECT 'vif', instance_uuid, uuid, address FROM virtual_interfaces ORDER BY uuid",
		"SELECT 'bdm', instance_uuid, device_name, volume_size FROM block_device_mapping ORDER BY instance_uuid, device_name",
		"SELECT 'mapping', instance_uuid, project_id FROM instance_mappings ORDER BY instance_uuid",
		"SELECT 'spec', instance_uuid, spec FROM request_specs ORDER BY instance_uuid",
	} {
		rows, err := db.Query(q)
		if err != nil {
			continue // the table of another database
		}
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			for i, v := range values {
				if text, ok := v.([]byte); ok {
					values[i] = string(text)
				}
			}
			fmt.Fprintln(b, values...)
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	return nil
}

// release takes one domain back, as the command does.
func (w *world) release(t testing.TB, name string) {
	t.Helper()
	x, err := w.process(t.Context(), Policy{}, true, false)
	w.must(err)
	defer x.close(t.Context())
	all, err := x.journal.Adoptions(t.Context())
	w.must(err)
	p, err := importer.PlanOf(all)
	w.must(err)
	h, err := x.Heal(t.Context())
	w.must(err)
	h.Importer.Earlier = importer.Earlier(all)
	s, err := h.Importer.Release(t.Context(), p, plan.Filter{Only: []string{name}})
	if err != nil || s.Count(importer.Released) != 1 {
		t.Fatalf("release of %s: %v, %v", name, s, err)
	}
	w.must(h.Close())
}
