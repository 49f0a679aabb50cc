package discover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// A glance is what the counters of one host's running domains said.
type glance map[libvirt.UUID]*counters

// An onlooker looks once at one host. It asks three questions for up to
// countersAtOnce running domains, never one for each.
type onlooker struct {
	reader *reader
	now    func() time.Time
}

// countersAtOnce keeps an answer small: a running domain has some 70 counters.
const countersAtOnce = 100

// hostCounters need no QEMU process, so no hung guest holds the answer about
// the others; processCounters do. Those of each vCPU are left out, for newer
// daemons give a hundred of them.
const (
	hostCounters    = libvirt.DomainStatsState | libvirt.DomainStatsCPUTotal | libvirt.DomainStatsInterface
	processCounters = libvirt.DomainStatsBalloon | libvirt.DomainStatsBlock
)

// lookAt makes a connection of its own: one that was held between two looks
// would be memory for every host, and might be gone.
func lookAt(ctx context.Context, h Host, opt Options, now func() time.Time) (glance, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, opt.HostTimeout, fmt.Errorf("host not read within %v", opt.HostTimeout))
	defer cancel()
	s := &hostScan{opt: opt, inv: &Inventory{Host: h}}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	defer s.transport.close()
	defer s.reader.close()
	running, err := s.list(ctx, libvirt.ConnectListDomainsActive)
	if err != nil {
		return nil, err
	}
	o := &onlooker{reader: s.reader, now: now}
	seen := make(glance, len(running))
	for some := range slices.Chunk(running, countersAtOnce) {
		part, err := o.look(ctx, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(seen, part)
	}
	return seen, nil
}

// look asks both questions at once. A domain that the answer about the host's
// own counters leaves out runs no longer.
func (o *onlooker) look(ctx context.Context, some []libvirt.Domain) (glance, error) {
	var both sync.WaitGroup
	var own, process statsAnswer
	var err, silence error
	both.Go(func() { own, err = o.askHost(ctx, some) })
	both.Go(func() { process, silence = o.askProcesses(ctx, some) })
	both.Wait()
	if err != nil {
		return nil, err
	}
	seen := make(glance, len(own.records))
	for _, rec := range own.records {
		c := &counters{name: rec.Dom.Name, id: rec.Dom.ID, host: own.at}
		if silence != nil {
			c.silence = silence.Error()
		}
		c.add(rec.Params)
		seen[rec.Dom.UUID] = c
	}
	for _, rec := range process.records {
		if c := seen[rec.Dom.UUID]; c != nil && c.id == rec.Dom.ID { // not of the next run already
			c.process = process.at
			c.add(rec.Params)
		}
	}
	return seen, nil
}

// A statsQuestion is for statistics of several domains at once.
type statsQuestion struct {
	act   string
	which libvirt.DomainStatsTypes
	flags libvirt.ConnectGetAllDomainStatsFlags
}

type statsAnswer struct {
	at      *moment
	records []libvirt.DomainStatsRecord
}

func (o *onlooker) ask(ctx context.Context, r *reader, some []libvirt.Domain, q statsQuestion) (a statsAnswer, err error) {
	m := moment{asked: o.now()}
	a.records, err = call(ctx, r, q.act, func(lv questions) ([]libvirt.DomainStatsRecord, error) {
		return lv.ConnectGetAllDomainStats(some, uint32(q.which), uint32(q.flags))
	})
	m.answered = o.now()
	a.at = &m
	return a, err
}

func (o *onlooker) askHost(ctx context.Context, some []libvirt.Domain) (statsAnswer, error) {
	a, err := o.ask(ctx, o.reader, some, statsQuestion{"read counters", hostCounters, libvirt.ConnectGetAllDomainsStatsActive})
	if unsupported(err) {
		return a, fmt.Errorf("%w (libvirt has counters of all domains at once since 1.2.8)", err)
	}
	return a, err
}

// askedAgain is how often a question that needs QEMU processes is put in all.
// A question that stays open waits for a hung process and holds its domain for
// it, and with NOWAIT the next one passes over what is held: each gets past
// one more hung guest. Each also keeps a worker of the daemon.
const askedAgain = 3

func (o *onlooker) askProcesses(ctx context.Context, some []libvirt.Domain) (a statsAnswer, err error) {
	q := statsQuestion{"ask about memory and disks", processCounters, libvirt.ConnectGetAllDomainsStatsActive | libvirt.ConnectGetAllDomainsStatsNowait}
	for range askedAgain {
		a, err = o.ask(ctx, o.reader.patiently(), some, q)
		switch {
		case unsupported(err): // before libvirt 4.5
			q.flags &^= libvirt.ConnectGetAllDomainsStatsNowait
		case err == nil || ctx.Err() != nil || !errors.Is(err, ErrNoAnswer):
			return a, err
		}
	}
	return a, err
}
