package onboard

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
)

// underSystemd is a world whose host has systemd, as 252 answers.
type underSystemd struct {
	*fakeWorld
	load    string // of nova-compute's unit
	enabled string
	ends    bool   // a first start ends by itself
	journal string // of the first start
	loops   bool   // nova-compute ends and is started again between two looks
	pid     int    // of nova-compute
	said    []string
}

func newUnderSystemd(t *testing.T) (*underSystemd, *Onboarder) {
	s := &underSystemd{fakeWorld: newFakeWorld(t), load: "loaded", enabled: "disabled"}
	o := s.onboarder(journalFile(t))
	o.Settings = Settings{Timeout: time.Hour}
	o.Open = func(context.Context, discover.Host) (Machine, error) { return s, nil }
	return s, o
}

func (s *underSystemd) Run(ctx context.Context, command string) (string, error) {
	s.said = append(s.said, command)
	switch {
	case command == "systemctl show -p LoadState --value nova-compute":
		return s.load, nil
	case strings.HasPrefix(command, "systemd-run ") && s.ends:
		return "", nil
	case strings.HasPrefix(command, "systemd-run "):
		return s.fakeWorld.Run(ctx, "lab $FIRST_START-first")
	case command == stopUnit(firstUnit):
		return s.fakeWorld.Run(ctx, "lab first-stop")
	case command == startUnit("nova-compute"):
		return s.fakeWorld.Run(ctx, "lab start")
	case command == stopUnit("nova-compute"):
		return s.fakeWorld.Run(ctx, "lab stop")
	case command == "systemctl is-active --quiet nova-compute":
		return s.fakeWorld.Run(ctx, "lab running")
	case command == "systemctl is-active --quiet nova-compute && systemctl show -p MainPID --value nova-compute":
		if s.loops {
			s.pid++
		}
		_, err := s.fakeWorld.Run(ctx, "lab running")
		return strconv.Itoa(s.pid), err
	case command == "systemctl is-enabled nova-compute || :":
		return s.enabled, nil
	case command == "systemctl is-active kvm2openstack-first-start || :":
		if s.running == "first" {
			return "active", nil
		}
		return "inactive", nil
	case strings.HasPrefix(command, "journalctl ") && strings.Contains(command, " -u "+firstUnit+" "), strings.Contains(command, "journalctl ") && strings.Contains(command, " -u nova-compute; "):
		return s.journal, nil
	}
	s.t.Errorf("unknown command %q", command)
	return "", nil
}

func TestOnboardUnderSystemd(t *testing.T) {
	s, o := newUnderSystemd(t)
	before := s.is()
	r := o.Onboard(t.Context(), []Job{s.job(ByFirstStart)})[0]
	wantOutcome(t, r, Onboarded)
	if !slices.Equal(r.Left, []string{"systemd does not start nova-compute with the host: systemctl enable nova-compute"}) {
		t.Errorf("left is %q", r.Left)
	}
	s.enabled = "enabled"
	if r := o.Onboard(t.Context(), []Job{s.job(ByFirstStart)})[0]; r.Outcome != Already || len(r.Left) > 0 {
		t.Errorf("once it is enabled: %s, left is %q", r.Outcome, r.Left)
	}
	i := slices.IndexFunc(s.said, func(c string) bool { return strings.HasPrefix(c, "systemd-run ") })
	want := "systemd-run --collect --unit=kvm2openstack-first-start -p Type=exec -p RuntimeMaxSec=3660 --uid=nova nova-compute --config-file /etc/nova/nova.conf --config-file /run/kvm2openstack-first-start.conf"
	if i < 0 || s.said[i] != want || s.is() != onboarded {
		t.Errorf("it gave %q:\n%s", s.said, s.is())
	}
	wantOutcome(t, o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0], Undone)
	if s.is() != before {
		t.Errorf("after the undo:\n%s", s.is())
	}
}

// systemd would not start it: that is said before anything is done.
func TestOnboardNeedsItsUnit(t *testing.T) {
	for load, says := range map[string]string{"masked": "systemctl unmask nova-compute", "not-found": "onboard: unit; RDO's"} {
		for _, way := range ways {
			s, o := newUnderSystemd(t)
			s.load = load
			r := o.Onboard(t.Context(), []Job{s.job(way)})[0]
			if r.Outcome != NotTried || !errors.Is(r.Err, ErrNoUnit) || !strings.Contains(r.Err.Error(), says) || !slices.Equal(s.said, []string{"systemctl show -p LoadState --value nova-compute"}) || len(s.calls) > 0 {
				t.Errorf("%s: Onboard = %s, %v, and gave %q", load, r.Outcome, r.Err, s.said)
			}
		}
	}
}

const refusal = "ERROR oslo_service.backend.eventlet.service [-] Error starting thread.: nova.exception.InvalidConfiguration: My hypervisor has existing instances, but I appear to be a new service in this database."

// A first start that ends by itself is not waited for, and its log is shown.
func TestFirstStartThatEnds(t *testing.T) {
	s, o := newUnderSystemd(t)
	s.ends = true
	s.journal = "Starting kvm2openstack-first-start.service - x\nof an earlier one\nStarting kvm2openstack-first-start.service - x\n" + refusal + "\n"
	r := o.Onboard(t.Context(), []Job{s.job(ByFirstStart)})[0] // the wait is an hour
	var f *Failure
	if r.Outcome != Half || !errors.Is(r.Err, ErrSilent) || !errors.As(r.Err, &f) || !slices.Equal(f.Log, []string{"Starting kvm2openstack-first-start.service - x", refusal}) {
		t.Fatalf("Onboard = %s, %v, log %q", r.Outcome, r.Err, f)
	}
	if text := r.Err.Error(); !strings.Contains(text, "has ended by itself") || !strings.Contains(text, "by its log: First start refused") || strings.Contains(text, "hypervisor") {
		t.Errorf("Onboard = %v", r.Err)
	}
}

// refuses is a nova-compute that ends by itself once it sees the guests.
type refuses struct{ *underSystemd }

func (r refuses) Run(ctx context.Context, command string) (string, error) {
	text, err := r.underSystemd.Run(ctx, command)
	if r.running == "normal" {
		r.running = ""
	}
	return text, err
}

func TestStartThatEnds(t *testing.T) {
	s, o := newUnderSystemd(t)
	s.journal = refusal
	o.Open = func(context.Context, discover.Host) (Machine, error) { return refuses{s}, nil }
	r := o.Onboard(t.Context(), []Job{s.job(ByFirstStart)})[0]
	var f *Failure
	if r.Outcome != Half || r.Step != stepStart || !errors.As(r.Err, &f) || !slices.Equal(f.Log, []string{refusal}) || !strings.Contains(r.Err.Error(), "it has ended by itself") {
		t.Errorf("Onboard = %s at %s, %v", r.Outcome, r.Step, r.Err)
	}
}

func TestLastWords(t *testing.T) {
	if got := lastWords(" \n"); got != nil {
		t.Errorf("of nothing: %q", got)
	}
	if got := lastWords(strings.Repeat("\x1b[01;31mline\x1b[00m\n", 30)); len(got) != lastLines || got[0] != "line" {
		t.Errorf("of many, coloured: %q", got)
	}
}
