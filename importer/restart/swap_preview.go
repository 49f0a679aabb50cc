package restart

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// isRenamed: a restart of it is a Swap.
func (j Job) isRenamed() bool {
	switch j.Adoption.State {
	case journal.StateRenamed, journal.StateFinalized, journal.StateSwapping:
		return true
	}
	return false
}

// fillSwap says what Swap would do.
func (v Viewer) fillSwap(ctx context.Context, c check, p *Preview) error {
	e, err := newEditor(c.job, c.was, c.saved)
	if err != nil {
		return err
	}
	models := e.models()
	p.Rows = c.swapRows()
	p.Files = []string{swapShelf.file(c.job.uuid()), swapShelf.definition(c.job.uuid())}
	p.Warnings = append(p.Warnings, e.advice()...)
	row, err := v.Nova.Restart(ctx, c.job.Compute.Cell, c.job.uuid())
	if err == nil {
		err = errors.Join(c.row(row), c.compute(ctx, v.Nova))
	}
	return errors.Join(c.options(v.Servers), err, c.swapDomain(ctx), swapDiff(c, models, p))
}

func (c check) swapRows() []string {
	rows := []string{
		"instances: task_state of a restart, locked by admin",
		fmt.Sprintf("instance_system_metadata, request_specs: hw_vif_model %s", c.job.Plan.NICModel),
	}
	if c.byNova() {
		rows = append(rows, "instances: stopped, no task_state, until Nova has started it")
	}
	return append(rows, "instances: the states of the domain as it is then, no task_state, locked as before")
}

// swapDomain looks at the domain as Nova or its users have left it.
func (c check) swapDomain(ctx context.Context) error {
	if c.saved.Name != c.job.instanceName() {
		return fmt.Errorf("%w: it is %q, not %q", ErrStranger, c.saved.Name, c.job.instanceName())
	}
	if err := c.saved.Restartable(); err != nil {
		return err
	}
	variables, err := findVariables(ctx, c.look.Stat, c.saved)
	switch {
	case err != nil:
		return away(err)
	case c.byNova() && variables != "":
		return fmt.Errorf("%w: it has EFI variables, which Nova would begin anew; use --start-by libvirt", ErrInNova)
	}
	now, err := discover.Parse([]byte(c.saved.Definition), nil)
	if err != nil {
		return fmt.Errorf("read the definition: %w", err)
	}
	if err := c.look.CheckShutdown(ctx, howToStop(c.job, c.opt)); err != nil {
		return err
	}
	if err := c.look.Idle(ctx); err != nil {
		return err
	}
	return c.startable(ctx, now)
}

func swapDiff(c check, models map[string]rename.NIC, p *Preview) error {
	if c.byNova() {
		p.Definition = []string{"Nova makes it anew from its records, with interfaces of model " + c.job.Plan.NICModel}
		return nil
	}
	after, err := rename.Apply(c.saved.Definition, rename.Change{NICs: models})
	if err != nil {
		return err
	}
	p.Definition = strings.Split(strings.TrimSuffix(rename.Diff(c.saved.Definition, after), "\n"), "\n")
	return nil
}
