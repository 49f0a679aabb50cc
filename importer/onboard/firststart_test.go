package onboard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/nova"
)

// A first start whose service cannot be disabled is ended at once: the scheduler
// could use the host.
func TestFirstStartEndsWithoutDisable(t *testing.T) {
	f := newFakeWorld(t)
	f.fail["DisableService"] = errors.New("it answered 403")
	o := f.onboarder(journalFile(t))
	o.Settings.Timeout = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := o.Onboard(ctx, []Job{f.job(ByFirstStart)})[0]
	asked := 0
	for _, c := range f.calls {
		if c == "DisableService first" {
			asked++
		}
	}
	if r.Outcome != Half || errors.Is(r.Err, ErrInterrupted) || !errors.Is(r.Err, f.fail["DisableService"]) || asked != 1 || f.running != "" {
		t.Errorf("Onboard = %s, %v; it asked %d times, and %q runs", r.Outcome, r.Err, asked, f.running)
	}
}

// What nova-compute has disabled it enables by itself again.
func TestDisableOverItsOwnReason(t *testing.T) {
	f := newFakeWorld(t)
	o := f.onboarder(journalFile(t))
	f.fail["MapHost"] = errors.New("broken")
	wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Half)
	delete(f.fail, "MapHost")
	f.records.Services[f.own()].Reason, f.calls = "AUTO: Connection to libvirt lost: 1", nil
	wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Onboarded)
	if s := f.records.Services[f.own()]; !s.Disabled || s.Reason != DisabledReason {
		t.Errorf("its service is %+v", s)
	}
	f.calls = nil
	wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Already)
	if slices.Contains(f.calls, "DisableService normal") {
		t.Errorf("it was disabled again: %q", f.calls)
	}
}

// nova-compute shows itself which cell it is in: another than was said ends it
// before it sees a guest.
func TestFirstStartInAnotherCell(t *testing.T) {
	f := newFakeWorld(t)
	o := f.onboarder(journalFile(t))
	j := f.job(ByFirstStart)
	j.Cloud.Open = append(j.Cloud.Open, nova.OpenCell{UUID: "c2", Name: "cell2"})
	j.Cell = "cell2"
	r := o.Onboard(t.Context(), []Job{j})[0]
	if r.Outcome != Half || !errors.Is(r.Err, ErrChanged) || !strings.Contains(r.Err.Error(), "has come up in cell1") || f.running != "" || slices.Contains(f.calls, "start") || !f.records.Services[f.own()].Disabled {
		t.Errorf("Onboard = %s, %v, and did %q:\n%s", r.Outcome, r.Err, f.calls, f.is())
	}
	wantOutcome(t, o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0], Undone)
	j.Cell = "cell1"
	wantOutcome(t, o.Onboard(t.Context(), []Job{j})[0], Onboarded)
}
