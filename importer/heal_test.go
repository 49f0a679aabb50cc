package importer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// imported is a cloud in which all domains were imported; domain 2 has a port
// that was made and one that was taken.
func imported(t *testing.T, perHost int) *world {
	t.Helper()
	w := newCloudWorld(t, perHost)
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3*perHost {
		t.Fatalf("Import = %v, %v: %+v", s, err, s.Results)
	}
	return w
}

// row changes Nova's row of a domain.
func (w *world) row(n int, change func(*fakeRow)) {
	r := w.nova.rows[uuidOf(n)]
	change(&r)
	w.nova.rows[uuidOf(n)] = r
}

// ailment is what sync finds of a domain; grown is given where it has grown.
func (w *world) ailment(n int, c Cure, grown *plan.Domain) Ailment {
	w.t.Helper()
	at := slices.IndexFunc(w.plan.Domains, func(d plan.Domain) bool { return d.UUID == uuidOf(n) })
	host := w.plan.Hosts[slices.IndexFunc(w.plan.Hosts, func(h plan.Host) bool { return h.Name == w.plan.Domains[at].Host })]
	compute := w.nova.computes[slices.IndexFunc(w.nova.computes, func(c nova.Compute) bool { return c.Host == host.ComputeHost })]
	return Ailment{Adoption: Earlier(w.adoptions())[uuidOf(n)], Cure: c, Host: ReachPlanned(host), Compute: compute, Domain: *w.domain(n), Grown: grown}
}

func (w *world) heals(f *fuse, ailments ...Ailment) (Summary, error) {
	w.t.Helper()
	return w.do(f, func(s session) (Summary, error) { return s.Heal(w.t.Context(), ailments) })
}

// larger is domain 2 as it would be planned after it has grown.
func (w *world) larger() *plan.Domain {
	d := w.plan.Domains[2]
	d.Flavor = plan.Flavor{Name: "legacy.4c8192m40d", Create: true, VCPUs: 4, MemoryMB: 8192, RootGB: 40}
	d.Disks = slices.Clone(d.Disks)
	d.Disks[0].SizeGB = 40
	d.MadeFrom.Digest = "sha256:larger"
	return &d
}

// ills are what can be wrong with domain 2, which Heal sets right.
var ills = []struct {
	name  string
	cure  Cure
	spoil func(w *world)
	grown bool
	want  func(w *world) string // what is wrong in the end
}{
	{"running, recorded as stopped", CurePower, func(w *world) {
		w.domain(2).State = discover.StateRunning
		w.row(2, func(r *fakeRow) { r.vm, r.power = "stopped", nova.PowerShutdown })
	}, false, func(w *world) string {
		if r := w.nova.rows[uuidOf(2)]; r.vm != "active" || r.power != nova.PowerRunning || !r.locked && w.plan.Domains[2].Lock != plan.None {
			return fmt.Sprintf("the row is %+v", r)
		}
		return ""
	}},
	{"paused, recorded as stopped", CurePower, func(w *world) {
		w.domain(2).State = discover.StatePaused
		w.row(2, func(r *fakeRow) { r.vm, r.power = "stopped", nova.PowerShutdown })
	}, false, func(w *world) string {
		if r := w.nova.rows[uuidOf(2)]; r.vm != "paused" || r.power != nova.PowerPaused {
			return fmt.Sprintf("the row is %+v", r)
		}
		return ""
	}},
	{"no allocation", CureAllocations, func(w *world) { delete(w.cloud.allocations, uuidOf(2)) }, false, wantAllocated("1 VCPU, 2048 MEMORY_MB, 20 DISK_GB")},
	{"less allocated", CureAllocations, func(w *world) {
		a := w.cloud.allocations[uuidOf(2)]
		a.Resources = map[string]int{"VCPU": 1}
		w.cloud.allocations[uuidOf(2)] = a
	}, false, wantAllocated("1 VCPU, 2048 MEMORY_MB, 20 DISK_GB")},
	{"resized through Nova, allocated as before", CureAllocations, func(w *world) {
		w.row(2, func(r *fakeRow) { r.size = [4]int{2, 4096, 20, 0} })
	}, false, wantAllocated("2 VCPU, 4096 MEMORY_MB, 20 DISK_GB")},
	{"port deleted that was made", CurePorts, func(w *world) { delete(w.cloud.ports, w.cached(2, 0)) }, false, wantPorts},
	{"port deleted that was taken", CurePorts, func(w *world) { delete(w.cloud.ports, idOf(102)) }, false, wantPorts},
	{"all ports deleted", CurePorts, func(w *world) {
		delete(w.cloud.ports, w.cached(2, 0))
		delete(w.cloud.ports, idOf(102))
	}, false, wantPorts},
	{"port on another host", CurePorts, func(w *world) { w.port(102, func(p *cloud.Port) { p.HostID = "kvm09" }) }, false, wantPorts},
	{"port unbound", CurePorts, func(w *world) { w.port(102, func(p *cloud.Port) { p.VIFType = "binding_failed" }) }, false, wantPorts},
	{"cache without a port", CureInfoCache, func(w *world) { w.row(2, func(r *fakeRow) { r.cache = idOf(102) }) }, false, wantPorts},
	{"grown", CureSizes, func(w *world) { w.domain(2).Digest = "sha256:larger" }, true, func(w *world) string {
		r := w.nova.rows[uuidOf(2)]
		s, err := readSnippet(Earlier(w.adoptions())[uuidOf(2)])
		if err != nil || r.size != [4]int{4, 8192, 40, 0} || s.Domain.Flavor.VCPUs != 4 || s.Domain.Disks[0].SizeGB != 40 || !strings.Contains(r.disks, "40") {
			return fmt.Sprintf("the row is %+v, the journal's plan %+v, %v", r, s.Domain, err)
		}
		if made := flavorNames(w); !slices.Contains(made, "legacy.4c8192m40d") {
			return fmt.Sprintf("the flavors are %v", made)
		}
		return ""
	}},
}

