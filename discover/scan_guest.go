package discover

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/digitalocean/go-libvirt"
)

// guestsAtOnce is how many running domains are asked at a time. A question to
// a hung QEMU process keeps one of the five requests that a daemon works on
// for a client (max_client_requests), so this stays below it.
const guestsAtOnce = 4

var errNotAsked = fmt.Errorf("not asked: %d domains before it did not answer, and each keeps a worker of the daemon", guestsAtOnce)

// askGuests asks running domains, one question after the other, for what only
// their QEMU process and agent know. It has a connection of its own: a domain
// that hangs costs its own deadline, and nobody asks it again. A worker that
// met one is lost to it, so a host full of hung guests is given up soon.
func (s *hostScan) askGuests(ctx context.Context) {
	var running []*Domain
	agents := false
	for i := range s.inv.Domains {
		if d := &s.inv.Domains[i]; d.State.Active() {
			running = append(running, d)
			agents = agents || d.AgentConnected && !s.opt.SkipGuest && s.opt.Look(*d)
		}
	}
	if len(running) == 0 {
		return
	}
	// libvirt passes questions to guest agents on its writable socket only.
	r, err := s.transport.reader(ctx, agents, s.opt)
	if err != nil {
		s.silence(running, err)
		return
	}
	defer r.close()
	q := &guestQuestions{reader: r.patiently(), handles: s.handles(), opt: s.opt}
	quiet, errs := q.askAll(ctx, running)
	s.silence(quiet, errs...)
}

func (s *hostScan) handles() map[string]libvirt.Domain {
	all := make(map[string]libvirt.Domain, len(s.survey.domains))
	for _, l := range s.survey.domains {
		all[uuidOf(l)] = l
	}
	return all
}

func (s *hostScan) silence(quiet []*Domain, errs ...error) {
	for i, d := range quiet {
		s.inv.Silent = append(s.inv.Silent, Silence{Host: d.Host, Name: d.Name, UUID: d.UUID, Err: errs[min(i, len(errs)-1)]})
	}
}

// guestQuestions asks the running domains of one host.
type guestQuestions struct {
	reader  *reader
	handles map[string]libvirt.Domain
	opt     Options
}

