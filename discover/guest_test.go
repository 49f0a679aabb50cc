package discover

import (
	"fmt"
	"strings"
	"testing"
)

func TestDetectGuest(t *testing.T) {
	hyperv := []string{"relaxed", "vapic"}
	for _, c := range []struct {
		name       string
		d          Domain
		family, is string
		confidence string
		score      int
	}{
		{"nothing", Domain{ClockOffset: "utc"}, "unknown", "", "none", -20},
		{"libosinfo windows", Domain{LibosinfoID: "http://microsoft.com/win/2k19", ClockOffset: "utc"}, "windows", "Windows Server 2019", "high", 80},
		{"libosinfo windows 2008 R2", Domain{LibosinfoID: "http://microsoft.com/win/2k8r2", ClockOffset: "localtime"}, "windows", "Windows Server 2008 R2", "high", 130},
		{"libosinfo windows of the future", Domain{LibosinfoID: "http://microsoft.com/win/13"}, "windows", "Windows 13", "high", 100},
		{"libosinfo MS-DOS", Domain{LibosinfoID: "http://microsoft.com/msdos/6.22"}, "other", "MS-DOS 6.22", "high", -100},
		{"libosinfo centos", Domain{LibosinfoID: "http://centos.org/centos/5.5"}, "linux", "CentOS 5.5", "high", -100},
		{"libosinfo generic linux", Domain{LibosinfoID: "http://libosinfo.org/linux/2020"}, "linux", "Linux", "high", -100},
		{"libosinfo freebsd", Domain{LibosinfoID: "http://freebsd.org/freebsd/13.1"}, "bsd", "FreeBSD 13.1", "high", -100},
		{"libosinfo solaris", Domain{LibosinfoID: "http://oracle.com/solaris/11"}, "other", "Solaris 11", "high", -100},
		{"libosinfo of nobody", Domain{LibosinfoID: "http://example.com/beos/5"}, "other", "beos 5", "high", -100},
		{"libosinfo damaged", Domain{LibosinfoID: "win"}, "unknown", "", "none", 0},
		{"stale libosinfo linux", Domain{LibosinfoID: "http://debian.org/debian/9", HyperV: hyperv, Timers: []string{"hypervclock"}}, "linux", "Debian 9", "medium", -35},
		{"hyperv and its clock", Domain{HyperV: hyperv, Timers: []string{"rtc", "hypervclock"}}, "windows", "", "medium", 65},
		{"hyperv and its clock, named", Domain{Name: "WIN2019-RDS", HyperV: hyperv, Timers: []string{"hypervclock"}}, "windows", "Windows Server 2019", "medium", 85},
		{"hyperv alone", Domain{HyperV: hyperv}, "unknown", "", "low", 35},
		{"hyperv and a name", Domain{Name: "windows", HyperV: hyperv}, "unknown", "", "low", 55},
		{"local time alone", Domain{ClockOffset: "localtime"}, "unknown", "", "low", 30},
		{"local time and drivers", Domain{ClockOffset: "localtime", Disks: []Disk{{Device: "cdrom", Path: "/iso/virtio-win-0.1.ISO"}},
			Interfaces: []Interface{{Model: "virtio"}}}, "unknown", "", "low", 55},
		{"IDE disk, virtio NIC", Domain{Disks: []Disk{{Device: "cdrom", Bus: "sata"}, {Device: "disk", Bus: "ide"}}, Interfaces: []Interface{{Model: "virtio"}}}, "unknown", "", "none", 5},
		{"name alone", Domain{Name: "windows-2019", ClockOffset: "utc"}, "unknown", "", "none", 0},
		{"name, title and description", Domain{Name: "win10", Title: "Windows 10", Description: "Windows"}, "unknown", "", "none", 20},
		{"CentOS in the description", Domain{Name: "h1", Description: "CentOS 5.5 web"}, "linux", "CentOS 5.5", "low", 0},
		{"CentOS in the name", Domain{Name: "oldshop-centos5.5"}, "linux", "CentOS 5.5", "low", 0},
		{"CentOS release", Domain{Title: "CentOS release 5.5 (Final)"}, "linux", "CentOS 5.5", "low", 0},
		{"RHEL", Domain{Title: "Red Hat Enterprise Linux 7.9"}, "linux", "Red Hat Enterprise Linux 7.9", "low", 0},
		{"BSD in the name", Domain{Name: "fw_freebsd12"}, "bsd", "FreeBSD 12", "low", 0},
		{"no version", Domain{Name: "ubuntu-web"}, "linux", "Ubuntu", "low", 0},
		{"a word inside another", Domain{Name: "archive-debianite"}, "unknown", "", "none", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := DetectGuest(c.d)
			if g.Family != c.family || g.Name != c.is || g.Confidence != c.confidence || g.Score != c.score {
				t.Errorf("DetectGuest = %s %q %s %d, want %s %q %s %d; evidence %q",
					g.Family, g.Name, g.Confidence, g.Score, c.family, c.is, c.confidence, c.score, g.Evidence)
			}
		})
	}
}

