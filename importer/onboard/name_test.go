package onboard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/nova"
)

// Without a name in nova.conf the running system's counts.
func TestOnboardAsksForTheName(t *testing.T) {
	for _, way := range ways {
		f := newFakeWorld(t)
		f.system = "kvm07.lan"
		o := f.onboarder(journalFile(t))
		j := f.job(way)
		j.Host.Conf.Host = ""
		r := o.Onboard(t.Context(), []Job{j})[0]
		if !errors.Is(r.Err, ErrChanged) || r.Outcome != NotTried || !strings.Contains(r.Err.Error(), "call itself kvm07.lan (uname -n), and not kvm07") || !slices.Equal(f.calls, []string{"-n"}) {
			t.Errorf("Onboard = %s, %v, and did %q", r.Outcome, r.Err, f.calls)
		}
		if steps, err := o.Journal.Steps(t.Context(), Key("kvm07")); err != nil || len(steps) > 0 {
			t.Errorf("the journal has %+v, %v", steps, err)
		}
		f.system = "KVM07"
		wantOutcome(t, o.Onboard(t.Context(), []Job{j})[0], Onboarded)

		f = newFakeWorld(t)
		f.system = "kvm07.lan" // its nova.conf says kvm07
		wantOutcome(t, f.onboarder(journalFile(t)).Onboard(t.Context(), []Job{f.job(way)})[0], Onboarded)
		if slices.Contains(f.calls, "-n") {
			t.Errorf("it did %q", f.calls)
		}
	}
}

// otherwise is a world whose nova-compute calls itself kvm07.lan.
type otherwise struct{ *fakeWorld }

func (o otherwise) HostRecordsOf(ctx context.Context, host string) (nova.HostRecords, error) {
	if o.running == "first" && o.service() < 0 {
		o.files[idFile] = stray
		o.records.Services = append(o.records.Services, nova.HostService{ID: 30, UUID: "s30", Host: "kvm07.lan", Cell: cell1, Up: true})
		o.records.Nodes = append(o.records.Nodes, nova.HostNode{ID: 31, UUID: stray, Host: "kvm07.lan", Name: "kvm07.example.org", Cell: cell1})
	}
	return o.fakeWorld.HostRecordsOf(ctx, host)
}

func (o otherwise) service() int {
	return slices.IndexFunc(o.records.Services, func(s nova.HostService) bool { return s.UUID == "s30" })
}

func (o otherwise) DisableService(_ context.Context, uuid, _ string) error {
	if err := o.did("DisableService %s", uuid); err != nil || uuid != "s30" {
		return err
	}
	o.records.Services[o.service()].Disabled = true
	return nil
}

func TestFirstStartUnderAnotherName(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		f := newFakeWorld(t)
		f.mute = true
		o := f.onboarder(journalFile(t))
		world := otherwise{f}
		o.Nova, o.API = world, world
		if refuses {
			f.fail["DisableService"] = errors.New("it answered 403")
		}
		r := o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0]
		if !errors.Is(r.Err, ErrChanged) || r.Outcome != Half || !strings.Contains(r.Err.Error(), "calls itself kvm07.lan, and was to be kvm07") || f.running != "" {
			t.Errorf("Onboard = %s, %v, and %q runs", r.Outcome, r.Err, f.running)
		}
		if f.records.Services[world.service()].Disabled == refuses || refuses != strings.Contains(r.Err.Error(), "but for this: it answered 403") {
			t.Errorf("%v: its service is %+v", r.Err, f.records.Services[world.service()])
		}
	}
}
