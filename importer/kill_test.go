package importer_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite" // registers the driver "sqlite"
	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// childEnv makes the test binary a process that imports or releases for real,
// and that the test kills: "import /path/of/the/place".
const childEnv = "K2O_IMPORTER_CHILD"

func TestMain(m *testing.M) {
	if act, dir, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		if err := (place{dir: dir}).carryOut(context.Background(), act); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A place is a folder with everything: Nova's databases, hosts, plan, journal.
// Databases and journal may be on a server instead; then the folder says where.
type place struct{ dir string }

// said is what a file of the folder says, or else what is usual.
func (p place) said(name, usual string) string {
	text, err := os.ReadFile(p.path(name))
	if err != nil {
		return usual
	}
	return string(text)
}

func (p place) journal() string { return p.said("journal.url", p.path("journal.db")) }

func (p place) path(name string) string { return filepath.Join(p.dir, name) }

func (p place) open(ctx context.Context) (*nova.Cloud, error) {
	return nova.Open(ctx, nova.Config{APIDatabase: p.said("api.url", "sqlite:///"+p.path("api.db"))})
}

// reach gives each host its folder of definitions and its file tree.
func (p place) reach(h plan.Host) discover.Host {
	d := importer.ReachPlanned(h)
	d.URI, d.Files = "dir://"+p.path("hosts/"+h.Name), "file://"+p.path("hosts/"+h.Name+"/root")
	return d
}

// carryOut is what the commands do, from the opening of the databases on.
func (p place) carryOut(ctx context.Context, act string) (err error) {
	cloud, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer cloud.Close()
	j, err := journal.Open(ctx, p.journal())
	if err != nil {
		return err
	}
	defer j.Close()
	run, err := j.Start(ctx, journal.Run{Command: act})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.End(ctx, "")) }()
	writer, err := cloud.Writer(ctx, run.Holder().String())
	if err != nil {
		return err
	}
	defer writer.Close()
	planned, err := plan.Load(p.path("plan.yaml"))
	if err != nil {
		return err
	}
	earlier, err := j.Adoptions(ctx)
	if err != nil {
		return err
	}
	i := &importer.Importer{
		Nova: cloud, Writer: writer, Hosts: importer.Libvirt{}, Journal: run, Reach: p.reach,
		RequestID: "req-1e6ac700-0000-4000-8000-000000000000", Earlier: importer.Earlier(earlier),
	}
	if c := p.cloud(); c != nil {
		i.Cloud, i.Snapshot = c, c.snapshot()
	}
	do := i.Import
	if act == "release" {
		do = i.Release
	}
	fmt.Println("begins") // The test counts from here on.
	s, err := do(ctx, planned, plan.Filter{})
	if err == nil && s.Count(importer.Imported)+s.Count(importer.Released)+s.Count(importer.Already) != len(planned.Domains) {
		err = fmt.Errorf("%s: %v", act, s)
		for _, r := range s.Results {
			err = errors.Join(err, r.Err)
		}
	}
	return err
}

const definition = `<domain type='kvm'>
  <name>%s</name>
  <uuid>%s</uuid>
  <memory unit='MiB'>2048</memory>
  <vcpu>1</vcpu>
  <os %s><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/data/%s.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <video><model type='vga'/></video>
  </devices>
</domain>
`

// newPlace has three hosts with four domains each, in a Nova of the release.
func newPlace(t *testing.T, release string) place {
	t.Helper()
	p := place{t.TempDir()}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	api, cell := newDatabase(t, p, release, schema.API), newDatabase(t, p, release, schema.Cell)
	must(schema.Plausible(release, schema.CellSeed{DB: cell, URL: p.said("cell.url", "sqlite:///"+p.path("cell.db"))}).Insert(t.Context(), api))
	made := plan.Plan{Schema: plan.Schema, Made: plan.Made{
		At: time.Now().UTC(), By: "test", InstancesPath: "/var/lib/nova/instances", ImagesType: "qcow2", InstanceNameTemplate: "instance-%08x",
	}}
	for h := range 3 {
		name := fmt.Sprintf("kvm%02d", h+1)
		host := plan.Host{Name: name, URI: "qemu+ssh://" + name + "/system", ComputeHost: name, Node: name, Cell: "cell1"}
		made.Hosts = append(made.Hosts, host)
		root := p.path("hosts/" + name + "/root")
		must(os.MkdirAll(root+"/var/lib/nova/instances", 0o755))
		must(os.MkdirAll(root+"/data", 0o755))
		must(os.MkdirAll(root+"/etc", 0o755))
		must(os.MkdirAll(root+path.Dir(rename.DefaultNVRAM("x")), 0o755))
		must(os.WriteFile(root+"/etc/passwd", fmt.Appendf(nil, "nova:x:%d:%d::/:/bin/sh\n", os.Getuid(), os.Getgid()), 0o644))
		for d := range 4 {
			guest, id := fmt.Sprintf("guest-%d-%d", h, d), fmt.Sprintf("1e6ac700-0000-4000-8000-%06d%06d", h, d)
			firmware := ""
			if d == 1 {
				firmware = "firmware='efi'"
				must(os.WriteFile(root+rename.DefaultNVRAM(guest), []byte("variables of "+guest), 0o600))
			}
			must(os.WriteFile(p.path("hosts/"+name+"/"+guest+".xml"), fmt.Appendf(nil, definition, guest, id, firmware, guest), 0o644))
			must(os.WriteFile(root+"/data/"+guest+".qcow2", []byte("disk of "+guest), 0o644))
		}
		for inv := range discover.Scan(t.Context(), []discover.Host{p.reach(host)}, discover.Options{}) {
			must(inv.Err)
			for _, d := range inv.Domains {
				made.Domains = append(made.Domains, planned(d))
			}
		}
	}
	if len(made.Domains) != 12 {
		t.Fatalf("%d domains were found, want 12", len(made.Domains))
	}
	f, err := os.Create(p.path("plan.yaml"))
	must(err)
	must(plan.Write(f, made))
	must(f.Close())
	return p
}

