package importer

import (
	"context"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// An API is what an adoption asks of Nova's API, Glance, Neutron and
// Placement. *openstack.Cloud is one. Without it an adoption rests on the
// databases alone.
//
// All of it can be repeated: what is there already is returned as it is, and
// what is gone already is fine to delete. Nothing is deleted or changed back
// that does not carry cloud.Mark.
type API interface {
	ports
	allocations
	shared
}

// shared are the things that several instances of a project use together.
type shared interface {
	// EnsureFlavor returns the flavorid of the private flavor of that name,
	// made with cloud.Mark if there is none; made says that it was. One of
	// another size is an error.
	EnsureFlavor(ctx context.Context, f cloud.NewFlavor) (flavorID string, made bool, err error)
	// DeleteFlavor deletes a flavor that EnsureFlavor made.
	DeleteFlavor(ctx context.Context, flavorID string) error
	// EnsurePlaceholder returns the id of the project's placeholder image.
	EnsurePlaceholder(ctx context.Context, projectID string) (imageID string, made bool, err error)
	// DeletePlaceholder deletes an image that EnsurePlaceholder made.
	DeletePlaceholder(ctx context.Context, imageID string) error
}

// ports are Neutron's part.
type ports interface {
	// PortsOf returns the ports whose device is one of these instances.
	PortsOf(ctx context.Context, instances []string) ([]cloud.Port, error)
	// Port returns one port; cloud.ErrNotFound when there is none.
	Port(ctx context.Context, id string) (cloud.Port, error)
	// CreatePort makes an unbound port with cloud.Mark. cloud.ErrTaken names
	// the port that has the MAC address or the fixed IP.
	CreatePort(ctx context.Context, p cloud.NewPort) (cloud.Port, error)
	// TakePort makes an unused port the instance's (device_id and
	// device_owner). cloud.ErrTaken names whose it is when it is used.
	TakePort(ctx context.Context, id, instance, zone string) (cloud.Port, error)
	// BindPort binds a port to a compute host and returns it as it is then.
	// cloud.ErrUnbound, with Neutron's reason, when no driver could.
	BindPort(ctx context.Context, id, host string) (cloud.Port, error)
	// FreePort gives an instance's port back: one with cloud.Mark is deleted,
	// another is unbound and has no device again. Ports of other instances are
	// left alone.
	FreePort(ctx context.Context, id, instance string) error
	// UnbindPort takes the host from an instance's port, which stays the
	// instance's. Ports of other instances are left alone.
	UnbindPort(ctx context.Context, id, instance string) error
}

// allocations are Placement's part.
type allocations interface {
	// Allocations returns what the instances have; one without any is absent.
	Allocations(ctx context.Context, instances []string) (map[string]cloud.Allocation, error)
	// Allocate replaces what the instance has. Generation conflicts are
	// retried; cloud.ErrConflict when that does not end, cloud.ErrNoRoom when
	// Placement says so.
	Allocate(ctx context.Context, a cloud.Allocation) error
	// Deallocate removes what the instance has.
	Deallocate(ctx context.Context, instance string) error
}