func flavorNames(w *world) (names []string) {
	for _, f := range w.nova.flavors {
		names = append(names, f.Name)
	}
	return names
}

// cached is one of the ports in the info cache of a domain.
func (w *world) cached(n, port int) string { return strings.Fields(w.nova.rows[uuidOf(n)].cache)[port] }

func wantAllocated(amount string) func(*world) string {
	return func(w *world) string {
		if a := w.cloud.allocations[uuidOf(2)]; amounts(a) != amount || a.Provider != uuidOf(902) {
			return fmt.Sprintf("it has %+v", a)
		}
		return ""
	}
}

// wantPorts: both interfaces have a port of their MAC address, bound to the
// host, and Nova knows them in the interfaces' order.
func wantPorts(w *world) string {
	var texts []string
	ids := strings.Fields(w.nova.rows[uuidOf(2)].cache)
	for n, id := range ids {
		if p := w.cloud.ports[id]; p.DeviceID != uuidOf(2) || p.HostID != "kvm03" || p.VIFType != "bridge" || p.MAC != w.plan.Domains[2].NICs[n].MAC {
			texts = append(texts, fmt.Sprintf("port %d is %+v", n, p))
		}
	}
	if row := w.nova.rows[uuidOf(2)]; len(ids) != 2 || row.rowed != row.cache {
		texts = append(texts, fmt.Sprintf("the row is %+v", row))
	}
	s, err := readSnippet(Earlier(w.adoptions())[uuidOf(2)])
	for n, nic := range s.Domain.NICs {
		if n < len(ids) && nic.Port != ids[n] {
			texts = append(texts, fmt.Sprintf("the journal has port %s, Nova %s, %v", nic.Port, ids[n], err))
		}
	}
	return strings.Join(texts, "; ")
}

func (w *world) ill(n int) Ailment {
	if ills[n].grown {
		return w.ailment(2, ills[n].cure, w.larger())
	}
	return w.ailment(2, ills[n].cure, nil)
}

func TestHeal(t *testing.T) {
	for n, c := range ills {
		t.Run(c.name, func(t *testing.T) {
			w := imported(t, 1)
			others := w.nova.rows[uuidOf(0)]
			c.spoil(w)
			if s, err := w.heals(nil, w.ill(n)); err != nil || s.Count(Healed) != 1 {
				t.Fatalf("Heal = %v, %v: %+v", s, err, s.Results)
			}
			if wrong := c.want(w); wrong != "" {
				t.Errorf("after Heal %s", wrong)
			}
			w.check("healed")
			before := w.dump()
			if s, err := w.heals(nil, w.ill(n)); err != nil || s.Count(Already) != 1 || w.dump() != before {
				t.Errorf("second Heal = %v, %v, want nothing left to do and nothing changed", s, err)
			}
			if w.nova.rows[uuidOf(0)] != others {
				t.Error("another instance was changed")
			}
			// What was healed can be released like any other.
			if s, err := w.releases(nil); err != nil || s.Count(Released) != 3 || len(w.nova.rows)+len(w.cloud.allocations) != 0 {
				t.Errorf("Release = %v, %v, want all out: %+v", s, err, s.Results)
			}
			for _, p := range w.cloud.ports {
				if p.Ours() {
					t.Errorf("port %+v was made for an adoption and is left", p)
				}
			}
		})
	}
}

