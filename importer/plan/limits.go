package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Limit is something that people do with instances and that an adopted one
// cannot, or not as they expect. What is said here is tried on a live Nova,
// shape by shape: the table in README.md comes from there.
type Limit struct {
	Operation    string
	UntilRestart bool   // it ends with the first start under Nova
	Effect       string // what happens instead
	Reason       string // Nova's, with the file it is in
}

// The operations that have limits, as README.md names them.
const (
	Snapshot = "snapshot, new server from it"
	Rescue   = "rescue, unrescue"
	Resize   = "resize, revert"
	Shelve   = "shelve, unshelve"
	Rebuild  = "rebuild with the placeholder image"
	Groups   = "add, remove security group"
	Reboot   = "hard reboot"
	Start    = "stop, start"
	Screen   = "noVNC"
)

// untilRestart are the limits of every domain that has not been started by
// Nova: it reads paths and names from the domain, which are still the legacy
// ones. The lock is there for them.
var untilRestart = []Limit{
	{Snapshot, true, "fails; the guest runs on, and an owner can try it in spite of the lock",
		"nova/virt/libvirt/driver.py snapshot takes the path from the domain and looks for disk.info beside it; nova/compute/api.py snapshot asks for no lock"},
	{Rescue, true, "fails with the guest off and in ERROR; a hard reboot brings it back",
		"nova/virt/libvirt/driver.py rescue defines a domain while the legacy one has the UUID"},
	{Resize, true, "fails with the guest off and in ERROR; openstack server set --state active and a hard reboot bring it back",
		"nova/virt/libvirt/driver.py migrate_disk_and_power_off copies by the paths of the domain"},
	{Shelve, true, "fails with the guest off; a start brings it back",
		"nova/compute/manager.py _shelve_instance powers off, then makes a snapshot"},
}

// asItIs is what a snapshot before the restart does to a guest that does not run.
const asItIs = "fails; the guest is left as it is, and an owner can try it in spite of the lock"

// always are the limits of every domain from its restart on, explained once in a
// plan's preamble.
var always = []Limit{
	{Rescue, false, "from an image without hw_machine_type Nova forgets the guest's machine type; before its next start: nova-manage libvirt update_machine_type --force UUID TYPE",
		"nova/virt/libvirt/driver.py _configure_guest_by_virt_type writes the rescue system's over it"},
}

// refusedScreen is the limit of a domain whose screen has a password. libvirt
// shows none to who only looks, so that most plans are made without knowing.
var refusedScreen = Limit{Screen, true, "is refused: the screen has a password",
	"nova/console/securityproxy/rfb.py connect offers the hypervisor the schemes of auth_schemes alone"}

// screenPassword is the check that finds a VNC password (importer/check/console.go).
const screenPassword = "K2O-503"

// release is the major version of the Nova that the plan was made for, 0 where
// it does not say.
func (m Made) release() (major int) {
	_, number, _ := strings.Cut(m.Nova, "(")
	_, _ = fmt.Sscan(strings.TrimSuffix(number, ")"), &major) // without a number it stays 0
	return major
}

// rebuildsUEFI is the first release that was seen to rebuild a UEFI guest with
// an image that does not say UEFI: 2025.1. Zed does not.
const rebuildsUEFI = 31

