package rename

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
)

// Options of a connection. The zero value has the defaults that stand here.
type Options struct {
	// Connect is how long dialling, logging in and opening may take: 20 s.
	Connect time.Duration
	// Call is how long an ordinary call may take: 15 s.
	Call time.Duration
	// Start is how long libvirt may take to start a domain, which includes the
	// allocation of all its memory where huge pages or locking ask for it: 5 min.
	Start time.Duration
	// Destroy is how long libvirt may take to end a QEMU process, which waits
	// for its disks: 1 min.
	Destroy time.Duration
	// Log gets what is done and why, never a definition. Nil is silence.
	Log *slog.Logger

	// heard is how long the event of a power cut is waited for: 100 ms.
	heard time.Duration
}

func (o Options) withDefaults() Options {
	o.Connect = cmp.Or(o.Connect, 20*time.Second)
	o.Call = cmp.Or(o.Call, 15*time.Second)
	o.Start = cmp.Or(o.Start, 5*time.Minute)
	o.Destroy = cmp.Or(o.Destroy, time.Minute)
	o.heard = cmp.Or(o.heard, 100*time.Millisecond)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// A State is the run state of a domain in libvirt's words (virDomainState).
type State string

// The states that libvirt knows.
const (
	StateNone        State = "nostate"
	StateRunning     State = "running"
	StateBlocked     State = "blocked"
	StatePaused      State = "paused"
	StateShutdown    State = "shutdown" // being shut down, still running
	StateShutoff     State = "shutoff"
	StateCrashed     State = "crashed" // kept after a crash, see on_crash=preserve
	StatePMSuspended State = "pmsuspended"
)

var states = map[int32]State{
	0: StateNone, 1: StateRunning, 2: StateBlocked, 3: StatePaused, 4: StateShutdown,
	5: StateShutoff, 6: StateCrashed, 7: StatePMSuspended,
}

// A Domain is one libvirt domain that is to be changed. It is known by its
// UUID, the one thing about it that stays. It has a libvirt connection of its
// own, so that a guest that hangs holds up nothing but itself, and makes a new
// one when that is lost.
//
// Every method may be called again after any error, a lost connection among
// them: it looks at what is there and does what is left to do.
type Domain struct {
	dial Dialer
	id   libvirt.UUID
	opt  Options
	log  *slog.Logger

	mu   sync.Mutex
	conn *connection // nil until needed, and after a loss
}

// Open connects to the host of a domain, which is named by its UUID. Whether
// the host has it is not asked: a domain that somebody undefined can be defined
// again. Every other method returns ErrGone for it.
func Open(ctx context.Context, dial Dialer, id string, opt Options) (*Domain, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, fmt.Errorf("UUID %q: %w", id, err)
	}
	opt = opt.withDefaults()
	d := &Domain{dial: dial, id: libvirt.UUID(parsed), opt: opt, log: opt.Log.With("uuid", parsed.String())}
	if _, err := d.connection(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Close ends the connection. The domain is as it was.
func (d *Domain) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil {
		d.conn.end(ErrLost)
		d.conn = nil
	}
}

// UUID is the domain's, in canonical form.
func (d *Domain) UUID() string { return canonical(d.id) }

func canonical(id libvirt.UUID) string { return uuid.UUID(id).String() }

// handle names the domain to libvirt, which goes by the UUID alone; names come
// and go.
func (d *Domain) handle() libvirt.Domain {
	return libvirt.Domain{Name: d.UUID(), UUID: d.id, ID: -1}
}

// connection is the present connection, or a new one.
func (d *Domain) connection(ctx context.Context) (*connection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn != nil && !d.conn.isOver() {
		return d.conn, nil
	}
	c, err := connect(ctx, d.dial, d.opt.Connect)
	if err != nil {
		return nil, err
	}
	d.conn = c
	return c, nil
}

// do makes one call about the domain.
func do[T any](ctx context.Context, d *Domain, q request, f func(calls, libvirt.Domain) (T, error)) (T, error) {
	c, err := d.connection(ctx)
	if err != nil {
		var none T
		return none, fmt.Errorf("%s: %w", q.act, err)
	}
	q.limit = cmp.Or(q.limit, d.opt.Call)
	return ask(ctx, c, q, func(lv calls) (T, error) { return f(lv, d.handle()) })
}

// try makes one call that returns nothing but an error.
func try(ctx context.Context, d *Domain, q request, f func(calls, libvirt.Domain) error) error {
	_, err := do(ctx, d, q, func(lv calls, l libvirt.Domain) (none struct{}, err error) { return none, f(lv, l) })
	return err
}

// find looks the domain up: its present name, and its number while it runs.
func (d *Domain) find(ctx context.Context) (libvirt.Domain, error) {
	return do(ctx, d, request{act: "look up domain " + d.UUID()}, func(lv calls, _ libvirt.Domain) (libvirt.Domain, error) {
		return lv.DomainLookupByUUID(d.id)
	})
}

// Name is the domain's present name.
func (d *Domain) Name(ctx context.Context) (string, error) {
	l, err := d.find(ctx)
	return l.Name, err
}

// State reads the domain's present state.
func (d *Domain) State(ctx context.Context) (State, error) {
	state, _, err := d.state(ctx)
	return state, err
}

// state tells also why the domain is in that state, a number whose meaning
// depends on it.
func (d *Domain) state(ctx context.Context) (State, int32, error) {
	type both struct{ state, reason int32 }
	b, err := do(ctx, d, request{act: "read the domain's state"}, func(lv calls, l libvirt.Domain) (b both, err error) {
		b.state, b.reason, err = lv.DomainGetState(l, 0)
		return b, err
	})
	if err != nil {
		return "", 0, err
	}
	state, known := states[b.state]
	if !known {
		return "", 0, fmt.Errorf("read the domain's state: libvirt says %d, which this tool does not know", b.state)
	}
	return state, b.reason, nil
}

// Insist calls f again while its error is of a call that got no answer, until
// there is one or patience is over. A daemon that is restarted is away for
// seconds; a domain that is off at that moment should not stay so for it. What
// f does may have taken effect each time.
func Insist(ctx context.Context, patience time.Duration, f func(context.Context) error) error {
	end := time.Now().Add(patience)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := f(ctx)
		if !Unanswered(err) || ctx.Err() != nil || time.Now().Add(wait).After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
