package rename

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// A Kind is what happened to a domain.
type Kind string

// The kinds of an event that a restart is interested in
// (virDomainEventType, and virDomainEventID for a reboot).
const (
	KindStarted    Kind = "started"
	KindStopped    Kind = "stopped"  // its QEMU process has ended
	KindShutDown   Kind = "shutdown" // its guest has finished; the process ends next
	KindRebooted   Kind = "rebooted" // its guest started anew in the same process
	KindSuspended  Kind = "suspended"
	KindResumed    Kind = "resumed"
	KindUndefined  Kind = "undefined"
	KindCrashed    Kind = "crashed"
	KindPMSuspend  Kind = "pmsuspended"
	KindUnreliable Kind = "unreliable" // events were lost: look for yourself
)

var kinds = map[libvirt.DomainEventType]Kind{
	libvirt.DomainEventUndefined:   KindUndefined,
	libvirt.DomainEventStarted:     KindStarted,
	libvirt.DomainEventSuspended:   KindSuspended,
	libvirt.DomainEventResumed:     KindResumed,
	libvirt.DomainEventStopped:     KindStopped,
	libvirt.DomainEventShutdown:    KindShutDown,
	libvirt.DomainEventPmsuspended: KindPMSuspend,
	libvirt.DomainEventCrashed:     KindCrashed,
}

// An Event is something that happened to one domain.
type Event struct {
	Kind   Kind
	Detail int       // libvirt's number for why, of this kind
	At     time.Time // when it was heard of here
}

// Events hears of everything that happens to the domains of one host, on a
// connection of its own for as long as it lives: the RPC library's reader stops
// for good when a subscription is cancelled while events arrive, and every call
// on that connection with it. So nothing is ever cancelled but by the end of
// the connection, and nothing is asked on it but whether the daemon is there.
//
// Events that come while a lost connection is made anew are lost. Whoever
// listens is told so, and looks at the state now and then in any case.
type Events struct {
	dial Dialer
	opt  Options
	beat time.Duration // between questions whether the daemon is there

	stop context.CancelFunc
	done chan struct{}

	mu        sync.Mutex
	listeners map[*Listener]struct{}
}

// Watch begins to hear of events. The error is of the first connection; later
// ones are made anew without end, until Close.
func Watch(ctx context.Context, dial Dialer, opt Options) (*Events, error) {
	e := &Events{dial: dial, opt: opt.withDefaults(), beat: 5 * time.Second, done: make(chan struct{}), listeners: map[*Listener]struct{}{}}
	s, err := e.subscribe(ctx)
	if err != nil {
		return nil, err
	}
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	go e.run(ctx, s)
	return e, nil
}

// Close ends the connection and all listening.
func (e *Events) Close() {
	e.stop()
	<-e.done
}

// run passes events on until ctx ends, over one connection after the other.
func (e *Events) run(ctx context.Context, s *subscription) {
	defer close(e.done)
	for {
		why := e.pass(ctx, s)
		e.tellAll(Event{Kind: KindUnreliable, At: time.Now()})
		if ctx.Err() != nil {
			return
		}
		e.opt.Log.Warn("connection for events lost", "cause", why)
		if s = e.resubscribe(ctx); s == nil {
			return
		}
		e.tellAll(Event{Kind: KindUnreliable, At: time.Now()})
	}
}

// resubscribe tries until ctx ends; then it returns nil.
func (e *Events) resubscribe(ctx context.Context) *subscription {
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		s, err := e.subscribe(ctx)
		if err == nil {
			return s
		}
		e.opt.Log.Warn("connection for events not made again", "cause", err)
	}
}

// pass passes on what one connection brings until it ends, and says why it did.
func (e *Events) pass(ctx context.Context, s *subscription) error {
	defer s.drain()
	go e.listenToHeart(s.conn)
	for {
		select {
		case ev, open := <-s.lifecycle:
			if !open {
				return s.conn.loss()
			}
			if kind, known := kinds[libvirt.DomainEventType(ev.Event)]; known {
				e.tell(ev.Dom.UUID, Event{Kind: kind, Detail: int(ev.Detail), At: time.Now()})
			}
		case msg, open := <-s.reboots:
			if !open {
				return s.conn.loss()
			}
			if ev, is := msg.(*libvirt.DomainEventCallbackRebootMsg); is {
				e.tell(ev.Msg.Dom.UUID, Event{Kind: KindRebooted, At: time.Now()})
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// listenToHeart asks the daemon now and then whether it is there, for a
// connection that is cut in the middle tells nothing of it, and the library has
// no keepalive. A question without an answer ends the connection, and with the
// connection this ends.
func (e *Events) listenToHeart(c *connection) {
	for {
		select {
		case <-c.over():
			return
		case <-time.After(e.beat):
		}
		beat := request{act: "ask whether the daemon is there", limit: e.opt.Call}
		// An error that is an answer is a sign of life too.
		_, _ = ask(context.Background(), c, beat, calls.ConnectGetLibVersion)
	}
}

// A subscription is a connection that brings events.
type subscription struct {
	conn      *connection
	lifecycle <-chan libvirt.DomainEventLifecycleMsg
	reboots   <-chan any
}

func (e *Events) subscribe(ctx context.Context) (*subscription, error) {
	c, err := connect(ctx, e.dial, e.opt.Connect)
	if err != nil {
		return nil, err
	}
	s, err := ask(ctx, c, request{act: "subscribe to events", limit: e.opt.Call}, func(calls) (*subscription, error) {
		// The context of a subscription is never cancelled, see Events.
		lifecycle, err := c.lv.LifecycleEvents(context.Background())
		if err != nil {
			return nil, err
		}
		reboots, err := c.lv.SubscribeEvents(context.Background(), libvirt.DomainEventIDReboot, nil)
		s := &subscription{c, lifecycle, reboots}
		if err != nil {
			s.drain()
		}
		return s, err
	})
	if err != nil {
		c.end(err)
		return nil, err
	}
	return s, nil
}

// drain ends the connection and takes what is still on its way: the library
// waits, with all it holds, until every event has been taken.
func (s *subscription) drain() {
	s.conn.end(errors.New("events are no longer listened to"))
	go takeAll(s.lifecycle)
	if s.reboots != nil { // the second subscription may have failed
		go takeAll(s.reboots)
	}
}

func takeAll[T any](from <-chan T) {
	for range from {
	}
}
