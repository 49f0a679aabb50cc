package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func newAllocation() cloud.Allocation {
	return cloud.Allocation{
		Instance: "i-1", Provider: "rp-1", ProjectID: "p-1", UserID: "u-1",
		Resources: map[string]int{"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 10},
	}
}

// soon waits just long enough between two tries for others to get in.
func soon() backoff.BackOff { return backoff.NewConstantBackOff(time.Millisecond) }

func TestAllocate(t *testing.T) {
	for _, newest := range []int{36, 38, 39} {
		f := newFake(t)
		p := f.placement()
		p.newest = newest
		cl := f.open(t)
		a := newAllocation()
		for range 2 {
			if err := cl.Allocate(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		if p.writes != 1 {
			t.Errorf("1.%d: %d writes, want the second Allocate to find it", newest, p.writes)
		}
		if kind := p.consumers["i-1"].Type; (kind == "INSTANCE") != (newest >= 38) {
			t.Errorf("1.%d: consumer type %q", newest, kind)
		}
		a.Resources = map[string]int{"VCPU": 4, "MEMORY_MB": 512, "DISK_GB": 10}
		if err := cl.Allocate(t.Context(), a); err != nil {
			t.Errorf("1.%d: replace: %v", newest, err)
		}
		got, err := cl.Allocations(t.Context(), []string{"i-1", "i-2"})
		if d := cmp.Diff(map[string]cloud.Allocation{"i-1": a}, got); err != nil || d != "" {
			t.Errorf("1.%d: Allocations: %v %s", newest, err, d)
		}
		for range 2 {
			if err := cl.Deallocate(t.Context(), "i-1"); err != nil {
				t.Errorf("1.%d: %v", newest, err)
			}
		}
		if len(p.consumers) > 0 {
			t.Errorf("1.%d: left %v", newest, p.consumers)
		}
	}
}

func TestAllocateConflicts(t *testing.T) {
	for _, c := range []struct {
		conflicts, writes int
		is                error
	}{
		{0, 1, nil},
		{1, 2, nil},
		{9, 10, nil},
		{10, 10, cloud.ErrConflict},
		{100, 10, cloud.ErrConflict},
	} {
		f := newFake(t)
		p := f.placement()
		p.conflicts = c.conflicts
		err := f.open(t).allocate(t.Context(), newAllocation(), soon())
		if !errors.Is(err, c.is) || p.writes != c.writes {
			t.Errorf("%d conflicts: %v after %d writes, want %v after %d", c.conflicts, err, p.writes, c.is, c.writes)
		}
		if c.is != nil && (!strings.Contains(err.Error(), "10 times in a row") || !strings.Contains(err.Error(), "instance i-1")) {
			t.Errorf("%d conflicts: %v", c.conflicts, err)
		}
	}
}

// TestAllocateConflictsUntilStopped: conflicts do not outlast the caller.
func TestAllocateConflictsUntilStopped(t *testing.T) {
	f := newFake(t)
	p := f.placement()
	p.conflicts = 100
	cl := f.open(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	err := cl.allocate(ctx, newAllocation(), backoff.NewConstantBackOff(time.Minute))
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cloud.ErrConflict) || time.Since(start) > 30*time.Second {
		t.Errorf("allocate = %v after %s", err, time.Since(start))
	}
}

func TestAllocateRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*fakePlacement, *cloud.Allocation)
		is     error
		says   string
	}{
		{"no room", func(p *fakePlacement, _ *cloud.Allocation) {
			p.consumers["i-2"] = &fakeConsumer{Resources: map[string]int{"MEMORY_MB": 700}}
		}, cloud.ErrNoRoom, "MEMORY_MB: 512 wanted, 324 free ((1024 total - 0 reserved) x 1 - 700 used)"},
		{"more than one may have", func(_ *fakePlacement, a *cloud.Allocation) { a.Resources["VCPU"] = 9 }, cloud.ErrNoRoom, "VCPU: 9 wanted, one instance may have 1 to 8"},
		{"two classes", func(p *fakePlacement, a *cloud.Allocation) {
			a.Resources["VCPU"], a.Resources["DISK_GB"] = 9, 101
		}, cloud.ErrNoRoom, "DISK_GB: 101 wanted, one instance may have 1 to 100 (min_unit, max_unit); VCPU: 9"},
		{"no such class", func(p *fakePlacement, a *cloud.Allocation) { a.Resources["PCPU"] = 1 }, cloud.ErrNoRoom, "PCPU: 1 wanted, the provider has none at all"},
		{"provider gone", func(_ *fakePlacement, a *cloud.Allocation) { a.Provider = "rp-9" }, cloud.ErrNotFound, "rp-9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			p := f.placement()
			a := newAllocation()
			c.change(p, &a)
			err := f.open(t).allocate(t.Context(), a, soon())
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || p.writes != 1 {
				t.Errorf("Allocate = %v after %d writes, want %v and %q after one", err, p.writes, c.is, c.says)
			}
		})
	}
}

