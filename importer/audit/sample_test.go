package audit

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/usage"
)

// Each domain has what was seen of it, or why nothing was; one that is off
// has neither.
func TestUsage(t *testing.T) {
	busy := 0.5
	load := func(uuid string) discover.Load {
		return discover.Load{UUID: uuid, Interval: 10 * time.Second, Processors: &busy, Memory: &discover.MemoryLoad{GivenKiB: 8 << 20, ResidentKiB: 1 << 20}}
	}
	domain := func(host, uuid string, state discover.State) discover.Domain {
		return discover.Domain{Host: host, Name: uuid, UUID: uuid, State: state, VCPUs: 4, MemMaxKiB: 8 << 20}
	}
	whole := discover.Load{UUID: "restarted", Gaps: []discover.Gap{{What: "all", Why: "restarted meanwhile"}}}
	r := Report{SampledFor: 10 * time.Second}
	r.sample = newSample(usage.Limits{}, slices.Values([]discover.HostLoad{
		{Host: discover.Host{Name: "kvm01"}, Loads: []discover.Load{load("busy"), load("started"), whole}},
		{Host: discover.Host{Name: "kvm02"}, Err: errors.New("host kvm02: connection lost")},
	}))
	r.domains = [][]discover.Domain{{
		domain("kvm01", "busy", discover.StateRunning), domain("kvm01", "off", discover.StateShutoff), domain("kvm01", "started", discover.StateShutoff),
		domain("kvm01", "restarted", discover.StateRunning), domain("kvm01", "gone", discover.StateRunning),
	}, {domain("kvm02", "lost", discover.StateRunning), domain("kvm02", "off", discover.StateShutoff)}, {domain("kvm03", "unread", discover.StateRunning)}}
	got := map[string]string{}
	r.judge = newJudge(Input{}, check.NewFleet(), nil, []Host{hostNamed("kvm01"), hostNamed("kvm02"), hostNamed("kvm03")})
	for d := range r.Domains() {
		switch u := d.Usage; {
		case u == nil:
			got[d.Name] = "none"
		case len(u.NotMeasured) > 0:
			got[d.Name] = u.NotMeasured[0].What + ": " + u.NotMeasured[0].Why
		default:
			got[d.Name] = u.Suggestion.String()
		}
	}
	want := map[string]string{
		"busy": "1 vCPU 1536 MB", "off": "none", "started": "all: started while the audit ran", "restarted": "all: restarted meanwhile",
		"gone": "all: stopped or left its host while the audit ran", "lost": "all: host kvm02: connection lost", "unread": "all: its host could not be read whole",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	totals, sampled := r.Usage()
	if want := (UsageTotals{Seconds: 10, Measured: 1, NotMeasured: 5, Oversized: 1, VCPUsTooMany: 3, MemoryTooMuch: 8192 - 1536}); totals != want || !sampled {
		t.Errorf("Usage() = %+v, %v, want %+v", totals, sampled, want)
	}
}

func hostNamed(name string) Host {
	return Host{Inventory: discover.Inventory{Host: discover.Host{Name: name}}}
}

// Only hosts that were read and have something running are watched, and
// nothing is without being asked for.
func TestWatch(t *testing.T) {
	failed := hostNamed("failed")
	failed.Err = errors.New("read in part")
	r := Report{Hosts: []Host{hostNamed("idle"), hostNamed("busy"), failed}}
	r.domains = [][]discover.Domain{{{State: discover.StateShutoff}}, {{State: discover.StateShutoff}, {State: discover.StatePaused}}, {{State: discover.StateRunning}}}
	var names []string
	for _, h := range r.running() {
		names = append(names, h.Name)
	}
	if !slices.Equal(names, []string{"busy"}) {
		t.Errorf("watched are %v, want busy", names)
	}
	if err := r.watch(context.Background(), Input{}); err != nil || r.sample.taken {
		t.Errorf("watch without a time: %v, taken %v", err, r.sample.taken)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.watch(ctx, Input{Sampling: Sampling{For: time.Hour}}); !errors.Is(err, context.Canceled) {
		t.Errorf("watch that was stopped: %v", err)
	}
}

// Of a folder of definitions nothing runs, whatever it says.
func TestSampleOfDefinitions(t *testing.T) {
	hosts := fleet(t, map[string]string{"kvm01/web.xml": definition("web", "7d1ac0de-0000-4000-8000-000000000001", "52:54:00:00:00:01")})
	r, err := Run(context.Background(), Input{Hosts: hosts, Sampling: Sampling{For: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	d := collect(r)[0]
	if !d.State.Active() || d.Usage == nil || len(d.Usage.NotMeasured) != 1 || d.Usage.NotMeasured[0].Why != "host kvm01: "+discover.ErrNoDaemon.Error() {
		t.Errorf("state %s, usage %+v", d.State, d.Usage)
	}
}
