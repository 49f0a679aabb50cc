package sync

import (
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/testdata/libvirtd"
	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// newFleet is a world of hosts that speak libvirt's wire protocol, with nothing
// adopted. None of them answers until the fleet is started.
func newFleet(t *testing.T, f *libvirtd.Fleet) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), alone: true}
	w.must(f.Start())
	t.Cleanup(func() { w.must(f.Close()) })
	var seeds []schema.HostSeed
	for h := range f.Hosts {
		w.hosts = append(w.hosts, discover.Host{Name: libvirtd.Name(h), URI: f.URI(h), Files: "file://" + w.dir})
		seeds = append(seeds, schema.HostSeed{Host: libvirtd.Name(h), UUID: libvirtd.Mark(h) + "-aaaa-4000-8000-000000000000", VCPUs: 64, MemoryMB: 262144, LocalGB: 8000})
	}
	api, cell := newDatabase(w, schema.API), newDatabase(w, schema.Cell)
	seed := schema.Plausible("zed", schema.CellSeed{DB: cell, URL: "sqlite:///" + filepath.Join(w.dir, "cell.db")})
	seed.Cells[0].Hosts = seeds
	w.must(seed.Insert(t.Context(), api))
	w.must(api.Close())
	w.must(cell.Close())
	w.Defaults = plan.Defaults{Project: strings.Repeat("a", 32), User: strings.Repeat("b", 32)}
	w.apiURL, w.journalURL = "sqlite:///"+filepath.Join(w.dir, "api.db"), filepath.Join(w.dir, "journal.db")
	return w
}

// Hosts that never say a word, in front of all others, hold up nobody: whoever
// can be read has been before the first of them is given up.
func TestDeadHostsDelayNothing(t *testing.T) {
	const hosts, dead, atOnce = 100, 7, 8
	f := &libvirtd.Fleet{Hosts: hosts, Domains: 2, Silent: func(host int) bool { return host < dead }}
	w := newFleet(t, f)
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	var mu sync.Mutex
	var order []string
	w.extra = func(r *Runner) {
		r.Audit.Scan.Parallel, r.Audit.Scan.CallTimeout, r.Audit.Scan.HostTimeout = atOnce, time.Hour, time.Hour
		r.Progress = func(p Part) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, p.Host)
			if len(order) == hosts-dead {
				for h := range dead {
					f.HangUp(h)
				}
			}
		}
	}
	x, err := w.process(ctx, Policy{}, false, false)
	w.must(err)
	defer x.close(t.Context())
	r, err := x.Run(ctx)
	w.must(err)
	slices.Sort(order[hosts-dead:])
	if last := order[hosts-dead:]; len(order) != hosts || last[0] != libvirtd.Name(0) || last[dead-1] != libvirtd.Name(dead-1) {
		t.Errorf("the last hosts to be done are %v, want the %d dead ones", last, dead)
	}
	if got := with(r, HostUnread); len(got) != dead || len(r.Hosts) != hosts {
		t.Errorf("%d of %d hosts could not be read, want %d of %d: %+v", len(got), len(r.Hosts), dead, hosts, got)
	}
}

// What a host has is forgotten once it is compared: with ever more hosts the
// memory grows by a small part of what their definitions weigh.
func TestMemoryDoesNotGrowWithHosts(t *testing.T) {
	const hosts, domains, early, late = 100, 20, 20, 95
	f := &libvirtd.Fleet{Hosts: hosts, Domains: domains}
	w := newFleet(t, f)
	heap := map[int]uint64{}
	done := 0
	w.extra = func(r *Runner) {
		r.Audit.Scan.Parallel = 1 // What is under way is the same at both times.
		r.Progress = func(Part) {
			if done++; done == early || done == late {
				heap[done] = liveHeap()
			}
		}
	}
	x, err := w.process(t.Context(), Policy{}, false, false)
	w.must(err)
	defer x.close(t.Context())
	r, err := x.Run(t.Context())
	w.must(err)
	if n := len(r.Drifts); n != hosts*domains {
		t.Fatalf("%d drifts, want one of each of %d new domains", n, hosts*domains)
	}
	grown := int64(heap[late]) - int64(heap[early])
	weight := int64((late - early) * domains * len(f.Definition(1, 1)))
	t.Logf("%d more hosts: %d KB more, and their definitions are %d KB", late-early, grown>>10, weight>>10)
	if grown > weight/5 {
		t.Errorf("%d KB more after %d more hosts, whose definitions are %d KB; want a fifth of that at most", grown>>10, late-early, weight>>10)
	}
}

// liveHeap is what is in use.
func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // The first only empties the pools.
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
