package restart

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/rename"
)

// The ways in which real hosts and a view of them are reached.
var (
	_ Hosts   = (*Libvirt)(nil)
	_ Lookers = (*Libvirt)(nil)
)

const mac = "52:54:00:10:00:50"

// An interface is plugged where its port is bound, if the guest stays reachable
// there, and stays where it is otherwise, with a word of why.
func TestPlug(t *testing.T) {
	brq := rename.NIC{Target: "tap95d105a7-3d", Bridge: "brqfc4c19ff-92"}
	for _, c := range []struct {
		name  string
		port  func(p *cloud.Port)
		world func(w *fakeWorld)
		want  rename.NIC
		says  string
	}{
		{"Linux bridge", func(*cloud.Port) {}, nil, brq, ""},
		{"Linux bridge with a name", func(p *cloud.Port) { p.VIFDetails = map[string]any{"bridge_name": "br-tenants"} },
			func(w *fakeWorld) { w.bridges["br-tenants"] = true }, rename.NIC{Target: "tap95d105a7-3d", Bridge: "br-tenants"}, ""},
		{"Linux bridge that is not made yet", func(*cloud.Port) {}, func(w *fakeWorld) { w.bridges = nil }, rename.NIC{}, "no bridge brqfc4c19ff-92 yet"},
		{"Open vSwitch", func(p *cloud.Port) { p.VIFType = "ovs" }, func(w *fakeWorld) { w.create("/sys/class/net/br-int", "") },
			rename.NIC{Target: "tap95d105a7-3d", Bridge: "br-int", OVSPort: portID}, ""},
		{"Open vSwitch that is not there", func(p *cloud.Port) { p.VIFType = "ovs" }, nil, rename.NIC{}, "no bridge br-int"},
		{"Open vSwitch behind a bridge", func(p *cloud.Port) {
			p.VIFType, p.VIFDetails = "ovs", map[string]any{"ovs_hybrid_plug": true}
		}, func(w *fakeWorld) { w.create("/sys/class/net/br-int", "") }, rename.NIC{}, "is filtered by iptables (ovs_hybrid_plug)"},
		{"Open vSwitch with a name", func(p *cloud.Port) {
			p.VIFType, p.VIFDetails = "ovs", map[string]any{"bridge_name": "br-tenants", "ovs_hybrid_plug": false}
		}, func(w *fakeWorld) { w.create("/sys/class/net/br-tenants", "") }, rename.NIC{Target: "tap95d105a7-3d", Bridge: "br-tenants", OVSPort: portID}, ""},
		{"vhost-user", func(p *cloud.Port) { p.VIFType = "vhostuser" }, nil, rename.NIC{}, `is bound as "vhostuser", which only Nova plugs`},
		{"bound elsewhere", func(p *cloud.Port) { p.HostID = "kvm02" }, nil, rename.NIC{}, `"kvm02"`},
		{"not bound", func(p *cloud.Port) { p.VIFType = "binding_failed" }, nil, rename.NIC{}, "binding_failed"},
		{"another instance's", func(p *cloud.Port) { p.ID, p.MAC = "other", "52:54:00:00:00:01" }, nil, rename.NIC{}, "no port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, openJournal(t), shape{})
			p := bridgePort()
			c.port(&p)
			if c.world != nil {
				c.world(w)
			}
			found, err := w.edit(shape{}, []cloud.Port{p})
			if err != nil {
				t.Fatal(err)
			}
			if got := found.change.NICs[mac]; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if said := strings.Join(found.warnings, "\n"); (c.says == "") != (said == "") || !strings.Contains(said, c.says) {
				t.Errorf("said %q, want %q", said, c.says)
			}
		})
	}
	w := newWorld(t, openJournal(t), shape{})
	if found, err := w.edit(shape{}, nil); err != nil || len(found.change.NICs) != 0 || !strings.Contains(found.warnings[0], "without the cloud") {
		t.Errorf("without the cloud: %+v, %v", found, err)
	}
}

// edit works out the change of the world's domain.
func (w *fakeWorld) edit(s shape, ports []cloud.Port) (edit, error) {
	saved, err := fakeHandle{w}.Save(w.t.Context())
	w.must(err)
	j := w.job(s)
	e, err := newEditor(j, recorded{Domain: j.Plan, InstancesPath: "/var/lib/nova/instances"}, saved)
	w.must(err)
	f := fakeFiles{w}
	e.bridges, e.stat = f, f.Stat
	return e.edit(w.t.Context(), ports)
}

