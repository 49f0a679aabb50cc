package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

func TestNICModel(t *testing.T) {
	linuxNIC := func(models ...string) discover.Domain {
		return with(linux(1, "x"), func(d *discover.Domain) {
			d.Interfaces = nil
			for n, m := range models {
				d.Interfaces = append(d.Interfaces, discover.Interface{Type: "bridge", Bridge: "br0", MAC: mac(n + 1), Model: m})
			}
		})
	}
	windowsNIC := func(machine, model, guest, osinfo string) discover.Domain {
		return with(windows(1, "x"), func(d *discover.Domain) {
			d.MachineType, d.Interfaces[0].Model, d.Guest.Name, d.LibosinfoID = machine, model, guest, osinfo
		})
	}
	const i440, q35 = "pc-i440fx-7.2", "pc-q35-7.2"
	tests := []struct {
		name   string
		of     discover.Domain
		policy string
		rule   string
		major  int
		want   string
	}{
		{"virtio", linuxNIC("virtio"), "", "", 26, "virtio"},
		{"rtl8139", linuxNIC("rtl8139"), "", "", 26, "rtl8139"},
		{"none given", linuxNIC(""), "", "", 26, "rtl8139"},
		{"no interface", linuxNIC(), "", "", 26, "virtio"},
		{"transitional", linuxNIC("virtio-transitional"), "", "", 26, "virtio"},
		{"first of two", linuxNIC("e1000", "virtio"), "", "", 26, "e1000"},
		{"unknown to Nova", linuxNIC("i82559er"), "", "", 26, "e1000"},
		{"igb before 31", linuxNIC("igb"), "", "", 30, "e1000e"},
		{"igb from 31", linuxNIC("igb"), "", "", 31, "igb"},
		{"igb, release unknown", linuxNIC("igb"), "", "", 0, "e1000e"},
		{"Linux is never swapped", linuxNIC("virtio"), WindowsE1000, "", 26, "virtio"},
		{"Windows kept", windowsNIC(i440, "virtio", "", ""), WindowsKeep, "", 26, "virtio"},
		{"Windows by default kept", windowsNIC(i440, "virtio", "", ""), "", "", 26, "virtio"},
		{"Windows, ask", windowsNIC(i440, "virtio", "", ""), WindowsAsk, "", 26, "virtio"},
		{"Windows swapped", windowsNIC(i440, "virtio", "Windows Server 2019", ""), WindowsE1000, "", 26, "e1000"},
		{"Windows on q35", windowsNIC(q35, "virtio", "Windows Server 2019", ""), WindowsE1000, "", 26, "e1000e"},
		{"Windows on q35 by libosinfo", windowsNIC(q35, "virtio", "", "http://microsoft.com/win/2k12r2"), WindowsE1000, "", 26, "e1000e"},
		{"old Windows on q35", windowsNIC(q35, "virtio", "Windows Server 2008 R2", "http://microsoft.com/win/2k8r2"), WindowsE1000, "", 26, "e1000"},
		{"unknown Windows on q35", windowsNIC(q35, "virtio", "", ""), WindowsE1000, "", 26, "e1000"},
		{"Windows with rtl8139", windowsNIC(i440, "rtl8139", "", ""), WindowsE1000, "", 26, "rtl8139"},
		{"rule", windowsNIC(q35, "virtio", "", ""), WindowsE1000, "rtl8139", 26, "rtl8139"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(ready(test.of))
			in.Settings.Defaults.WindowsNIC = test.policy
			in.Settings.Rules = []Rule{{NICModel: test.rule}}
			in.Release.Major = test.major
			if d := build(t, in); d.NICModel != test.want {
				t.Errorf("nic_model is %s, want %s", d.NICModel, test.want)
			}
		})
	}
}

