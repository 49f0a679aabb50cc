package rename

import (
	"github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
)

// A Listener hears of one domain.
type Listener struct {
	C <-chan Event // never closed

	to     chan Event
	id     libvirt.UUID
	events *Events
}

// Listen begins to hear of one domain. What happened before is not told, so the
// state is looked at after this, not before.
func (e *Events) Listen(id string) (*Listener, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, err
	}
	to := make(chan Event, 64) // a restart makes less than ten
	l := &Listener{C: to, to: to, id: libvirt.UUID(parsed), events: e}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listeners[l] = struct{}{}
	return l, nil
}

// Close ends the listening.
func (l *Listener) Close() {
	l.events.mu.Lock()
	defer l.events.mu.Unlock()
	delete(l.events.listeners, l)
}

// tell never waits: a listener that is behind has its look at the state.
func (l *Listener) tell(ev Event) {
	select {
	case l.to <- ev:
	default:
	}
}

func (e *Events) tell(id libvirt.UUID, ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for l := range e.listeners {
		if l.id == id {
			l.tell(ev)
		}
	}
}

func (e *Events) tellAll(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for l := range e.listeners {
		l.tell(ev)
	}
}