// An interface that cannot be plugged into a bridge keeps the guest reachable,
// and one that cannot have the planned model is no restart at all.
func TestPlugRefused(t *testing.T) {
	w := newWorld(t, openJournal(t), shape{})
	vhostuser := func(text string) string {
		return strings.Replace(strings.Replace(text, "<interface type='bridge'>", "<interface type='vhostuser'>", 1),
			"<source bridge='br0'/>", "<source type='unix' path='/run/x' mode='client'/>", 1)
	}
	w.domains[w.uuid].definition = vhostuser(w.legacyDef)
	found, err := w.edit(shape{}, []cloud.Port{bridgePort()})
	if err != nil || len(found.change.NICs) != 0 || len(found.warnings) != 1 {
		t.Errorf("vhost-user: %+v, %v", found, err)
	}
	if _, err := w.edit(shape{swap: true}, []cloud.Port{bridgePort()}); !errors.Is(err, rename.ErrRefused) {
		t.Errorf("vhost-user with another model: %v", err)
	}
}

// What a rename changes is told before, and what Windows makes of it.
func TestSwap(t *testing.T) {
	for _, c := range []struct {
		planned, present string
		swaps            bool
	}{
		{"virtio", "virtio", false}, {"e1000", "virtio", true}, {"virtio", "e1000", true}, {"virtio", "virtio-transitional", false},
		{"", "virtio", false}, {"e1000e", "virtio-transitional", true},
	} {
		w := newWorld(t, openJournal(t), shape{})
		w.domains[w.uuid].definition = strings.Replace(w.legacyDef, "<model type='virtio'/>", "<model type='"+c.present+"'/>", 1)
		saved, err := fakeHandle{w}.Save(t.Context())
		w.must(err)
		j := w.job(shape{})
		j.Plan.NICModel, j.Plan.MadeFrom.OS = c.planned, "windows"
		e, err := newEditor(j, recorded{Domain: j.Plan, InstancesPath: "/x"}, saved)
		w.must(err)
		found, err := e.edit(t.Context(), nil)
		if err != nil || (found.change.NICs[mac].Model != "") != c.swaps || (len(e.advice()) > 0) != c.swaps {
			t.Errorf("%s to %s: %+v, %v, %q", c.present, c.planned, found.change, err, e.advice())
		}
	}
}

