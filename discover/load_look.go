package discover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
// the others. processCounters do; even the processor time does, since libvirt
// 8.6. Those of each vCPU are left out, for newer daemons give a hundred of them.
const (
	hostCounters    = libvirt.DomainStatsState | libvirt.DomainStatsInterface
	processCounters = libvirt.DomainStatsCPUTotal | libvirt.DomainStatsBalloon | libvirt.DomainStatsBlock
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
	var own statsAnswer
	var process []statsAnswer
	var err, silence error
	both.Go(func() { own, err = o.askHost(ctx, some) })
	both.Go(func() { process, silence = o.askProcesses(ctx, some) })
	both.Wait()
	if err != nil {
		return nil, err
	}
	seen := make(glance, len(own.records))
	for _, rec := range own.records {
		c := &counters{name: rec.Dom.Name, id: rec.Dom.ID, host: own.at, silence: whyBusy}
		if silence != nil {
			c.silence = silence.Error()
		}
		c.add(rec.Params)
		seen[rec.Dom.UUID] = c
	}
	for _, a := range process {
		seen.addProcesses(a)
	}
	return seen, nil
}

// addProcesses also takes the processor time of a domain that is busy or hung:
// libvirt has it from the host's kernel.
func (g glance) addProcesses(a statsAnswer) {
	for _, rec := range a.records {
		c := g[rec.Dom.UUID]
		if c == nil || c.id != rec.Dom.ID { // stopped, or is the next run already
			continue
		}
		had := c.cpu
		c.add(rec.Params)
		if c.cpu != had {
			c.ticked = a.at
		}
		if fromProcess(rec) {
			c.process = a.at
		}
	}
}

// fromProcess tells whether QEMU had a part in an answer. Without it there are
// the names of disks and little else.
func fromProcess(rec libvirt.DomainStatsRecord) bool {
	return slices.ContainsFunc(rec.Params, func(p libvirt.TypedParam) bool {
		return p.Field == libvirt.DomainStatsBalloonRss || strings.HasSuffix(p.Field, libvirt.DomainStatsBlockSuffixRdReqs)
	})
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

// A question that needs QEMU processes is put a few times. One that stays open
// waits for a hung process and holds its domain for it, and with NOWAIT the
// next one passes over what is held: each gets past one more hung guest, and
// keeps one more worker of the daemon. NOWAIT also passes over a domain that
// libvirt is at work on for a moment only: those are asked about again.
const (
	processTries = 3
	processPause = 200 * time.Millisecond
)

// askProcesses also returns why some did not answer, if none of them did.
func (o *onlooker) askProcesses(ctx context.Context, some []libvirt.Domain) (answers []statsAnswer, silence error) {
	q := statsQuestion{"ask about processors, memory and disks", processCounters, libvirt.ConnectGetAllDomainsStatsActive | libvirt.ConnectGetAllDomainsStatsNowait}
	for range processTries {
		a, err := o.ask(ctx, o.reader.patiently(), some, q)
		switch {
		case unsupported(err): // before libvirt 4.5
			q.flags &^= libvirt.ConnectGetAllDomainsStatsNowait
			continue
		case errors.Is(err, ErrNoAnswer) && ctx.Err() == nil:
			silence = err
			continue
		case err != nil:
			return answers, err
		}
		answers, silence = append(answers, a), nil
		if some = a.busy(); len(some) == 0 || sleep(ctx, processPause) != nil {
			break
		}
	}
	return answers, silence
}

// busy are the domains whose processes had no part in the answer.
func (a statsAnswer) busy() (some []libvirt.Domain) {
	for _, rec := range a.records {
		if !fromProcess(rec) {
			some = append(some, rec.Dom)
		}
	}
	return some
}
