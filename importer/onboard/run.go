package onboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// hostsAtOnce bounds how many hosts are in hand at a time.
const hostsAtOnce = 8

// Onboard makes hosts Nova's. The results come in the order of the jobs; what
// one host fails at is its own, unless all of the first ones fail.
func (o *Onboarder) Onboard(ctx context.Context, jobs []Job) []Result {
	first := min(len(jobs), hostsAtOnce)
	done := o.each(ctx, first, func(i int) Result { return o.one(ctx, jobs[i]) })
	rest := jobs[first:]
	hopeless := !slices.ContainsFunc(done, func(r Result) bool { return r.Outcome != Half })
	return append(done, o.each(ctx, len(rest), func(i int) Result {
		if hopeless && ctx.Err() == nil {
			return Result{Host: rest[i].Host.Name, Name: rest[i].Host.ComputeHost(), Outcome: NotTried, Err: ErrHopeless}
		}
		return o.one(ctx, rest[i])
	})...)
}

func (o *Onboarder) each(ctx context.Context, n int, do func(int) Result) []Result {
	o.Settings = o.Settings.WithDefaults()
	all := make([]Result, n)
	var group errgroup.Group
	group.SetLimit(hostsAtOnce)
	for i := range all {
		group.Go(func() error {
			all[i] = do(i)
			return nil
		})
	}
	_ = group.Wait()
	return all
}

func (o *Onboarder) one(ctx context.Context, j Job) Result {
	r := Result{Host: j.Host.Name, Name: j.Host.ComputeHost(), Outcome: NotTried}
	if r.Err = ctx.Err(); r.Err != nil {
		r.Err = fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
		return r
	}
	in, at, err := o.intentOf(ctx, j)
	anew := at == fresh
	if err == nil && at == underWay {
		in, anew, err = o.renewed(ctx, in)
	}
	if err == nil && in.Way != "" && at != finished {
		err = o.unused(ctx, in.ComputeHost)
	}
	if errors.Is(err, nova.ErrHostInUse) {
		err = fmt.Errorf("%w: nothing is stopped or disabled there; what is missing is said without --apply", err)
	}
	if err != nil {
		r.Err = err
		return r
	}
	w, err := o.reach(ctx, in, j.Host, j.Reach)
	if err != nil {
		r.Err = err
		return r
	}
	defer w.machine.Close() // all was written by then
	w.finished = at == finished
	if r.Err = w.named(ctx); r.Err == nil {
		r.Err = w.startable(ctx)
	}
	if r.Err == nil && at == fresh {
		r.Err = w.free(ctx)
	}
	if r.Err != nil {
		return r
	}
	if anew {
		if r.Err = o.note(ctx, in); r.Err != nil {
			return r
		}
	}
	return w.through(ctx, r)
}

// through does what is missing, and looks at what came of it.
func (w *work) through(ctx context.Context, r Result) Result {
	did, failed, err := w.forward(ctx)
	if err != nil {
		r.Outcome, r.Step, r.Err = Half, failed, err
		return r
	}
	r.Outcome = Already
	if did {
		r.Outcome = Onboarded
	}
	if r.Checks, r.Err = w.checks(ctx); r.Err == nil {
		r.Err = unmet(r.Checks)
	}
	w.notEnabled(ctx)
	r.Left = w.left
	switch {
	case r.Err == nil && !w.finished:
		r.Err = w.noteFinish(ctx, w.ComputeHost)
	case r.Err != nil && w.finished:
		r.Err = fmt.Errorf("%w; it was so once, and is left as it is: set it right, or take it back (--undo) and onboard it again", r.Err)
	}
	if r.Err != nil {
		r.Outcome, r.Step = Half, "check"
	}
	return r
}

// intentOf is that of an onboarding that was begun, or a new one.
func (o *Onboarder) intentOf(ctx context.Context, j Job) (in Intent, at stage, err error) {
	in, begun, known, err := o.earlier(ctx, j.Host.ComputeHost())
	if err != nil {
		return in, fresh, err
	}
	if !known {
		in, err = j.intent()
		return in, fresh, err
	}
	if in.Way != "" && in.Way != j.Way {
		return in, underWay, fmt.Errorf("it was begun with --way %s: go on with that, or take it back first (--undo)", in.Way)
	}
	return in, stageOf(begun), nil
}

func (o *Onboarder) reach(ctx context.Context, in Intent, h Host, at discover.Host) (*work, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("no answer within %v", commandTimeout))
	defer cancel()
	m, err := o.Open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("reach host %s: %w", h.Name, err)
	}
	return &work{Onboarder: o, Intent: in, host: h, machine: m}, nil
}

func unmet(checks []Check) error {
	var errs []error
	for _, c := range checks {
		if !c.OK {
			errs = append(errs, fmt.Errorf("not so: %s (%s)", c.What, cmp.Or(c.Seen, "no")))
		}
	}
	return errors.Join(errs...)
}

// A Return is a host of which an onboarding is to be taken back.
type Return struct {
	Host        string // in the inventory
	ComputeHost string
	Reach       discover.Host
}

// Undo takes back what the journal says was made, the last thing first. A host
// on which Nova has instances is left as it is.
func (o *Onboarder) Undo(ctx context.Context, hosts []Return) []Result {
	return o.each(ctx, len(hosts), func(i int) Result { return o.undo(ctx, hosts[i]) })
}

func (o *Onboarder) undo(ctx context.Context, b Return) Result {
	r := Result{Host: b.Host, Name: b.ComputeHost, Outcome: NotTried}
	in, begun, known, err := o.earlier(ctx, b.ComputeHost)
	if err == nil && !known {
		err = ErrNothing
	}
	if err == nil {
		err = o.unused(ctx, b.ComputeHost)
	}
	if err != nil {
		r.Err = err
		return r
	}
	w, err := o.reach(ctx, in, Host{Name: b.Host}, b.Reach)
	if err != nil {
		r.Err = err
		return r
	}
	defer w.machine.Close() // all was written by then
	r.Outcome = Undone
	if r.Step, r.Err = w.backward(ctx, begun); r.Err != nil {
		r.Outcome = Half
	}
	r.Left = w.left
	return r
}

// unused fails where Nova has instances on the host.
func (o *Onboarder) unused(ctx context.Context, host string) error {
	n, err := o.Nova.InstancesOn(ctx, host)
	if err == nil && n > 0 {
		err = fmt.Errorf("%w: %d", nova.ErrHostInUse, n)
	}
	return err
}

// Steps are those that a journal has.
type Steps interface {
	Steps(ctx context.Context, uuids ...string) ([]journal.Step, error)
}

// Begun says of which hosts the journal has an onboarding that was begun and not
// taken back, by their names in lower case.
func Begun(ctx context.Context, l Steps, computeHosts []string) (map[string]bool, error) {
	keys := make([]string, len(computeHosts))
	for i, h := range computeHosts {
		keys[i] = Key(h)
	}
	steps, err := l.Steps(ctx, keys...)
	if err != nil {
		return nil, err
	}
	begun := map[string]bool{}
	for _, h := range computeHosts {
		for _, s := range steps {
			begun[strings.ToLower(h)] = begun[strings.ToLower(h)] || s.UUID == Key(h) && s.Step == stepIntent
		}
	}
	return begun, nil
}
