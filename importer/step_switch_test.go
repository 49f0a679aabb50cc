package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A fakeSwitch is a host with Open vSwitch, as ovs-vsctl shows it.
type fakeSwitch struct {
	mu      sync.Mutex
	ids     map[string]string // iface-id by interface of br-int; "" has none
	devices []string
	later   string // is there when it is looked for the second time
	broken  error
	removed []string
}

func (f *fakeSwitch) Run(_ context.Context, argv ...string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch command := strings.Join(argv, " "); {
	case f.broken != nil:
		return nil, f.broken
	case command == "ls /sys/class/net":
		out := strings.Join(append(f.devices, "lo"), "\n")
		if f.later != "" {
			f.devices = append(f.devices, f.later)
		}
		return []byte(out), nil
	case command == `ovs-vsctl --timeout=10 --format=json --columns=name,external_ids find Interface external_ids:iface-id!=""`:
		return []byte("2026-01-02T03:04:05Z|00001|ovsdb_idl|WARN|old schema\n" + f.table()), nil
	default:
		name, ok := strings.CutPrefix(command, "ovs-vsctl --timeout=10 --if-exists del-port br-int ")
		if !ok {
			return nil, fmt.Errorf("the host has no command %s", command)
		}
		delete(f.ids, name)
		f.removed = append(f.removed, name)
		return nil, nil
	}
}

// table is as Open vSwitch 3.1 writes it.
func (f *fakeSwitch) table() string {
	rows := []any{}
	for _, name := range slices.Sorted(maps.Keys(f.ids)) {
		if id := f.ids[name]; id != "" {
			rows = append(rows, []any{name, []any{"map", [][2]string{{"attached-mac", "52:54:00:00:00:01"}, {"iface-id", id}}}})
		}
	}
	text, err := json.Marshal(map[string]any{"headings": []string{"name", "external_ids"}, "data": rows})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// switchedWorld has one domain a host, bound to Open vSwitch, where Nova has
// plugged its ports, and beside them one of another instance.
func switchedWorld(t *testing.T, hybrid bool) (*world, map[string]*fakeSwitch) {
	w := newCloudWorld(t, 1)
	w.cloud.switched, w.nova.vif = map[string]any{"bridge_name": "br-int", "ovs_hybrid_plug": hybrid}, "ovs"
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
		t.Fatalf("Import = %v, %v: %+v", s, err, s.Results)
	}
	w.hosts.shells = map[string]Shell{}
	switches := map[string]*fakeSwitch{}
	for _, d := range w.plan.Domains {
		f := &fakeSwitch{ids: map[string]string{"tapffffffff-ff": "ffffffff-ffff-4000-8000-000000000000", "patch-br-ex": ""}}
		switches[d.Host], w.hosts.shells[d.Host] = f, f
		for _, p := range w.cloud.ports {
			if p.DeviceID == d.UUID {
				f.ids[plugOf(p)] = p.ID
			}
		}
	}
	return w, switches
}

// Ids of the fake's ports agree in the eleven letters that a tap's name has of
// them, which those of Neutron do not.
const plugName = "tapc10d0000-00"

func TestReleaseUnplugs(t *testing.T) {
	w, switches := switchedWorld(t, false)
	s, err := w.releases(nil)
	if err != nil || s.Count(Released) != 3 || s.Warnings() != 0 {
		t.Fatalf("Release = %v, %v: %+v", s, err, s.Results)
	}
	for host, f := range switches {
		if diff := cmp.Diff([]string{plugName}, f.removed); diff != "" {
			t.Errorf("%s: removed (-want +got):\n%s", host, diff)
		}
		if len(f.ids) != 2 {
			t.Errorf("%s: it has %v", host, f.ids)
		}
	}
}

