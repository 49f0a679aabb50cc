package rename

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
)

func listen(t *testing.T, f *fakeDaemon) *Events {
	t.Helper()
	e, err := Watch(soon(t), f.dial, ample)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

const (
	acpiFlag  = uint32(libvirt.DomainShutdownAcpiPowerBtn)
	agentFlag = uint32(libvirt.DomainShutdownGuestAgent)
	withAgent = "<features><acpi/></features><devices><channel><target name='org.qemu.guest_agent.0' state='connected'/></channel></devices>"
)

// A guest is what is done when it is asked the nth time.
type guest func(f *fakeDaemon, d *fakeDomain, flags uint32, n int) error

func (g guest) in(f *fakeDaemon) func(*fakeDomain, uint32) error {
	n := 0
	return func(d *fakeDomain, flags uint32) error {
		f.mu.Lock()
		n++
		k := n
		f.mu.Unlock()
		return g(f, d, flags, k)
	}
}

func deaf(*fakeDaemon, *fakeDomain, uint32, int) error { return nil }

// at reacts to the nth request.
func at(n int, what func(f *fakeDaemon, d *fakeDomain)) guest {
	return func(f *fakeDaemon, d *fakeDomain, _ uint32, k int) error {
		if k == n {
			go what(f, d)
		}
		return nil
	}
}

func stops(detail int32) func(*fakeDaemon, *fakeDomain) {
	return func(f *fakeDaemon, d *fakeDomain) { f.stop(d, detail) }
}

// What a guest does ends the waiting for it, so that the deadline may be far:
// brief is for guests that do nothing.
var (
	brief    = Shutdown{Deadline: time.Second, Agent: 100 * time.Millisecond, Presses: Presses{Most: 3, Every: 20 * time.Millisecond}, Poll: 50 * time.Millisecond}
	ready    = Shutdown{Deadline: time.Hour, Agent: 100 * time.Millisecond, Presses: Presses{Most: 3, Every: time.Hour}, Poll: 50 * time.Millisecond}
	pressed3 = Shutdown{Deadline: time.Hour, Presses: Presses{Most: 3, Every: 20 * time.Millisecond}}
)

func (s Shutdown) forced() Shutdown  { s.Force = true; return s }
func (s Shutdown) resumed() Shutdown { s.Resume = true; return s }

func TestShutdown(t *testing.T) {
	for _, c := range []struct {
		name  string
		state int32
		live  string // "" for ACPI alone
		how   Shutdown
		guest guest
		want  error
		got   Stopped // without times
		asked int     // requests to shut down; -1 for any number
		off   bool
	}{
		{"at once", running, "", ready, at(1, stops(0)), nil, Stopped{Heard: true, By: byACPI, Presses: 1, Reason: "shutdown"}, 1, true},
		{"at the third press", running, "", pressed3, at(3, stops(0)), nil, Stopped{Heard: true, By: byACPI, Presses: 3, Reason: "shutdown"}, 3, true},
		{"by its agent", running, withAgent, ready, func(f *fakeDaemon, d *fakeDomain, flags uint32, n int) error {
			if flags == agentFlag {
				go f.stop(d, 0)
			}
			return nil
		}, nil, Stopped{Heard: true, By: byAgent, Reason: "shutdown"}, 1, true},
		{"agent does not answer", running, withAgent, ready, func(f *fakeDaemon, d *fakeDomain, flags uint32, n int) error {
			if flags == agentFlag {
				return errors.New("Guest agent is not responding")
			}
			go f.stop(d, 0)
			return nil
		}, nil, Stopped{Heard: true, By: byACPI, Presses: 1, Reason: "shutdown"}, 2, true},
		{"agent refuses at once", running, withAgent, Shutdown{Deadline: time.Hour}, func(f *fakeDaemon, d *fakeDomain, flags uint32, n int) error {
			if flags == agentFlag {
				return errors.New("Guest agent is not responding")
			}
			go f.stop(d, 0)
			return nil
		}, nil, Stopped{Heard: true, By: byACPI, Presses: 1, Reason: "shutdown"}, 2, true},
		{"stop unheard, started by a watchdog", running, "", Shutdown{Deadline: time.Hour}, at(1, func(f *fakeDaemon, d *fakeDomain) { f.event(d, 2, 0) }), ErrStarted, Stopped{}, 1, false},
		{"agent is deaf", running, withAgent, ready, at(2, stops(0)), nil, Stopped{Heard: true, By: byACPI, Presses: 1, Reason: "shutdown"}, 2, true},
		{"deaf", running, "", brief, deaf, ErrStillRunning, Stopped{}, 3, false},
		{"deaf, forced", running, "", brief.forced(), deaf, nil, Stopped{Heard: true, By: byTerm, Presses: 3, Reason: "destroyed"}, 3, true},
		{"reboots", running, "", ready, at(1, (*fakeDaemon).reboot), ErrRebooted, Stopped{}, 1, false},
		{"reboots, may be forced", running, "", ready.forced(), at(1, (*fakeDaemon).reboot), ErrRebooted, Stopped{}, 1, false},
		{"crashes", running, "", ready, at(1, stops(2)), nil, Stopped{Heard: true, By: byACPI, Presses: 1, Reason: "crashed"}, 1, true},
		{"is saved", running, "", ready, at(1, stops(4)), ErrElsewhere, Stopped{}, 1, true},
		{"is migrated", running, "", ready.forced(), at(1, stops(3)), ErrElsewhere, Stopped{}, 1, true},
		{"is migrated, and undefined here", running, "", Shutdown{Deadline: time.Hour, Poll: time.Minute}, at(1, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { delete(f.domains, d.id) })
			f.event(d, 5, 3)
			f.event(d, 1, 0)
		}), ErrElsewhere, Stopped{}, 1, false},
		{"is migrated and undefined, and a look comes first", running, "", Shutdown{Deadline: time.Hour, Poll: time.Millisecond}, at(1, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { delete(f.domains, d.id) })
			time.Sleep(20 * time.Millisecond)
			f.event(d, 5, 3)
			f.event(d, 1, 0)
		}), ErrElsewhere, Stopped{}, 1, false},
		{"is started by a watchdog", running, "", ready, at(1, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { d.state = running })
			f.event(d, 5, 0)
		}), ErrStarted, Stopped{}, 1, false},
		{"is undefined", running, "", ready, at(1, func(f *fakeDaemon, d *fakeDomain) { f.event(d, 1, 0) }), ErrTransient, Stopped{}, 1, false},
		{"event lost", running, "", ready, at(1, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { d.state, d.reason = shutoff, 1 })
		}), nil, Stopped{By: byACPI, Presses: 1, Reason: "shutdown"}, -1, true},
		{"vanishes", running, "", ready, at(1, func(f *fakeDaemon, d *fakeDomain) { f.change(func() { delete(f.domains, d.id) }) }), ErrGone, Stopped{}, -1, false},
		{"has finished, and stays", running, "", Shutdown{Deadline: 1500 * time.Millisecond, Presses: Presses{Most: 3, Every: time.Second}}, at(1, func(f *fakeDaemon, d *fakeDomain) { f.event(d, 6, 1) }), ErrStillRunning, Stopped{}, 1, false},
		{"finishes, and its process crashes", running, "", ready, at(1, func(f *fakeDaemon, d *fakeDomain) {
			f.event(d, 6, 1)
			f.stop(d, 2)
		}), nil, Stopped{Heard: true, By: byACPI, Presses: 1, Finished: true, Reason: "crashed"}, 1, true},
		{"off", shutoff, "", ready, deaf, nil, Stopped{WasOff: true, Reason: "shutdown"}, 0, true},
		{"paused", paused, "", ready.forced(), deaf, ErrPaused, Stopped{}, 0, false},
		{"paused, may be resumed", paused, "", ready.resumed(), at(1, stops(0)), nil, Stopped{Heard: true, By: byACPI, Presses: 1, Reason: "shutdown"}, 1, true},
		{"crashed and kept", 6, "", ready.resumed(), deaf, ErrPaused, Stopped{}, 0, false},
		{"no button", running, " ", ready, deaf, ErrNoButton, Stopped{}, 0, false},
		{"no button, forced", running, " ", ready.forced(), deaf, nil, Stopped{Heard: true, By: byTerm, Reason: "destroyed"}, 0, true},
		{"shutdown means restart", running, "<features><acpi/></features><on_poweroff>restart</on_poweroff>", ready.forced(), deaf, ErrPoweroffRestarts, Stopped{}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeDaemon(t)
			d := f.add("web-3", c.state)
			if c.live != "" {
				d.live = c.live
			}
			f.pressed = c.guest.in(f)
			o := open(t, f, d)
			if before := o.CheckShutdown(soon(t), c.how); c.asked != 0 && before != nil || c.asked == 0 && !errors.Is(before, c.want) {
				t.Errorf("CheckShutdown = %v", before)
			}
			if c.got.Heard {
				c.how.Poll = time.Hour // On a busy machine a look may come before the event.
			}
			began := time.Now()
			got, err := o.Shutdown(soon(t), c.how, listen(t, f))
			if !errors.Is(err, c.want) {
				t.Fatalf("Shutdown = %+v, %v; want %v", got, err, c.want)
			}
			if err == nil && (got.At.Before(began) || got.At.After(time.Now())) {
				t.Errorf("stopped at %v, begun at %v", got.At, began)
			}
			got.At, got.Took = time.Time{}, 0
			if got != c.got {
				t.Errorf("Shutdown = %+v, want %+v", got, c.got)
			}
			if n := f.count(procShutdown); c.asked >= 0 && n != c.asked {
				t.Errorf("asked %d times, want %d", n, c.asked)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if off := d.state == shutoff; off != c.off {
				t.Errorf("in the end it is in state %d", d.state)
			}
			if n := f.asked[procDestroy]; n != 0 && !c.how.Force {
				t.Errorf("the power was cut %d times", n)
			}
		})
	}
}

