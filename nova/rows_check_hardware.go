package nova

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
)

// flavor: the sizes stand in the instances row, in instance_extra and in
// request_specs, all from here, so that they cannot differ.
func (c *checker) flavor() {
	f := c.in.Flavor
	c.fail("flavor name", checkText(f.Name, 1, 255))
	c.fail("flavor id", checkText(f.FlavorID, 1, 255))
	if f.VCPUs < 1 || f.MemoryMB < 1 || f.RootGB < 1 || f.EphemeralGB < 0 {
		c.failf("flavor "+f.Name, "has %d vCPUs, %d MB memory, %d GB root, %d GB ephemeral", f.VCPUs, f.MemoryMB, f.RootGB, f.EphemeralGB)
	}
	if f.SwapMB != 0 {
		c.failf("flavor "+f.Name, "has %d MB swap: Nova would look for disk.swap at the first hard reboot", f.SwapMB)
	}
	for _, spec := range forbiddenSpecs {
		if v, ok := f.ExtraSpecs[spec.key]; ok && !slices.Contains(spec.harmless, v) {
			c.failf("flavor "+f.Name, "has extra spec %s=%s: %s", spec.key, v, spec.why)
		}
	}
}

// forbiddenSpecs ask for what an adopted record does not have. Some of them
// keep nova-compute from starting (nova/virt/libvirt/driver.py,
// _validate_vtpm_configuration, _validate_pinning_configuration).
var forbiddenSpecs = []struct {
	key      string
	harmless []string
	why      string
}{
	{"hw:cpu_policy", []string{"shared"}, "the record of an adopted domain has no pinning"},
	{"hw:numa_nodes", nil, "the record of an adopted domain has no NUMA topology"},
	{"hw:mem_page_size", []string{"small"}, "the record of an adopted domain has no huge pages"},
	{"hw:cpu_realtime", []string{"no", "false"}, "the record of an adopted domain has no real-time vCPUs"},
	{"hw:tpm_version", nil, "a virtual TPM cannot be adopted"},
	{"hw:tpm_model", nil, "a virtual TPM cannot be adopted"},
	{"hw:pmem", nil, "persistent memory cannot be adopted"},
	{"hw:mem_encryption", []string{"False", "false"}, "encrypted memory cannot be adopted"},
	{"pci_passthrough:alias", nil, "passed-through devices cannot be adopted"},
}

// deviceForm is what Nova's blockinfo makes a target of: /dev/ and a disk name.
var deviceForm = regexp.MustCompile(`^/dev/(vd|sd|hd|fd)[a-z]{1,2}$`)

func (c *checker) disks() {
	roots, dataGB := 0, 0
	devices, uuids := map[string]bool{}, map[string]bool{}
	for _, d := range c.in.Disks {
		field := "disk " + d.Device
		c.fail(field, c.disk(d))
		if devices[d.Device] {
			c.failf(field, "occurs twice")
		}
		if uuids[d.UUID] {
			c.failf(field, "has the uuid of another disk")
		}
		devices[d.Device], uuids[d.UUID] = true, true
		if d.Root {
			roots++
		} else {
			dataGB += d.SizeGB
		}
	}
	if roots != 1 {
		c.failf("disks", "%d of %d are the root disk: without one Nova takes the instance for booted from a volume", roots, len(c.in.Disks))
	}
	// Without a data disk Nova would look for a disk.local of that size; with a
	// smaller size Placement would count too little.
	if has := c.in.Flavor.EphemeralGB; dataGB == 0 && has != 0 || dataGB > has {
		c.failf("flavor "+c.in.Flavor.Name, "has %d GB ephemeral, and the data disks have %d GB together", has, dataGB)
	}
}

func (c *checker) disk(d BlockDevice) error {
	if err := checkUUID(d.UUID); err != nil {
		return fmt.Errorf("uuid: %w", err)
	}
	if !deviceForm.MatchString(d.Device) {
		return fmt.Errorf("%q is not a device name such as /dev/vda", d.Device)
	}
	if !slices.Contains(diskBuses, d.Bus) {
		return fmt.Errorf("bus %q is not one of %s", d.Bus, strings.Join(diskBuses, ", "))
	}
	if !d.Root && d.SizeGB < 1 {
		return fmt.Errorf("has %d GB", d.SizeGB)
	}
	if !d.Root {
		return nil
	}
	if d.Device != c.in.RootDevice {
		return fmt.Errorf("is the root disk, but the root device is %q", c.in.RootDevice)
	}
	if d.SizeGB > c.in.Flavor.RootGB {
		return fmt.Errorf("has %d GB, and flavor %s has %d GB root", d.SizeGB, c.in.Flavor.Name, c.in.Flavor.RootGB)
	}
	return nil
}

func (c *checker) ports() {
	macs, ids := map[string]bool{}, map[string]bool{}
	for _, p := range c.in.Ports {
		field := "port " + p.MAC
		c.fail(field, checkPort(p))
		if macs[p.MAC] {
			c.failf(field, "the address occurs twice")
		}
		if ids[p.ID] {
			c.failf(field, "is Neutron's port %s, like another interface", p.ID)
		}
		macs[p.MAC], ids[p.ID] = true, true
	}
}

func checkPort(p Port) error {
	if err := checkUUID(p.ID); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	if err := checkUUID(p.NetworkID); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if mac, err := net.ParseMAC(p.MAC); err != nil || len(mac) != 6 || mac.String() != p.MAC {
		return fmt.Errorf("%q is not a MAC address in small letters", p.MAC)
	}
	if p.NetworkOwner == "" {
		return fmt.Errorf("the project of network %s is not known", p.NetworkID)
	}
	if t := p.VNICType; t != "" && t != "normal" {
		return fmt.Errorf("vnic_type %q is not normal", t)
	}
	for _, ip := range p.FixedIPs {
		if !ip.Address.IsValid() || !ip.CIDR.IsValid() || !ip.CIDR.Contains(ip.Address) {
			return fmt.Errorf("address %s is not in subnet %s", ip.Address, ip.CIDR)
		}
	}
	if !p.bound() {
		return nil // left out of the info cache until SetInfoCache
	}
	return CheckVIFType(p.VIFType)
}
