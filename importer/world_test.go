package importer

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A world is three hosts in two cells with running and stopped guests, a Nova
// that does not know them, and a plan to adopt them all.
type world struct {
	t     *testing.T
	root  string
	nova  *fakeNova
	hosts *fakeHosts
	plan  plan.Plan
	path  string     // of the journal
	cloud *fakeCloud // nil: on the databases alone
}

func uuidOf(n int) string { return fmt.Sprintf("1e6ac700-0000-4000-8000-%012d", n) }

var mixed = []discover.State{discover.StateRunning, discover.StateShutoff, discover.StatePaused}

// newWorld has so many domains on each host.
func newWorld(t *testing.T, perHost int) *world {
	w := &world{t: t, root: t.TempDir(), hosts: &fakeHosts{domains: map[string][]discover.Domain{}, dead: map[string]error{}, gone: map[string]bool{}, full: map[string]bool{}}}
	w.path = filepath.Join(t.TempDir(), "journal.db")
	w.plan.Made.InstancesPath = "/var/lib/nova/instances"
	var computes []nova.Compute
	for h, cell := range []string{"cell-a", "cell-a", "cell-b"} {
		name := fmt.Sprintf("kvm%02d", h+1)
		computes = append(computes, nova.Compute{Host: name, Node: name, NodeID: int64(h + 1), Cell: cell, CellID: int64(len(cell) + h/2), UUID: uuidOf(900 + h), AvailabilityZone: "nova", Up: true})
		w.plan.Hosts = append(w.plan.Hosts, plan.Host{
			Name: name, URI: "qemu:///system", ComputeHost: name, Cell: cell, Files: "file://" + filepath.Join(w.root, name),
		})
		w.must(os.MkdirAll(filepath.Join(w.root, name, "var/lib/nova/instances"), 0o755))
		w.must(os.MkdirAll(filepath.Join(w.root, name, "data"), 0o755))
		w.must(os.MkdirAll(filepath.Join(w.root, name, "etc"), 0o755))
		w.must(os.MkdirAll(filepath.Join(w.root, name, path.Dir(rename.DefaultNVRAM("x"))), 0o755))
		w.must(os.WriteFile(filepath.Join(w.root, name, "etc/passwd"),
			fmt.Appendf(nil, "nova:x:%d:%d::/:/bin/sh\n", os.Getuid(), os.Getgid()), 0o644))
		for range perHost {
			w.addDomain(name, len(w.plan.Domains))
		}
	}
	w.nova = newFakeNova(computes)
	return w
}