// What is not the port's own, or may be in use, stays; and that a port may have
// stayed is told with what removes it. No release fails by it.
func TestReleaseUnplugsWithCare(t *testing.T) {
	const command = "Once no guest has it: ovs-vsctl --if-exists del-port br-int "
	for _, c := range []struct {
		name   string
		hybrid bool
		change func(w *world, f *fakeSwitch)
		says   string // "" for nothing
	}{
		{"nothing is plugged", false, func(_ *world, f *fakeSwitch) { delete(f.ids, plugName) }, ""},
		{"another port's", false, func(_ *world, f *fakeSwitch) { f.ids[plugName] = idOf(999) }, ""},
		{"without an id", false, func(_ *world, f *fakeSwitch) { f.ids[plugName] = "" }, ""},
		{"its tap is there", false, func(_ *world, f *fakeSwitch) { f.devices = []string{"eth0", plugName} }, errPlugged.Error() + ". " + command + plugName},
		{"its tap has come meanwhile", false, func(_ *world, f *fakeSwitch) { f.later = plugName }, errPlugged.Error() + ". " + command + plugName},
		{"hybrid", true, func(*world, *fakeSwitch) {}, command + "qvoc10d0000-00; ip link delete qvoc10d0000-00; ip link delete qbrc10d0000-00"},
		{"a bridge of its own", false, func(_ *world, f *fakeSwitch) {
			f.ids["ibpc10d0000"] = f.ids[plugName]
			delete(f.ids, plugName)
		}, "the switch knows it as ibpc10d0000"},
		{"no ovs-vsctl", false, func(_ *world, f *fakeSwitch) { f.broken = errors.New("ovs-vsctl: command not found") }, "command not found. " + command + plugName},
		{"nobody is let in", false, func(w *world, _ *fakeSwitch) { w.hosts.shells = nil }, errNoShell.Error() + ". " + command + plugName},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, switches := switchedWorld(t, c.hybrid)
			f := switches["kvm02"]
			c.change(w, f)
			before := maps.Clone(f.ids)
			s, err := w.releases(nil)
			if err != nil || s.Count(Released) != 3 {
				t.Fatalf("Release = %v, %v: %+v", s, err, s.Results)
			}
			said := strings.Join(s.Results[1].Warnings, "\n")
			if (said == "") != (c.says == "") || !strings.Contains(said, c.says) {
				t.Errorf("said %q, want %q", said, c.says)
			}
			if diff := cmp.Diff(before, f.ids); diff != "" {
				t.Errorf("the switch (-before +after):\n%s", diff)
			}
		})
	}
}

// Linux bridges have nothing to be unplugged, and no host is asked.
func TestReleaseAsksNoSwitchOfBridges(t *testing.T) {
	w := newCloudWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 3 || s.Warnings() != 0 {
		t.Errorf("Release = %v, %v: %+v", s, err, s.Results)
	}
}

func TestInterfaceIDs(t *testing.T) {
	for _, text := range []string{"", "ovs-vsctl: unix:/var/run/openvswitch/db.sock: database connection failed", `{"data":[[["set",[]],["map",[]]]]}`, `{"data":[["tap1","none"]]}`} {
		if got, err := interfaceIDs([]byte(text)); err == nil {
			t.Errorf("interfaceIDs(%s) = %v, want an error", text, got)
		}
	}
	got, err := interfaceIDs([]byte(`{"data":[["br-int",["map",[]]],["tap95d105a7-3d",["map",[["attached-mac","52:54:00:10:00:50"],["iface-id","95d105a7-3d3e-4e6b-a91a-84c46e4474f0"]]]]],"headings":["name","external_ids"]}`))
	if diff := cmp.Diff(map[string]string{"tap95d105a7-3d": "95d105a7-3d3e-4e6b-a91a-84c46e4474f0"}, got); err != nil || diff != "" {
		t.Errorf("interfaceIDs: %v (-want +got):\n%s", err, diff)
	}
}

var _ Hosts = Libvirt{}

// A host that is reached by a socket of this machine is this machine.
func TestShellHere(t *testing.T) {
	sh, end, err := Libvirt{}.Shell(t.Context(), discover.Host{URI: "qemu:///system"})
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if out, err := sh.Run(t.Context(), "echo", "here"); err != nil || string(out) != "here\n" {
		t.Errorf("Run = %q, %v", out, err)
	}
	if _, _, err := (Libvirt{}).Shell(t.Context(), discover.Host{URI: "qemu:///system", Files: "file:///tmp"}); err == nil {
		t.Error("a folder lets somebody in")
	}
}
