package importer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// refuseEdited compares the plan with what an earlier run has recorded by it.
// Going on would leave an instance that is half of one plan and half of the
// other: its rows are never changed any more. The ids of ports that the journal
// knows have been resolved by then.
func (it *item) refuseEdited(s snippet) error {
	if !underWay(it.earlier) || it.stage != nova.Recorded && it.stage != nova.Mapped {
		return nil
	}
	if edits := edited(s.Domain, it.planned); len(edits) > 0 {
		return fmt.Errorf("%w: %s; put it back into the plan, or release the domain first", ErrEdited, strings.Join(edits, "; "))
	}
	return nil
}

// edited says what of a plan has changed that is in an instance's records. What
// the restart, or only the reader, looks at may change, and so may the id of a
// port that was to be made.
func edited(was, is plan.Domain) (edits []string) {
	compare := func(what string, was, is any) {
		if a, b := fmt.Sprintf("%v", was), fmt.Sprintf("%v", is); a != b {
			edits = append(edits, fmt.Sprintf("%s was %s, is %s", what, orSay(a, "empty"), orSay(b, "empty")))
		}
	}
	compare("host", was.Host, is.Host)
	compare("display_name", was.DisplayName, is.DisplayName)
	compare("hostname", was.Hostname, is.Hostname)
	compare("project_id", was.ProjectID, is.ProjectID)
	compare("user_id", was.UserID, is.UserID)
	compare("availability_zone", was.AvailabilityZone, is.AvailabilityZone)
	compare("flavor", flavorText(was.Flavor), flavorText(is.Flavor))
	compare("placeholder_image", was.Placeholder, is.Placeholder)
	compare("os_type", was.OSType, is.OSType)
	compare("image properties", was.Properties(), is.Properties())
	compare("metadata", was.Metadata, is.Metadata)
	compare("disks", disksText(was.Disks), disksText(is.Disks))
	compare("nics", plugs(was), plugs(is))
	return edits
}

// flavorText leaves out whether it was to be made, for by now it is there.
func flavorText(f plan.Flavor) string {
	text := fmt.Sprintf("%s (%d vCPUs, %d MB, %d GB and %d GB ephemeral", f.Name, f.VCPUs, f.MemoryMB, f.RootGB, f.EphemeralGB)
	if len(f.ExtraSpecs) > 0 {
		text += fmt.Sprintf(", %v", f.ExtraSpecs)
	}
	return text + ")"
}

func disksText(disks []plan.Disk) string {
	var parts []string
	for _, k := range disks {
		parts = append(parts, fmt.Sprintf("%s as %s (%s, %s, %s, %d GB)", k.Path, k.Becomes, k.Device, k.Bus, k.Format, k.SizeGB))
	}
	return strings.Join(parts, ", ")
}

// plugs are a domain's interfaces that have a port, or are to get one.
func plugs(d plan.Domain) []string {
	all := map[string]bool{}
	for _, n := range d.NICs {
		if wantsPort(n) {
			all[strings.ToLower(n.MAC)+" on "+n.NetworkID] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// refuseOthers names ports of the instance that its plan does not: Nova would
// plug them into the guest at its next hard reboot. An earlier run has made
// them by another plan, or somebody has prepared them by hand.
func (c checker) refuseOthers(it *item) error {
	var errs []error
	for _, p := range it.side.ports {
		n := slices.IndexFunc(it.planned.NICs, func(n plan.NIC) bool {
			_, is := portFor(n, []cloud.Port{p})
			return is
		})
		switch {
		case n < 0 && p.Ours():
			errs = append(errs, fmt.Errorf("port %s (%s) was made for it by another plan: release the domain first", p.ID, p.MAC))
		case n < 0:
			errs = append(errs, fmt.Errorf("port %s (%s) has it as its device, and the plan does not name it: plan again, or openstack port set --device '' --device-owner '' %s", p.ID, p.MAC, p.ID))
		case p.Ours() && it.planned.NICs[n].CreatePort:
			errs = append(errs, c.otherAddresses(it, it.planned.NICs[n], p))
		}
	}
	return errors.Join(errs...)
}

// otherAddresses compares a port that an earlier run has made with what would
// be made now. Neutron may have given it more.
func (c checker) otherAddresses(it *item, n plan.NIC, p cloud.Port) error {
	wanted, err := plan.NewPort(it.planned, n, c.world.Cloud)
	if err != nil {
		return err
	}
	for _, ip := range wanted.FixedIPs {
		if !slices.ContainsFunc(p.FixedIPs, func(has cloud.PortIP) bool { return has.Address == ip.Address }) {
			return fmt.Errorf("port %s (%s) was made by another plan, without the address %s: release the domain first", p.ID, p.MAC, ip.Address)
		}
	}
	return nil
}
