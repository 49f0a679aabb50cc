package check

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// guestRules: what the operating system inside makes of the change.
var guestRules = []Rule{
	{
		Code: "K2O-521", Severity: Attention,
		Title:  "Local time without Windows",
		Action: "Set the guest's hardware clock to UTC (timedatectl set-local-rtc 0), or os_type: windows in the plan if it is one.",
		Fact:   "nova/virt/libvirt/driver.py _set_clock: localtime for os_type windows, else utc",
		find: func(s subject) []detail {
			return when(s.ClockOffset == "localtime" && !s.windows(), say("Its hardware clock runs on local time, and on UTC after Nova's first start: the guest is off by its time zone."))
		},
	},
	{
		Code: "K2O-522", Severity: Attention,
		Title:  "Windows on UTC",
		Action: "Delete RealTimeIsUniversal in the guest's registry before the restart, or leave os_type empty in the plan.",
		Fact:   "nova/virt/libvirt/driver.py _set_clock: localtime for os_type windows, else utc",
		find: func(s subject) []detail {
			return when(s.windows() && s.utc(), say("This Windows guest's hardware clock runs on UTC, and on local time after Nova's first start with os_type windows: it is off by its time zone."))
		},
	},
	{
		Code: "K2O-523", Severity: Attention,
		Title:  "Clock with an offset of its own",
		Action: "See that the guest sets its time by NTP.",
		Fact:   "nova/virt/libvirt/driver.py _set_clock: localtime or utc, nothing else",
		find: func(s subject) []detail {
			return when(!slices.Contains([]string{"", "utc", "localtime"}, s.ClockOffset), say("Its hardware clock is %s, which Nova's first start turns into UTC or local time.", show(s.ClockOffset)))
		},
	},
	{
		Code: "K2O-524", Severity: Info,
		Title:  "Hyper-V features without Windows",
		Action: "Set os_type: windows in the plan if it is one.",
		Fact:   "nova/virt/libvirt/driver.py _set_features: Hyper-V features for os_type windows only",
		find: func(s subject) []detail {
			return when(len(s.HyperV) > 0 && !s.windows(), say("Its Hyper-V features (%s) are lost at Nova's first start, for it does not seem to be Windows.", list(s.HyperV)))
		},
	},
	{
		Code: "K2O-525", Severity: Info,
		Title:  "Hyper-V features that Nova does not set",
		Action: "Nothing; Windows does without them.",
		Fact:   "nova/virt/libvirt/driver.py _set_features: relaxed, vapic, spinlocks, vpindex, runtime, synic, reset, frequencies, tlbflush, ipi",
		find: func(s subject) []detail {
			lost := slices.DeleteFunc(slices.Clone(s.HyperV), func(h string) bool { return slices.Contains(hypervKnown, h) })
			return when(len(lost) > 0 && s.windows(), say("Of its Hyper-V features %s are lost at Nova's first start.", list(lost)))
		},
	},
	{
		Code: "K2O-526", Severity: Info,
		Title:  "Windows without Hyper-V features",
		Action: "Nothing; leave os_type empty in the plan to keep it as it is.",
		Fact:   "nova/virt/libvirt/driver.py _set_features for os_type windows (TCG refuses them: tried on Zed)",
		find: func(s subject) []detail {
			return when(s.windows() && len(s.HyperV) == 0, say("This Windows guest has no Hyper-V features, and gets Nova's set at its first start with os_type windows."))
		},
	},
	{
		Code: "K2O-527", Severity: Attention,
		Title:  "Windows with a virtio NIC",
		Action: "Update NetKVM, or set nic_model in the plan.",
		Fact:   "Windows guests with an old NetKVM drop off the network under load; a swap gives a new adapter, and static addresses stay on the hidden old one",
		find:   windowsVirtio,
	},
	{
		Code: "K2O-528", Severity: Info,
		Title:  "Windows activation",
		Action: "Have the licence at hand for the first restart.",
		Fact:   "nova/virt/libvirt/driver.py _get_guest_config_sysinfo: SMBIOS says OpenStack Foundation, OpenStack Nova",
		find: func(s subject) []detail {
			return when(s.windows(), say("SMBIOS names another maker after Nova's first start, and %s may ask to be activated again.", s.guestName()))
		},
	},
	{
		Code: "K2O-529", Severity: Attention,
		Title:  "Windows with several disks",
		Action: "After the restart look at Disk Management, and bring disks online that the SAN policy left offline.",
		Fact:   "virtio-win/kvm-guest-drivers-windows issue 592: a changed address makes a new disk, which the SAN policy leaves offline",
		find: func(s subject) []detail {
			return when(s.windows() && len(s.stored()) > 1, say("Windows may take its %s for new ones after Nova's first start and leave all but the first offline.", Plural(len(s.stored()), "disk")).
				do("inside the guest, before: diskpart, san policy=OnlineAll; after: diskpart, list disk"))
		},
	},
	{
		Code: "K2O-530", Severity: Attention,
		Title:  "Perhaps Windows",
		Action: "Say in the plan what it is: os_type: windows, or empty.",
		Fact:   "score of 30 to 59 from libosinfo, Hyper-V features, clock, names and drivers; none of them proves it",
		find: func(s subject) []detail {
			return when(s.Guest.Score >= 30 && s.Guest.Score < 60 && s.Guest.Confidence != "agent",
				say("It may be Windows, but that is not sure (%d of 60 points: %s).", s.Guest.Score, list(s.Guest.Evidence)))
		},
	},
	{
		Code: "K2O-531", Severity: Info,
		Title:  "Operating system not known",
		Action: "Say os_type: windows in the plan if it is one.",
		Fact:   "neither agent, libosinfo, features nor names say anything",
		find: func(s subject) []detail {
			return when((s.Guest.Family == "" || s.Guest.Family == "unknown") && s.Guest.Score < 30, say("Nothing tells which operating system it runs; it is recorded as if it were not Windows."))
		},
	},
	{
		Code: "K2O-532", Severity: Blocked,
		Title:  "CentOS or RHEL 5.5 and older",
		Action: "Stay away from it, or upgrade the guest to 5.11 first.",
		Fact:   "these kernels crash under KVM; a restart is when it shows",
		find: func(s subject) []detail {
			name, old, _ := s.elderly()
			return when(old, say("It seems to run %s, whose kernel crashes under KVM.", show(name)).
				do("inside the guest: cat /etc/redhat-release; yum update to 5.11, or leave the domain out"))
		},
	},
	{
		Code: "K2O-533", Severity: Attention,
		Title:  "CentOS or RHEL 5 of unknown age",
		Action: "Find out the minor release; 5.5 and older crash under KVM.",
		Fact:   "these kernels crash under KVM; a restart is when it shows",
		find: func(s subject) []detail {
			name, _, perhaps := s.elderly()
			return when(perhaps, say("It seems to run %s, and if that is 5.5 or older its kernel crashes under KVM.", show(name)).
				do("inside the guest: cat /etc/redhat-release"))
		},
	},
}

