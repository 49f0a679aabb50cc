package sync

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// A farm is a world of so many hosts with so many domains each, all alike and
// ready, in a Nova of its own. Other processes find it by its folder.
func newFarm(t testing.TB, hosts, domains int) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	var seeds []schema.HostSeed
	for h := range hosts {
		name := fmt.Sprintf("kvm%02d", h)
		seeds = append(seeds, schema.HostSeed{Host: name, UUID: fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", h+1), VCPUs: 64, MemoryMB: 262144, LocalGB: 8000, CPURatio: 16, RAMRate: 1.5})
		w.must(os.MkdirAll(filepath.Join(w.dir, "hosts", name, "root/var/lib/nova/instances"), 0o755))
		w.must(os.MkdirAll(filepath.Join(w.dir, "hosts", name, "root/etc"), 0o755))
		w.must(os.WriteFile(filepath.Join(w.dir, "hosts", name, "root/etc/passwd"), fmt.Appendf(nil, "nova:x:%d:%d::/:/bin/sh\n", os.Getuid(), os.Getgid()), 0o644))
		for d := range domains {
			w.define(name, fmt.Sprintf("guest-%02d-%02d", h, d), uuidOf(100*h+d), true)
		}
	}
	api, cell := newDatabase(w, schema.API), newDatabase(w, schema.Cell)
	seed := schema.Plausible(w.said("release", "zed"), schema.CellSeed{DB: cell, URL: w.said("cell.url", "sqlite:///"+filepath.Join(w.dir, "cell.db"))})
	seed.Cells[0].Hosts = seeds
	seed.Quotas = map[string]map[string]int{strings.Repeat("a", 32): {"instances": -1, "cores": -1, "ram": -1}}
	w.must(seed.Insert(t.Context(), api))
	w.must(api.Close())
	w.must(cell.Close())
	return w.find()
}

// find takes over a farm by its folder.
func (w *world) find() *world {
	w.t.Helper()
	w.alone = true
	hosts, err := discover.HostsFromDir(filepath.Join(w.dir, "hosts"))
	w.must(err)
	w.hosts = hosts
	w.Defaults = plan.Defaults{Project: strings.Repeat("a", 32), User: strings.Repeat("b", 32)}
	w.apiURL = w.said("api.url", "sqlite:///"+filepath.Join(w.dir, "api.db"))
	w.journalURL = w.said("journal.url", filepath.Join(w.dir, "journal.db"))
	return w
}

// said is what a file of the folder says, or else what is usual.
func (w *world) said(name, usual string) string {
	text, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return usual
	}
	return string(text)
}

// newDatabase is a variable so that the same tests can run on a real server.
var newDatabase = func(w *world, part string) *sql.DB {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, part+".db")+"?_pragma=busy_timeout(10000)")
	w.must(err)
	w.must(schema.Create(db, schema.SQLite, "zed", part))
	return db
}

// define adds a domain with its disk to a host.
func (w *world) define(host, name, uuid string, runs bool) {
	w.t.Helper()
	root := filepath.Join(w.dir, "hosts", host, "root")
	disk := "/data/" + name + ".qcow2"
	w.must(os.MkdirAll(filepath.Join(root, "data"), 0o755))
	if _, err := os.Stat(root + disk); err != nil {
		header := make([]byte, 512)
		copy(header, "QFI\xfb")
		binary.BigEndian.PutUint32(header[4:], 3)
		binary.BigEndian.PutUint64(header[24:], 40*gib)
		w.must(os.WriteFile(root+disk, header, 0o644))
	}
	id := ""
	if runs {
		id = " id='7'"
	}
	w.must(os.WriteFile(filepath.Join(w.dir, "hosts", host, name+".xml"), fmt.Appendf(nil, `<domain type='kvm'%s><name>%s</name><uuid>%s</uuid>
<memory unit='MiB'>4096</memory><vcpu>2</vcpu>
<os><type arch='x86_64' machine='pc-i440fx-4.2'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/></features>
<on_poweroff>destroy</on_poweroff><devices><emulator>/usr/bin/kvm</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>
<graphics type='vnc' listen='0.0.0.0'/><video><model type='virtio'/></video></devices></domain>
`, id, name, uuid, disk), 0o644))
}

// dump is every row that counts of both databases, and every name on every host.
func (w *world) dumpFarm() string {
	w.t.Helper()
	var b strings.Builder
	for _, part := range []string{schema.API, schema.Cell} {
		db := w.open(part)
		w.must(dumpRows(&b, db))
		w.must(db.Close())
	}
	w.must(filepath.WalkDir(filepath.Join(w.dir, "hosts"), func(name string, _ os.DirEntry, err error) error {
		fmt.Fprintln(&b, strings.TrimPrefix(name, w.dir))
		return err
	}))
	return b.String()
}

// open opens one of a farm's databases, for what somebody else does to it.
func (w *world) open(part string) *sql.DB {
	w.t.Helper()
	driver, dsn := "sqlite", "file:"+filepath.Join(w.dir, part+".db")+"?_pragma=busy_timeout(10000)"
	if url := w.said(part+".dsn", ""); url != "" {
		driver, dsn = "mysql", url
	}
	db, err := sql.Open(driver, dsn)
	w.must(err)
	return db
}

func (w *world) change(part, statement string, values ...any) {
	w.t.Helper()
	db := w.open(part)
	defer db.Close()
	_, err := db.ExecContext(context.Background(), statement, values...)
	w.must(err)
}