// TestTooLittle: what is free is free for this instance, with what it has
// already.
func TestTooLittle(t *testing.T) {
	in := cloud.Inventory{Total: 10, Reserved: 1, Used: 10, MinUnit: 2, MaxUnit: 10, StepSize: 2, Ratio: 1.5}
	for _, c := range []struct {
		want, own int
		short     bool
	}{
		{2, 0, false}, // (10-1) x 1.5 = 13
		{4, 0, true},
		{4, 2, false},
		{12, 10, true}, // max_unit
		{1, 0, true},   // min_unit
		{3, 4, true},   // step_size
	} {
		got := tooLittle(map[string]int{"X": c.want}, map[string]cloud.Inventory{"X": in}, map[string]int{"X": c.own})
		if (len(got) > 0) != c.short {
			t.Errorf("%d wanted, %d own: %q, want short %t", c.want, c.own, got, c.short)
		}
	}
}

// TestAllocateDies: the answer is lost, and the next call finds what was done.
func TestAllocateDies(t *testing.T) {
	f := newFake(t)
	p := f.placement()
	write := p.version(p.write)
	f.handle("PUT /placement/allocations/{consumer}", lost(write))
	cl := f.open(t)
	if err := cl.Allocate(t.Context(), newAllocation()); err == nil {
		t.Error("Allocate whose answer is lost = nil")
	}
	f.handle("PUT /placement/allocations/{consumer}", write)
	if err := cl.Allocate(t.Context(), newAllocation()); err != nil || p.writes != 1 {
		t.Errorf("Allocate afterwards = %v, %d writes", err, p.writes)
	}
}

func TestAllocations(t *testing.T) {
	f := newFake(t)
	p := f.placement()
	var instances []string
	for n := range 50 {
		id := fmt.Sprintf("i-%d", n)
		instances = append(instances, id)
		if n%2 == 0 {
			p.consumers[id] = &fakeConsumer{Resources: map[string]int{"VCPU": 1}, Project: "p-1", User: "u-1", Other: n}
		}
	}
	cl := f.open(t)
	got, err := cl.Allocations(t.Context(), instances)
	if err != nil || len(got) != 25 {
		t.Fatalf("Allocations = %d, %v, want 25", len(got), err)
	}
	// "a-gpu" comes first by name, and is not the compute node.
	if a := got["i-2"]; a.Provider != "rp-1" || a.Resources["VCPU"] != 1 || a.Resources["VGPU"] != 0 || a.Others["a-gpu"]["VGPU"] != 2 || len(a.Others) != 1 {
		t.Errorf("with a device: %+v", a)
	}
	for _, text := range []string{"<html>", "{}", `{"allocations": []}`, `{"allocations": {"rp": {"resources": {"VCPU": "two"}}}}`} {
		f.handle("GET /placement/allocations/{consumer}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		if got, err := cl.Allocations(t.Context(), []string{"i-1"}); err == nil {
			t.Errorf("answered %s: %v, want an error", text, got)
		}
	}
}