// askAll returns the domains that did not answer, and why.
func (q *guestQuestions) askAll(ctx context.Context, running []*Domain) (quiet []*Domain, errs []error) {
	failures := make([]error, len(running))
	for i := range failures {
		failures[i] = errNotAsked
	}
	next := make(chan int, len(running))
	for i := range running {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range min(guestsAtOnce, len(running)) {
		workers.Go(func() {
			for i := range next {
				failures[i] = q.ask(ctx, running[i])
				if failures[i] != nil {
					return
				}
			}
		})
	}
	workers.Wait()
	for i, err := range failures {
		if err != nil {
			quiet, errs = append(quiet, running[i]), append(errs, err)
		}
	}
	return quiet, errs
}

// ask returns an error only for a domain that is silent. A question that is
// answered with an error leaves what it asked for unknown.
func (q *guestQuestions) ask(ctx context.Context, d *Domain) error {
	l := q.handles[d.UUID]
	for i := range d.Disks {
		if err := q.size(ctx, l, &d.Disks[i]); err != nil {
			return err
		}
	}
	for i := range d.Interfaces {
		if err := q.drops(ctx, l, &d.Interfaces[i]); err != nil {
			return err
		}
	}
	said, err := call(ctx, q.reader, "read taints", func(lv questions) ([]string, error) {
		return lv.DomainGetMessages(l, uint32(libvirt.DomainMessageTainting))
	})
	d.Tainted = strings.Join(said, "; ")
	if isUnanswered(err) || q.opt.SkipGuest || !q.opt.Look(*d) {
		return onlySilence(err)
	}
	return q.askInside(ctx, l, d)
}

func (q *guestQuestions) size(ctx context.Context, l libvirt.Domain, k *Disk) error {
	if k.Path == "" && k.Protocol == "" {
		return nil // an empty drive
	}
	size, err := call(ctx, q.reader, "ask for the size of "+k.Target, func(lv questions) (size diskSize, err error) {
		size.allocation, size.capacity, _, err = lv.DomainGetBlockInfo(l, k.Target, 0)
		return size, err
	})
	if err == nil {
		k.setSizes(size.capacity, size.allocation)
	}
	return onlySilence(err)
}

// drops reads the tap's counters, which the host keeps.
func (q *guestQuestions) drops(ctx context.Context, l libvirt.Domain, i *Interface) error {
	if i.Target == "" {
		return nil
	}
	type counters struct{ rx, tx int64 }
	c, err := call(ctx, q.reader, "read counters of "+i.Target, func(lv questions) (c counters, err error) {
		_, _, _, c.rx, _, _, _, c.tx, err = lv.DomainInterfaceStats(l, i.Target)
		return c, err
	})
	i.RxDropped, i.TxDropped = uint64(max(c.rx, 0)), uint64(max(c.tx, 0)) // -1: not known
	return onlySilence(err)
}

// onlySilence drops the errors that are answers.
func onlySilence(err error) error {
	if isUnanswered(err) {
		return err
	}
	return nil
}

// askInside asks for addresses, the surest source first, and the agent for
// the operating system.
func (q *guestQuestions) askInside(ctx context.Context, l libvirt.Domain, d *Domain) error {
	sources := []libvirt.DomainInterfaceAddressesSource{libvirt.DomainInterfaceAddressesSrcLease, libvirt.DomainInterfaceAddressesSrcArp}
	if d.AgentConnected {
		if err := q.system(ctx, l, d); err != nil {
			return err
		}
		sources = append([]libvirt.DomainInterfaceAddressesSource{libvirt.DomainInterfaceAddressesSrcAgent}, sources...)
	}
	for _, source := range sources {
		found, err := call(ctx, q.reader, "ask for addresses", func(lv questions) ([]libvirt.DomainInterface, error) {
			return lv.DomainInterfaceAddresses(l, uint32(source), 0)
		})
		if isUnanswered(err) {
			return err
		}
		d.addAddresses(found, sourceWords[source])
	}
	return nil
}

var sourceWords = map[libvirt.DomainInterfaceAddressesSource]string{
	libvirt.DomainInterfaceAddressesSrcLease: "lease",
	libvirt.DomainInterfaceAddressesSrcAgent: "agent",
	libvirt.DomainInterfaceAddressesSrcArp:   "arp",
}

// addAddresses keeps the addresses that others could reach the guest by, each
// with the first source that named it.
func (d *Domain) addAddresses(found []libvirt.DomainInterface, source string) {
	for _, i := range found {
		if len(i.Hwaddr) == 0 {
			continue
		}
		for _, a := range i.Addrs {
			ip, err := netip.ParseAddr(a.Addr)
			if err != nil || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() {
				continue
			}
			d.addAddress(Address{MAC: strings.ToLower(i.Hwaddr[0]), IP: ip, Prefix: int(a.Prefix), Source: source})
		}
	}
}

func (d *Domain) addAddress(a Address) {
	for _, had := range d.Addresses {
		if had.MAC == a.MAC && had.IP == a.IP {
			return
		}
	}
	d.Addresses = append(d.Addresses, a)
}

// system asks the agent which operating system it runs in.
func (q *guestQuestions) system(ctx context.Context, l libvirt.Domain, d *Domain) error {
	params, err := call(ctx, q.reader, "ask the guest agent", func(lv questions) ([]libvirt.TypedParam, error) {
		return lv.DomainGetGuestInfo(l, uint32(libvirt.DomainGuestInfoOs), 0)
	})
	if err != nil {
		return onlySilence(err)
	}
	var os AgentOS
	for _, p := range params {
		text, _ := p.Value.I.(string)
		switch p.Field {
		case libvirt.DomainGuestInfoOsID:
			os.ID = text
		case libvirt.DomainGuestInfoOsPrettyName:
			os.PrettyName = text
		case libvirt.DomainGuestInfoOsVersionID:
			os.Version = text
		}
	}
	d.Guest = DetectGuestWithAgent(*d, os)
	return nil
}
