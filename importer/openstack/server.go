package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// Server reads one instance. cloud.ErrNotFound when Nova has none of that UUID.
func (c *Cloud) Server(ctx context.Context, uuid string) (cloud.Server, error) {
	s, err := c.server(ctx, uuid)
	if err == nil && s.Fault == "" && s.Task == "" && s.VMState == vmStopped {
		// A start that failed leaves the instance stopped, and Nova shows faults
		// of instances in ERROR alone (nova/api/openstack/compute/views/servers.py).
		s.Fault, err = c.lastFailure(ctx, uuid)
	}
	if err != nil {
		return cloud.Server{}, fmt.Errorf("read instance %s: %w", uuid, orNotFound(err))
	}
	return s, nil
}

// vmStopped is what Nova calls an instance that is shut off.
const vmStopped = "stopped"

func (c *Cloud) server(ctx context.Context, uuid string) (s cloud.Server, err error) {
	err = c.ask(ctx, nova, "read instance "+uuid, func(ctx context.Context) error {
		w, err := servers.Get(ctx, c.compute, uuid).Extract()
		switch {
		case err != nil:
			return err
		case w == nil || w.ID != uuid:
			return errors.New("the answer is not this instance")
		case w.VmState == "":
			return fmt.Errorf("the answer has no OS-EXT-STS:vm_state: %s", c.who)
		}
		s = cloud.Server{
			UUID: w.ID, Status: w.Status, VMState: w.VmState, Task: w.TaskState, Power: int(w.PowerState),
			Host: w.Host, InstanceName: w.InstanceName, Locked: w.Locked != nil && *w.Locked, Fault: fit(w.Fault.Message),
		}
		return nil
	})
	return s, err
}

// Start has Nova start an instance that is shut off: it makes the domain anew
// from its records. One that is active or being started is fine. It returns
// when Nova has taken the order; Server tells what became of it.
//
// cloud.ErrBusy when the instance is in another state, which is looked at
// first: an order is given once. After an answer that was lost, what Nova has
// noted of the instance decides whether it was taken.
func (c *Cloud) Start(ctx context.Context, uuid string) error {
	return c.act(ctx, uuid, action{
		name: "start", act: "start it",
		under: func(s cloud.Server) bool { return s.VMState == "active" || s.Starting() },
		can:   func(s cloud.Server) bool { return s.VMState == vmStopped && s.Task == "" },
		post:  func(ctx context.Context) error { return servers.Start(ctx, c.compute, uuid).ExtractErr() },
	})
}

// HardReboot has Nova end the instance's domain and make it anew from its
// records. The guest's power is cut. One that is under way is not ordered
// again, though Nova would take it. Otherwise it is as Start.
func (c *Cloud) HardReboot(ctx context.Context, uuid string) error {
	return c.act(ctx, uuid, action{
		name: "reboot", act: "reboot it",
		under: cloud.Server.Rebooting,
		can:   func(s cloud.Server) bool { return s.Task == "" && rebootable[s.VMState] },
		post: func(ctx context.Context) error {
			return servers.Reboot(ctx, c.compute, uuid, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr()
		},
	})
}

// rebootable are the vm_states in which Nova reboots hard
// (nova/compute/vm_states.py, ALLOW_HARD_REBOOT).
var rebootable = map[string]bool{"active": true, vmStopped: true, "paused": true, "suspended": true, "error": true}

// An action is something that Nova's API is to do with an instance.
type action struct {
	name  string // Nova's (nova/compute/instance_actions.py)
	act   string
	under func(cloud.Server) bool // it is done or under way
	can   func(cloud.Server) bool // Nova would do it now
	post  func(context.Context) error
}

// act looks, gives the order, and looks again where nobody can know whether
// Nova took it.
func (c *Cloud) act(ctx context.Context, uuid string, a action) error {
	fail := func(err error) error {
		return fmt.Errorf("%s instance %s: %w", a.name, uuid, orNotFound(err))
	}
	s, err := c.server(ctx, uuid)
	if err != nil {
		return fail(err)
	}
	if a.under(s) {
		return nil
	}
	if !a.can(s) {
		return fail(fmt.Errorf("%w: it is %s", cloud.ErrBusy, s.State()))
	}
	before, err := c.lastAction(ctx, uuid)
	if err != nil {
		return fail(err)
	}
	err = c.ask(ctx, nova, a.act, a.post)
	if !doubtful(err) && !answered(err, http.StatusConflict) {
		if err != nil {
			return fail(err)
		}
		return nil
	}
	taken, lookErr := c.taken(ctx, uuid, a, before)
	switch {
	case lookErr != nil:
		return fail(fmt.Errorf("%w; and whether it was taken is not known: %w", err, lookErr))
	case taken:
		return nil
	case answered(err, http.StatusConflict):
		return fail(fmt.Errorf("%w: %w", cloud.ErrBusy, err))
	}
	return fail(err)
}

// taken reports whether Nova has noted the action since before. The look has a
// deadline of its own, for that of a caller may be what ended the order.
func (c *Cloud) taken(ctx context.Context, uuid string, a action, before actionNote) (bool, error) {
	ctx = context.WithoutCancel(ctx)
	now, err := c.lastAction(ctx, uuid)
	if err != nil {
		return false, err
	}
	if now.RequestID != before.RequestID && now.Action == a.name {
		return true, nil
	}
	s, err := c.server(ctx, uuid)
	return err == nil && a.under(s), err
}