// An agent that hangs is given up at the moment at which the button is pressed.
// That is followed by a look, which may find it off before the event is heard.
func TestShutdownAgentHangs(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	d.live = withAgent
	f.pressed = guest(func(f *fakeDaemon, d *fakeDomain, flags uint32, _ int) error {
		if flags == agentFlag {
			<-f.ended
			return nil
		}
		go f.stop(d, 0)
		return nil
	}).in(f)
	s, err := open(t, f, d).Shutdown(soon(t), ready, listen(t, f))
	if err != nil || s.By != byACPI || s.Presses != 1 || s.Reason != reasonShutdown || f.count(procShutdown) != 2 {
		t.Errorf("Shutdown = %+v, %v after %d requests", s, err, f.count(procShutdown))
	}
}

func TestShutdownTransient(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	d.transient = true
	if _, err := open(t, f, d).Shutdown(soon(t), brief.forced(), nil); !errors.Is(err, ErrTransient) || d.state != running {
		t.Errorf("Shutdown = %v, state %d", err, d.state)
	}
}

// The net below events: a look at the state now and then is enough.
func TestShutdownWithoutEvents(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	s, err := open(t, f, d).Shutdown(soon(t), ready, nil)
	if err != nil || s.Heard || s.Reason != "shutdown" || s.At.IsZero() {
		t.Errorf("Shutdown = %+v, %v", s, err)
	}
}