var hypervKnown = []string{"relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "reset", "frequencies", "tlbflush", "ipi"}

func (s subject) windows() bool { return s.Guest.Family == "windows" }

func (s subject) utc() bool { return s.ClockOffset == "" || s.ClockOffset == "utc" }

func (s subject) guestName() string {
	if s.Guest.Name == "" {
		return "Windows"
	}
	return show(s.Guest.Name).String()
}

// windowsVirtio finds the virtio NICs of a Windows guest. What to do about
// them is the operator's choice in Settings.WindowsNIC.
func windowsVirtio(s subject) []detail {
	if !s.windows() {
		return nil
	}
	var macs []string
	for _, n := range s.Interfaces {
		if strings.HasPrefix(n.Model, "virtio") {
			macs = append(macs, n.MAC)
		}
	}
	if len(macs) == 0 {
		return nil
	}
	d := say("This Windows guest has virtio NICs (%s) and may drop off the network.", list(macs))
	if s.Settings.WindowsNIC == "e1000" {
		return []detail{d.do("the plan swaps to %s: save netsh -c interface dump inside the guest first, for static addresses stay on the old, then hidden adapter", s.intel())}
	}
	return []detail{d.do("update NetKVM from virtio-win, or set nic_model: %s in the plan; with a swap static addresses stay on the old, then hidden adapter: save netsh -c interface dump first", s.intel())}
}

// intel is the emulated Intel NIC that fits the machine: Windows before 8 and
// 2012 has no driver for e1000e, and those are on i440fx as a rule.
func (s subject) intel() string {
	if strings.Contains(s.MachineType, "q35") {
		return "e1000e"
	}
	return "e1000"
}

// redHat finds a member of the Red Hat family and its release in a name or a
// libosinfo id: CentOS 5.5, http://redhat.com/rhel/5.5, RHEL 5 Update 5.
var redHat = regexp.MustCompile(`(?i)\b(?:centos|rhel|red hat enterprise linux|scientific linux|oracle linux|oraclelinux)[^0-9]{0,20}(\d{1,2})(?:(?:\.| ?u(?:pdate)? ?)(\d{1,2}))?`)

// elderly says whether the guest is a Red Hat of 5.5 or before, or perhaps
// one, and which.
func (s subject) elderly() (name string, old, perhaps bool) {
	for _, text := range []string{s.Guest.Name, s.LibosinfoID} {
		m := redHat.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		major, _ := strconv.Atoi(m[1])
		minor, err := strconv.Atoi(m[2])
		return text, major < 5 || major == 5 && err == nil && minor <= 5, major == 5 && err != nil
	}
	return "", false, false
}
