package importer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A checker compares the world with the plan right before the import, and
// prepares what is to be recorded. It holds readers only; a dry run is a
// checker alone.
type checker struct {
	nova    registry
	known   known
	world   plan.World // Host, Compute, Flavor and Ports are set for each domain
	earlier map[string]journal.Adoption
	cloud   Lookup // nil: on the databases alone
	shared  shares
	preview bool // what the import makes for several domains is not there yet
}

// check fills in the items, or ends them with the reason.
func (c checker) check(ctx context.Context, items batch, found map[string]discover.Domain, unread map[string]error) error {
	presence, err := c.nova.Presence(ctx, items.uuids())
	if err != nil {
		return fmt.Errorf("look for the domains in Nova: %w", err)
	}
	stages, err := c.nova.Written(ctx, items.uuids())
	if err != nil {
		return err
	}
	names, err := c.nova.InstanceNames(ctx, items.uuids())
	if err != nil {
		return fmt.Errorf("read instance names: %w", err)
	}
	for _, it := range items {
		it.earlier, it.stage, it.mapped = c.earlier[it.uuid()], stages[it.uuid()], mapped(presence[it.uuid()])
		it.id = journal.InstanceID{UUID: it.uuid(), ID: it.earlier.InstanceID, Name: names[it.uuid()]}
		s, err := readSnippet(it.earlier)
		if err != nil {
			it.end(it.unchanged(), stepCheck, err)
		}
		it.resolve(s)
		it.efi.from = s.Variables
		if err := it.refuseEdited(s); err != nil {
			it.end(it.unchanged(), stepCheck, err)
		}
		if it.stage == nova.Unwritten && !it.side.made {
			it.planned.NICs = it.side.asPlanned // Nothing was written by the journal's word.
		}
	}
	c.readPorts(ctx, items)
	for _, it := range items {
		domain, ok := found[it.host.Name+"\x00"+it.uuid()]
		why := errors.Join(unread[it.host.Name], unread[it.host.Name+"\x00"+it.uuid()])
		if why == nil && !ok {
			why = ErrGone
		}
		c.one(it, presence[it.uuid()], domain, why)
	}
	return nil
}

// one decides about one domain. unread is why libvirt has no answer for it.
func (c checker) one(it *item, p nova.Presence, now discover.Domain, unread error) {
	if it.complete() && (stands(it.earlier) || it.earlier.UUID == "") {
		it.end(Already, "", nil)
		return
	}
	err := c.inNova(it, p)
	if err == nil && it.stage != nova.Finished { // A final instance is Nova's, whatever its domain is by now.
		it.efi = variablesOf(now)
		err = c.onHost(it, now, unread)
	}
	if err == nil {
		err = c.prepare(it)
	}
	if err != nil {
		it.end(it.unchanged(), stepCheck, err)
		return
	}
	it.noted = it.stage == nova.Finished // The definition from before is in the journal; this one may be Nova's.
	it.definition = string(now.XML)
}

// complete: all rows are there and final. A final instance without mapping is
// what a killed release leaves.
func (it *item) complete() bool { return it.stage == nova.Finished && it.mapped }

// unchanged is the outcome of a domain that is not touched in this run: one
// that an earlier run has begun is half done all the same.
func (it *item) unchanged() Outcome {
	if it.begun() || it.stage == nova.Recorded || it.stage == nova.Mapped || it.stage == nova.Finished && !it.mapped {
		return Half
	}
	return Refused
}

// begun: an earlier run may have made ports or an allocation of it, and has
// not come to an end.
func (it *item) begun() bool {
	return it.side.made && underWay(it.earlier) && !stands(it.earlier)
}

// inNova says what in Nova's databases forbids the import.
func (c checker) inNova(it *item, p nova.Presence) error {
	switch {
	case p.Deleted || it.stage == nova.Removed:
		return fmt.Errorf("%w: as long as that row is there, nova-compute destroys the domain", ErrDeleted)
	case it.stage == nova.Foreign && p.Live:
		return fmt.Errorf("%w: it is %q on host %q", ErrForeign, p.Name, p.Host)
	case it.stage == nova.Foreign:
		return fmt.Errorf("%w: the API database has rows of it", ErrForeign)
	case p.BuildRequest:
		return fmt.Errorf("%w: there is a build request", ErrForeign)
	case p.Migration != "" && it.stage == nova.Unwritten:
		return fmt.Errorf("%w: there is a migration, %s", ErrForeign, p.Migration)
	}
	return nil
}

// onHost compares the domain with the plan.
func (c checker) onHost(it *item, now discover.Domain, unread error) error {
	if unread != nil {
		return unread
	}
	if changes := plan.Changed(it.planned, now); len(changes) > 0 {
		return fmt.Errorf("%w: %s", ErrChanged, strings.Join(changes, "; "))
	}
	if why := unfit(now); why != "" {
		return fmt.Errorf("%w: %s", ErrChanged, why)
	}
	if len(now.Interfaces) > 0 && !it.wantsPorts() {
		return fmt.Errorf("%w: the plan gives no port to %s", ErrNoPorts, macs(now))
	}
	_, _, err := finalState(now.State)
	return err
}

func macs(d discover.Domain) string {
	var all []string
	for _, n := range d.Interfaces {
		all = append(all, n.MAC)
	}
	return strings.Join(all, ", ")
}

// unfit is what has come since the plan was made and is not in a definition.
// Each of them makes Nova's first regeneration fail, or is lost by it.
func unfit(d discover.Domain) string {
	switch {
	case !d.Persistent:
		return "it is transient now and has no definition"
	case d.ManagedSave:
		return "it has a managed save image now, which Nova would drop"
	case d.Snapshots:
		return "it has a snapshot now, so that it cannot be undefined"
	case d.Checkpoints:
		return "it has a checkpoint now, so that it cannot be undefined"
	case d.BlockJob:
		return "a block job is running on one of its disks"
	}
	return ""
}

// prepare makes the instance that is to be recorded.
func (c checker) prepare(it *item) error {
	compute, ok := c.known.computes[it.place.ComputeHost]
	switch {
	case !ok:
		return fmt.Errorf("%w: there is no compute host %q", ErrNoCompute, it.place.ComputeHost)
	case compute.Problem != "":
		return fmt.Errorf("%w: %s: %s", ErrNoCompute, compute.Host, compute.Problem)
	}
	it.compute = compute
	if err := c.refuseSide(it); err != nil {
		return err
	}
	if it.complete() {
		return nil // Nothing of it is recorded any more.
	}
	w, err := c.worldOf(it)
	if err != nil {
		return err
	}
	in, err := plan.Instance(it.planned, w)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotPlanned, err)
	}
	if err := c.tryRows(it, w, in); err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	it.instance = in
	w.Unmade = false // From here on what is missing is an error.
	it.side.world = w
	it.planned.ImageRef = in.ImageRef
	it.side.made = it.side.made || c.cloud != nil && it.stage != nova.Finished
	return nil
}
