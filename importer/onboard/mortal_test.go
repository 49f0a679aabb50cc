package onboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A mortal is a world, and a journal, in which a run ends at the n-th point of
// its work: right before one of its changes, in it, or right after it. It does
// nothing more then, as a process that is killed; one that fails tidies up.
type mortal struct {
	*fakeWorld
	ledger Ledger
	o      *Onboarder
	way    Way // of the intent
	n      int
	before string // a change that it does not live to make, whichever point that is
	points int
	died   string // where it did, "" while it lives
	said   string // of where, for who reads that a test has failed
}

func (f *fakeWorld) mortal(way Way, l Ledger) *mortal {
	m := &mortal{fakeWorld: f, ledger: l, o: f.with(l), way: way}
	m.o.Writer, m.o.API, m.o.Journal = m, m, m
	m.o.Open = func(context.Context, discover.Host) (Machine, error) { return m, nil }
	return m
}

// onboard is the command, which a host that is only not mapped is given as any.
func (m *mortal) onboard() Result {
	return m.o.Onboard(m.t.Context(), []Job{m.job(cmp.Or(m.way, ByFirstStart))})[0]
}

func (m *mortal) undo() Result {
	return m.o.Undo(m.t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0]
}

// killedAt reports whether a run comes to its n-th point, where it dies.
func (m *mortal) killedAt(n int, run func() Result) bool {
	m.n, m.points, m.died = n, 0, ""
	run()
	m.n = 0
	return m.died != ""
}

// within is the step that the journal has begun and not ended, on whichever way.
func (m *mortal) within() string {
	steps, err := m.ledger.Steps(m.t.Context(), Key("kvm07"))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, s := range slices.Backward(steps) {
		if s.Ended == nil || s.UndoBegun != nil {
			return s.Step
		}
	}
	return ""
}

// undecided: there is a service and not its node yet, so an undo cannot tell
// whose it is, and says so. Nobody has begun it but a first start.
func (m *mortal) undecided() bool {
	if m.way != ByFirstStart || m.within() != stepFirstStart || m.own() < 0 {
		return false
	}
	if slices.ContainsFunc(m.records.Nodes, func(n nova.HostNode) bool { return n.Host == "kvm07" && !n.Deleted }) {
		return false
	}
	r := m.undo()
	if !errors.Is(r.Err, ErrNotOurs) || !strings.Contains(r.Err.Error(), "onboard the host to the end first") || m.running != "" {
		m.t.Fatalf("%s: %s, %v, and %q runs", m.said, r.Outcome, r.Err, m.running)
	}
	return true
}

// goOn is what nova-compute does while nobody looks.
func (m *mortal) goOn() {
	for range 12 {
		m.report()
	}
}

func (m *mortal) change(name string, do func() error) error {
	m.point("before "+name, name == m.before)
	err := do()
	m.point("after "+name, false)
	return err
}

// point ends the goroutine of the host, with which the run ends.
func (m *mortal) point(where string, here bool) {
	if m.points++; m.points == m.n || here {
		m.died, m.before, m.said = where, "", fmt.Sprintf("killed at %d, %s in step %s", m.points, where, m.within())
		runtime.Goexit()
	}
}

func (m *mortal) Write(ctx context.Context, f func(*journal.Tx) error) error {
	return m.change("journal", func() error { return m.ledger.Write(ctx, f) })
}

func (m *mortal) Steps(ctx context.Context, uuids ...string) ([]journal.Step, error) {
	return m.ledger.Steps(ctx, uuids...)
}

func (m *mortal) AddService(ctx context.Context, s nova.NewService) error {
	return m.change("AddService", func() error { return m.fakeWorld.AddService(ctx, s) })
}

func (m *mortal) RemoveService(ctx context.Context, s nova.NewService) error {
	return m.change("RemoveService", func() error { return m.fakeWorld.RemoveService(ctx, s) })
}

func (m *mortal) MapHost(ctx context.Context, host, cell string) (id int64, made bool, err error) {
	err = m.change("MapHost", func() (err error) { id, made, err = m.fakeWorld.MapHost(ctx, host, cell); return err })
	return id, made, err
}

func (m *mortal) UnmapHost(ctx context.Context, host string, id int64) error {
	return m.change("UnmapHost", func() error { return m.fakeWorld.UnmapHost(ctx, host, id) })
}

func (m *mortal) DisableService(ctx context.Context, uuid, reason string) error {
	return m.change("DisableService", func() error { return m.fakeWorld.DisableService(ctx, uuid, reason) })
}

func (m *mortal) EnableService(ctx context.Context, uuid string) error {
	return m.change("EnableService", func() error { return m.fakeWorld.EnableService(ctx, uuid) })
}

func (m *mortal) DeleteService(ctx context.Context, uuid string) error {
	return m.change("DeleteService", func() error { return m.fakeWorld.DeleteService(ctx, uuid) })
}

func (m *mortal) Give(ctx context.Context, path string, text []byte, user string) error {
	m.files[temporary(path)] = "" // it is written under another name first
	m.point("in Give", false)
	delete(m.files, temporary(path))
	return m.change("Give", func() error { return m.fakeWorld.Give(ctx, path, text, user) })
}

func temporary(path string) string { return path + ", half written" }

func (m *mortal) Remove(ctx context.Context, path string) error {
	return m.change("Remove", func() error {
		delete(m.files, temporary(path)) // as the real one does
		return m.fakeWorld.Remove(ctx, path)
	})
}

func (m *mortal) Run(ctx context.Context, command string) (said string, err error) {
	err = m.change(lastWord(command), func() (err error) { said, err = m.fakeWorld.Run(ctx, command); return err })
	return said, err
}
