package rename

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
)

// soon is a context for what has to end by itself.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Minute, errors.New("the test waited in vain"))
	t.Cleanup(cancel)
	return ctx
}

// must is for what a test only builds on.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Every wait for an answer that comes ends with it, on a busy machine later. Who
// waits in vain is hasty.
var (
	ample = Options{Connect: time.Minute, Call: time.Minute, Start: time.Minute, Destroy: time.Minute, heard: time.Minute}
	hasty = Options{Connect: time.Minute, Call: 300 * time.Millisecond, Start: 300 * time.Millisecond, Destroy: time.Second, heard: time.Minute}
)

func open(t *testing.T, f *fakeDaemon, d *fakeDomain) *Domain {
	t.Helper()
	return openWith(t, f, d, ample)
}

func openWith(t *testing.T, f *fakeDaemon, d *fakeDomain, opt Options) *Domain {
	t.Helper()
	o, err := Open(soon(t), f.dial, d.id.String(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// on misbehaves at the first request of a kind.
func on(proc uint32, m misdeed) func(uint32, int) misdeed {
	return func(asked uint32, n int) misdeed {
		if asked == proc && n == 0 {
			return m
		}
		return misdeed{}
	}
}

func TestOpen(t *testing.T) {
	f := newFakeDaemon(t)
	if _, err := Open(soon(t), f.dial, "no uuid", ample); err == nil {
		t.Error("no error for a UUID that is none")
	}
	d, err := Open(soon(t), f.dial, uuid.NewString(), ample)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.State(soon(t)); !errors.Is(err, ErrGone) || !libvirt.IsNotFound(errors.Unwrap(err)) && !strings.Contains(err.Error(), "no domain with matching uuid") {
		t.Errorf("State of a domain that is not there: %v", err)
	}
	f.change(func() { f.down = true })
	if _, err := Open(soon(t), f.dial, uuid.NewString(), ample); !Unanswered(err) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("Open without a daemon: %v", err)
	}
}

// A connection may end in several ways. Each is told as one that ended, and the
// next call has a new one.
func TestConnectionLost(t *testing.T) {
	for _, c := range []struct {
		name string
		m    misdeed
		want error
		says string
	}{
		{"cut before", misdeed{drop: true}, ErrLost, "EOF"},
		{"silent", misdeed{silent: true}, ErrNoAnswer, "within 300ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeDaemon(t)
			d := openWith(t, f, f.add("web-3", running), hasty)
			f.before = on(procState, c.m)
			first := must[*connection](t)(d.connection(soon(t)))
			_, err := d.State(soon(t))
			if !errors.Is(err, c.want) || !Unanswered(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("State = %v", err)
			}
			if state, err := d.State(soon(t)); err != nil || state != StateRunning {
				t.Errorf("then State = %s, %v", state, err)
			}
			if second := must[*connection](t)(d.connection(soon(t))); second == first {
				t.Error("the connection is the same")
			}
		})
	}
}

func TestConnectionCancelled(t *testing.T) {
	f := newFakeDaemon(t)
	d := open(t, f, f.add("web-3", running))
	f.before = on(procState, misdeed{silent: true})
	stop := errors.New("the operator pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
	if _, err := d.State(ctx); !errors.Is(err, stop) || !Unanswered(err) {
		t.Errorf("State = %v", err)
	}
}

// A call that is not waited for must not end those that are.
func TestPatientCall(t *testing.T) {
	f := newFakeDaemon(t)
	d := openWith(t, f, f.add("web-3", running), hasty)
	f.before = on(procTime, misdeed{silent: true})
	first, err := d.connection(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = do(soon(t), d, request{act: "ask the agent", patient: true}, func(lv calls, l libvirt.Domain) (none struct{}, err error) {
		_, _, err = lv.DomainGetTime(l, 0)
		return none, err
	})
	if !errors.Is(err, ErrNoAnswer) {
		t.Errorf("a hung guest: %v", err)
	}
	if c, err := d.connection(soon(t)); err != nil || c != first {
		t.Errorf("the connection was given up (%v)", err)
	}
}

// A daemon that accepts and says nothing.
func TestConnectSilent(t *testing.T) {
	dial := func(context.Context) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, theirs)
		return ours, nil
	}
	began := time.Now()
	_, err := Open(context.Background(), dial, uuid.NewString(), Options{Connect: 100 * time.Millisecond})
	if !errors.Is(err, ErrNoAnswer) || time.Since(began) > 15*time.Second { // 20 s are the default
		t.Errorf("Open = %v after %v", err, time.Since(began))
	}
}

func TestStateNames(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	o := open(t, f, d)
	for number, want := range map[int32]State{0: StateNone, 3: StatePaused, 4: StateShutdown, 7: StatePMSuspended} {
		f.change(func() { d.state = number })
		if got, err := o.State(soon(t)); got != want || err != nil {
			t.Errorf("state %d is %s, %v", number, got, err)
		}
	}
	f.change(func() { d.state = 99 })
	if _, err := o.State(soon(t)); err == nil {
		t.Error("no error for a state that is not known")
	}
}

func TestInsist(t *testing.T) {
	lost, refused := unanswered{ErrLost}, errors.New("refused")
	for _, c := range []struct {
		name     string
		patience time.Duration
		answers  []error
		want     error
		calls    int
	}{
		{"at once", time.Minute, []error{nil}, nil, 1},
		{"refused", time.Minute, []error{refused}, refused, 1},
		{"comes back", time.Minute, []error{lost, nil}, nil, 2},
		{"comes back and refuses", time.Minute, []error{lost, refused}, refused, 2},
		{"stays away", 250 * time.Millisecond, []error{lost, lost, lost, lost}, ErrLost, 2},
	} {
		calls := 0
		err := Insist(soon(t), c.patience, func(context.Context) error {
			calls++
			return c.answers[calls-1]
		})
		if !errors.Is(err, c.want) || calls != c.calls {
			t.Errorf("%s: %v after %d calls", c.name, err, calls)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Insist(ctx, time.Minute, func(context.Context) error { return lost }); !errors.Is(err, ErrLost) {
		t.Errorf("cancelled: %v", err)
	}
}
