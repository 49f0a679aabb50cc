package nova

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// hardwareKeys are the seven properties that nova-compute fills in from its
// own configuration, not from the domain, when it starts and finds them
// missing (nova/virt/libvirt/driver.py,
// _register_all_undefined_instance_details): the guest would then get other
// hardware at its first regeneration.
var hardwareKeys = []string{
	"hw_cdrom_bus", "hw_disk_bus", "hw_input_bus", "hw_machine_type",
	"hw_pointer_model", "hw_video_model", "hw_vif_model",
}

// diskBuses are those that the kvm driver accepts
// (nova/virt/libvirt/blockinfo.py, is_disk_bus_valid_for_virt).
var diskBuses = []string{"virtio", "scsi", "sata", "ide", "usb", "fdc"}

// A propertyKind turns a property's text into the value that the object holds,
// or says why Nova would refuse it.
type propertyKind func(string) (any, error)

func oneOf(legal ...string) propertyKind {
	return func(s string) (any, error) {
		if !slices.Contains(legal, s) {
			return nil, fmt.Errorf("%q is not one of %s", s, strings.Join(legal, ", "))
		}
		return s, nil
	}
}

func text(s string) (any, error) {
	if err := checkText(s, 1, 255); err != nil {
		return nil, err
	}
	return s, nil
}

func number(s string) (any, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%q is not a number above 0", s)
	}
	return n, nil
}

// truth knows the words of oslo's strutils.bool_from_string.
func truth(s string) (any, error) {
	switch strings.ToLower(s) {
	case "yes", "true", "on", "1", "y", "t":
		return true, nil
	case "no", "false", "off", "0", "n", "f":
		return false, nil
	}
	return nil, fmt.Errorf("%q is neither yes nor no", s)
}

// unsupported properties are known to Nova and ask for what an adopted record
// does not have, like forbiddenSpecs.
func unsupported(why string) propertyKind {
	return func(string) (any, error) { return nil, fmt.Errorf("%s", why) }
}

// knownProperties are the properties an adoption may record, with their legal
// values in all supported releases (nova/objects/image_meta.py and
// nova/objects/fields.py, narrowed to what the kvm driver accepts). A bad value
// raises at every access to the instance's image_meta; an unknown name is
// ignored by Nova, and the hardware it was meant to keep is lost.
var knownProperties = map[string]propertyKind{
	"hw_machine_type":  text, // free; checked against the host's capabilities at the regeneration
	"hw_cdrom_bus":     oneOf(diskBuses...),
	"hw_disk_bus":      oneOf(diskBuses...),
	"hw_input_bus":     oneOf("usb", "virtio"),
	"hw_pointer_model": oneOf("usbtablet"),
	"hw_video_model":   oneOf("cirrus", "qxl", "vga", "vmvga", "virtio", "xen", "gop", "none", "bochs"),
	"hw_vif_model":     oneOf("virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "spapr-vlan", "igb"),

	"hw_architecture":           oneOf("x86_64", "i686", "aarch64", "ppc64le", "s390x"),
	"hw_boot_menu":              truth,
	"hw_cpu_cores":              number,
	"hw_cpu_max_cores":          number,
	"hw_cpu_max_sockets":        number,
	"hw_cpu_max_threads":        number,
	"hw_cpu_sockets":            number,
	"hw_cpu_threads":            number,
	"hw_cpu_policy":             oneOf("shared"),
	"hw_firmware_type":          oneOf("bios", "uefi"),
	"hw_pmu":                    truth,
	"hw_qemu_guest_agent":       truth,
	"hw_rescue_bus":             oneOf(diskBuses...),
	"hw_rescue_device":          oneOf("disk", "cdrom", "floppy", "lun"),
	"hw_rng_model":              oneOf("virtio"),
	"hw_scsi_model":             oneOf("buslogic", "ibmvscsi", "lsilogic", "lsisas1068", "lsisas1078", "virtio-scsi", "vmpvscsi"),
	"hw_serial_port_count":      number,
	"hw_time_hpet":              truth,
	"hw_vif_multiqueue_enabled": truth,
	"hw_video_ram":              number,
	"hw_vm_mode":                oneOf("hvm"),
	"hw_watchdog_action":        oneOf("none", "pause", "poweroff", "reset", "disabled"),
	"img_hide_hypervisor_id":    truth,
	"os_admin_user":             text,
	"os_distro":                 text,
	"os_version":                text, // for people; Nova itself does not look at it
	"os_require_quiesce":        truth,
	"os_secure_boot":            oneOf("disabled", "optional", "required"),
	"os_type":                   oneOf("linux", "windows"),

	"hw_mem_page_size":  unsupported("the record of an adopted domain has no huge pages"),
	"hw_numa_nodes":     unsupported("the record of an adopted domain has no NUMA topology"),
	"hw_tpm_model":      unsupported("a virtual TPM cannot be adopted: nova-compute would refuse to start without swtpm"),
	"hw_tpm_version":    unsupported("a virtual TPM cannot be adopted: nova-compute would refuse to start without swtpm"),
	"hw_mem_encryption": unsupported("encrypted memory cannot be adopted"),
}

// newValues came after Victoria; an older release would raise at each access to
// the instance.
var newValues = []struct {
	property, value string
	major           int
}{
	{"hw_video_model", "bochs", 24},
	{"hw_vif_model", "igb", 31},
}

// properties are ImageProperties with os_type, which must say the same as the
// column.
func (in Instance) properties() map[string]string {
	all := maps.Clone(in.ImageProperties)
	if in.OSType != "" {
		if all == nil {
			all = map[string]string{}
		}
		all["os_type"] = in.OSType
	}
	return all
}

// typedProperties are the values as request_specs holds them; encoding sorts
// the keys.
func (in Instance) typedProperties() (map[string]any, error) {
	typed := map[string]any{}
	for k, v := range in.properties() {
		kind, ok := knownProperties[k]
		if !ok {
			return nil, fmt.Errorf("image property %s: Nova does not know it", k)
		}
		var err error
		if typed[k], err = kind(v); err != nil {
			return nil, fmt.Errorf("image property %s: %w", k, err)
		}
	}
	return typed, nil
}

func (c *checker) properties() {
	for _, k := range hardwareKeys {
		if _, ok := c.in.ImageProperties[k]; !ok {
			c.failf("image property "+k, "is missing: nova-compute would fill in its own default, not the domain's")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(c.in.ImageProperties)) {
		kind, ok := knownProperties[k]
		if !ok {
			c.failf("image property "+k, "Nova does not know it")
			continue
		}
		_, err := kind(c.in.ImageProperties[k])
		c.fail("image property "+k, err)
	}
	switch c.in.OSType {
	case "", "windows", "linux":
	default:
		c.failf("os type", "%q is not one of windows, linux, or empty", c.in.OSType)
	}
	if has, ok := c.in.ImageProperties["os_type"]; ok && has != c.in.OSType && (has == "windows" || c.in.OSType != "") {
		c.failf("os type", "%q, but the image property os_type is %q", c.in.OSType, has)
	}
}