// Limits are what cannot be done with a domain of the plan once it is imported,
// or not as its owner would expect.
func (p Plan) Limits(d Domain) []Limit {
	release := p.Made.release()
	limits := slices.Concat(untilRestart, always)
	if s := discover.State(d.MadeFrom.State); s != "" && s != discover.StateRunning {
		limits[0].Effect = asItIs
	}
	if slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Code == screenPassword }) {
		limits = append(limits, refusedScreen)
	}
	uefi := d.ImageProperties["hw_firmware_type"] == "uefi"
	unbuilt := d.Placeholder && uefi && release < rebuildsUEFI
	switch {
	case unbuilt:
		limits = append(limits, Limit{Rebuild, false, "fails with the guest off and in ERROR, and Nova's names of its disks are gone; it can be deleted once an administrator has undefined the domain (virsh undefine --nvram), and the disks are there under their legacy names",
			"nova/virt/libvirt/driver.py _undefine_domain asks the new image whether there are UEFI variables, in Zed"})
	case d.Placeholder:
		limits = append(limits, Limit{Rebuild, false, "installs the placeholder, an empty disk",
			"nova/compute/manager.py rebuild_instance installs the image that the instance refers to"})
	}
	if data := d.dataDisks(); len(data) > 0 {
		effect := fmt.Sprintf("makes %s anew, empty", strings.Join(data, ", "))
		const reason = "nova/virt/libvirt/driver.py _create_image: local data disks are ephemeral"
		limits = append(limits, Limit{Snapshot, false, "is of the root disk alone, without " + strings.Join(data, ", "), "nova/virt/libvirt/driver.py snapshot"})
		limits = append(limits, Limit{Shelve, false, effect, reason})
		if !unbuilt { // Otherwise it comes to nothing.
			limits = append(limits, Limit{Rebuild, false, effect, reason})
		}
	}
	if _, loses := (nova.Release{Major: release}).LosesVariables(); uefi && loses {
		const effect, reason = "keeps the UEFI variables at the first start by Nova, and makes them anew at each one after", "nova/virt/libvirt/guest.py delete_configuration undefines with NVRAM, before 31.3.0 and 32.2.1"
		limits = append(limits, Limit{Reboot, false, effect, reason}, Limit{Start, false, effect, reason})
	}
	if d.portsAreOpen() {
		limits = append(limits, Limit{Groups, false, "is refused: its ports have no port security", "nova/network/neutron.py add_to_instance"})
	}
	if !d.Placeholder && d.ImageRef == "" {
		limits = append(limits, Limit{Resize, false, "ends in ERROR: it has no image", "nova/virt/libvirt/driver.py finish_migration reads it"})
	}
	return limits
}

// dataDisks are the disks beside the root disk, as the guest's definition
// names them.
func (d Domain) dataDisks() (targets []string) {
	for _, k := range d.Disks {
		if k.Becomes != rootName {
			targets = append(targets, brief(k.Target))
		}
	}
	return targets
}

// portsAreOpen: it gets a port that no security group can be put on.
func (d Domain) portsAreOpen() bool {
	return slices.ContainsFunc(d.NICs, func(n NIC) bool { return n.CreatePort && !n.PortSecurity })
}

// limitLines are the limits as comments over a domain's block. Those that every
// domain has until its restart are one line here, and explained in the preamble,
// as those are that every domain has from then on.
func (p Plan) limitLines(d Domain) (lines []string) {
	var early, effects []string
	words := map[string][]string{} // of operations with the same effect
	for _, l := range p.Limits(d) {
		if slices.Contains(always, l) {
			continue
		}
		if l.UntilRestart {
			early = append(early, l.word())
			continue
		}
		effect := fmt.Sprintf("%s (%s)", l.Effect, l.Reason)
		if words[effect] == nil {
			effects = append(effects, effect)
		}
		words[effect] = append(words[effect], l.word())
	}
	lines = []string{"until its restart no " + strings.Join(early, ", no ")}
	for _, effect := range effects {
		lines = append(lines, strings.Join(words[effect], ", ")+": "+effect)
	}
	return lines
}

// untilRestartLines explain those for a plan's preamble.
func untilRestartLines() string {
	var b strings.Builder
	b.WriteString("#\n# What does not work until a domain is restarted under Nova's name, which the\n# lock is for:\n")
	for _, l := range untilRestart {
		fmt.Fprintf(&b, "#   %-10s %s\n#   %-10s (%s)\n", l.word(), l.Effect, "", l.Reason)
	}
	fmt.Fprintf(&b, "#\n# Until then %s is refused as well if the screen has a password; libvirt shows that to\n"+
		"# nobody who only looks, so that most plans do not know of it.\n# (%s)\n", refusedScreen.word(), refusedScreen.Reason)
	b.WriteString("#\n# What is not as one may expect from then on:\n")
	for _, l := range always {
		fmt.Fprintf(&b, "#   %-10s %s\n#   %-10s (%s)\n", l.word(), l.Effect, "", l.Reason)
	}
	b.WriteString("#\n")
	return b.String()
}

// word is the operation without its way back.
func (l Limit) word() string {
	switch l.Operation {
	case Groups:
		return "another security group"
	case Rebuild:
		return "rebuild"
	case Start:
		return "start"
	}
	word, _, _ := strings.Cut(l.Operation, ",")
	return word
}
