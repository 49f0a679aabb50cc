package onboard

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// What was onboarded once, and given to the scheduler, is never disabled again.
func TestOnboardLeavesEnabledHost(t *testing.T) {
	for _, way := range ways {
		for _, instances := range []int{0, 3} {
			f := newFakeWorld(t)
			o := f.onboarder(journalFile(t))
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Onboarded)
			f.records.Services[f.own()].Disabled, f.instances, f.calls = false, instances, nil
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Already)
			if f.records.Services[f.own()].Disabled || len(f.calls) > 0 {
				t.Errorf("--way %s, %d instances: it did %q:\n%s", way, instances, f.calls, f.is())
			}
		}
	}
}

// A host that was onboarded once is looked at, and mapped at most: what is
// missing otherwise is said.
func TestOnboardOnceOnly(t *testing.T) {
	f := newFakeWorld(t)
	o := f.onboarder(journalFile(t))
	wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Onboarded)
	f.records.Mappings, f.calls = f.records.Mappings[:1], nil
	wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Onboarded)
	if f.is() != onboarded || !slices.Equal(f.calls, []string{"MapHost kvm07"}) {
		t.Errorf("unmapped meanwhile: it did %q:\n%s", f.calls, f.is())
	}
	f.mute, f.calls = true, nil
	f.providers = f.providers[:len(f.providers)-1]
	r := o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0]
	if r.Outcome != Half || r.Step != "check" || r.Err == nil || !strings.Contains(r.Err.Error(), "not so: resource provider") || !strings.Contains(r.Err.Error(), "--undo") || len(f.calls) > 0 {
		t.Errorf("without its provider: %s at %q, %v, and did %q", r.Outcome, r.Step, r.Err, f.calls)
	}
}

// Nova has instances on a host whose records are not all there: nova-compute is
// not stopped, and not started on an empty libvirt.
func TestOnboardRefusesHostInUse(t *testing.T) {
	refused := func(f *fakeWorld, r Result) {
		t.Helper()
		if !errors.Is(r.Err, nova.ErrHostInUse) || r.Outcome != NotTried || len(f.calls) > 0 {
			t.Errorf("Onboard = %s, %v, want it not tried; it did %q", r.Outcome, r.Err, f.calls)
		}
	}
	for _, way := range ways {
		f := newFakeWorld(t)
		f.running, f.mute, f.instances = "normal", true, 1
		o := f.onboarder(journalFile(t))
		refused(f, o.Onboard(t.Context(), []Job{f.job(way)})[0])
		if steps, err := o.Journal.Steps(t.Context(), Key("kvm07")); err != nil || len(steps) > 0 {
			t.Errorf("the journal has %+v, %v", steps, err)
		}

		f = newFakeWorld(t)
		o = f.onboarder(journalFile(t))
		f.fail["MapHost"] = errors.New("broken")
		wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Half)
		f.instances, f.calls = 1, nil
		refused(f, o.Onboard(t.Context(), []Job{f.job(way)})[0])
	}
	t.Run("meanwhile", func(t *testing.T) {
		f := newFakeWorld(t)
		o := f.onboarder(journalFile(t))
		o.Progress = func(string, string) { f.instances = 1 }
		r := o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0]
		if !errors.Is(r.Err, nova.ErrHostInUse) || r.Step != stepFirstStart || slices.Contains(f.calls, "stop") {
			t.Errorf("Onboard = %s at %q, %v, and did %q", r.Outcome, r.Step, r.Err, f.calls)
		}
	})
}

// Dedicated CPUs alone, and disk that another provider shares, are enough.
func TestStandingComplete(t *testing.T) {
	for name, c := range map[string]struct {
		classes  []string
		complete bool
		says     string
	}{
		"shared":    {[]string{"VCPU", "MEMORY_MB", "DISK_GB"}, true, "VCPU 4, MEMORY_MB 4, DISK_GB 4"},
		"dedicated": {[]string{"PCPU", "MEMORY_MB", "DISK_GB"}, true, "PCPU 4, MEMORY_MB 4, DISK_GB 4"},
		"no disk":   {[]string{"VCPU", "MEMORY_MB"}, true, "VCPU 4, MEMORY_MB 4, no DISK_GB (has another"},
		"no CPU":    {[]string{"MEMORY_MB", "DISK_GB"}, false, "MEMORY_MB 4"},
		"no memory": {[]string{"VCPU", "DISK_GB"}, false, "VCPU 4"},
	} {
		s := standing{node: nova.HostNode{UUID: mine}, provider: cloud.Provider{UUID: mine, Inventories: map[string]cloud.Inventory{}}}
		for _, class := range c.classes {
			s.provider.Inventories[class] = cloud.Inventory{Total: 4}
		}
		if s.complete() != c.complete || !strings.HasPrefix(s.inventories(), c.says) {
			t.Errorf("%s: complete %v, %q", name, s.complete(), s.inventories())
		}
	}
}