func planned(d discover.Domain) plan.Domain {
	lock := plan.UntilRenamed
	if strings.HasSuffix(d.Name, "0") {
		lock = plan.None
	}
	return plan.Domain{
		Domain: d.Name, Host: d.Host, UUID: d.UUID, Decision: plan.Import, Wave: 1,
		DisplayName: d.Name, Hostname: d.Name, Project: "legacy", ProjectID: strings.Repeat("a", 32), User: "admin", UserID: strings.Repeat("b", 32),
		Flavor: plan.Flavor{Name: "m1.small", VCPUs: 1, MemoryMB: 2048, RootGB: 20}, NICModel: "virtio",
		Disks: []plan.Disk{{Target: "vda", Bus: "virtio", Path: d.Disks[0].Path, Becomes: "disk", Format: "qcow2", SizeGB: 20, Device: "/dev/vda"}},
		ImageProperties: map[string]string{
			"hw_machine_type": "pc-i440fx-7.2", "hw_cdrom_bus": "ide", "hw_input_bus": "usb", "hw_pointer_model": "usbtablet",
			"hw_video_model": "vga", "hw_disk_bus": "virtio", "hw_vif_model": "virtio",
		},
		Lock:     lock,
		MadeFrom: plan.MadeFrom{Digest: d.Digest, State: string(d.State), Facts: d.Facts()},
	}
}

// newDatabase is a variable so that the same test can run on a real server.
var newDatabase = newFile

func newFile(t *testing.T, p place, release, part string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+p.path(part+".db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := schema.Create(db, schema.SQLite, release, part); err != nil {
		t.Fatal(err)
	}
	return db
}

// dump is every row of both databases and every name on every host.
func (p place) dump(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, part := range []string{schema.API, schema.Cell} {
		if err := p.dumpRows(&b, part); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(p.path("hosts"), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		links := st.Nlink
		if info.IsDir() {
			links = 0 // some file systems count entries here
		}
		fmt.Fprintf(&b, "%s %v %d %d:%d %d\n", name, info.Mode(), st.Ino, st.Uid, st.Gid, links)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.dumpCloud()
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + text
}

// database opens one of Nova's, whichever kind it is.
func (p place) database(part string) (*sql.DB, error) {
	if dsn := p.said(part+".dsn", ""); dsn != "" {
		return sql.Open("mysql", dsn)
	}
	return sql.Open("sqlite", "file:"+p.path(part+".db"))
}

// listed: every instance that Nova's lists show has its request spec. Without
// that a list of Nova 31 fails whole.
func (p place) listed(t *testing.T) {
	t.Helper()
	shown := p.uuids(t, schema.Cell, "SELECT uuid FROM instances WHERE deleted = 0 AND COALESCE(hidden, 0) = 0")
	specified := p.uuids(t, schema.API, "SELECT instance_uuid FROM request_specs")
	for uuid := range shown {
		if !specified[uuid] {
			t.Errorf("lists show instance %s, which has no request spec", uuid)
		}
	}
}

func (p place) uuids(t *testing.T, part, query string) map[string]bool {
	t.Helper()
	db, err := p.database(part)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]bool{}
	for rows.Next() {
		var uuid string
		if err := rows.Scan(&uuid); err != nil {
			t.Fatal(err)
		}
		found[uuid] = true
	}
	return found
}

func (p place) dumpRows(b *strings.Builder, part string) error {
	list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
	if p.said(part+".dsn", "") != "" {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name"
	}
	db, err := p.database(part)
	if err != nil {
		return err
	}
	defer db.Close()
	var tables []string
	rows, err := db.Query(list)
	if err != nil {
		return err
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		tables = append(tables, name)
	}
	for _, table := range tables {
		if err := dumpTable(b, db, part, table); err != nil {
			return err
		}
	}
	return rows.Err()
}

func dumpTable(b *strings.Builder, db *sql.DB, part, table string) error {
	rows, err := db.Query(fmt.Sprintf("SELECT * FROM `%s`", table)) // a name of the schema's own
	if err != nil {
		return err
	}
	defer rows.Close()
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
		fmt.Fprintf(b, "%s.%s %v\n", part, table, values)
	}
	return rows.Err()
}

