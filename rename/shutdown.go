package rename

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
)

// Shutdown says how a domain may be stopped.
type Shutdown struct {
	// Deadline is how long the guest may take in all, 5 minutes by default.
	// Then it is left running, unless Force is set.
	Deadline time.Duration
	// Agent is how long a guest agent gets before the power button is pressed:
	// 60 s by default. An agent that is not connected is not asked.
	Agent time.Duration
	// Presses is how often the power button is pressed; see PressesFor.
	Presses Presses
	// Force cuts the power at the deadline: first so that QEMU writes out what
	// it holds, then without.
	Force bool
	// Resume wakes a guest that is paused or asleep, so that it hears. Without
	// it such a domain is refused.
	Resume bool
	// Poll is the time between looks at the state, the net below events that
	// are lost: 2 s by default.
	Poll time.Duration
}

// Presses of the power button. A guest may be busy, locked or just starting
// when the first one comes.
type Presses struct {
	Most  int           // 1 by default
	Every time.Duration // 30 s by default
}

// PressesFor is what suits a family of operating systems: windows, linux, bsd,
// other or unknown, as discover has them. A Windows overhears presses while a
// screen is locked or an update waits. To illumos a second press means not to
// shut down after all, so only systems that are known get one.
func PressesFor(family string) Presses {
	switch family {
	case "windows":
		return Presses{Most: 5, Every: 25 * time.Second}
	case "linux", "bsd":
		return Presses{Most: 2, Every: 30 * time.Second}
	}
	return Presses{Most: 1}
}

func (s Shutdown) withDefaults() Shutdown {
	s.Deadline = cmp.Or(s.Deadline, 5*time.Minute)
	s.Agent = cmp.Or(s.Agent, time.Minute)
	s.Presses.Most = cmp.Or(s.Presses.Most, 1)
	s.Presses.Every = cmp.Or(s.Presses.Every, 30*time.Second)
	s.Poll = cmp.Or(s.Poll, 2*time.Second)
	return s
}

// Stopped says how and when a domain went off.
type Stopped struct {
	// At is when its QEMU process ended: when the event came, or, without
	// Heard, when a look at the state first found it off.
	At    time.Time
	Heard bool
	// WasOff says that there was nothing to do. At is the time of the look.
	WasOff bool
	// Took is the time from the first request to At.
	Took time.Duration
	// By is what was done last before it stopped: agent, acpi, term or kill.
	By string
	// Presses is how often the power button was pressed.
	Presses int
	// Finished says that the guest was heard to end in good order, before its
	// process ended.
	Finished bool
	// Reason is libvirt's: shutdown, destroyed, crashed, failed, daemon or
	// unknown. A daemon that was restarted meanwhile says crashed of a guest
	// that ended in good order while it was away.
	Reason string
}

// Clean reports whether the guest is known to have ended in good order, and
// its process to have written everything out.
func (s Stopped) Clean() bool {
	return s.WasOff || s.Reason == reasonShutdown || s.Finished && s.By != byKill
}

// Shutdown stops the domain and returns when its process has ended: first by
// the guest's agent, if one is connected, then by the power button. Nothing is
// cut off unless how.Force says so.
//
// Domains that would not survive it are refused before anything is done:
// ErrTransient, ErrPoweroffRestarts, ErrPaused, ErrNoButton. Later errors leave
// the domain running: ErrStillRunning, ErrRebooted, ErrStarted; or have its
// guest go on elsewhere: ErrElsewhere. When ctx ends, the guest may have been
// asked already, and go off a little later.
//
// A daemon that is restarted meanwhile does no harm. heard may be nil; then the
// looks at the state, one every how.Poll, are all there is.
func (d *Domain) Shutdown(ctx context.Context, how Shutdown, heard *Events) (Stopped, error) {
	how = how.withDefaults()
	s := &stopping{Domain: d, how: how, began: time.Now()}
	if heard != nil {
		l, err := heard.Listen(d.UUID())
		if err != nil {
			return Stopped{}, err
		}
		defer l.Close()
		s.events = l.C
	}
	off, err := s.prepare(ctx)
	if err != nil {
		return Stopped{}, fmt.Errorf("shut down: %w", err)
	}
	if off {
		return Stopped{At: time.Now(), WasOff: true, Reason: reasonShutdown}, nil
	}
	stopped, err := s.run(ctx)
	if err != nil {
		return stopped, fmt.Errorf("shut down: %w", err)
	}
	stopped.Took = stopped.At.Sub(s.began)
	d.log.Info("domain stopped", "by", stopped.By, "reason", stopped.Reason, "took", stopped.Took.Round(time.Millisecond))
	return stopped, nil
}

// run asks, and waits for the end.
func (s *stopping) run(ctx context.Context) (Stopped, error) {
	deadline := time.NewTimer(s.how.Deadline)
	defer deadline.Stop()
	poll := time.NewTicker(s.how.Poll)
	defer poll.Stop()
	s.next = time.NewTimer(0)
	defer s.next.Stop()
	s.answered = make(chan pressed, 1+s.how.Presses.Most)
	if !s.agent && !s.acpi { // and Force, or prepare had refused
		return s.force(ctx)
	}
	for {
		var stopped *Stopped
		var err error
		select {
		case ev := <-s.events:
			stopped, err = s.hear(ctx, ev)
		case <-poll.C:
			stopped, err = s.look(ctx)
		case <-s.next.C:
			s.press(ctx)
		case a := <-s.answered:
			stopped, err = s.heed(ctx, a)
		case <-deadline.C:
			return s.late(ctx)
		case <-ctx.Done():
			return Stopped{}, fmt.Errorf("given up while the guest was shutting down, which it may yet do: %w", context.Cause(ctx))
		}
		if err != nil {
			return Stopped{}, err
		}
		if stopped != nil {
			return s.describe(*stopped), nil
		}
	}
}

// late is the deadline: the last look, and then what the plan says.
func (s *stopping) late(ctx context.Context) (Stopped, error) {
	stopped, err := s.look(ctx)
	switch {
	case err != nil:
		return Stopped{}, err
	case stopped != nil:
		return s.describe(*stopped), nil
	case s.how.Force:
		return s.force(ctx)
	}
	return Stopped{}, fmt.Errorf("%w (%v, %s)", ErrStillRunning, s.how.Deadline, s.story())
}

// describe adds what was done to what was seen.
func (s *stopping) describe(stopped Stopped) Stopped {
	stopped.By, stopped.Presses, stopped.Finished = s.by, s.presses, s.finishing
	return stopped
}

// story is what was tried, for the person who has to go on.
func (s *stopping) story() string {
	var said []string
	if s.askedAgent {
		said = append(said, "asked its agent")
	}
	if s.presses > 0 {
		said = append(said, fmt.Sprintf("pressed the power button %d times", s.presses))
	}
	if s.finishing {
		said = append(said, "the guest has finished but its QEMU process does not end")
	}
	if s.trouble != nil {
		said = append(said, s.trouble.Error())
	}
	return strings.Join(said, "; ")
}