func TestProperties(t *testing.T) {
	base := map[string]string{
		"hw_machine_type": "pc-i440fx-7.2", "hw_disk_bus": "virtio", "hw_vif_model": "virtio", "hw_video_model": "cirrus",
		"hw_cdrom_bus": "sata", "hw_input_bus": "usb", "hw_pointer_model": "usbtablet", "hw_firmware_type": "bios", "hw_qemu_guest_agent": "yes",
	}
	tests := []struct {
		name   string
		change func(*discover.Domain)
		want   map[string]string // what differs from base; "" for what is not there
	}{
		{"ordinary", func(d *discover.Domain) {}, nil},
		{"no agent", func(d *discover.Domain) { d.AgentChannel = false }, map[string]string{"hw_qemu_guest_agent": ""}},
		{"uefi", func(d *discover.Domain) { d.Firmware.UEFI = true }, map[string]string{"hw_firmware_type": "uefi"}},
		{"q35 without cdrom", func(d *discover.Domain) { d.MachineType, d.Disks = "pc-q35-8.2", d.Disks[:1] }, map[string]string{"hw_machine_type": "pc-q35-8.2", "hw_cdrom_bus": "sata"}},
		{"pc without cdrom", func(d *discover.Domain) { d.Disks = d.Disks[:1] }, map[string]string{"hw_cdrom_bus": "ide"}},
		{"no machine type", func(d *discover.Domain) { d.MachineType = "" }, map[string]string{"hw_machine_type": "pc"}},
		{"ide root", func(d *discover.Domain) { d.Disks[0].Bus, d.Disks[0].Target = "ide", "hda" }, map[string]string{"hw_disk_bus": "ide"}},
		{"bus by target", func(d *discover.Domain) { d.Disks[0].Bus, d.Disks[0].Target = "", "hda" }, map[string]string{"hw_disk_bus": "ide"}},
		{"scsi root", func(d *discover.Domain) {
			d.Disks[0].Bus, d.Disks[0].Target = "scsi", "sda"
			d.Controllers = []discover.Controller{{Type: "scsi", Model: "lsisas1068"}, {Type: "scsi", Index: 1, Model: "virtio-scsi"}}
		}, map[string]string{"hw_disk_bus": "scsi", "hw_scsi_model": "lsisas1068"}},
		{"scsi transitional", func(d *discover.Domain) {
			d.Disks[0].Bus = "scsi"
			d.Controllers = []discover.Controller{{Type: "scsi", Model: "virtio-transitional"}}
		}, map[string]string{"hw_disk_bus": "scsi", "hw_scsi_model": "virtio-scsi"}},
		{"scsi without model", func(d *discover.Domain) { d.Disks[0].Bus = "scsi" }, map[string]string{"hw_disk_bus": "scsi", "hw_scsi_model": "lsilogic"}},
		{"scsi that Nova lacks", func(d *discover.Domain) {
			d.Disks[0].Bus = "scsi"
			d.Controllers = []discover.Controller{{Type: "scsi", Model: "am53c974"}}
		}, map[string]string{"hw_disk_bus": "scsi", "hw_scsi_model": "lsilogic"}},
		{"no video", func(d *discover.Domain) { d.Video = nil }, map[string]string{"hw_video_model": "none"}},
		{"video that Nova lacks", func(d *discover.Domain) { d.Video = []string{"ramfb"} }, map[string]string{"hw_video_model": "vga"}},
		{"bochs on 26", func(d *discover.Domain) { d.Video = []string{"bochs"} }, map[string]string{"hw_video_model": "bochs"}},
		{"virtio tablet", func(d *discover.Domain) { d.Inputs = []string{"mouse/ps2", "tablet/virtio"} }, map[string]string{"hw_input_bus": "virtio"}},
		{"hpet", func(d *discover.Domain) { d.Timers = []string{"rtc", "hpet"} }, map[string]string{"hw_time_hpet": "yes"}},
		{"topology", func(d *discover.Domain) { d.CPU = discover.CPU{Sockets: 1, Dies: 1, Cores: 2, Threads: 1} },
			map[string]string{"hw_cpu_sockets": "1", "hw_cpu_cores": "2", "hw_cpu_threads": "1"}},
		{"dies", func(d *discover.Domain) { d.CPU = discover.CPU{Sockets: 1, Dies: 2, Cores: 1, Threads: 1} },
			map[string]string{"hw_cpu_sockets": "1", "hw_cpu_cores": "2", "hw_cpu_threads": "1"}},
		{"topology of vCPUs to be plugged", func(d *discover.Domain) { d.CPU = discover.CPU{Sockets: 4, Cores: 1, Threads: 1} }, nil},
		{"Windows by score", func(d *discover.Domain) { d.Guest = discover.Guest{Family: "windows", Confidence: "medium", Score: 60} }, map[string]string{"os_type": "windows"}},
		{"perhaps Windows", func(d *discover.Domain) { d.Guest = discover.Guest{Family: "windows", Confidence: "low", Score: 59} }, nil},
		{"agent says Linux", func(d *discover.Domain) { d.Guest = discover.Guest{Family: "linux", Confidence: "agent", Score: 90} }, nil},
		{"agent says Windows", func(d *discover.Domain) { d.Guest = discover.Guest{Family: "windows", Confidence: "agent"} }, map[string]string{"os_type": "windows"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := build(t, input(ready(with(linux(1, "x"), test.change))))
			want := map[string]string{}
			for _, m := range []map[string]string{base, test.want} {
				for k, v := range m {
					if want[k] = v; v == "" {
						delete(want, k)
					}
				}
			}
			got := d.Properties()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
			for name, value := range got {
				if problem := propertyProblem(name, value); problem != "" {
					t.Error(problem)
				}
			}
		})
	}
}

func TestBochsBefore24(t *testing.T) {
	in := input(ready(with(linux(1, "x"), func(d *discover.Domain) { d.Video = []string{"bochs"} })))
	in.Release.Major = 23
	if got := build(t, in).ImageProperties["hw_video_model"]; got != "vga" {
		t.Errorf("hw_video_model is %s, want vga: 23 raises ValueError for bochs", got)
	}
}

func TestRuleProperties(t *testing.T) {
	in := input(ready(linux(1, "x")))
	in.Settings.Rules = []Rule{{ImageProperties: map[string]string{"hw_video_model": "qxl", "hw_vif_model": "e1000"}, OSType: "windows"}}
	d := build(t, in)
	if d.ImageProperties["hw_video_model"] != "qxl" || d.Properties()["os_type"] != "windows" {
		t.Errorf("properties are %v, want those of the rule", d.Properties())
	}
	if _, there := d.ImageProperties["hw_vif_model"]; there || d.Decision != Import {
		t.Errorf("decision %s with the properties %v, want the one that follows from nic_model left out", d.Decision, d.ImageProperties)
	}
	if got := d.Properties()["hw_vif_model"]; got != "virtio" {
		t.Errorf("hw_vif_model is %s, want nic_model's virtio: there is one place for it", got)
	}
}
