package rename

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Health is what a domain has to show after its start.
type Health struct {
	// Steady is how long it has to run without a break: 10 s by default. It is
	// watched for longer while other answers are waited for.
	Steady time.Duration
	// Reboots is how often the guest may start anew meanwhile. Some do once,
	// when they find new hardware.
	Reboots int
	// Agent is how long its guest agent may take until it answers. 0 does not
	// ask; that is for domains whose agent had not been connected before.
	Agent time.Duration
	// Addresses are those the agent told before. Each has to be there again,
	// on the interface with the same MAC address, within Agent.
	Addresses []Address
	// Console waits for a text on a serial port; nil does not.
	Console *Console
	// Probes are asked all at once, each until it is answered or its time is over.
	Probes []Probe
}

// An Answer is what became of one question.
type Answer struct {
	Asked string        `json:"asked"`
	OK    bool          `json:"ok"`
	Said  string        `json:"said"` // the answer, or why there was none
	Took  time.Duration `json:"took"` // from the domain's start
	Tries int           `json:"tries,omitempty"`
}

// A Report is what a domain showed. Its first answer is whether it runs.
type Report struct {
	Answers []Answer `json:"answers"`
	Reboots int      `json:"reboots"` // of the guest while it was watched
}

// ErrUnhealthy is a domain that did not show what it had to.
var ErrUnhealthy = errors.New("not healthy")

// Err is ErrUnhealthy with what was asked in vain, nil for a healthy domain.
func (r Report) Err() error {
	var bad []string
	for _, a := range r.Answers {
		if !a.OK {
			bad = append(bad, a.Asked+": "+a.Said)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnhealthy, strings.Join(bad, "; "))
}

// CheckHealth asks a domain that was started at since for all of h. The error
// is of a check that cannot be made; everything the domain does or fails to do
// is in the report. A domain that goes off or reboots too often ends all
// waiting at once. heard may be nil.
func (d *Domain) CheckHealth(ctx context.Context, h Health, since time.Time, heard *Events) (Report, error) {
	h.Steady = cmp.Or(h.Steady, 10*time.Second)
	for i := range h.Probes {
		if err := h.Probes[i].Check(); err != nil {
			return Report{}, err
		}
	}
	w := &watch{Domain: d, health: h, since: since}
	if heard != nil {
		l, err := heard.Listen(d.UUID())
		if err != nil {
			return Report{}, err
		}
		defer l.Close()
		w.events = l.C
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	asking := questions(d, h, since)
	answers := make([]Answer, len(asking))
	asked := make(chan struct{})
	var all sync.WaitGroup
	for i := range asking {
		all.Go(func() { answers[i] = asking[i].answer(ctx, since) })
	}
	go func() { all.Wait(); close(asked) }()
	runs, err := w.run(ctx, asked)
	if err != nil || !runs.OK {
		cancel(errors.New("not waited for, see above"))
	}
	<-asked
	if err != nil {
		return Report{}, fmt.Errorf("check the domain's health: %w", err)
	}
	return Report{Answers: append([]Answer{runs}, answers...), Reboots: w.reboots}, nil
}

// A question is something to ask until it is answered.
type question struct {
	asked string
	// within is from when it is asked first, and not from the start: who starts
	// the domain may take longer until it is told to run than the guest has to boot.
	within time.Duration
	until  func(context.Context) (said string, tries int, err error)
}

func (q question) answer(ctx context.Context, since time.Time) Answer {
	ctx, cancel := context.WithTimeout(ctx, q.within)
	defer cancel()
	said, tries, err := q.until(ctx)
	a := Answer{Asked: q.asked, OK: err == nil, Said: said, Took: time.Since(since), Tries: tries}
	if err != nil {
		a.Said = fmt.Sprintf("%v (waited until %v after the start)", err, a.Took.Round(100*time.Millisecond))
	}
	return a
}

func questions(d *Domain, h Health, since time.Time) (all []question) {
	if h.Agent > 0 {
		all = append(all, question{"guest agent", h.Agent, d.untilAgent})
	}
	if h.Agent > 0 && len(h.Addresses) > 0 {
		all = append(all, question{"addresses as before", h.Agent, func(ctx context.Context) (string, int, error) {
			return d.untilAddresses(ctx, h.Addresses)
		}})
	}
	if h.Console != nil {
		all = append(all, question{"console " + h.Console.Mark.Path, cmp.Or(h.Console.Within, 2*time.Minute), h.Console.until})
	}
	for _, p := range h.Probes {
		all = append(all, question{p.String(), cmp.Or(p.Within, 2*time.Minute), func(ctx context.Context) (string, int, error) {
			return p.until(ctx, since)
		}})
	}
	return all
}
