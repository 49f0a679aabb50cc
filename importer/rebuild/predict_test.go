package rebuild

import (
	"slices"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

const someUUID = "5ef1ba4e-3ba6-4a6e-9cd6-2f1a4a5f6f01"

// guest is an ordinary one, and its records.
func guest() (discover.Domain, nova.Instance) {
	d := discover.Domain{
		Name: "web", UUID: someUUID, VirtType: "kvm", Arch: "x86_64", MachineType: "pc-i440fx-5.2", VCPUs: 2, VCPUsMax: 2,
		MemoryKiB: 1 << 20, MemMaxKiB: 1 << 20, ACPI: true, ClockOffset: "utc", BootDevices: []string{"hd"},
		OnPoweroff: "destroy", OnReboot: "restart", OnCrash: "destroy",
		Disks:      []discover.Disk{{Target: "vda", Bus: "virtio", Device: "disk", Cache: "none"}},
		Interfaces: []discover.Interface{{Type: "bridge", MAC: "52:54:00:00:00:01", Model: "virtio", MTU: 1500}},
		Video:      []string{"vga"}, Graphics: []discover.Graphics{{Type: "vnc"}},
	}
	return d, nova.Instance{
		UUID: someUUID, Flavor: nova.Flavor{VCPUs: 2, MemoryMB: 1024},
		Disks: []nova.BlockDevice{{Device: "/dev/vda", Bus: "virtio", Root: true}},
		Ports: []nova.Port{{MAC: "52:54:00:00:00:01", MTU: 1500}},
		ImageProperties: map[string]string{
			"hw_machine_type": "pc-i440fx-5.2", "hw_vif_model": "virtio", "hw_disk_bus": "virtio", "hw_video_model": "vga",
			"hw_input_bus": "usb", "hw_pointer_model": "usbtablet", "hw_firmware_type": "bios",
		},
	}
}

// TestPredict changes one thing about an ordinary guest and looks at one trait.
func TestPredict(t *testing.T) {
	property := func(name, value string) func(*discover.Domain, *nova.Instance) {
		return func(_ *discover.Domain, i *nova.Instance) { i.ImageProperties[name] = value }
	}
	spec := func(name, value string) func(*discover.Domain, *nova.Instance) {
		return func(_ *discover.Domain, i *nova.Instance) { i.Flavor.ExtraSpecs = map[string]string{name: value} }
	}
	windows := func(_ *discover.Domain, i *nova.Instance) { i.OSType = "windows" }
	machine := func(name string) func(*discover.Domain, *nova.Instance) {
		return func(d *discover.Domain, i *nova.Instance) {
			d.MachineType, i.ImageProperties["hw_machine_type"] = name, name
		}
	}
	for _, c := range []struct {
		name          string
		change        func(*discover.Domain, *nova.Instance)
		config        Config
		field, device string
		want          string
	}{
		{"machine", nil, Config{}, "machine", "", "pc-i440fx-5.2"},
		{"no machine recorded", property("hw_machine_type", ""), Config{}, "machine", "", "pc-i440fx-5.2"},
		{"32 bits", func(d *discover.Domain, _ *nova.Instance) { d.Arch = "i686" }, Config{}, "arch", "", "x86_64"},
		{"32 bits recorded", property("hw_architecture", "i686"), Config{}, "arch", "", "i686"},
		{"32 bits recorded are emulated", property("hw_architecture", "i686"), Config{Major: 25}, "virt_type", "", "qemu"},
		{"32 bits recorded, Xena", property("hw_architecture", "i686"), Config{Major: 24}, "virt_type", "", "kvm"},
		{"virt_type", nil, Config{VirtType: "qemu"}, "virt_type", "", "qemu"},
		{"flavor's vCPUs", func(_ *discover.Domain, i *nova.Instance) { i.Flavor.VCPUs = 8 }, Config{}, "vcpus", "", "8"},
		{"flavor's memory", func(_ *discover.Domain, i *nova.Instance) { i.Flavor.MemoryMB = 3 }, Config{}, "memory", "", "3072 KiB"},
		{"cpu", nil, Config{}, "cpu", "", "host-model"},
		{"cpu_mode none", nil, Config{CPUMode: "none"}, "cpu", "", "qemu64"},
		{"cpu_mode custom", nil, Config{CPUMode: "custom", CPUModel: "Westmere"}, "cpu", "", "Westmere"},
		{"topology", nil, Config{}, "cpu.topology", "", "2 sockets, 1 cores, 1 threads"},
		{"topology recorded", func(_ *discover.Domain, i *nova.Instance) {
			i.ImageProperties["hw_cpu_sockets"], i.ImageProperties["hw_cpu_cores"], i.ImageProperties["hw_cpu_threads"] = "1", "2", "1"
		}, Config{}, "cpu.topology", "", "1 sockets, 2 cores, 1 threads"},
		{"firmware", property("hw_firmware_type", "uefi"), Config{}, "firmware", "", "uefi"},
		{"secure boot", func(_ *discover.Domain, i *nova.Instance) {
			i.ImageProperties["hw_firmware_type"], i.ImageProperties["os_secure_boot"] = "uefi", "required"
		}, Config{}, "firmware", "", "uefi with secure boot"},
		{"SMBIOS", nil, Config{}, "smbios", "system/manufacturer", "OpenStack Foundation"},
		{"SMBIOS serial", nil, Config{}, "smbios", "system/serial", someUUID},
		{"vmcoreinfo", nil, Config{Major: 24}, "feature", "vmcoreinfo", "on"},
		{"vmcoreinfo before", nil, Config{Major: 23}, "feature", "vmcoreinfo", ""},
		{"pmu", property("hw_pmu", "no"), Config{}, "feature", "pmu", "off"},
		{"hidden", property("img_hide_hypervisor_id", "yes"), Config{}, "feature", "kvm/hidden", "on"},
		{"no Hyper-V", nil, Config{}, "hyperv", "relaxed", ""},
		{"Hyper-V", windows, Config{Major: 22}, "hyperv", "relaxed", "on"},
		{"Hyper-V before Zed", windows, Config{Major: 25}, "hyperv", "synic", ""},
		{"Hyper-V since Zed", windows, Config{Major: 26}, "hyperv", "synic", "on"},
		{"clock", nil, Config{}, "clock", "", "utc"},
		{"clock of Windows", windows, Config{}, "clock", "", "localtime"},
		{"hpet", nil, Config{}, "timer", "hpet", "off"},
		{"hpet of 32 bits", property("hw_architecture", "i686"), Config{}, "timer", "hpet", "off"},
		{"SMBIOS of 32 bits", property("hw_architecture", "i686"), Config{}, "smbios", "system/product", "OpenStack Nova"},
		{"hpet recorded", property("hw_time_hpet", "yes"), Config{}, "timer", "hpet", "on"},
		{"hpet without KVM", nil, Config{VirtType: "qemu"}, "timer", "hpet", "on"},
		{"rtc", nil, Config{}, "timer", "rtc", "catchup"},
		{"rtc without KVM", nil, Config{VirtType: "qemu"}, "timer", "rtc", ""},
		{"hypervclock", windows, Config{}, "timer", "hypervclock", "on"},
		{"boot", nil, Config{}, "boot", "", "vda"},
		{"cache", nil, Config{}, "disk.cache", "vda", "none"},
		{"disk_cachemodes", nil, Config{FileCache: "writeback"}, "disk.cache", "vda", "writeback"},
		{"MTU", nil, Config{}, "nic.mtu", "52:54:00:00:00:01", "1500"},
		{"MTU not known", func(d *discover.Domain, i *nova.Instance) { d.Interfaces[0].MTU, i.Ports[0].MTU = 9000, 0 }, Config{}, "nic.mtu", "52:54:00:00:00:01", "9000"},
		{"queues", property("hw_vif_multiqueue_enabled", "yes"), Config{}, "nic.queues", "52:54:00:00:00:01", "2"},
		{"queues without KVM", property("hw_vif_multiqueue_enabled", "yes"), Config{VirtType: "qemu"}, "nic.queues", "52:54:00:00:00:01", ""},
		{"video", nil, Config{}, "video", "0", "vga"},
		{"video not recorded", property("hw_video_model", ""), Config{Major: 25}, "video", "0", "virtio"},
		{"video not recorded, Xena", property("hw_video_model", ""), Config{Major: 24}, "video", "0", "cirrus"},
		{"no video", property("hw_video_model", "none"), Config{}, "video", "0", ""},
		{"tablet", nil, Config{Major: 22}, "input", "tablet/usb", "1"},
		{"keyboard", nil, Config{Major: 23}, "input", "keyboard/usb", "1"},
		{"keyboard before Wallaby", nil, Config{Major: 22}, "input", "keyboard/usb", ""},
		{"virtio tablet", property("hw_input_bus", "virtio"), Config{}, "input", "tablet/virtio", "1"},
		{"agent", property("hw_qemu_guest_agent", "yes"), Config{}, "channel", "org.qemu.guest_agent.0", "virtio"},
		{"no agent", property("hw_qemu_guest_agent", "no"), Config{}, "channel", "org.qemu.guest_agent.0", ""},
		{"USB", nil, Config{}, "controller", "usb/0", "piix3-uhci"},
		{"no USB", property("hw_input_bus", "virtio"), Config{}, "controller", "usb/0", ""},
		{"USB of q35", machine("pc-q35-7.2"), Config{}, "controller", "usb/0", "piix3-uhci"},
		{"USB of q35 before Wallaby", machine("pc-q35-7.2"), Config{Major: 22}, "controller", "usb/0", "qemu-xhci"},
		{"balloon", nil, Config{}, "balloon", "", "virtio"},
		{"balloon options", nil, Config{Major: 32}, "balloon.options", "", "autodeflate, freePageReporting"},
		{"balloon options before", nil, Config{Major: 31}, "balloon.options", "", ""},
		{"rng", nil, Config{}, "rng", "0", "virtio"},
		{"no rng", spec("hw_rng:allowed", "False"), Config{}, "rng", "0", ""},
		{"watchdog", property("hw_watchdog_action", "reset"), Config{}, "device", "watchdog i6300esb", "1"},
		{"watchdog of the flavor", spec("hw:watchdog_action", "reset"), Config{}, "device", "watchdog i6300esb", "1"},
		{"watchdog turned off", property("hw_watchdog_action", "disabled"), Config{}, "device", "watchdog i6300esb", ""},
		{"quota", spec("quota:cpu_shares", "512"), Config{}, "tuning", "cputune", "yes"},
		{"I/O threads", nil, Config{}, "tuning", "iothreads", "1"},
		{"I/O threads before", nil, Config{Major: 32}, "tuning", "iothreads", ""},
		{"address", nil, Config{}, "nic.address", "52:54:00:00:00:01", "pci:0000:00:03.0"},
		{"address on another machine", machine("microvm"), Config{}, "nic.address", "52:54:00:00:00:01", ""},
	} {
		d, i := guest()
		if c.change != nil {
			c.change(&d, &i)
		}
		then := traitsOf(Predict(d, i, c.config))
		if got := then.value(c.field, c.device); got != c.want {
			t.Errorf("%s: %s %s is %q, want %q", c.name, c.field, c.device, got, c.want)
		}
	}
}

func (t traits) value(field, device string) string {
	for _, one := range t {
		if one.field == field && one.device == device {
			return one.value
		}
	}
	return ""
}

// TestPredictAgain: what Nova has made once it makes again.
func TestPredictAgain(t *testing.T) {
	for _, c := range []Config{{}, {Major: 22}, {Major: 26, CPUMode: "none"}, {Major: 31, VirtType: "qemu", PCIePorts: 4}} {
		for _, machine := range []string{"pc-i440fx-5.2", "pc-q35-5.2"} {
			d, i := guest()
			i.ImageProperties["hw_machine_type"] = machine
			then := Predict(d, i, c)
			if diff := Compare(then, Predict(then, i, c)); len(diff) > 0 {
				t.Errorf("%s with %+v: a second rebuild changes %+v", machine, c, diff)
			}
		}
	}
}

// TestDefinition: what is written says what was foretold.
func TestDefinition(t *testing.T) {
	for _, machine := range []string{"pc-i440fx-5.2", "pc-q35-5.2"} {
		d, i := guest()
		d.Name = `<evil attr="'&`
		i.ImageProperties["hw_machine_type"], i.ImageProperties["hw_qemu_guest_agent"] = machine, "yes"
		i.ImageProperties["hw_scsi_model"] = "virtio-scsi"
		i.Disks = append(i.Disks, nova.BlockDevice{Device: "/dev/sda", Bus: "scsi"}, nova.BlockDevice{Device: "/dev/sdb", Bus: "sata"})
		i.OSType = "windows"
		then := Predict(d, i, Config{Major: 34})
		text := Definition(then)
		got, err := discover.Parse([]byte(text), nil)
		if err != nil {
			t.Fatalf("%s: %v\n%s", machine, err, text)
		}
		if got.Name != d.Name {
			t.Errorf("the name is %q, want %q", got.Name, d.Name)
		}
		if a, b := traitsOf(then), traitsOf(got); !slices.Equal(a, b) {
			t.Errorf("%s: the definition says\n%v\nwant\n%v", machine, b, a)
		}
	}
}

func BenchmarkDifferences(b *testing.B) {
	d, i := guest()
	d.Layout = Predict(d, i, Config{Major: 22}).Layout
	b.ReportAllocs()
	for b.Loop() {
		Differences(d, i, Config{})
	}
}