func TestDetectGuestEvidence(t *testing.T) {
	g := DetectGuest(Domain{LibosinfoID: "http://microsoft.com/win/2k19\n", ClockOffset: "utc"})
	want := `libosinfo says http://microsoft.com/win/2k19 (+100)`
	if g = DetectGuest(Domain{LibosinfoID: "http://microsoft.com/win/2k19"}); g.Evidence[0] != want {
		t.Errorf("evidence %q, want %q", g.Evidence, want)
	}
	for _, e := range DetectGuest(Domain{LibosinfoID: "http://x/\x1b[31m", HyperV: []string{"a\nb"}}).Evidence {
		if strings.ContainsAny(e, "\n\x1b") {
			t.Errorf("evidence %q is not printable", e)
		}
	}
}

func TestWindowsWord(t *testing.T) {
	for _, name := range []string{"windows", "Windows Server", "WIN2019", "win-2k8r2", "win2008r2-erp", "w2k3", "win10", "win_xp", "srv-win7", "win8.1", "财务windows服务器", "windows_10"} {
		if !windowsWord.MatchString(name) {
			t.Errorf("%q is not taken for Windows", name)
		}
	}
	for _, name := range []string{"darwin", "darwin10", "winston", "twin", "twin2", "window", "win", "winner2020", "win1", "win100", "rewindows2", "2k19", "win20"} {
		if windowsWord.MatchString(name) {
			t.Errorf("%q is taken for Windows", name)
		}
	}
}

// No name makes a Windows: with every other evidence fixed, names add at most
// 20, and where that is below 40 the domain stays below 60.
func TestNamesNeverDecide(t *testing.T) {
	for bits := range 1 << 6 {
		d := Domain{ClockOffset: "utc"}
		on := func(i int) bool { return bits&(1<<i) != 0 }
		if on(0) {
			d.HyperV = []string{"relaxed"}
		}
		if on(1) {
			d.Timers = []string{"hypervclock"}
		}
		if on(2) {
			d.ClockOffset = "localtime"
		}
		if on(3) {
			d.Disks = append(d.Disks, Disk{Device: "cdrom", Path: "virtio-win.iso"})
		}
		if on(4) {
			d.Disks, d.Interfaces = append(d.Disks, Disk{Device: "disk", Bus: "sata"}), []Interface{{Model: "virtio"}}
		}
		if on(5) {
			d.Firmware.SecureBoot, d.TPM = true, "tpm-crb"
		}
		plain := DetectGuest(d)
		d.Name, d.Title, d.Description = "windows", "Windows Server 2019", "win10 win11 windows windows"
		named := DetectGuest(d)
		if named.Score != plain.Score+nameScore {
			t.Errorf("%06b: names add %d", bits, named.Score-plain.Score)
		}
		if plain.Score < windowsScore-nameScore && named.Family == familyWindows {
			t.Errorf("%06b: names make a Windows of score %d", bits, plain.Score)
		}
	}
}

func TestDetectGuestWithAgent(t *testing.T) {
	linux := Domain{LibosinfoID: "http://debian.org/debian/12"}
	for _, c := range []struct {
		os     AgentOS
		family string
		name   string
		score  int
	}{
		{AgentOS{"mswindows", "Windows Server 2019 Standard", "2019"}, "windows", "Windows Server 2019 Standard", 100},
		{AgentOS{"mswindows", "", "10"}, "windows", "Windows 10", 100},
		{AgentOS{"centos", "CentOS Linux 7 (Core)", "7"}, "linux", "CentOS Linux 7 (Core)", 0},
		{AgentOS{"rocky", "", "9.3"}, "linux", "Rocky Linux 9.3", 0},
		{AgentOS{"nixos", "", "24.05"}, "linux", "nixos 24.05", 0},
		{AgentOS{"freebsd", "FreeBSD 13.2-RELEASE", ""}, "bsd", "FreeBSD 13.2-RELEASE", 0},
		{AgentOS{"", "Something", ""}, "unknown", "Something", 0},
	} {
		g := DetectGuestWithAgent(linux, c.os)
		if got, want := fmt.Sprint(g.Family, g.Name, g.Score, g.Confidence), fmt.Sprint(c.family, c.name, c.score, "agent"); got != want {
			t.Errorf("DetectGuestWithAgent(%v) = %v, want %v", c.os, got, want)
		}
	}
	if g := DetectGuestWithAgent(linux, AgentOS{}); g.Family != "linux" || g.Confidence != "high" {
		t.Errorf("an agent that says nothing changes the guess: %+v", g)
	}
}
