package rename

import (
	"context"
	"errors"
	"testing"
	"time"
)

// next waits for an event, past those that only say to look.
func next(t *testing.T, l *Listener, kind Kind) Event {
	t.Helper()
	ctx := soon(t)
	for {
		select {
		case ev := <-l.C:
			if ev.Kind == kind {
				return ev
			}
			if ev.Kind != KindUnreliable {
				t.Fatalf("heard %+v, want %s", ev, kind)
			}
		case <-ctx.Done():
			t.Fatalf("heard nothing of %s", kind)
		}
	}
}

func TestEvents(t *testing.T) {
	f := newFakeDaemon(t)
	mine, other := f.add("web-3", running), f.add("db-1", running)
	e := listen(t, f)
	l, err := e.Listen(mine.id.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began := time.Now()
	f.event(other, 5, 0)
	f.event(mine, 6, 1)
	f.reboot(mine)
	f.event(mine, 5, 2)
	// The order among the two subscriptions is not kept.
	heard := map[Kind]Event{}
	for range 3 {
		ev := <-l.C
		heard[ev.Kind] = ev
		if ev.At.Before(began) {
			t.Errorf("%s at %v, begun at %v", ev.Kind, ev.At, began)
		}
	}
	if len(heard) != 3 || heard[KindShutDown].Detail != 1 || heard[KindStopped].Detail != 2 || heard[KindRebooted].Kind == "" {
		t.Errorf("heard %+v", heard)
	}
	if _, err := e.Listen("no uuid"); err == nil {
		t.Error("no error for a UUID that is none")
	}
}

// Nobody who does not listen may hold up those who do.
func TestEventsSlowListener(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	e := listen(t, f)
	slow, _ := e.Listen(d.id.String())
	defer slow.Close()
	for range cap(slow.C) + 20 {
		f.event(d, 4, 0)
	}
	late, _ := e.Listen(d.id.String())
	defer late.Close()
	ctx := soon(t)
	for heard := false; !heard; {
		f.event(d, 5, 0)
		select {
		case ev := <-late.C:
			heard = ev.Kind == KindStopped
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("the second listener heard nothing")
		}
	}
}

// After a loss the connection is made anew, and listeners are told to look.
func TestEventsAfterLoss(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	l, err := listen(t, f).Listen(d.id.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f.change(func() { f.down = true })
	f.cut()
	next(t, l, KindUnreliable)
	f.change(func() { f.down = false })
	next(t, l, KindUnreliable)
	f.event(d, 5, 0)
	next(t, l, KindStopped)
}

// A connection that is cut in the middle brings neither events nor an end. Only
// asking finds out.
func TestEventsHalfOpen(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	e := &Events{dial: f.dial, opt: hasty.withDefaults(), beat: 20 * time.Millisecond, done: make(chan struct{}), listeners: map[*Listener]struct{}{}}
	s, err := e.subscribe(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	l, _ := e.Listen(d.id.String())
	f.mu.Lock()
	f.before = func(proc uint32, n int) misdeed { return misdeed{silent: proc == procLibVersion && n == 3} }
	f.mu.Unlock()
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	go e.run(ctx, s)
	defer e.Close()
	next(t, l, KindUnreliable)
	next(t, l, KindUnreliable)
	f.event(d, 5, 0)
	next(t, l, KindStopped)
}

func TestEventsClose(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	e, err := Watch(soon(t), f.dial, ample)
	if err != nil {
		t.Fatal(err)
	}
	// Events that arrive while the end comes: the library's own way of ending a
	// subscription would stop here for good.
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				f.event(d, 4, 0)
			}
		}
	}()
	defer close(stop)
	closed := make(chan struct{})
	go func() { e.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Error("Close does not end")
	}
}

func TestWatchWithoutDaemon(t *testing.T) {
	f := newFakeDaemon(t)
	f.change(func() { f.down = true })
	if _, err := Watch(soon(t), f.dial, ample); !Unanswered(err) {
		t.Errorf("Watch = %v", err)
	}
	f.change(func() { f.down = false })
	f.before = on(procSubscribe, misdeed{drop: true})
	if _, err := Watch(soon(t), f.dial, ample); !errors.Is(err, ErrLost) {
		t.Errorf("Watch = %v", err)
	}
}