// run starts a process and waits for it, or kills it so long after it has
// begun to work. It reports whether the process was killed, and how long it
// worked otherwise.
func (p place) run(t *testing.T, act string, kill time.Duration) (killed bool, took time.Duration) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+act+" "+p.dir)
	var said bytes.Buffer
	child.Stderr = &said
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	began := time.Now()
	if line == "begins\n" && kill > 0 {
		time.Sleep(kill)
		_ = child.Process.Kill()
	}
	err = child.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return true, 0
	}
	if err != nil || line != "begins\n" {
		t.Fatalf("%s = %v\n%s", act, err, said.String())
	}
	return false, time.Since(began)
}

// TestKill kills real processes at any moment, on Nova's true tables.
func TestKill(t *testing.T) {
	killAtRandom(t, newPlace(t, "zed"), 32, 120)
}

func killAtRandom(t *testing.T, p place, kills, attempts int) {
	t.Helper()
	before := p.dump(t)
	took := map[string]time.Duration{}
	_, took["import"] = p.run(t, "import", 0)
	_, took["release"] = p.run(t, "release", 0)
	if diff := cmp.Diff(before, p.dump(t)); diff != "" {
		t.Fatalf("after import and release, without a kill (-before +after):\n%s", diff)
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 3))
	killed := 0
	for n := 0; killed < kills && n < attempts; n++ {
		act := "import"
		if random.IntN(3) == 0 {
			act = "release"
		}
		now, _ := p.run(t, act, 1+time.Duration(random.Int64N(int64(took[act]))))
		if now {
			killed++
			p.listed(t)
			took[act] = took[act] * 11 / 10 // The machine may be slower now than it was,
			continue
		}
		took[act] = max(took[act]*3/4, 10*time.Millisecond) // or quicker.
		if act == "import" {                                // complete: begin anew, or nothing would be left to kill
			p.run(t, "release", 0)
		}
	}
	if killed < kills {
		t.Errorf("only %d processes were killed, want %d", killed, kills)
	}
	p.run(t, "import", 0)
	p.verify(t)
	p.run(t, "release", 0)
	if diff := cmp.Diff(before, p.dump(t)); diff != "" {
		t.Errorf("after %d kills, import and release (-before +after):\n%s", killed, diff)
	}
}

// verify expects that everything agrees.
func (p place) verify(t *testing.T) {
	t.Helper()
	cloud, err := p.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	planned, err := plan.Load(p.path("plan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), p.journal())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	all, err := j.Adoptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	readers := importer.Readers{Nova: cloud, Hosts: importer.Libvirt{}, Reach: p.reach, Earlier: importer.Earlier(all)}
	if c := p.cloud(); c != nil {
		readers.Cloud, readers.Snapshot = c, c.snapshot()
	}
	looked, err := importer.Verify(t.Context(), planned, readers, func(f importer.Finding) { t.Errorf("Verify found %+v", f) })
	if err != nil || looked != 12 {
		t.Errorf("Verify looked at %d, %v, want 12", looked, err)
	}
	rows, err := importer.Status(t.Context(), all, cloud)
	if err != nil || len(rows) != 12 || rows[0].Status != "SHUTOFF" || rows[0].Locked || !rows[1].Locked || rows[0].Size != "1 VCPU 2GB RAM 20GB disk" {
		t.Errorf("Status = %+v, %v, want 12 that are off, the first unlocked", rows, err)
	}
}

// TestSecondProcessIsRefused: two runs at once.
func TestSecondProcessIsRefused(t *testing.T) {
	p := newPlace(t, "epoxy")
	j, err := journal.Open(t.Context(), p.path("journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	run, err := j.Start(t.Context(), journal.Run{Command: "kvm2openstack import first.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"=import "+p.dir)
	out, err := child.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "first.yaml") || !strings.Contains(string(out), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Errorf("second process said %s, %v, want it refused and the first one named", out, err)
	}
	if err := run.End(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	p.run(t, "import", 0)
	p.verify(t)
}
