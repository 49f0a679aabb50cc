package restart

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A Viewer foresees restarts. Nothing it has can change anything.
type Viewer struct {
	Nova    Records
	Ports   Ports // nil as in Restarter
	Hosts   Lookers
	Servers bool // a cloud is configured
}

// Lookers reach domains and files for looking. *Libvirt is one.
type Lookers interface {
	Look(ctx context.Context, h discover.Host, uuid string) (View, error)
}

// A View looks at one domain and at the files of its host.
type View interface {
	looker
	Save(ctx context.Context) (rename.Saved, error)
	IsBridge(ctx context.Context, name string) (bool, error)
	Close() error
}

// A Preview is what a restart would do to one domain.
type Preview struct {
	Host         string `json:"host"`
	Domain       string `json:"domain"`
	UUID         string `json:"uuid"`
	DisplayName  string `json:"display_name"`
	InstanceName string `json:"instance_name"`

	// StartBy is "" for a guest that is off and stays so.
	StartBy StartBy `json:"start_by,omitempty"`
	// Definition are the lines that become different in it, with - and +. Where
	// Nova makes it anew, that is told in one line.
	Definition []string `json:"definition"`
	Rows       []string `json:"rows"`  // what is written to Nova's databases, in order
	Files      []string `json:"files"` // what is made on the host
	// Deadline is how long the guest may take to shut down. It works until it
	// ends; after that it is off for as long as its boot takes, and no longer.
	Deadline time.Duration `json:"deadline"`
	Force    bool          `json:"force"` // what happens then
	Warnings []string      `json:"warnings,omitempty"`
	Refused  string        `json:"refused,omitempty"` // why it would not be begun
	Err      error         `json:"-"`                 // of Refused, an *Error
}

// Preview says what Forward would do to a domain that is imported.
func (v Viewer) Preview(ctx context.Context, j Job, o Options) Preview {
	p := Preview{
		Host: j.Plan.Host, Domain: j.Plan.Domain, UUID: j.uuid(), DisplayName: j.Plan.DisplayName, InstanceName: j.instanceName(),
		Deadline: o.Shutdown.Deadline, Force: j.Plan.Force,
	}
	if p.Deadline == 0 {
		p.Deadline = 5 * time.Minute // as rename has it
	}
	if err := v.fill(ctx, j, o.withDefaults(), &p); err != nil {
		p.Refused = err.Error()
		p.Err = &Error{Host: p.Host, Domain: p.Domain, Step: stepLook, Err: err}
	}
	return p
}

func (v Viewer) fill(ctx context.Context, j Job, o Options, p *Preview) error {
	var was recorded
	if err := yaml.Unmarshal([]byte(j.Adoption.Plan), &was); err != nil {
		return fmt.Errorf("read the journal's plan: %w", err)
	}
	if was.Domain.UUID != j.uuid() || j.instanceName() == "" {
		return fmt.Errorf("%w: the journal does not know it as imported", ErrState)
	}
	view, err := v.Hosts.Look(ctx, j.Reach, j.uuid())
	if err != nil {
		return away(err)
	}
	defer view.Close()
	saved, err := view.Save(ctx)
	if err != nil {
		return away(err)
	}
	c := check{job: j, opt: o, was: was, saved: saved, look: view}
	if !saved.Off() {
		p.StartBy = o.StartBy
	}
	if j.isRenamed() {
		return v.fillSwap(ctx, c, p)
	}
	p.Rows, p.Files = c.rows(), c.files(ctx)
	row, err := v.Nova.Restart(ctx, j.Compute.Cell, j.uuid())
	if err == nil {
		err = errors.Join(c.row(row), c.compute(ctx, v.Nova))
	}
	// All that would forbid it, at once.
	return errors.Join(c.options(v.Servers), err, c.domain(ctx), c.disks(ctx), v.definition(ctx, c, view, p))
}

// definition fills in what becomes different.
func (v Viewer) definition(ctx context.Context, c check, view View, p *Preview) error {
	e, err := newEditor(c.job, c.was, c.saved)
	if err != nil {
		return err
	}
	p.Warnings = append(p.Warnings, e.advice()...)
	if c.byNova() {
		p.Definition = []string{"Nova makes it anew from its records, under the name " + c.job.instanceName()}
		return nil
	}
	var ports []cloud.Port
	if v.Ports != nil {
		if ports, err = v.Ports.PortsOf(ctx, []string{c.job.uuid()}); err != nil {
			return err
		}
	}
	e.bridges, e.stat = view, view.Stat
	found, err := e.edit(ctx, ports)
	p.Warnings = append(p.Warnings, found.warnings...)
	if err != nil {
		return err
	}
	after, err := rename.Apply(c.saved.Definition, found.change.under(c.job.instanceName()))
	if err != nil {
		return err
	}
	p.Definition = strings.Split(strings.TrimSuffix(rename.Diff(c.saved.Definition, after), "\n"), "\n")
	return nil
}

// rows are what is written to Nova's databases.
func (c check) rows() []string {
	rows := []string{"instances: task_state of a restart, locked by admin"}
	if before, after := c.was.Domain.NICModel, c.job.Plan.NICModel; before != after {
		rows = append(rows, fmt.Sprintf("instance_system_metadata, request_specs: hw_vif_model %s instead of %s", after, before))
	}
	if c.byNova() {
		rows = append(rows, "instances: stopped, no task_state, until Nova has started it")
	}
	rows = append(rows, "instances: the states of the domain as it is then, no task_state")
	if c.job.Plan.Lock != plan.Keep {
		rows = append(rows, "instances: unlocked")
	}
	return rows
}

// files are what is made on the host.
func (c check) files(ctx context.Context) []string {
	files := []string{renameShelf.file(c.job.uuid()), renameShelf.definition(c.job.uuid())}
	if path, err := findVariables(ctx, c.look.Stat, c.saved); err == nil && path != "" {
		files = append(files, renameShelf.variables(c.job.uuid()))
		if to := rename.DefaultNVRAM(c.job.instanceName()); !c.oneFile(ctx, path, to) {
			files = append(files, to)
		}
	}
	return files
}

// oneFile: the import has linked the two, as far as is known.
func (c check) oneFile(ctx context.Context, a, b string) bool {
	first, err := c.look.Stat(ctx, a)
	second, missing := c.look.Stat(ctx, b)
	return err == nil && missing == nil && first.Same(second)
}