// TestHealKilled stops the process before every effect, which is right after
// the one before: the next run comes to the same end.
func TestHealKilled(t *testing.T) {
	for n, c := range ills {
		t.Run(c.name, func(t *testing.T) {
			clean := imported(t, 1)
			c.spoil(clean)
			if _, err := clean.heals(nil, clean.ill(n)); err != nil {
				t.Fatal(err)
			}
			want := clean.dump()
			effect := 1
			for ; ; effect++ {
				w := imported(t, 1)
				c.spoil(w)
				f := &fuse{left: effect}
				_, _ = w.heals(f, w.ill(n)) // Nobody is left to hear of it.
				if !f.blown {
					break
				}
				if s, err := w.heals(nil, w.ill(n)); err != nil || s.Count(Healed)+s.Count(Already) != 1 {
					t.Fatalf("killed at effect %d, then Heal = %v, %v: %+v", effect, s, err, s.Results)
				}
				if diff := cmp.Diff(want, w.dump()); diff != "" {
					t.Errorf("killed at effect %d, then Heal (-want +got):\n%s", effect, diff)
				}
				if wrong := c.want(w); wrong != "" {
					t.Errorf("killed at effect %d, then Heal: %s", effect, wrong)
				}
			}
			if effect < 4 {
				t.Errorf("%d effects, want at least 3: intent, change and end", effect-1)
			}
		})
	}
}

// refusals are what Heal must leave alone.
var refusals = []struct {
	name  string
	cure  Cure
	spoil func(w *world)
	grown func(*plan.Domain)
	want  error
	text  string
}{
	{"Nova reboots it", CurePower, func(w *world) { w.row(2, func(r *fakeRow) { r.task = "rebooting" }) }, nil, nova.ErrBusy, "rebooting"},
	{"moved", CureAllocations, func(w *world) {
		w.row(2, func(r *fakeRow) { r.host = "kvm01" })
		delete(w.cloud.allocations, uuidOf(2))
	}, nil, ErrMoved, "kvm01"},
	{"resize to be confirmed", CureAllocations, func(w *world) {
		w.row(2, func(r *fakeRow) { r.vm = "resized" })
		delete(w.cloud.allocations, uuidOf(2))
	}, nil, nova.ErrBusy, "resize"},
	{"allocated elsewhere", CureAllocations, func(w *world) {
		a := w.cloud.allocations[uuidOf(2)]
		a.Provider = "other"
		w.cloud.allocations[uuidOf(2)] = a
	}, nil, ErrNotMine, "other"},
	{"port of somebody else by now", CurePorts, func(w *world) { w.port(102, func(p *cloud.Port) { p.DeviceID = "theirs" }) }, nil, ErrNotMine, "theirs"},
	{"port that somebody attached", CureInfoCache, func(w *world) {
		w.cloud.ports["more"] = cloud.Port{ID: "more", MAC: "52:54:00:ff:ff:ff", DeviceID: uuidOf(2)}
		w.row(2, func(r *fakeRow) { r.cache = "" })
	}, nil, ErrNotMine, "more"},
	{"network gone", CurePorts, func(w *world) {
		delete(w.cloud.ports, idOf(102))
		w.cloud.networks = w.cloud.networks[:1]
	}, nil, ErrNotPlanned, ""},
	{"shrunk memory", CureSizes, func(w *world) {}, func(d *plan.Domain) { d.Flavor.MemoryMB = 1024 }, ErrShrunk, "memory"},
	{"shrunk disk", CureSizes, func(w *world) {}, func(d *plan.Domain) { d.Disks[0].SizeGB = 10 }, ErrShrunk, "vda"},
	{"released meanwhile", CurePower, func(w *world) {
		_, err := w.do(nil, func(s session) (Summary, error) {
			return s.Release(w.t.Context(), w.plan, plan.Filter{Only: []string{"guest-2"}})
		})
		w.must(err)
	}, nil, ErrNotMine, "released"},
}