// A daemon that is killed and comes back while the guest goes down.
func TestShutdownDaemonRestarts(t *testing.T) {
	for name, comesBack := range map[string]bool{"comes back": true, "stays away": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeDaemon(t)
			d := f.add("web-3", running)
			f.pressed = at(1, func(f *fakeDaemon, d *fakeDomain) {
				f.change(func() { f.down = true })
				f.cut()
				time.Sleep(100 * time.Millisecond)
				f.change(func() { d.state, d.reason, f.down = shutoff, 1, !comesBack })
			}).in(f)
			how := brief
			if comesBack {
				how = ready
			}
			s, err := open(t, f, d).Shutdown(soon(t), how, listen(t, f))
			if comesBack && (err != nil || s.Reason != "shutdown") {
				t.Errorf("Shutdown = %+v, %v", s, err)
			}
			if !comesBack && (!errors.Is(err, ErrStillRunning) || !strings.Contains(err.Error(), "connection refused")) {
				t.Errorf("Shutdown = %+v, %v", s, err)
			}
		})
	}
}

// A QEMU process that hangs answers no request, and ends only by SIGKILL.
func TestShutdownHungProcess(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	d.hung = true
	how := brief.forced()
	how.Deadline = 400 * time.Millisecond
	s, err := openWith(t, f, d, hasty).Shutdown(soon(t), how, listen(t, f))
	if err != nil || s.By != byKill || s.Presses == 0 {
		t.Errorf("Shutdown = %+v, %v", s, err)
	}
	// No second request while the first has no answer; a daemon has few workers.
	if n := f.count(procShutdown); n > 2 {
		t.Errorf("%d requests", n)
	}
}

