package discover

import (
	"fmt"
	"strings"
)

// The scores at which a domain counts as Windows, or is left to a person.
const (
	windowsScore = 60
	askScore     = 30
	// nameScore is all that names can add, however many say so. With it alone
	// a domain stays below askScore: "windows-proxy" may well be a Linux.
	nameScore = 20
)

// Families of Guest.Family.
const (
	familyWindows = "windows"
	familyLinux   = "linux"
	familyBSD     = "bsd"
	familyOther   = "other"
	familyUnknown = "unknown"
)

// AgentOS is what a guest's agent says of its system, after the parameters of
// virDomainGetGuestInfo (VIR_DOMAIN_GUEST_INFO_OS).
type AgentOS struct {
	ID         string // os.id: mswindows, debian, centos, freebsd
	PrettyName string // os.pretty-name: Windows Server 2019 Standard
	Version    string // os.version-id: 10, 12, 7
}

// DetectGuestWithAgent is DetectGuest when the guest's agent has answered.
// The guest itself beats everything that stands in a definition.
func DetectGuestWithAgent(d Domain, os AgentOS) Guest {
	if os.ID == "" && os.PrettyName == "" {
		return DetectGuest(d)
	}
	id := strings.ToLower(os.ID)
	g := Guest{Confidence: "agent", Name: os.PrettyName, Family: familyOfID(id)}
	if g.Name == "" {
		g.Name = joined(" ", orElse(distroNames[id], os.ID), os.Version)
	}
	if g.Family == familyWindows {
		g.Score = 100
	}
	g.Evidence = []string{fmt.Sprintf("the guest's agent says %s (beats all else)", printable(g.Name))}
	return g
}

// DetectGuest weighs what a definition tells of the operating system. Names
// weigh at most nameScore, and never make a Windows of a domain by
// themselves; a wrong guess would swap the NIC of a Linux, or leave a Windows
// without a network.
func DetectGuest(d Domain) Guest {
	var s score
	vendor := s.libosinfo(d.LibosinfoID)
	s.features(d)
	hard := s.sum
	name := s.names(d)

	g := Guest{Family: familyUnknown, Confidence: "none", Score: hard + name}
	switch {
	case g.Score >= windowsScore:
		g.Family, g.Confidence = familyWindows, "medium"
		g.Name = windowsName(d, vendor)
		if vendor.family == familyWindows {
			g.Confidence = "high"
		}
	case g.Score >= askScore:
		g.Confidence = "low"
		if vendor.family != "" {
			g.Family, g.Name = vendor.family, vendor.name
		}
	case vendor.family != "" && vendor.family != familyWindows:
		g.Family, g.Name, g.Confidence = vendor.family, vendor.name, "high"
		if s.windows >= askScore { // the id may be of what was installed before
			g.Confidence = "medium"
		}
	default:
		if text := systemInText(d); text.family != "" {
			g.Family, g.Name, g.Confidence = text.family, text.name, "low"
			s.say("%s is named in %s", text.name, text.where)
		}
	}
	g.Evidence = list(s.evidence)
	return g
}

// A score is the sum of what speaks for Windows and against it.
type score struct {
	sum      int
	windows  int // of the domain's features alone
	evidence []string
}

func (s *score) add(points int, format string, args ...any) {
	s.sum += points
	s.say("%s (%+d)", fmt.Sprintf(format, args...), points)
}

func (s *score) say(format string, args ...any) {
	s.evidence = append(s.evidence, fmt.Sprintf(format, args...))
}

func (s *score) libosinfo(id string) system {
	if id == "" {
		return system{}
	}
	found := systemOfID(id)
	switch found.family {
	case familyWindows:
		s.add(100, "libosinfo says %s", printable(id))
	case "": // no id that libosinfo has: says nothing
		s.say("libosinfo says %s, which is not known here", printable(id))
	default:
		s.add(-100, "libosinfo says %s", printable(id))
	}
	return found
}

// features is what an installer sets for Windows and hardly anybody else.
func (s *score) features(d Domain) {
	before := s.sum
	if len(d.HyperV) > 0 {
		s.add(35, "Hyper-V enlightenments are on: %s", printable(strings.Join(d.HyperV, ", ")))
	}
	for _, t := range d.Timers {
		if t == "hypervclock" {
			s.add(30, "timer hypervclock is present")
		}
	}
	if d.ClockOffset == "localtime" {
		s.add(30, "the clock runs in local time")
	}
	if iso := driverISO(d); iso != "" {
		s.add(25, "a CD of Windows drivers is inserted: %s", printable(iso))
	}
	if systemDiskWithoutVirtio(d) {
		s.add(5, "the first disk is IDE or SATA while an interface is virtio")
	}
	if d.Firmware.SecureBoot && d.TPM != "" {
		s.add(5, "Secure Boot and a TPM")
	}
	if len(d.HyperV) == 0 && d.ClockOffset == "utc" {
		s.add(-20, "no Hyper-V enlightenments and the clock runs in UTC")
	}
	s.windows = s.sum - before
}

// names gives its points apart, so that nothing can add them up: the caller
// adds them to the hard evidence once.
func (s *score) names(d Domain) int {
	for _, text := range []struct{ where, is string }{
		{"name", d.Name}, {"title", d.Title}, {"description", d.Description},
	} {
		if windowsWord.MatchString(text.is) {
			s.say("the %s says Windows (%+d, the most that names can add)", text.where, nameScore)
			return nameScore
		}
	}
	return 0
}

func driverISO(d Domain) string {
	for _, k := range d.Disks {
		if k.Device == "cdrom" && strings.Contains(strings.ToLower(k.Path), "virtio-win") && strings.HasSuffix(strings.ToLower(k.Path), ".iso") {
			return k.Path
		}
	}
	return ""
}

func systemDiskWithoutVirtio(d Domain) bool {
	for _, k := range d.Disks {
		if k.Device != "disk" && k.Device != "lun" {
			continue
		}
		if k.Bus != "ide" && k.Bus != "sata" {
			return false
		}
		for _, n := range d.Interfaces {
			if n.Model == "virtio" {
				return true
			}
		}
		return false
	}
	return false
}
