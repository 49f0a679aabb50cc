package onboard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A nova-compute that is at work, and not for this cloud, is not stopped.
func TestOnboardLeavesOthersCompute(t *testing.T) {
	for _, way := range ways {
		for name, of := range map[string]func(*testing.T) (*fakeWorld, *Onboarder){
			"systemd": func(t *testing.T) (*fakeWorld, *Onboarder) { s, o := newUnderSystemd(t); return s.fakeWorld, o },
			"own": func(t *testing.T) (*fakeWorld, *Onboarder) {
				f := newFakeWorld(t)
				return f, f.onboarder(journalFile(t))
			},
		} {
			f, o := of(t)
			f.running, f.mute = "normal", true
			before := f.is()
			r := o.Onboard(t.Context(), []Job{f.job(way)})[0]
			if r.Outcome != NotTried || !errors.Is(r.Err, ErrServesOthers) || f.is() != before || slices.Contains(f.calls, "stop") {
				t.Errorf("%s, --way %s: Onboard = %s, %v, and did %q:\n%s", name, way, r.Outcome, r.Err, f.calls, f.is())
			}
			if text := r.Err.Error(); !strings.Contains(text, "nova-compute runs on seven, and this cloud has no service of it") || !strings.Contains(text, "stop it (lab stop)") && !strings.Contains(text, "stop it (systemctl stop nova-compute)") {
				t.Errorf("it says %q", text)
			}
			if steps, err := o.Journal.Steps(t.Context(), Key("kvm07")); err != nil || len(steps) > 0 {
				t.Errorf("the journal has %+v, %v", steps, err)
			}
			f.running, f.mute = "", false // somebody has stopped it
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Onboarded)
		}
	}
}

// One that Nova refuses again and again is none at work.
func TestOnboardStopsRefusedCompute(t *testing.T) {
	for _, way := range ways {
		s, o := newUnderSystemd(t)
		s.loops = true
		o.Open = func(context.Context, discover.Host) (Machine, error) { return startedAgain{s.fakeWorld, s}, nil }
		r := o.Onboard(t.Context(), []Job{s.job(way)})[0]
		wantOutcome(t, r, Onboarded)

		f := newFakeWorld(t)
		o = f.onboarder(journalFile(t))
		looks := 0
		o.Open = func(context.Context, discover.Host) (Machine, error) { return nowAndThen{f, &looks}, nil }
		wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Onboarded)
	}
}

// startedAgain is a host on which systemd starts nova-compute whenever it ends.
type startedAgain struct {
	f *fakeWorld
	Machine
}

func (a startedAgain) Run(ctx context.Context, command string) (string, error) {
	if strings.Contains(command, "MainPID") && a.f.running == "" {
		a.f.running = "normal"
		defer func() { a.f.running = "" }()
	}
	return a.Machine.Run(ctx, command)
}

// nowAndThen is a host on which nova-compute runs at two looks out of three,
// until it has a service.
type nowAndThen struct {
	*fakeWorld
	looks *int
}

func (n nowAndThen) Run(ctx context.Context, command string) (string, error) {
	if lastWord(command) == "running" && n.own() < 0 {
		if *n.looks++; *n.looks%3 == 0 {
			return "", ErrStatus
		}
		return "", nil
	}
	return n.fakeWorld.Run(ctx, command)
}