// newCloudWorld is newWorld in a cloud with APIs. Its domains have, in turn: a
// port that is to be made; one that is there and unused; one of each; none; and
// one that is the instance's already. Every second one needs a flavor that is to
// be made, and every third no placeholder image.
func newCloudWorld(t *testing.T, perHost int) *world {
	w := newWorld(t, perHost)
	w.cloud = newFakeCloud(w.nova)
	for n := range w.plan.Domains {
		d := &w.plan.Domains[n]
		d.Placeholder = n%3 != 0
		if n%2 == 1 {
			d.Flavor = plan.Flavor{Name: "legacy.2c2048m20d", Create: true, VCPUs: 2, MemoryMB: 2048, RootGB: 20}
		}
		made := plan.NIC{MAC: fmt.Sprintf("52:54:00:00:00:%02x", n), Network: "public", NetworkID: idOf(1), Addresses: []string{fmt.Sprintf("192.0.2.%d", n+1)}, CreatePort: true}
		there := plan.NIC{MAC: fmt.Sprintf("52:54:00:00:01:%02x", n), Network: "private", NetworkID: idOf(2), Port: idOf(100 + n)}
		d.NICs = [][]plan.NIC{{made}, {there}, {made, there}, nil, {there}}[n%5]
		if n%5 != 0 && n%5 != 3 {
			p := cloud.Port{ID: there.Port, MAC: there.MAC, NetworkID: idOf(2), ProjectID: d.ProjectID, VIFType: "unbound", Status: "DOWN"}
			if n%5 == 4 {
				p.DeviceID, p.DeviceOwner, p.HostID, p.VIFType = d.UUID, "compute:nova", d.Host, "bridge"
			}
			w.cloud.ports[p.ID] = p
		}
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) addDomain(host string, n int) {
	name := fmt.Sprintf("guest-%d", n)
	disk := "/data/" + name + ".qcow2"
	w.must(os.WriteFile(filepath.Join(w.root, host, disk), []byte("disk of "+name), 0o644))
	xml := fmt.Sprintf("<domain><name>%s</name></domain>", name)
	if hasVariables(n) {
		xml = fmt.Sprintf("<domain><name>%s</name><os firmware='efi'><type>hvm</type></os></domain>", name)
		w.must(os.WriteFile(filepath.Join(w.root, host, rename.DefaultNVRAM(name)), []byte("variables of "+name), 0o600))
	}
	w.hosts.domains[host] = append(w.hosts.domains[host], discover.Domain{
		Host: host, Name: name, UUID: uuidOf(n), State: mixed[n%len(mixed)], Persistent: true, Digest: "sha256:" + name,
		Disks: []discover.Disk{{Target: "vda", Path: disk}}, XML: []byte(xml),
	})
	lock := plan.UntilRenamed
	if n%2 == 0 {
		lock = plan.None
	}
	w.plan.Domains = append(w.plan.Domains, plan.Domain{
		Domain: name, Host: host, UUID: uuidOf(n), Decision: plan.Import, DisplayName: "Guest " + name, Hostname: name,
		ProjectID: strings.Repeat("a", 32), Project: "legacy", UserID: strings.Repeat("b", 32), User: "admin", Flavor: plan.Flavor{Name: "m1.small", VCPUs: 1, MemoryMB: 2048, RootGB: 20},
		Disks:    []plan.Disk{{Target: "vda", Bus: "virtio", Path: disk, Becomes: "disk", Format: "qcow2", SizeGB: 20, Device: "/dev/vda"}},
		Lock:     lock,
		NICModel: "virtio",
		ImageProperties: map[string]string{
			"hw_machine_type": "pc-i440fx-7.2", "hw_cdrom_bus": "ide", "hw_input_bus": "usb", "hw_pointer_model": "usbtablet",
			"hw_video_model": "vga", "hw_disk_bus": "virtio", "hw_vif_model": "virtio",
		},
		MadeFrom: plan.MadeFrom{Digest: "sha256:" + name},
	})
}

// hasVariables is every third domain, from the second on.
func hasVariables(n int) bool { return n%3 == 1 }

// domain finds a domain on its host, to change it.
func (w *world) domain(n int) *discover.Domain {
	for _, list := range w.hosts.domains {
		for i := range list {
			if list[i].UUID == uuidOf(n) {
				return &list[i]
			}
		}
	}
	w.t.Fatalf("there is no domain %d", n)
	return nil
}

// A session is one process: it opens the journal, runs, and ends.
type session struct {
	*Importer
	journal *journal.Journal
	run     *journal.Recorder
}

func (w *world) start(f *fuse) session {
	w.t.Helper()
	j, err := journal.Open(w.t.Context(), w.path)
	w.must(err)
	run, err := j.Start(w.t.Context(), journal.Run{Command: "test"})
	w.must(err)
	earlier, err := j.Adoptions(w.t.Context())
	w.must(err)
	i := &Importer{
		Nova: w.nova, Writer: w.nova, Hosts: w.hosts, Journal: run, Earlier: Earlier(earlier),
		RequestID: "req-1e6ac700-0000-4000-8000-000000000000", Now: func() time.Time { return time.Unix(1.7e9, 0) },
	}
	if w.cloud != nil {
		i.Cloud, i.Snapshot = w.cloud, w.cloud.snapshot()
	}
	if f != nil {
		d := dyingNova{w.nova, f}
		i.Nova, i.Writer, i.Hosts, i.Journal = d, d, dyingHosts{w.hosts, f}, dyingLedger{run, f}
		if w.cloud != nil {
			i.Cloud = dyingCloud{w.cloud, f}
		}
	}
	return session{i, j, run}
}

func (s session) close(t *testing.T) {
	t.Helper()
	if err := s.run.End(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if err := s.journal.Close(); err != nil {
		t.Fatal(err)
	}
}

func (w *world) do(f *fuse, what func(session) (Summary, error)) (Summary, error) {
	w.t.Helper()
	s := w.start(f)
	defer s.close(w.t)
	return what(s)
}

func (w *world) imports(f *fuse) (Summary, error) {
	w.t.Helper()
	return w.do(f, func(s session) (Summary, error) { return s.Import(w.t.Context(), w.plan, plan.Filter{}) })
}

func (w *world) releases(f *fuse) (Summary, error) {
	w.t.Helper()
	return w.do(f, func(s session) (Summary, error) { return s.Release(w.t.Context(), w.plan, plan.Filter{}) })
}

// files is every name on every host with its inode and content. Names of
// instances are those of their domains, for a second import counts on.
func (w *world) files() string {
	var b strings.Builder
	w.must(filepath.WalkDir(w.root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %v", strings.TrimPrefix(p, w.root), info.Mode())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %d %s", info.Sys().(*syscall.Stat_t).Nlink, text)
		}
		b.WriteByte('\n')
		return nil
	}))
	text := b.String()
	for uuid, row := range w.nova.rows {
		text = strings.ReplaceAll(text, fmt.Sprintf("instance-%08x", row.id), "instance of "+uuid)
	}
	return text
}