func TestShutdownNotEvenByForce(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	f.pressed = guest(deaf).in(f)
	stuck := libvirt.Error{Code: 38, Message: "Failed to terminate process 4711 with SIGKILL: Device or resource busy"}
	f.before = func(proc uint32, n int) misdeed {
		if proc == procDestroy {
			return misdeed{err: &stuck}
		}
		return misdeed{}
	}
	_, err := open(t, f, d).Shutdown(soon(t), Shutdown{Deadline: time.Millisecond, Force: true}, nil)
	if !errors.Is(err, ErrStillRunning) || !strings.Contains(err.Error(), "4711") || f.count(procDestroy) != 2 {
		t.Errorf("Shutdown = %v", err)
	}
}

// A daemon that is away at the deadline is waited for.
func TestShutdownForceWaitsForDaemon(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	f.pressed = guest(deaf).in(f)
	time.AfterFunc(brief.Deadline-50*time.Millisecond, func() {
		f.change(func() { f.down = true })
		f.cut()
		time.Sleep(150 * time.Millisecond)
		f.change(func() { f.down = false })
	})
	// The event of its end is lost with the connection.
	o := openWith(t, f, d, Options{Connect: time.Minute, Call: time.Minute, Destroy: time.Minute})
	s, err := o.Shutdown(soon(t), brief.forced(), listen(t, f))
	if err != nil || s.By != byTerm {
		t.Errorf("Shutdown = %+v, %v", s, err)
	}
}

func TestStoppedClean(t *testing.T) {
	for _, c := range []struct {
		s    Stopped
		want bool
	}{
		{Stopped{WasOff: true}, true},
		{Stopped{By: byACPI, Reason: reasonShutdown}, true},
		{Stopped{By: byACPI, Reason: reasonCrashed}, false},
		{Stopped{By: byACPI, Reason: reasonCrashed, Finished: true}, true},
		{Stopped{By: byTerm, Reason: reasonDestroyed}, false},
		{Stopped{By: byKill, Reason: reasonDestroyed, Finished: true}, false},
	} {
		if got := c.s.Clean(); got != c.want {
			t.Errorf("Clean of %+v = %v", c.s, got)
		}
	}
}

func TestShutdownCancelled(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	f.pressed = guest(deaf).in(f)
	stop := errors.New("the operator pressed Ctrl-C twice")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(100*time.Millisecond, func() { cancel(stop) })
	_, err := open(t, f, d).Shutdown(ctx, ready.forced(), listen(t, f))
	if !errors.Is(err, stop) || f.count(procDestroy) != 0 {
		t.Errorf("Shutdown = %v", err)
	}
}

func TestPressesFor(t *testing.T) {
	for family, most := range map[string]int{"windows": 5, "linux": 2, "bsd": 2, "other": 1, "unknown": 1, "": 1} {
		if p := PressesFor(family); p.Most != most {
			t.Errorf("PressesFor(%s) = %+v", family, p)
		}
	}
}
