//go:build integration

package restart

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A process that restarts a real domain is killed before and after each of its
// effects, and at moments of no choice; the same call, or a release, ends it.
// Nothing is lost, nothing is there twice, and the definition is to the byte
// what it was.

const childVariable = "K2O_RESTART_CHILD"

// TestMain is the process that is killed, when it is told to be one.
func TestMain(m *testing.M) {
	text, is := os.LookupEnv(childVariable)
	if !is {
		os.Exit(m.Run())
	}
	var r rig
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	result, points, err := r.call()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s %d %s\n", result.Outcome, points, result.Reason)
}

// child runs a call in a process of its own, which is killed at a point of its
// work or after a time. It returns what the process said if it lived.
func (r rig) child(t *testing.T) (said string) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVariable+"="+string(text))
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if r.After > 0 {
		defer time.AfterFunc(r.After, func() { _ = c.Process.Kill() }).Stop()
	}
	var exit *exec.ExitError
	if err := c.Wait(); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return ""
	} else if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	return out.String()
}

// goOn repeats the call in this process, which nobody kills.
func (d *realDomain) goOn(call string, want Outcome) Result {
	d.t.Helper()
	r := d.rig
	r.Kill, r.After, r.Call = 0, 0, call
	result, _, err := r.call()
	if err != nil || result.Outcome != want && result.Outcome != Already {
		d.t.Errorf("killed at %d after %v, then %s: %s at %s: %v %v", d.Kill, d.After, call, result.Outcome, result.Step, result.Err, err)
	}
	return result
}

// killEvery kills the call at every such point, and goes on with both in turn.
func killEvery(t *testing.T, name string, s shape, stride int) (kills int) {
	t.Helper()
	for k, n := 1, 1; k <= n; k += stride {
		d := addReal(t, fmt.Sprint(name, " ", k), s)
		if k == 1 {
			d.Kill = 0
			n = pointsSaid(t, d.child(t))
			d.wantRenamed("nobody is killed")
			d.goOn("back", Returned)
			d.wantBefore("nobody is killed")
		}
		d.Kill = k
		if said := d.child(t); said != "" {
			t.Fatalf("point %d of %d was never reached: %s", k, n, said)
		}
		kills++
		if k%2 == 0 {
			d.goOn("forward", Renamed)
			d.wantRenamed(fmt.Sprint("killed at ", k))
		}
		d.goOn("back", Returned)
		d.wantBefore(fmt.Sprint("killed at ", k))
	}
	return kills
}

func pointsSaid(t *testing.T, said string) (n int) {
	t.Helper()
	var outcome Outcome
	if _, err := fmt.Sscan(said, &outcome, &n); err != nil || outcome != Renamed {
		t.Fatalf("the call said %q: %v", said, err)
	}
	return n
}

func TestRealKills(t *testing.T) {
	kills := 0
	for _, c := range []struct {
		name   string
		shape  shape
		stride int
	}{
		{"bios", shape{autostart: true}, 1},
		{"efi", shape{efi: "implicit"}, 7},
		{"off", shape{off: true, autostart: true, efi: "implicit"}, 9},
	} {
		t.Run(c.name, func(t *testing.T) { kills += killEvery(t, c.name, c.shape, c.stride) })
	}
	t.Logf("%d kills", kills)
	if kills < 40 {
		t.Errorf("%d kills are too few", kills)
	}
}

// The way back is killed.
func TestRealKillsBack(t *testing.T) {
	for k, alive := 2, false; !alive; k += 6 {
		d := addReal(t, fmt.Sprint("back ", k), shape{autostart: true})
		d.goOn("forward", Renamed)
		d.Kill, d.Call = k, "back"
		alive = d.child(t) != ""
		d.goOn("back", Returned)
		d.wantBefore(fmt.Sprint("killed on the way back at ", k))
	}
}

// At moments of no choice, inside of calls and file operations too.
func TestRealKillsAnytime(t *testing.T) {
	for ms := 60; ms <= 900; ms += 210 {
		d := addReal(t, fmt.Sprint("anytime ", ms), shape{autostart: true, efi: "implicit"})
		d.After = time.Duration(ms) * time.Millisecond
		d.child(t)
		d.goOn("forward", Renamed)
		d.wantRenamed(fmt.Sprint("killed after ", d.After))
		d.Call = "back"
		d.child(t)
		d.goOn("back", Returned)
		d.wantBefore(fmt.Sprint("killed after ", d.After))
	}
}

// The time that a restart adds to what the guest needs. A machine that is busy
// with something else can only add to it, so the best of some rounds counts.
func TestRealGapOfRestart(t *testing.T) {
	d := addReal(t, "gap", shape{autostart: true})
	const most = 25 * time.Millisecond
	best := time.Hour
	for round := 0; round < 4 && best > most; round++ {
		var gaps, back []time.Duration
		for range 5 {
			result, _, err := d.call()
			if err != nil || result.Outcome != Renamed {
				t.Fatalf("%s: %v %v", result.Outcome, result.Err, err)
			}
			gaps = append(gaps, result.Times.Gap)
			back = append(back, d.goOn("back", Returned).Times.Gap)
		}
		t.Logf("gaps %v, and on the way back %v", gaps, back)
		best = min(best, max(median(gaps), median(back)))
	}
	d.wantBefore("five times and more")
	if best <= 0 || best > most {
		t.Errorf("median %v, want at most %v", best, most)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := (&Libvirt{}).Domain(ctx, d.host(), "no UUID"); err == nil {
		t.Error("a domain without a UUID was opened")
	}
}
