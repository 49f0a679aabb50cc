package discover

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
)

// hostScan is the reading of one daemon.
type hostScan struct {
	opt       Options
	transport *transport
	reader    *reader
	survey    survey
	inv       *Inventory
}

// scanDaemon reads one host through its libvirt daemon: what the host is and
// lists first, then the definitions, then what only running guests and the
// host's files can tell.
func scanDaemon(ctx context.Context, h Host, opt Options) (inv Inventory) {
	inv.Host = h
	s := &hostScan{opt: opt, inv: &inv}
	if err := s.connect(ctx); err != nil {
		return failed(inv, err)
	}
	defer s.transport.close()
	defer s.reader.close()
	if err := s.takeSurvey(ctx); err != nil {
		return failed(inv, err)
	}
	lost := s.readDomains(ctx)

	// The two do not touch the same fields of a domain.
	var both sync.WaitGroup
	if lost == nil {
		both.Go(func() { s.askGuests(ctx) })
	}
	var neighbours map[string][]netip.Addr
	both.Go(func() { neighbours = lookAtFiles(ctx, &inv, s.transport.ssh, opt) })
	both.Wait()
	addNeighbours(inv.Domains, neighbours)
	slices.SortFunc(inv.Domains, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	if lost != nil {
		return failed(inv, lost)
	}
	return inv
}

// connect logs in and opens the driver, each within the call's deadline.
func (s *hostScan) connect(ctx context.Context) (err error) {
	if s.transport, err = openInTime(ctx, s.inv.Host, s.opt); err != nil {
		return err
	}
	if s.reader, err = s.transport.reader(ctx, false, s.opt); err != nil {
		s.transport.close()
		return err
	}
	s.inv.ReadOnly = s.reader.link.readOnly
	return nil
}

func openInTime(ctx context.Context, h Host, opt Options) (*transport, error) {
	ctx, cancel := withCallTimeout(ctx, opt)
	defer cancel()
	return openTransport(ctx, h)
}

// reader makes a connection and opens the driver over it.
func (t *transport) reader(ctx context.Context, writable bool, opt Options) (*reader, error) {
	dialling, cancel := withCallTimeout(ctx, opt)
	defer cancel()
	l, err := t.dial(dialling, writable)
	if err != nil {
		return nil, err
	}
	return newReader(ctx, l, opt.CallTimeout)
}

func withCallTimeout(ctx context.Context, opt Options) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, opt.CallTimeout, fmt.Errorf("%w within %v", ErrNoAnswer, opt.CallTimeout))
}

// pipelined is how many questions are under way on one connection. A daemon
// works on five of a client at a time (max_client_requests) and leaves the
// rest in the socket, which costs nothing there and saves round trips here.
const pipelined = 24

// readDomains reads all definitions, several at a time, each parsed while
// others are on their way. The error is of the connection; domains it kept
// from being read are listed as unreadable.
func (s *hostScan) readDomains(ctx context.Context) error {
	listed := s.survey.domains
	found := make([]Domain, len(listed))
	failures := make([]error, len(listed))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(pipelined, len(listed)) {
		workers.Go(func() {
			for i := range next {
				found[i], failures[i] = s.readDomain(ctx, listed[i])
			}
		})
	}
	workers.Go(func() { s.readSizes(ctx) })
	for i := range listed {
		next <- i
	}
	close(next)
	workers.Wait()
	return s.sortOut(found, failures)
}

// sortOut tells the readable from the others, and a lost connection from a
// domain's own trouble. The readable ones stay where they are: a host's domains
// twice would be most of the memory that an audit takes.
func (s *hostScan) sortOut(found []Domain, failures []error) (lost error) {
	s.inv.Domains = found[:0]
	for i, l := range s.survey.domains {
		err := failures[i]
		if err == nil {
			s.survey.complete(&found[i])
			s.inv.Domains = append(s.inv.Domains, found[i])
			continue
		}
		s.inv.Unreadable = append(s.inv.Unreadable, Unreadable{Host: s.inv.Host.Name, Name: l.Name, UUID: uuidOf(l), Err: err})
		if lost == nil && isUnanswered(err) {
			lost = err
		}
	}
	return lost
}

func (s *hostScan) readDomain(ctx context.Context, l libvirt.Domain) (Domain, error) {
	inactive, err := s.definition(ctx, l, libvirt.DomainXMLInactive)
	if err != nil {
		return Domain{}, err
	}
	var live []byte
	if s.survey.state(l).Active() {
		if live, err = s.definition(ctx, l, 0); err != nil {
			return Domain{}, err
		}
	}
	d, err := Parse(inactive, live)
	if err != nil {
		return Domain{}, err
	}
	if d.UUID != uuidOf(l) {
		return Domain{}, fmt.Errorf("definition of %s names another UUID than the list: %s", uuidOf(l), d.UUID)
	}
	if d.Name != l.Name {
		return Domain{}, fmt.Errorf("its definition calls it %q, and the list %q: it was renamed while its host was read, or the daemon does not tell the truth; look again", d.Name, l.Name)
	}
	d.Host, d.State = s.inv.Host.Name, s.survey.state(l)
	s.survey.mark(&d, l)
	if s.opt.KeepXML {
		d.XML, d.LiveXML = inactive, live
	}
	return d, nil
}

func (s *hostScan) definition(ctx context.Context, l libvirt.Domain, flags libvirt.DomainXMLFlags) ([]byte, error) {
	text, err := call(ctx, s.reader, "read definition", func(lv questions) (string, error) {
		return lv.DomainGetXMLDesc(l, flags)
	})
	if libvirt.IsNotFound(err) {
		return nil, fmt.Errorf("vanished while its host was read: %w", err)
	}
	return []byte(text), err
}

// uuidOf is the canonical text of a domain's UUID.
func uuidOf(l libvirt.Domain) string { return canonical(l.UUID) }

func canonical(u libvirt.UUID) string { return uuid.UUID(u).String() }
