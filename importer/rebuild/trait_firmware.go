package rebuild

import (
	"cmp"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

func (t *traits) firmware(d discover.Domain, l layout) {
	switch {
	case d.Firmware.SecureBoot:
		t.say("firmware", "", "uefi with secure boot")
	case d.Firmware.UEFI:
		t.say("firmware", "", "uefi")
	default:
		t.say("firmware", "", "bios")
	}
	t.smbios(d, l)
}

// smbios is what dmidecode shows. The version of the system is left out: Nova
// writes its own there, down to the distribution's package.
func (t *traits) smbios(d discover.Domain, l layout) {
	says := map[string]string{
		"system/manufacturer": "QEMU", "system/product": "Standard PC (i440FX + PIIX, 1996)", "system/serial": "", "system/family": "",
	}
	if l.family == q35 {
		says["system/product"] = "Standard PC (Q35 + ICH9, 2009)"
	}
	if strings.Contains(d.MachineType, "rhel") {
		says["system/manufacturer"], says["system/product"] = "Red Hat", "KVM"
	}
	order := []string{"system/manufacturer", "system/product", "system/serial", "system/family"}
	switch {
	case l.family == otherMachine && l.smbios == "":
		return
	case l.smbios == "host":
		for _, name := range order {
			says[name] = "the host's"
		}
	case l.smbios == "sysinfo":
		for _, f := range l.sysinfo {
			if _, known := says[f.Name]; !known {
				order = append(order, f.Name)
			}
			says[f.Name] = cmp.Or(f.Get("value"), says[f.Name])
		}
	}
	for _, name := range order {
		if name != "system/version" && name != "system/uuid" {
			t.say("smbios", name, says[name])
		}
	}
}

func (t *traits) features(d discover.Domain, l layout) {
	t.sayIf(d.ACPI, "feature", "acpi")
	for _, f := range l.features {
		t.say("feature", f.Name, cmp.Or(f.Get("state"), "on"))
	}
	for _, name := range d.HyperV {
		t.say("hyperv", name, "on")
	}
	t.say("clock", "", cmp.Or(d.ClockOffset, "utc"))
	hpet := "on" // unless the definition says otherwise
	for _, f := range l.timers {
		value := cmp.Or(f.Get("tickpolicy"), "on")
		if f.Get("present") == "no" {
			value = "off"
		}
		if f.Name == "hpet" {
			hpet = value
			continue
		}
		t.say("timer", f.Name, value)
	}
	if l.family != otherMachine {
		t.say("timer", "hpet", hpet)
	}
}