// Probes ask the guest's first address; addresses that are new at each boot are
// not waited for.
func TestHealthOf(t *testing.T) {
	address := func(text string) rename.Address {
		return rename.Address{MAC: mac, IP: netip.MustParseAddr(text), Prefix: 24}
	}
	w := &walk{
		opt:  Options{Probes: []plan.Probe{{TCP: 22}}}.withDefaults(),
		kept: &kept{Guest: keptGuest{Agent: true, Addresses: []rename.Address{address("10.66.0.80"), address("172.17.0.1")}}},
	}
	w.job.Plan.NICs = []plan.NIC{{MAC: strings.ToUpper(mac), Addresses: []string{"10.66.0.80"}}}
	h, _, err := w.health(t.Context())
	if err != nil || len(h.Probes) != 1 || h.Probes[0].TCP != "10.66.0.80:22" || h.Agent != 2*time.Minute {
		t.Errorf("by default: %+v, %v", h, err)
	}
	if diff := cmp.Diff([]rename.Address{address("10.66.0.80")}, h.Addresses, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	w.job.Plan.Probes = []plan.Probe{{Ping: true}, {HTTP: "http://x/"}, {Command: "/bin/check web 3"}}
	h, _, err = w.health(t.Context())
	if err != nil || len(h.Probes) != 3 || h.Probes[0].Ping != netip.MustParseAddr("10.66.0.80") || h.Probes[1].HTTP.URL != "http://x/" || len(h.Probes[2].Command) != 3 {
		t.Errorf("of the plan: %+v, %v", h, err)
	}
	w.job.Plan.NICs = nil
	if h, _, err = w.health(t.Context()); err != nil || len(h.Probes) != 2 || !strings.Contains(strings.Join(w.result.Warnings, ""), "ping") {
		t.Errorf("without an address: %+v, %v, %q", h, err, w.result.Warnings)
	}
}

// A probe is asked from where the plan says, and the way there is closed; the
// console's text is waited for behind what stood there before the start.
func TestProbesFrom(t *testing.T) {
	for _, s := range []shape{byLibvirt, byNova} {
		w := newWorld(t, openJournal(t), s)
		w.console = "/var/log/web.log"
		w.create(w.console, "login: of long ago")
		j := w.job(s)
		j.Plan.Probes = []plan.Probe{{ARP: true, From: "host"}, {TCP: 22, From: "root@router"}, {Console: "login:"}, {Console: "once more"}}
		w.on["shutdown"] = func() { w.files[w.console].content += ", and the shutdown" }
		r, _ := w.call(0, 0, func(r *Restarter) Result { return r.Forward(t.Context(), j, quick(s.opt)) })
		if r.Outcome != Renamed || !strings.Contains(strings.Join(r.Warnings, ""), "only the first of several texts") {
			t.Fatalf("%s: %s at %s: %v, %q", s.name, r.Outcome, r.Step, r.Err, r.Warnings)
		}
		if got := strings.Join(w.askedFrom, ", "); got != "host, root@router, end of host, end of root@router" {
			t.Errorf("%s: asked from %s", s.name, got)
		}
		h := w.health
		if len(h.Probes) != 2 || h.Probes[0].ARP.MAC != mac || h.Probes[0].From == nil || h.Probes[1].TCP != "10.66.0.80:22" || h.Probes[1].From == nil {
			t.Errorf("%s: asked %+v", s.name, h.Probes)
		}
		if c := h.Console; c == nil || c.Text != "login:" || c.Mark.Path != w.console || c.Mark.Bytes != int64(len(w.files[w.console].content)) {
			t.Errorf("%s: the console is asked by %+v", s.name, c)
		}
	}
	w := newWorld(t, openJournal(t), byLibvirt)
	j := w.job(byLibvirt)
	j.Plan.Probes = []plan.Probe{{Console: "login:"}}
	r, _ := w.call(0, 0, func(r *Restarter) Result { return r.Forward(t.Context(), j, quick(byLibvirt.opt)) })
	if r.Outcome != Renamed || !strings.Contains(strings.Join(r.Warnings, ""), "keeps no console") {
		t.Errorf("without a console: %s: %v, %q", r.Outcome, r.Err, r.Warnings)
	}
}

// fakeView is a world that is only looked at.
type fakeView struct {
	fakeHandle
	files fakeFiles
}

func (v fakeView) Stat(ctx context.Context, path string) (rename.File, error) {
	return v.files.Stat(ctx, path)
}
func (v fakeView) IsBridge(ctx context.Context, name string) (bool, error) {
	return v.files.IsBridge(ctx, name)
}
func (v fakeView) Close() error { return nil }

func (w *fakeWorld) preview(s shape) Preview {
	return Viewer{Nova: fakeRecords{w}, Ports: KnownPorts{func() cloud.Port { p := bridgePort(); p.DeviceID = w.uuid; return p }()},
		Hosts: fakeHosts{w}, Servers: true}.Preview(w.t.Context(), w.job(s), s.opt)
}

// A preview says all that a restart then does, and changes nothing.
func TestPreview(t *testing.T) {
	for _, s := range []shape{byLibvirt, byNova, {off: true, opt: Options{StartBy: ByNova}}, {swap: true, efi: "implicit"}, {replan: true}} {
		w := newWorld(t, openJournal(t), s)
		w.job(s)
		before := w.dump()
		p := w.preview(s)
		if p.Refused != "" || p.InstanceName != w.instance || len(p.Rows) < 3 || len(p.Definition) == 0 || p.Deadline != 5*time.Minute || w.dump() != before {
			t.Errorf("%s: %+v", s.name, p)
		}
		text := strings.Join(p.Definition, "\n")
		if strings.Contains(asJSON(p), "hunter2") {
			t.Errorf("%s: the password is in %s", s.name, asJSON(p))
		}
		byItself := s.opt.StartBy == ByNova && !s.off
		if strings.Contains(text, w.dir()+"/disk") == byItself || strings.Contains(text, "Nova makes it anew") != byItself || (p.StartBy == "") != s.off {
			t.Errorf("%s: started by %q:\n%s", s.name, p.StartBy, text)
		}
		if rows := strings.Join(p.Rows, "\n"); strings.Contains(rows, "hw_vif_model e1000 instead of virtio") != s.replan {
			t.Errorf("%s: rows:\n%s", s.name, rows)
		}
		if files := strings.Join(p.Files, "\n"); strings.Contains(files, rename.DefaultNVRAM(w.instance)) != (s.efi != "" && !s.linked) {
			t.Errorf("%s: files:\n%s", s.name, files)
		}
		w.call(0, 0, w.forward(s))
		for _, f := range p.Files {
			if w.files[f] == nil {
				t.Errorf("%s: %s was not made", s.name, f)
			}
		}
	}
}

// All that forbids a restart is told at once.
func TestPreviewRefused(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	w.job(byLibvirt)
	w.row.task = "pausing"
	w.others[w.instance] = true
	delete(w.files, w.dir()+"/disk")
	p := w.preview(byLibvirt)
	for _, want := range []string{"pausing", "this name", "missing"} {
		if !strings.Contains(p.Refused, want) {
			t.Errorf("refused: %q, want %q in it", p.Refused, want)
		}
	}
	if !errors.Is(p.Err, rename.ErrNameTaken) || !errors.Is(p.Err, ErrUnlinked) || errors.Is(p.Err, fs.ErrExist) {
		t.Errorf("error %v", p.Err)
	}
	delete(w.domains, w.uuid)
	if p := w.preview(byLibvirt); !errors.Is(p.Err, rename.ErrGone) {
		t.Errorf("gone: %+v", p)
	}
}
