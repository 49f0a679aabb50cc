package importer

import (
	"context"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// verifyStep reads back what was written, before the lock goes. It changes
// nothing, so there is nothing to take back; an instance that does not verify
// stays locked, for its domain runs on and its rows are Nova's by now.
type verifyStep struct {
	*Importer
	flavors map[string]nova.Flavor
}

func (verifyStep) name() string { return stepVerify }

func (verifyStep) done(context.Context, batch) (map[string]bool, error) { return nil, nil }

func (s verifyStep) do(ctx context.Context, b batch) error {
	expected := make([]nova.Expect, len(b))
	for i, it := range b {
		expected[i] = expectOf(it.planned, it.compute, s.flavors)
	}
	found, err := s.Nova.Verify(ctx, expected)
	if err != nil {
		return fmt.Errorf("%w (%w)", err, errStays)
	}
	byUUID := map[string]*item{}
	for _, it := range b {
		byUUID[it.uuid()] = it
	}
	texts := map[string][]string{}
	for _, v := range found {
		text := fmt.Sprintf("%s %s: expected %s, found %s", v.Code, v.What, v.Expected, v.Found)
		if harmless(v) {
			byUUID[v.UUID].warnings = append(byUUID[v.UUID].warnings, text)
			continue
		}
		texts[v.UUID] = append(texts[v.UUID], text)
	}
	if err := s.inCloud(ctx, b, texts); err != nil {
		return fmt.Errorf("%w (%w)", err, errStays)
	}
	failed := perDomain{}
	for uuid, list := range texts {
		failed[uuid] = fmt.Errorf("%w: %s (%w)", ErrViolated, strings.Join(list, "; "), errStays)
	}
	return failed.orNil()
}

// inCloud adds what is wrong with ports and allocations.
func (s verifyStep) inCloud(ctx context.Context, b batch, texts map[string][]string) error {
	if b = b.withSide(); s.Cloud == nil || len(b) == 0 {
		return nil
	}
	look, err := lookInCloud(ctx, s.Cloud, b)
	if err != nil {
		return err
	}
	for _, it := range b {
		for _, f := range look.compare(it, it.compute) {
			texts[it.uuid()] = append(texts[it.uuid()], f.Code+" "+f.Text)
		}
	}
	return nil
}

func (verifyStep) undo(context.Context, batch) error { return nil }

// harmless are violations that were there before the import and do not touch
// how Nova runs the instance: an archived row of the same UUID, and a host name
// that another instance has too. A name that is missing or not the planned one
// has the same code as the latter, and is not harmless.
func harmless(v nova.Violation) bool {
	return v.Code == "V16" && strings.HasPrefix(v.What, "hostname, unique") || v.Code == "V1" && strings.HasPrefix(v.What, "archived")
}

// rootDisk is Nova's name for the disk that an instance boots from.
const rootDisk = "disk"

// expectOf is how an instance should be in Nova by its plan.
func expectOf(d plan.Domain, c nova.Compute, flavors map[string]nova.Flavor) nova.Expect {
	e := nova.Expect{
		UUID: d.UUID, DisplayName: d.DisplayName, ProjectID: d.ProjectID, UserID: d.UserID,
		Host: c.Host, Node: c.Node, AvailabilityZone: d.AvailabilityZone, Flavor: flavors[d.Flavor.Name],
		ImageRef: d.ImageRef, OSType: d.OSType, NICModel: d.NICModel,
		Properties: d.Properties(),
	}
	if d.Lock != plan.None { // Without a lock its owner may set one.
		locked := true
		e.Locked = &locked
	}
	for _, k := range d.Disks {
		e.Disks = append(e.Disks, nova.BlockDevice{Device: k.Device, Bus: k.Bus, SizeGB: k.SizeGB, Root: k.Becomes == rootDisk})
	}
	for _, n := range d.NICs {
		if n.Port != "" {
			e.Ports = append(e.Ports, nova.Port{ID: n.Port, MAC: n.MAC})
		}
	}
	return e
}
