package restart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// killed is what a call panics with when the test ends its process.
type killed struct{ at string }

// errInjected is an effect that fails, or whose answer is lost.
var errInjected = errors.New("injected failure")

// A fakeWorld is one host with its files, Nova's databases and its API, and a
// nova-compute that goes on by itself. Every change anybody makes to it by way
// of a Restarter is an effect, before and after which a process can be killed
// and a call can fail. What must never be is looked for after each.
type fakeWorld struct {
	t *testing.T

	uuid, name, instance string
	legacyDef            string
	linked               string // EFI variables with a second name
	keeps                bool

	domains map[string]*fakeDomain // by UUID, as libvirt has them
	others  map[string]bool        // names of other domains
	files   map[string]*fakeFile
	bridges map[string]bool
	ovs     bool // the port is one of Open vSwitch
	inodes  uint64

	row   fakeRow
	model string   // hw_vif_model in system metadata
	spec  string   // and in the request spec
	jobs  []func() // what nova-compute has still to do
	fault string

	// What the world is like.
	deaf      func(*fakeDomain) bool        // the guest does not shut down
	migrates  func(*fakeDomain)             // somebody moves the guest away when it is to shut down
	away      bool                          // the host does not answer
	on        map[string]func()             // what happens right after an effect
	adds      string                        // what libvirt fills in at a define
	sick      func(definition string) bool  // the guest does not answer with this definition
	refuse    func(definition string) error // libvirt does not start this
	novaFails string                        // start: stays off; define: undefined; error: ERROR
	dbDown    bool
	// computeDown: nova-compute does not run, and Nova takes orders all the same.
	computeDown bool
	claim       error  // why the records cannot be removed
	full        string // no file can be copied below this folder
	noMachine   error  // QEMU has lost the machine type
	noLink      error  // no file gets a second name

	points    []string
	killAt    int // 0 never
	failAt    int
	stops     int         // of the guest
	stoppedAt []time.Time // by shutdowns
	asked     []rename.Shutdown
	askedFrom []string
	console   string        // the file of the guest's serial port
	health    rename.Health // that was asked for last
	boots     int
	wrong     []string // what must never be
	journal   *journal.Journal
	ledger    *journal.Recorder
}

type fakeRow struct {
	vm, task string
	power    int
	locked   bool
}

// shapes are the kinds of domains that a restart has to cope with.
type shape struct {
	name      string
	fleet     string // whose definition a real domain has; "" is leg-web01
	off       bool
	paused    bool
	autostart bool
	efi       string // "", implicit, explicit
	linked    bool   // the import has linked the EFI variables
	keeps     bool   // Nova leaves the files of EFI variables, as newer ones do
	lock      plan.Lock
	swap      bool // virtio becomes e1000, recorded since the import
	replan    bool // the same, planned after the import
	ovs       bool // its port is one of Open vSwitch
	opt       Options
}

var serial atomic.Int64

// newWorld has one imported domain.
func newWorld(t *testing.T, j *journal.Journal, s shape) *fakeWorld {
	n := serial.Add(1)
	w := &fakeWorld{
		t: t, uuid: fmt.Sprintf("1e6ac700-0000-4000-8000-%012x", n), name: "legacy web", instance: fmt.Sprintf("instance-%08x", n),
		domains: map[string]*fakeDomain{}, others: map[string]bool{}, on: map[string]func(){}, files: map[string]*fakeFile{}, bridges: map[string]bool{"brqfc4c19ff-92": true},
		row: fakeRow{vm: "active", power: nova.PowerRunning, locked: s.lock != plan.None}, model: "virtio", spec: "virtio", journal: j,
	}
	w.legacyDef = definitionOf(w.uuid, w.name, s.efi)
	d := &fakeDomain{name: w.name, definition: w.legacyDef, autostart: s.autostart}
	w.domains[w.uuid] = d
	w.create("/srv/images/web.qcow2", "root disk")
	w.create("/srv/images/data.qcow2", "data disk")
	w.create("/usr/share/OVMF/OVMF_CODE_4M.fd", "firmware")
	w.files[w.dir()+"/disk"] = w.files["/srv/images/web.qcow2"]
	w.files[w.dir()+"/disk.eph0"] = w.files["/srv/images/data.qcow2"]
	if w.ovs = s.ovs; s.ovs {
		w.create("/sys/class/net/br-int", "")
	}
	if s.efi != "" {
		w.create(legacyVariables(s.efi, w.name), "the guest's older variables")
	}
	if s.linked {
		w.linked = legacyVariables(s.efi, w.name)
		w.files[rename.DefaultNVRAM(w.instance)] = w.files[w.linked]
	}
	w.keeps = s.keeps
	if !s.off {
		d.live = w.liveOf(d.definition)
	}
	if s.off {
		w.row.vm, w.row.power = "stopped", nova.PowerShutdown
	}
	if s.paused {
		d.paused = true
		w.row.vm, w.row.power = "paused", nova.PowerPaused
	}
	if s.swap {
		w.model, w.spec = "e1000", "e1000"
	}
	return w
}

