package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// switchTimeout bounds what one host is asked about its switch.
const switchTimeout = time.Minute

// A Shell runs programs on one host. rename.Vantage is one.
type Shell interface {
	Run(ctx context.Context, argv ...string) ([]byte, error)
}

// switchStep is a part of release only, behind the rows: nobody plugs for the
// instance any more. What libvirt plugs into Open vSwitch it unplugs when the
// guest stops. What Nova has plugged, be it when it made the domain anew or when
// nova-compute was restarted, is Nova's to unplug, and Nova does not know the
// instance any more: the port would stay in the switch, with a tap that is gone.
type switchStep struct{ *Importer }

func (switchStep) name() string { return stepSwitch }

func (switchStep) done(context.Context, batch) (map[string]bool, error) { return nil, nil }

func (switchStep) do(context.Context, batch) error { return nil }

// look finds out how the ports are bound, which is so until they are given back.
func (s switchStep) look(ctx context.Context, b batch) error {
	return portsStep(s).look(ctx, b)
}

// undo never fails: a port that stays is a line of the switch's and does no
// harm, so it is told, with the command.
func (s switchStep) undo(ctx context.Context, b batch) error {
	group := errgroup.Group{}
	group.SetLimit(perHostParallel)
	for _, items := range b.withSide().byHost() {
		if !slices.ContainsFunc(items, (*item).isSwitched) {
			continue
		}
		group.Go(func() error {
			s.unplug(ctx, items)
			return nil
		})
	}
	return group.Wait()
}

// isSwitched: one of its ports is bound to Open vSwitch, by the agent of that
// name or by OVN.
func (it *item) isSwitched() bool { return slices.ContainsFunc(it.side.ports, onSwitch) }

func onSwitch(p cloud.Port) bool { return p.VIFType == "ovs" }

// unplug takes the ports of one host's domains out of its switch.
func (s switchStep) unplug(ctx context.Context, items batch) {
	ctx, cancel := context.WithTimeout(ctx, switchTimeout)
	defer cancel()
	on, err := s.open(ctx, items)
	if err == nil {
		defer on.close()
	}
	for _, it := range items {
		for _, p := range it.side.ports {
			if !onSwitch(p) {
				continue
			}
			name, why := plugOf(p), err
			if why == nil {
				why = on.unplug(ctx, p)
			}
			if why != nil {
				it.warnings = append(it.warnings, fmt.Sprintf("%s may stay in Open vSwitch on %s: %v. Once no guest has it: %s", name, it.host.Name, why, unplugCommand(p)))
			}
		}
	}
}

// An openSwitch is what one host's Open vSwitch has.
type openSwitch struct {
	Shell
	close   func()
	ids     map[string]string // iface-id by interface
	devices map[string]bool   // that the host has
}

func (s switchStep) open(ctx context.Context, items batch) (*openSwitch, error) {
	sh, end, err := s.Hosts.Shell(ctx, items[0].host)
	if err != nil {
		return nil, err
	}
	on := &openSwitch{Shell: sh, close: end}
	out, err := sh.Run(ctx, "ovs-vsctl", "--timeout=10", "--format=json", "--columns=name,external_ids", "find", "Interface", `external_ids:iface-id!=""`)
	if err == nil {
		on.ids, err = interfaceIDs(out)
	}
	if err == nil {
		err = on.look(ctx)
	}
	if err != nil {
		end()
		return nil, err
	}
	return on, nil
}

// look sees which devices there are.
func (o *openSwitch) look(ctx context.Context) error {
	out, err := o.Run(ctx, "ls", "/sys/class/net")
	if err != nil {
		return err
	}
	o.devices = map[string]bool{}
	for name := range strings.FieldsSeq(string(out)) {
		o.devices[name] = true
	}
	return nil
}

// errPlugged is why a port is left where it is.
var errPlugged = errors.New("its tap is there, so some guest may be using it")

// unplug removes the port if it is this one's, and nobody's device is behind it.
func (o *openSwitch) unplug(ctx context.Context, p cloud.Port) error {
	name := plugOf(p)
	for other, id := range o.ids {
		if id == p.ID && other != name {
			return fmt.Errorf("the switch knows it as %s", other) // os-vif's per_port_bridge, or a person's
		}
	}
	switch {
	case o.ids[name] != p.ID:
		return nil // It is not there, or somebody else's.
	case p.IsHybrid():
		return errors.New("its bridge for iptables is a matter of several devices")
	case o.devices[name]:
		return errPlugged
	}
	// The first look may be as old as the ports of a whole host.
	if err := o.look(ctx); err != nil {
		return err
	}
	if o.devices[name] {
		return errPlugged
	}
	_, err := o.Run(ctx, "ovs-vsctl", "--timeout=10", "--if-exists", "del-port", p.Bridge("br-int"), name)
	return err
}

// plugOf is the interface in the switch: the guest's own tap, or with a bridge
// in between for iptables the end of the pair that leads to that
// (nova/network/model.py, NIC_NAME_LEN).
func plugOf(p cloud.Port) string {
	if p.IsHybrid() {
		return p.Device("qvo")
	}
	return p.Device("tap")
}

func unplugCommand(p cloud.Port) string {
	command := fmt.Sprintf("ovs-vsctl --if-exists del-port %s %s", p.Bridge("br-int"), plugOf(p))
	if p.IsHybrid() {
		command += fmt.Sprintf("; ip link delete %s; ip link delete %s", p.Device("qvo"), p.Device("qbr"))
	}
	return command
}

// interfaceIDs reads the table of ovs-vsctl's JSON (RFC 7047, 5.1): a map is
// ["map", [[key, value], ...]]. What stands before it are warnings.
func interfaceIDs(out []byte) (map[string]string, error) {
	var table struct{ Data [][2]json.RawMessage }
	start := max(0, bytes.IndexByte(out, '{'))
	if err := json.Unmarshal(out[start:], &table); err != nil {
		return nil, fmt.Errorf("read what ovs-vsctl says: %w", err)
	}
	ids := map[string]string{}
	for _, row := range table.Data {
		var name string
		var pairs [2]json.RawMessage
		var of [][2]string
		if err := errors.Join(json.Unmarshal(row[0], &name), json.Unmarshal(row[1], &pairs)); err != nil {
			return nil, fmt.Errorf("read what ovs-vsctl says of its interfaces: %w", err)
		}
		if err := json.Unmarshal(pairs[1], &of); err != nil {
			return nil, fmt.Errorf("read what ovs-vsctl says of interface %s: %w", name, err)
		}
		for _, pair := range of {
			if pair[0] == "iface-id" {
				ids[name] = pair[1]
			}
		}
	}
	return ids, nil
}
