package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// The names of the steps, in the journal and in errors.
const (
	stepCheck      = "check"
	stepPorts      = "ports"
	stepRecords    = "records"
	stepMappings   = "mappings"
	stepDirectory  = "directory"
	stepBind       = "bind"
	stepAllocation = "allocation"
	stepFinal      = "final"
	stepVerify     = "verify"
	stepUnlock     = "unlock"
	stepLegacy     = "legacy" // of release alone, as the next one is
	stepSwitch     = "switch"
	stepRelease    = "release"
)

// records writes the cell's rows, without a host.
type records struct{ *Importer }

func (records) name() string { return stepRecords }

func (s records) done(ctx context.Context, b batch) (map[string]bool, error) {
	return s.reached(ctx, b, nova.Recorded)
}

func (s records) do(ctx context.Context, b batch) error {
	ids, err := s.Writer.InsertInstances(ctx, b[0].compute.Cell, b.instances())
	if err != nil {
		return err
	}
	names, err := s.Nova.InstanceNames(ctx, b.uuids())
	if err != nil {
		return fmt.Errorf("read instance names: %w", err)
	}
	for _, it := range b {
		it.id = journal.InstanceID{UUID: it.uuid(), ID: ids[it.uuid()], Name: names[it.uuid()]}
	}
	return nil
}

func (s records) undo(ctx context.Context, b batch) error { return s.deleteRows(ctx, b) }

// mappings writes the API database's rows. They come second: an early mapping
// makes the API answer 404, an early row is hidden from lists.
type mappings struct{ *Importer }

func (mappings) name() string { return stepMappings }

// done looks at the rows themselves: a release that was killed may have left a
// final instance without them.
func (s mappings) done(ctx context.Context, b batch) (map[string]bool, error) {
	presence, err := s.Nova.Presence(ctx, b.uuids())
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for uuid, p := range presence {
		done[uuid] = mapped(p)
	}
	return done, nil
}

func mapped(p nova.Presence) bool { return p.Mapping && p.RequestSpec }

func (s mappings) do(ctx context.Context, b batch) error {
	return s.Writer.InsertMappings(ctx, b.instances())
}

// undo removes the cell's rows as well: without its mapping an instance is one
// that nobody can find.
func (s mappings) undo(ctx context.Context, b batch) error { return s.deleteRows(ctx, b) }

// reached asks Nova's databases which domains have come to a stage.
func (i *Importer) reached(ctx context.Context, b batch, stage nova.Stage) (map[string]bool, error) {
	stages, err := i.Nova.Written(ctx, b.uuids())
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for uuid, s := range stages {
		done[uuid] = s >= stage && s <= nova.Finished
	}
	return done, nil
}

// deleteRows removes all rows of those that have any of ours.
func (i *Importer) deleteRows(ctx context.Context, b batch) error {
	stages, err := i.Nova.Written(ctx, b.uuids())
	if err != nil {
		return err
	}
	failed := perDomain{}
	for _, uuid := range b.uuids() {
		if s := stages[uuid]; s == nova.Unwritten || s == nova.Foreign {
			continue
		}
		err := i.Writer.Delete(ctx, uuid)
		if errors.Is(err, nova.ErrLockLost) {
			return err
		}
		if err != nil {
			failed[uuid] = err
		}
	}
	return failed.orNil()
}
