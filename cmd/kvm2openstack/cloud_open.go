package main

import (
	"context"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/openstack"
)

// A cloudSide is what there is of the cloud besides Nova's databases: its APIs,
// a file with their answers, or nothing at all.
type cloudSide struct {
	api      *openstack.Cloud // nil without "cloud:" in the configuration
	snapshot *cloud.Snapshot  // nil with neither
}

// openCloud logs in to the APIs that the configuration names. It asks them
// nothing else yet.
func (c config) openCloud(ctx context.Context, a *app) (cloudSide, error) {
	if c.Cloud == "" {
		return cloudSide{}, nil
	}
	api, err := openstack.Open(ctx, openstack.Config{Name: c.Cloud, Calls: c.Calls, Log: a.log()})
	if err != nil {
		return cloudSide{}, refused(err)
	}
	return cloudSide{api: api}, nil
}

// readCloud is openCloud with all that planning, and the check before an
// import, look up in it.
func (c config) readCloud(ctx context.Context, a *app) (side cloudSide, err error) {
	if c.CloudFile != "" {
		if side.snapshot, err = cloud.LoadSnapshot(c.CloudFile); err != nil {
			return side, usage(err)
		}
		return side, nil
	}
	if side, err = c.openCloud(ctx, a); err != nil || side.api == nil {
		return side, err
	}
	if side.snapshot, err = side.api.Snapshot(ctx); err != nil {
		return side, refused(err)
	}
	return side, nil
}

// API is what an importer gets: nil, and not a nil pointer, when there is none.
func (s cloudSide) API() importer.API {
	if s.api == nil {
		return nil
	}
	return s.api
}

// considerate does what has time: it makes only as many calls as others do not
// feel. A restart is none of that, whose guest is off meanwhile.
func (s cloudSide) considerate(ctx context.Context, work func() (importer.Summary, error)) (importer.Summary, error) {
	if s.api != nil {
		defer s.api.Watch(ctx)()
	}
	return work()
}

// lookup is API for those who only look.
func (s cloudSide) lookup() importer.Lookup {
	if s.api == nil {
		return nil
	}
	return s.api
}

// allocations asks for what these instances have in Placement; nil without the
// APIs.
func (s cloudSide) allocations(ctx context.Context, uuids []string) (map[string]cloud.Allocation, error) {
	if s.api == nil {
		return nil, nil
	}
	found, err := s.api.Allocations(ctx, uuids)
	if err != nil {
		return nil, refused(fmt.Errorf("read allocations: %w", err))
	}
	return found, nil
}

// addQuotas asks for the quotas of the projects that are planned for.
func (s cloudSide) addQuotas(ctx context.Context, projects []string) error {
	if s.api == nil {
		return nil
	}
	quotas, err := s.api.Quotas(ctx, projects)
	if err != nil {
		return refused(fmt.Errorf("read quotas: %w", err))
	}
	s.snapshot.Quotas = quotas
	return nil
}