func TestHealRefuses(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			w := imported(t, 1)
			if c.cure == CurePower {
				w.domain(2).State = discover.StateRunning
				w.row(2, func(r *fakeRow) { r.vm, r.power = "stopped", nova.PowerShutdown })
			}
			c.spoil(w)
			a := w.ailment(2, c.cure, nil)
			if c.grown != nil {
				a.Grown = w.larger()
				c.grown(a.Grown)
			}
			before := w.dump()
			s, err := w.heals(nil, a)
			if err != nil || len(s.Results) != 1 || s.Count(NotHealed)+s.Count(Refused) != 1 {
				t.Fatalf("Heal = %v, %v, want it left alone: %+v", s, err, s.Results)
			}
			r := s.Results[0]
			var named *Error
			if !errors.Is(r.Err, c.want) || !strings.Contains(r.Reason, c.text) || !errors.As(r.Err, &named) || named.Domain != "guest-2" || named.Host != "kvm03" {
				t.Errorf("Heal = %v, want %v with %q, domain and host", r.Err, c.want, c.text)
			}
			if diff := cmp.Diff(before, w.dump()); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// A domain that is right as it is needs nothing, and one that changes between
// the look and the change is recorded as it is then.
func TestHealPowerAsksAgain(t *testing.T) {
	w := imported(t, 1)
	w.row(2, func(r *fakeRow) { r.vm, r.power = "stopped", nova.PowerShutdown })
	w.domain(2).State = discover.StateShutoff
	if s, err := w.heals(nil, w.ailment(2, CurePower, nil)); err != nil || s.Count(Already) != 1 || w.nova.calls["Repower"] != 0 {
		t.Errorf("Heal of a domain that is off by now = %v, %v, want nothing done", s, err)
	}
	w.hosts.dead["kvm03"] = errBoom
	w.domain(2).State = discover.StateRunning
	if s, err := w.heals(nil, w.ailment(2, CurePower, nil)); err != nil || s.Count(NotHealed) != 1 || w.nova.calls["Repower"] != 0 {
		t.Errorf("Heal on a host that does not answer = %v, %v, want nothing done: %+v", s, err, s.Results)
	}
}

// While the APIs are down nothing is begun, and it is not the domain's fault.
func TestHealWithoutAnswer(t *testing.T) {
	for _, c := range []Cure{CurePorts, CureInfoCache, CureAllocations} {
		w := imported(t, 1)
		w.cloud.down = errDown
		if s, err := w.heals(nil, w.ailment(2, c, nil)); err != nil || s.Count(NotTried) != 1 || !strings.Contains(s.Results[0].Reason, "could not be asked") {
			t.Errorf("Heal of %s = %v, %v, want it not tried: %+v", c, s, err, s.Results)
		}
	}
}

// Each cure is in the journal with what was before.
func TestHealIsJournalled(t *testing.T) {
	w := imported(t, 1)
	w.domain(2).State = discover.StateRunning
	w.row(2, func(r *fakeRow) { r.vm, r.power = "stopped", nova.PowerShutdown })
	delete(w.cloud.allocations, uuidOf(2))
	if s, err := w.heals(nil, w.ailment(2, CureAllocations, nil), w.ailment(2, CurePower, nil)); err != nil || s.Count(Healed) != 2 || s.Results[0].Step != "sync/power" {
		t.Fatalf("Heal = %v, %v, want both, power first: %+v", s, err, s.Results)
	}
	j, err := journal.Open(t.Context(), w.path)
	w.must(err)
	defer j.Close()
	steps, err := j.Steps(t.Context(), uuidOf(2))
	w.must(err)
	var got []string
	for _, s := range steps {
		if strings.HasPrefix(s.Step, curePrefix) && s.Ended != nil && s.Error == "" {
			got = append(got, s.Step+" "+s.Made)
		}
	}
	want := []string{`sync/power {"is":"active, 1","was":"stopped, 4"}`, `sync/allocations {"had":null,"has":{"DISK_GB":20,"MEMORY_MB":2048,"VCPU":1}}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

// Harm is Nova's own rule.
func TestHarm(t *testing.T) {
	for _, c := range []struct {
		vm    string
		state discover.State
		harm  bool
	}{
		{"stopped", discover.StateRunning, true}, {"stopped", discover.StateBlocked, true}, {"stopped", discover.StatePaused, true},
		{"stopped", discover.StateShutoff, false}, {"stopped", discover.StateCrashed, false}, {"stopped", discover.StatePMSuspended, false},
		{"active", discover.StateShutoff, false}, {"active", discover.StateCrashed, false}, {"active", discover.StatePaused, false},
		{"active", discover.StatePMSuspended, true}, {"active", discover.StateRunning, false},
		{"paused", discover.StateShutoff, false}, {"paused", discover.StateRunning, false},
		{"suspended", discover.StateRunning, false}, {"error", discover.StateRunning, false},
	} {
		if got := Harm(c.vm, c.state) != ""; got != c.harm {
			t.Errorf("Harm(%s, %s) = %v, want %v", c.vm, c.state, got, c.harm)
		}
	}
}
