package importer

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A side is what an item has in the cloud besides Nova's records: its ports,
// its allocation and its image.
type side struct {
	made  bool     // they are made through the APIs, in this run or an earlier one
	kept  []string // ports that were the instance's before, and stay so
	loose []string // those of them that had no host, and have none again
	ports []cloud.Port
	had   *cloud.Allocation // another than the planned one, before this run
	world plan.World        // what the instance is made from

	asPlanned []plan.NIC // before the journal's word on them
	problem   error      // why the cloud's word on it is missing, or forbids the import
	learned   bool       // the journal's plan lacks what a step has found out
}

// underWay: an earlier run has begun something of the adoption, or all of it,
// and nobody has taken it back.
func underWay(a journal.Adoption) bool {
	return a.State != "" && a.State != journal.StateReleased && a.State != journal.StateFailed
}

// stands: the import has come to its end, and nothing has been released since.
func stands(a journal.Adoption) bool {
	switch a.State {
	case "", journal.StateBegun, journal.StateHalf, journal.StateFailed, journal.StateReleasing, journal.StateReleased:
		return false
	}
	return true
}

// resolve takes over from an earlier run what the plan had left open: the ids
// of ports and of the image.
func (it *item) resolve(s snippet) {
	it.side.asPlanned, it.planned.NICs = it.planned.NICs, slices.Clone(it.planned.NICs)
	if !underWay(it.earlier) {
		return
	}
	it.side.made, it.side.kept, it.side.loose = s.Cloud, s.KeptPorts, s.LoosePorts
	if s.Domain.ImageRef != "" {
		it.planned.ImageRef = s.Domain.ImageRef
	}
	for n, nic := range it.planned.NICs {
		for _, was := range s.Domain.NICs {
			if was.Port != "" && strings.EqualFold(was.MAC, nic.MAC) && was.NetworkID == nic.NetworkID {
				it.planned.NICs[n].Port = was.Port
			}
		}
	}
}

// wantsPort: the plan gives the interface a port of Neutron.
func wantsPort(n plan.NIC) bool { return n.HasPort() }

func (it *item) wantsPorts() bool { return slices.ContainsFunc(it.planned.NICs, wantsPort) }

// portFor finds the port of an interface among those of its instance.
func portFor(n plan.NIC, ports []cloud.Port) (cloud.Port, bool) {
	i := slices.IndexFunc(ports, func(p cloud.Port) bool {
		return p.ID == n.Port || n.CreatePort && p.NetworkID == n.NetworkID && strings.EqualFold(p.MAC, n.MAC)
	})
	if i < 0 {
		return cloud.Port{}, false
	}
	return ports[i], true
}

// learn takes over the instance's ports as Neutron has them, and their ids
// into the plan. It reports whether all are there.
func (it *item) learn(ports []cloud.Port) (all bool) {
	all, it.side.ports = true, nil
	nics := slices.Clone(it.planned.NICs) // They may be the caller's.
	for n, nic := range nics {
		if !wantsPort(nic) {
			continue
		}
		p, ok := portFor(nic, ports)
		if !ok {
			all = false
			continue
		}
		it.side.ports = append(it.side.ports, p)
		it.side.learned = it.side.learned || nic.Port != p.ID
		nics[n].Port = p.ID
	}
	it.planned.NICs = nics
	return all
}

// equip is learn, and what Nova records of the ports goes into the instance.
// An error says that one is not as planned.
func (it *item) equip(ports []cloud.Port) (bool, error) {
	if !it.learn(ports) {
		return false, nil
	}
	w := it.side.world
	w.Ports = it.side.ports
	in, err := plan.Instance(it.planned, w)
	if err != nil {
		return false, err
	}
	it.instance = in
	return true, nil
}

// equipAll is equip where all ports have to be there.
func (it *item) equipAll(ports []cloud.Port) error {
	all, err := it.equip(ports)
	if err == nil && !all {
		err = errors.New("Neutron does not have all of its ports")
	}
	return err
}

// names reports whether the plan names the port, or an import has found it out.
func (it *item) names(port string) bool {
	return slices.ContainsFunc(it.planned.NICs, func(n plan.NIC) bool { return n.Port == port })
}

// bound reports whether all ports of the instance are bound to its host.
func (it *item) bound() bool {
	return !slices.ContainsFunc(it.instance.Ports, func(p nova.Port) bool { return p.VIFType == "" })
}

// zone is the availability zone that a port's device_owner names.
func (it *item) zone() string {
	return cmp.Or(it.instance.AvailabilityZone, it.planned.AvailabilityZone)
}

// allocation is what the instance takes of its host.
func (it *item) allocation() cloud.Allocation { return allocationOf(it.planned, it.compute) }

func allocationOf(d plan.Domain, c nova.Compute) cloud.Allocation {
	return cloud.Allocation{Instance: d.UUID, Provider: c.UUID, ProjectID: d.ProjectID, UserID: d.UserID, Resources: plan.Resources(d)}
}
