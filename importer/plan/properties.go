package plan

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// legal are the values of Nova's enumerated image properties
// (nova/objects/fields.py of 22, as far as its KVM driver takes them). Nova
// raises ValueError at every access to an instance with another one, so
// nothing else is ever written.
var legal = map[string][]string{
	"hw_vif_model":     {"virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "spapr-vlan", "igb"},
	"hw_disk_bus":      {"virtio", "scsi", "sata", "ide", "usb", "fdc"},
	"hw_cdrom_bus":     {"virtio", "scsi", "sata", "ide", "usb", "fdc"},
	"hw_rescue_bus":    {"virtio", "scsi", "sata", "ide", "usb", "fdc"},
	"hw_scsi_model":    {"virtio-scsi", "lsilogic", "lsisas1068", "lsisas1078", "buslogic", "vmpvscsi", "ibmvscsi"},
	"hw_video_model":   {"vga", "cirrus", "qxl", "virtio", "vmvga", "xen", "gop", "none", "bochs"},
	"hw_firmware_type": {"bios", "uefi"},
	"hw_input_bus":     {"usb", "virtio"},
	"hw_pointer_model": {"usbtablet"},
	"hw_rng_model":     {"virtio"},
	"hw_watchdog_action": {
		"none", "pause", "poweroff", "reset", "disabled",
	},
	"hw_cpu_policy": {"shared"}, // dedicated and mixed want an instance_numa_topology too
	"os_type":       {"linux", "windows"},
	"os_secure_boot": {
		"disabled", "optional", "required",
	},
}

// since names the values that came after 22, by the major version of Nova.
var since = map[string]map[string]int{
	"hw_vif_model":   {"igb": 31},
	"hw_video_model": {"bochs": 24},
}

// booleans and numbers are the other properties that an adoption may set.
var (
	booleans = []string{"hw_qemu_guest_agent", "hw_vif_multiqueue_enabled", "hw_time_hpet", "hw_pmu", "hw_boot_menu", "img_hide_hypervisor_id", "os_require_quiesce"}
	numbers  = []string{"hw_cpu_sockets", "hw_cpu_cores", "hw_cpu_threads", "hw_cpu_max_sockets", "hw_cpu_max_cores", "hw_cpu_max_threads", "hw_video_ram", "hw_serial_port_count"}
	freeText = []string{"hw_machine_type", "os_distro", "os_version", "os_admin_user", "hw_rescue_device", "hw_architecture"}
)

// maxProperty is what instance_system_metadata.value holds.
const maxProperty = 255

func legalValue(property, value string) bool { return slices.Contains(legal[property], value) }

func legalValues(property string) string { return strings.Join(legal[property], ", ") }

// nearest returns value where Nova of this major version knows it for the
// property, else what is nearest to it. A version of 0 is not known and
// counts as the oldest.
func nearest(property, value, instead string, major int) string {
	if !legalValue(property, value) || since[property][value] > major {
		return instead
	}
	return value
}

// propertyProblem says why Nova could not use the property, "" when it can. A
// name that Nova does not know is a problem because Nova would say nothing.
func propertyProblem(name, value string) string {
	if problem := textProblem(value, maxProperty); problem != "" {
		return fmt.Sprintf("%s: %s", name, problem)
	}
	switch {
	case legal[name] != nil:
		if !legalValue(name, value) {
			return fmt.Sprintf("%s: %q is not one of %s", name, value, legalValues(name))
		}
	case slices.Contains(booleans, name):
		if !slices.Contains([]string{"yes", "no", "true", "false"}, value) {
			return fmt.Sprintf("%s: %q is not yes or no", name, value)
		}
	case slices.Contains(numbers, name):
		if n, err := strconv.Atoi(value); err != nil || n < 1 {
			return fmt.Sprintf("%s: %q is not a number above 0", name, value)
		}
	case slices.Contains(freeText, name):
		if value == "" {
			return fmt.Sprintf("%s: is empty", name)
		}
	default:
		return fmt.Sprintf("%s: is not an image property that an adoption may set", name)
	}
	return ""
}

// Properties are all the image properties that Nova is given: those of
// ImageProperties, and those that other parts of the plan decide, so that
// there is one place to edit each.
func (d Domain) Properties() map[string]string {
	all := maps.Clone(d.ImageProperties)
	if all == nil {
		all = map[string]string{}
	}
	all["hw_vif_model"] = d.NICModel
	if root, ok := d.Root(); ok {
		all["hw_disk_bus"] = root.Bus
	}
	if d.OSType != "" {
		all["os_type"] = d.OSType
	}
	return all
}

// Root returns the disk the domain boots from.
func (d Domain) Root() (Disk, bool) {
	for _, disk := range d.Disks {
		if disk.Becomes == rootName {
			return disk, true
		}
	}
	return Disk{}, false
}

// elsewhere are the properties that Properties takes from other fields, with
// the field's name.
var elsewhere = map[string]string{
	"hw_vif_model": "nic_model",
	"hw_disk_bus":  "the bus of the disk that becomes disk",
	"os_type":      "os_type",
}

func (d Decision) valid() bool { return d == Import || d == Skip }

func (l Lock) valid() bool { return l == UntilRenamed || l == Keep || l == None }

// isMAC reports whether s is an Ethernet address as libvirt writes it.
func isMAC(s string) bool {
	hw, err := net.ParseMAC(s)
	return err == nil && len(hw) == 6 && strings.Count(s, ":") == 5
}

// problem says what is wrong with a probe, "" when nothing is.
func (p Probe) problem() string {
	set := 0
	for _, is := range []bool{p.TCP != 0, p.HTTP != "", p.Ping, p.ARP, p.Command != "", p.Console != ""} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return "exactly one of tcp, http, ping, arp, command and console is wanted"
	case p.Console != "" && p.From != "":
		return "from: a console is read on the guest's own host"
	case strings.ContainsAny(p.From, " \t\n/"):
		return fmt.Sprintf("from: %q is neither host nor [USER@]NAME[:PORT]", p.From)
	case p.TCP < 0 || p.TCP > 65535:
		return fmt.Sprintf("tcp: %d is not a port", p.TCP)
	case p.HTTP != "" && !strings.HasPrefix(p.HTTP, "http://") && !strings.HasPrefix(p.HTTP, "https://"):
		return fmt.Sprintf("http: %q is not a URL with http:// or https://", p.HTTP)
	}
	return ""
}

// size is the sum that flavors are told apart by.
func (f Flavor) size() string {
	text := fmt.Sprintf("%d vCPU, %d MiB, %d GB", f.VCPUs, f.MemoryMB, f.RootGB)
	if f.EphemeralGB > 0 {
		text += fmt.Sprintf(" + %d GB", f.EphemeralGB)
	}
	return text
}
