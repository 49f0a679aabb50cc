package restart

import (
	"context"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/rename"
)

// prepare looks whether the domain may be restarted, and saves all that the way
// back needs. It changes nothing of it.
func (w *walk) prepare(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	if w.here.gone {
		return rename.ErrGone
	}
	k, err := w.gather(ctx)
	if err != nil {
		return err
	}
	w.tell(stepSave)
	if err := w.note(ctx, w.begun(stepSave)); err != nil {
		return err
	}
	if err := w.keep(ctx, k); err != nil {
		if !errors.Is(err, ErrJournal) {
			w.forget(ctx)
		}
		return away(err)
	}
	w.result.Warnings = append(w.result.Warnings, k.Warnings...)
	return nil
}

// gather finds out all that is saved, after all that could forbid the restart.
func (w *walk) gather(ctx context.Context) (*kept, error) {
	c := w.check()
	if err := c.options(w.Servers != nil); err != nil {
		return nil, err
	}
	row, err := w.row(ctx)
	if err == nil {
		err = c.row(row)
	}
	if err == nil {
		err = c.compute(ctx, w.Nova)
	}
	for _, look := range []func(context.Context) error{c.domain, c.disks} {
		if err == nil {
			err = look(ctx)
		}
	}
	if err != nil {
		return nil, away(err)
	}
	k := &kept{
		Saved: w.here.Saved, StartBy: w.opt.StartBy, Prove: w.opt.Prove, Row: keptRow{row.VMState, row.PowerState, row.Locked},
		NICModel: keptModel{Before: w.was.Domain.NICModel, After: w.job.Plan.NICModel},
	}
	if k.Saved.State == rename.StatePaused || k.Saved.State == rename.StatePMSuspended {
		k.Warnings = append(k.Warnings, "the guest did not run; it was woken to be shut down, and runs now")
	}
	if k.Variables, err = findVariables(ctx, w.files.Stat, k.Saved); err != nil {
		return nil, away(err)
	}
	if k.Files, err = rename.SaveFiles(ctx, w.files, k.Saved); err != nil {
		return nil, away(err)
	}
	w.askGuest(ctx, k)
	return k, w.plan(ctx, k)
}

func (w *walk) check() check {
	return check{job: w.job, opt: w.opt, was: w.was, saved: w.here.Saved, look: struct {
		Domain
		stater
	}{w.domain, w.files}}
}

// stater is the part of Files that a check takes.
type stater interface {
	Stat(ctx context.Context, path string) (rename.File, error)
}

// askGuest asks the agent for what is compared after the restart. One that does
// not answer now is not asked then.
func (w *walk) askGuest(ctx context.Context, k *kept) {
	if !k.Saved.Agent {
		return
	}
	found, err := w.domain.Addresses(ctx)
	if err != nil {
		k.Warnings = append(k.Warnings, fmt.Sprintf("the guest's agent is connected and did not tell its addresses, so it is not asked after the restart: %v", err))
		return
	}
	k.Guest = keptGuest{Agent: true, Addresses: found}
}

// plan works out the definition that libvirt is to start the domain with.
func (w *walk) plan(ctx context.Context, k *kept) error {
	e, err := newEditor(w.job, w.was, k.Saved)
	if err != nil {
		return err
	}
	k.Warnings = append(k.Warnings, e.advice()...)
	if k.byNova() {
		return nil
	}
	var ports []cloud.Port
	if w.Ports != nil {
		if ports, err = w.Ports.PortsOf(ctx, []string{w.job.uuid()}); err != nil {
			return err
		}
	}
	e.bridges, e.stat = w.files, w.files.Stat
	found, err := e.edit(ctx, ports)
	k.Change = found.change
	k.Warnings = append(k.Warnings, found.warnings...)
	return err
}

// advice is what a person should know before a guest gets another adapter.
func (e *editor) advice() (texts []string) {
	for _, nic := range e.now.Interfaces {
		if e.swaps(nic) && e.job.Plan.MadeFrom.OS == "windows" {
			texts = append(texts, fmt.Sprintf("Windows takes interface %s, %s instead of %s, for a new adapter: static addresses stay with the old one, which is hidden then, and have to be set again", nic.MAC, e.job.Plan.NICModel, nic.Model))
		}
	}
	return texts
}