func (w *fakeWorld) dir() string { return "/var/lib/nova/instances/" + w.uuid }

// openJournal is on a file system that forgets, where there is one: a real
// journal waits for its disk several times for each domain.
func openJournal(t *testing.T) *journal.Journal {
	t.Helper()
	dir := t.TempDir()
	if shm, err := os.MkdirTemp("/dev/shm", "k2o-restart"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(shm) })
		dir = shm
	}
	j, err := journal.Open(t.Context(), filepath.Join(dir, "j.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// job is the domain as the plan and the journal have it.
func (w *fakeWorld) job(s shape) Job {
	now, err := discover.Parse([]byte(w.legacyDef), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	d := plan.Domain{
		Domain: w.name, Host: "kvm01", UUID: w.uuid, Decision: plan.Import, DisplayName: "web", NICModel: "virtio", Lock: s.lock,
		NICs: []plan.NIC{{MAC: "52:54:00:10:00:50", Port: portID, NetworkID: networkID, Addresses: []string{"10.66.0.80"}}},
		Disks: []plan.Disk{
			{Target: "vda", Path: "/srv/images/web.qcow2", Becomes: "disk", Format: "qcow2"},
			{Target: "vdb", Path: "/srv/images/data.qcow2", Becomes: "disk.eph0", Format: "qcow2"},
		},
		MadeFrom: plan.MadeFrom{Digest: now.Digest, Facts: now.Facts(), OS: "linux"},
	}
	if s.swap {
		d.NICModel = "e1000"
	}
	text, err := yaml.Marshal(map[string]any{"domain": d, "instances_path": "/var/lib/nova/instances", "variables": w.linked})
	if err != nil {
		w.t.Fatal(err)
	}
	if s.replan {
		d.NICModel = "e1000"
	}
	found, err := w.journal.Adoptions(w.t.Context(), w.uuid)
	if err != nil {
		w.t.Fatal(err)
	}
	a := journal.Adoption{UUID: w.uuid, Host: "kvm01", Domain: w.name, State: journal.StateImported, Plan: string(text), InstanceName: w.instance}
	if len(found) == 0 {
		w.run(func() {
			w.must(w.ledger.Write(w.t.Context(), func(tx *journal.Tx) error {
				return errors.Join(tx.Adopt([]journal.Adoption{a}), tx.SetInstances([]journal.InstanceID{{UUID: w.uuid, ID: 7, Name: w.instance}}),
					tx.End("unlock", journal.Ending{UUID: w.uuid}))
			}))
		})
		found = []journal.Adoption{a}
	}
	return Job{
		Plan: d, Host: plan.Host{Name: "kvm01", ComputeHost: "kvm01"}, Reach: discover.Host{Name: "kvm01"}, Adoption: found[0], InstanceName: w.instance,
		Compute: nova.Compute{Host: "kvm01", Node: "kvm01", NodeID: 1, Cell: "c1", Up: true},
	}
}

const (
	portID    = "95d105a7-3d3e-4e6b-a91a-84c46e4474f0"
	networkID = "fc4c19ff-922d-4e1a-b8cf-f7a9a927135c"
)

func bridgePort() cloud.Port {
	return cloud.Port{ID: portID, MAC: "52:54:00:10:00:50", NetworkID: networkID, HostID: "kvm01", VIFType: "bridge"}
}

// ovsPort is one as Neutron's agent for Open vSwitch binds it.
func ovsPort() cloud.Port {
	p := bridgePort()
	p.VIFType = "ovs"
	p.VIFDetails = map[string]any{"connectivity": "l2", "port_filter": true, "ovs_hybrid_plug": false, "datapath_type": "system", "bridge_name": "br-int", "bound_drivers": map[string]any{"0": "openvswitch"}}
	return p
}

func (w *fakeWorld) port() cloud.Port {
	if w.ovs {
		return ovsPort()
	}
	return bridgePort()
}

// restarter is one of a process that has just begun.
func (w *fakeWorld) restarter() *Restarter {
	return &Restarter{
		Nova: fakeRecords{w}, Writer: fakeWriter{w}, Servers: fakeServers{w}, Hosts: fakeHosts{w}, Journal: fakeLedger{w},
		Ports: KnownPorts{func() cloud.Port { p := w.port(); p.DeviceID = w.uuid; return p }()},
	}
}

// quick are options with which a test does not wait.
func quick(o Options) Options {
	o.Poll, o.Patience, o.Nova = time.Millisecond, 5*time.Millisecond, 20*time.Second
	return o
}

// run is a process with a run of its own in the journal.
func (w *fakeWorld) run(f func()) {
	r, err := w.journal.Start(w.t.Context(), journal.Run{Command: "test"})
	w.must(err)
	w.ledger = r
	defer func() { w.must(r.End(context.Background(), "")) }()
	f()
}

// call runs f as a process that is killed, or whose call fails, at one point of
// all that it comes to; 0 is never. It says at which.
func (w *fakeWorld) call(kill, fail int, f func(r *Restarter) Result) (result Result, at string) {
	w.points, w.killAt, w.failAt = nil, kill, fail
	w.run(func() {
		defer func() {
			if p := recover(); p != nil {
				k, ok := p.(killed)
				if !ok {
					panic(p)
				}
				at = k.at
			}
		}()
		result = f(w.restarter())
	})
	if fail > 0 && fail <= len(w.points) {
		at = w.points[fail-1]
	}
	w.killAt, w.failAt = 0, 0
	return result, at
}

// effect is a change of the world.
func (w *fakeWorld) effect(name string, do func() error) error {
	if err := w.point("before " + name); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	w.watch(name)
	if then := w.on[name]; then != nil {
		then()
	}
	return w.point("after " + name)
}

func (w *fakeWorld) point(name string) error {
	w.points = append(w.points, name)
	switch len(w.points) {
	case w.killAt:
		panic(killed{name})
	case w.failAt:
		return fmt.Errorf("%s: %w", name, errInjected)
	}
	return nil
}

// watch looks for what must never be, whoever is killed next.
func (w *fakeWorld) watch(after string) {
	say := func(format string, args ...any) {
		w.wrong = append(w.wrong, fmt.Sprintf("%s: ", after)+fmt.Sprintf(format, args...))
	}
	d := w.domains[w.uuid]
	if d == nil {
		if len(w.jobs) == 0 && w.novaFails != "define" {
			say("the domain is lost")
		}
		return
	}
	if w.others[d.name] {
		say("two domains have the name %q", d.name)
	}
	if d.definition == "" {
		say("the domain is transient")
	}
	if w.row.task != "" || len(w.jobs) > 0 || w.row.vm == "error" {
		return // Nova's hands are off, or busy, or it has given up.
	}
	vm, power := stateOf(d)
	if w.row.vm != vm || w.row.power != power {
		say("Nova would act: its row says %s, and the domain is %s", w.row.vm, vm)
	}
}

func stateOf(d *fakeDomain) (string, int) {
	switch {
	case d.live == "":
		return "stopped", nova.PowerShutdown
	case d.paused:
		return "paused", nova.PowerPaused
	}
	return "active", nova.PowerRunning
}

func (w *fakeWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// state is the journal's word.
func (w *fakeWorld) state() journal.Adoption {
	w.t.Helper()
	found, err := w.journal.Adoptions(w.t.Context(), w.uuid)
	w.must(err)
	return found[0]
}

// dump is everything the way back has to bring back.
func (w *fakeWorld) dump() string {
	var b strings.Builder
	for uuid, d := range w.domains {
		fmt.Fprintf(&b, "domain %s %q autostart %v paused %v\n%s\nlive:\n%s\n", uuid, d.name, d.autostart, d.paused, d.definition, liveID.ReplaceAllString(d.live, ""))
	}
	fmt.Fprintf(&b, "row %+v model %s %s\n", w.row, w.model, w.spec)
	for _, p := range sortedPaths(w.files) {
		inode := ""
		if strings.Contains(p, "/images/") || strings.Contains(p, "/disk") {
			inode = fmt.Sprint(" inode ", w.files[p].inode)
		}
		if p == rename.DefaultNVRAM(w.instance) {
			inode = fmt.Sprint(" is the domain's: ", w.files[p] == w.files[w.linked])
		}
		fmt.Fprintf(&b, "%s %s%s\n", p, strings.Replace(w.files[p].content, "older ", "", 1), inode)
	}
	return b.String()
}

// liveID is new at each start.
var liveID = regexp.MustCompile(` id='\d+'`)