// check holds at every moment: an instance that Nova looks after finds its
// disk, for anybody may reboot it; and no disk has lost its legacy name.
func (w *world) check(at string) {
	w.t.Helper()
	journalled := w.journalStates()
	for n, d := range w.plan.Domains {
		legacy, err := os.Stat(filepath.Join(w.root, d.Host, d.Disks[0].Path))
		if err != nil {
			w.t.Fatalf("%s: %v", at, err)
		}
		row := w.nova.rows[d.UUID]
		if row.stage != nova.Finished {
			continue
		}
		link, err := os.Stat(filepath.Join(w.root, d.Host, w.plan.Made.InstancesPath, d.UUID, "disk"))
		if err != nil || !os.SameFile(legacy, link) {
			w.t.Fatalf("%s: %s is final in Nova and misses its disk: %v", at, d.Domain, err)
		}
		if hasVariables(n) {
			w.checkVariables(at, d, row)
		}
		if _, known := journalled[d.UUID]; !known {
			w.t.Fatalf("%s: %s is in Nova and the journal does not know it", at, d.Domain)
		}
		if w.cloud != nil {
			w.checkCloud(at, d, row)
		}
	}
}

// checkVariables holds for every UEFI guest that Nova looks after: its first start
// by Nova finds its variables.
func (w *world) checkVariables(at string, d plan.Domain, row fakeRow) {
	w.t.Helper()
	legacy, err := os.Stat(filepath.Join(w.root, d.Host, rename.DefaultNVRAM(d.Domain)))
	if err != nil {
		w.t.Fatalf("%s: %v", at, err)
	}
	link, err := os.Stat(filepath.Join(w.root, d.Host, rename.DefaultNVRAM(fmt.Sprintf("instance-%08x", row.id))))
	if err != nil || !os.SameFile(legacy, link) {
		w.t.Fatalf("%s: %s is final in Nova and misses its EFI variables: %v", at, d.Domain, err)
	}
}

// checkCloud holds for every instance that Nova looks after: its room is
// taken, and its ports are its own, bound, and what a hard reboot would plug.
func (w *world) checkCloud(at string, d plan.Domain, row fakeRow) {
	w.t.Helper()
	if _, ok := w.cloud.allocations[d.UUID]; !ok {
		w.t.Fatalf("%s: %s is final in Nova and has no allocation", at, d.Domain)
	}
	ids := strings.Fields(row.cache)
	for _, id := range ids {
		if p := w.cloud.ports[id]; p.DeviceID != d.UUID || p.HostID != row.host || p.VIFType != "bridge" {
			w.t.Fatalf("%s: %s is final in Nova and its port is %+v", at, d.Domain, p)
		}
	}
	if len(ids) != len(d.NICs) {
		w.t.Fatalf("%s: %s is final in Nova with %d ports for %d interfaces", at, d.Domain, len(ids), len(d.NICs))
	}
}

func (w *world) dump() string {
	if w.cloud != nil {
		return w.cloud.plain(w.nova.dump()+w.files()) + w.cloud.dump()
	}
	return w.nova.dump() + w.files()
}

// journalStates is what the journal says of every domain.
func (w *world) journalStates() map[string]journal.State {
	j, err := journal.Open(w.t.Context(), w.path)
	w.must(err)
	defer j.Close()
	all, err := j.Adoptions(w.t.Context())
	w.must(err)
	m := map[string]journal.State{}
	for _, a := range all {
		m[a.UUID] = a.State
	}
	return m
}

// outcomes are the outcomes by the number of the domain.
func outcomesOf(s Summary) map[string]Outcome {
	m := map[string]Outcome{}
	for _, r := range s.Results {
		m[r.Domain] = r.Outcome
	}
	return m
}
