package rename

import (
	"errors"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
)

func TestStart(t *testing.T) {
	missing := libvirt.Error{Code: uint32(libvirt.ErrSystemError), Message: "Cannot access storage file '/iso/tools.iso'"}
	for _, c := range []struct {
		name      string
		state     int32
		paused    bool
		before    func(uint32, int) misdeed
		want      error
		active    bool
		wantState int32
	}{
		{"plain", shutoff, false, nil, nil, false, running},
		{"paused", shutoff, true, nil, nil, false, paused},
		{"runs already", running, false, nil, nil, true, running},
		{"is paused already", paused, false, nil, nil, true, paused},
		{"refused", shutoff, false, on(procCreate, misdeed{err: &missing}), missing, false, shutoff},
		{"answer lost", shutoff, false, on(procCreate, misdeed{after: true}), nil, false, running},
		{"request lost", shutoff, false, on(procCreate, misdeed{drop: true}), ErrLost, false, shutoff},
		{"no answer", shutoff, false, on(procCreate, misdeed{silent: true}), ErrNoAnswer, false, shutoff},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeDaemon(t)
			d := f.add("web-3", c.state)
			f.before = c.before
			opt := ample
			if c.want == ErrNoAnswer {
				opt = hasty
			}
			began := time.Now()
			s, err := openWith(t, f, d, opt).Start(soon(t), c.paused)
			if !errors.Is(err, c.want) || s.WasActive != c.active || d.state != c.wantState {
				t.Fatalf("Start = %+v, %v; state %d", s, err, d.state)
			}
			if started := err == nil && !c.active; started != (s.Issued.After(began)) {
				t.Errorf("issued at %v, begun at %v", s.Issued, began)
			}
		})
	}
}

func TestStartGap(t *testing.T) {
	at := time.Now()
	if gap := (Started{Issued: at.Add(7 * time.Millisecond)}).Gap(Stopped{At: at}); gap != 7*time.Millisecond {
		t.Errorf("gap %v", gap)
	}
}

func TestResume(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", paused)
	o := open(t, f, d)
	for _, c := range []struct {
		state int32
		want  error
		calls int
	}{{running, nil, 0}, {paused, nil, 1}, {7, nil, 2}, {shutoff, ErrPaused, 2}, {6, ErrPaused, 2}} {
		f.change(func() { d.state = c.state })
		err := o.Resume(soon(t))
		if n := f.count(procResume) + f.count(procWakeup); !errors.Is(err, c.want) || n != c.calls {
			t.Errorf("Resume in state %d = %v after %d calls", c.state, err, n)
		}
	}
}

func TestSetAutostart(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", shutoff)
	o := open(t, f, d)
	for _, on := range []bool{true, true, false} {
		if err := o.SetAutostart(soon(t), on); err != nil || d.autostart != on {
			t.Errorf("SetAutostart(%v) = %v, flag %v", on, err, d.autostart)
		}
	}
}

func TestAwaitStart(t *testing.T) {
	for _, c := range []struct {
		name  string
		then  func(*fakeDaemon, *fakeDomain)
		early bool // told, not found by a look
		want  error
	}{
		{"by an event", func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { d.state = running })
			f.event(d, 2, 0)
		}, true, nil},
		{"by a look", func(f *fakeDaemon, d *fakeDomain) { f.change(func() { d.state = running }) }, false, nil},
		{"undefined and defined anew", func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { delete(f.domains, d.id) })
			f.event(d, 1, 0)
			time.Sleep(50 * time.Millisecond)
			f.change(func() { f.domains[d.id], d.state = d, running })
			f.event(d, 2, 0)
		}, true, nil},
		{"daemon restarts", func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { f.down = true })
			f.cut()
			time.Sleep(100 * time.Millisecond) // in which it is looked for
			f.change(func() { d.state, f.down = running, false })
		}, true, nil},
		{"not at all", func(*fakeDaemon, *fakeDomain) {}, false, ErrNotStarted},
		{"started and stopped again", func(f *fakeDaemon, d *fakeDomain) { f.event(d, 2, 0) }, true, ErrNotStarted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeDaemon(t)
			d := f.add("web-3", shutoff)
			o, e := open(t, f, d), listen(t, f)
			time.AfterFunc(50*time.Millisecond, func() { c.then(f, d) })
			began := time.Now()
			within := time.Hour
			if c.want != nil {
				within = 2500 * time.Millisecond
			}
			at, err := o.AwaitStart(soon(t), within, e)
			if !errors.Is(err, c.want) || at.IsZero() != (err != nil) || err == nil && at.Before(began) {
				t.Errorf("AwaitStart = %v, %v", at, err)
			}
			if early := at.Sub(began) < 900*time.Millisecond; err == nil && early != c.early {
				t.Errorf("found after %v", at.Sub(began))
			}
		})
	}
}
