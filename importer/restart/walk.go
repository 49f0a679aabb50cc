package restart

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A walk is one domain on its way, forward or back.
type walk struct {
	*Restarter
	job   Job
	opt   Options
	shelf shelf
	was   recorded
	log   *slog.Logger

	domain Domain
	files  Files
	state  journal.State
	reason string // the journal's, with the state
	steps  map[string]journal.Step
	kept   *kept // nil until it is saved
	here   world

	began   time.Time
	off     time.Time                     // since when the guest does not do its work, in this call
	marks   map[string]rename.ConsoleMark // by file, from before the start
	stopped rename.Stopped
	started rename.Started
	result  Result
	back    bool // it is on its way back
	pressed bool // this call has asked the guest to shut down
	// handed: there was a time since the domain was held at which Nova had its
	// hands free, or may have had.
	handed bool
	// unproven is a guest that did not shut down for its proof.
	unproven bool
}

// recorded is the part of the journal's plan that a restart rests on: the
// domain as it was imported, whatever the plan says by now, with the model of
// interfaces that Nova's records have.
type recorded struct {
	Domain        plan.Domain `yaml:"domain"`
	InstancesPath string      `yaml:"instances_path"`
	Variables     string      `yaml:"variables"` // the file of EFI variables that the import has linked
}

// disk is the path by which Nova finds a disk.
func (r recorded) disk(d plan.Disk) string {
	return path.Join(r.InstancesPath, r.Domain.UUID, d.Becomes)
}

// A world is what a look has found. Everything about a domain follows from it.
type world struct {
	gone bool // the host has no such domain
	rename.Saved
}

func (w world) active() bool { return !w.gone && !w.Off() }

func (r *Restarter) walk(j Job, o Options) *walk {
	o = o.withDefaults()
	w := &walk{Restarter: r, job: j, opt: o, shelf: renameShelf, began: r.now()}
	w.log = r.log().With("host", j.Plan.Host, "domain", j.Plan.Domain, "uuid", j.uuid())
	w.result = Result{
		Host: j.Plan.Host, Domain: j.Plan.Domain, UUID: j.uuid(), DisplayName: j.Plan.DisplayName, InstanceName: j.instanceName(),
	}
	return w
}

// open reads the journal's word and reaches the host.
func (w *walk) open(ctx context.Context) error {
	if err := yaml.Unmarshal([]byte(w.job.Adoption.Plan), &w.was); err != nil {
		return fmt.Errorf("read the journal's plan: %w", err)
	}
	if w.was.Domain.UUID != w.job.uuid() || w.was.InstancesPath == "" || w.job.instanceName() == "" {
		return fmt.Errorf("%w: the journal does not know it as imported", ErrState)
	}
	if err := w.readJournal(ctx); err != nil {
		return err
	}
	var err error
	if w.files, err = w.Hosts.Files(ctx, w.job.Reach); err != nil {
		return away(err)
	}
	if w.domain, err = w.Hosts.Domain(ctx, w.job.Reach, w.job.uuid()); err != nil {
		return away(err)
	}
	return nil
}

func (w *walk) close() {
	if w.domain != nil {
		w.domain.Close()
	}
	if w.files != nil {
		_ = w.files.Close() // It has no say in what became of the domain.
	}
}

// look finds out what the domain is right now.
func (w *walk) look(ctx context.Context) error {
	return w.insist(ctx, func(ctx context.Context) error {
		saved, err := w.domain.Save(ctx)
		if errors.Is(err, rename.ErrGone) {
			w.here = world{gone: true}
			return nil
		}
		if err == nil {
			w.here = world{Saved: saved}
		}
		return err
	})
}

// insist calls f again while the host is away, until patience is over.
func (w *walk) insist(ctx context.Context, f func(context.Context) error) error {
	return away(rename.Insist(ctx, w.opt.Patience, f))
}

// away marks errors that say nothing of the domain but that its host does not
// answer.
func away(err error) error {
	if rename.Unanswered(err) || errors.Is(err, instancedir.ErrLost) {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return err
}

// row reads what Nova's database says of the instance.
func (w *walk) row(ctx context.Context) (nova.Restart, error) {
	return w.Nova.Restart(ctx, w.job.Compute.Cell, w.job.uuid())
}

// named reports whether the domain has Nova's name. One that has neither this
// nor its legacy one is nobody's to change.
func (w *walk) named() bool { return !w.here.gone && w.here.Name == w.job.instanceName() }

func (w *walk) legacy() bool { return !w.here.gone && w.here.Name == w.was.Domain.Domain }

func (w *walk) stranger() error {
	if w.here.gone || w.named() || w.legacy() {
		return nil
	}
	return fmt.Errorf("%w: it is %q, neither %q nor %q", ErrStranger, w.here.Name, w.was.Domain.Domain, w.job.instanceName())
}

// elsewhere: the guest is off or gone here because it goes on somewhere else, and
// must not be started a second time on the same disks.
func (w *walk) elsewhere() error {
	why := w.here.Elsewhere
	switch {
	case w.here.gone && w.begunStep(stepElsewhere):
		why = "seen by an earlier run, and undefined here since; where its guest has ended, define it here again"
	case w.here.gone || why == "" || why == "saved" && (w.kept == nil || w.kept.off()):
		return nil
	}
	return fmt.Errorf("%w (%s)", rename.ErrElsewhere, why)
}

func (w *walk) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(w.result.Warnings, text) {
		w.result.Warnings = append(w.result.Warnings, text)
	}
}

// tell says that the domain has come to a step.
func (w *walk) tell(step string) {
	w.result.Step = step
	if w.Progress == nil {
		return
	}
	p := Progress{Host: w.job.Plan.Host, Domain: w.job.Plan.Domain, UUID: w.job.uuid(), Step: step, Back: w.back, At: w.now()}
	if w.started.Issued.Before(w.stopped.At) {
		p.Down = w.stopped.At
	}
	w.Progress(p)
}

// end is the result, with what it is due to.
func (w *walk) end(o Outcome, err error) Result {
	w.result.Outcome = o
	w.result.Times.Total = w.now().Sub(w.began)
	if err == nil {
		w.result.Step = ""
		return w.result
	}
	w.result.Reason = err.Error()
	w.result.Err = &Error{Host: w.job.Plan.Host, Domain: w.job.Plan.Domain, Step: w.result.Step, Err: err}
	return w.result
}
