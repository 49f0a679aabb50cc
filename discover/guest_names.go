package discover

import (
	"net/url"
	"regexp"
	"strings"
)

// A system is an operating system and where it was read.
type system struct {
	family, name, where string
}

// Distributions by the word that libosinfo's ids, agents and people use.
var distroNames = map[string]string{
	"mswindows": "Windows", "centos": "CentOS", "centos-stream": "CentOS Stream", "debian": "Debian", "ubuntu": "Ubuntu",
	"rhel": "Red Hat Enterprise Linux", "fedora": "Fedora", "rocky": "Rocky Linux",
	"almalinux": "AlmaLinux", "ol": "Oracle Linux", "oraclelinux": "Oracle Linux", "sles": "SUSE Linux Enterprise Server",
	"sled": "SUSE Linux Enterprise Desktop", "opensuse": "openSUSE", "opensuse-leap": "openSUSE Leap",
	"archlinux": "Arch Linux", "arch": "Arch Linux", "alpinelinux": "Alpine Linux", "alpine": "Alpine Linux",
	"gentoo": "Gentoo", "mageia": "Mageia", "scientificlinux": "Scientific Linux", "linux": "Linux",
	"freebsd": "FreeBSD", "openbsd": "OpenBSD", "netbsd": "NetBSD", "dragonflybsd": "DragonFly BSD",
	"solaris": "Solaris", "opensolaris": "OpenSolaris", "macosx": "macOS", "haiku": "Haiku", "msdos": "MS-DOS",
}

// bsd and neither are the words that are no Linux.
var (
	bsd     = set("freebsd", "openbsd", "netbsd", "dragonflybsd")
	neither = set("solaris", "opensolaris", "macosx", "haiku", "msdos")
)

func familyOfID(id string) string {
	switch {
	case id == "mswindows":
		return familyWindows
	case bsd[id]:
		return familyBSD
	case neither[id]:
		return familyOther
	case id == "":
		return familyUnknown
	}
	return familyLinux // an agent that is neither runs on Linux: it has no other port
}

// Windows versions as libosinfo shortens them.
var windowsVersions = map[string]string{
	"95": "95", "98": "98", "me": "Me", "nt4.0": "NT 4.0", "2k": "2000", "xp": "XP", "vista": "Vista",
	"7": "7", "8": "8", "8.1": "8.1", "10": "10", "11": "11",
	"2k3": "Server 2003", "2k3r2": "Server 2003 R2", "2k8": "Server 2008", "2k8r2": "Server 2008 R2",
	"2k12": "Server 2012", "2k12r2": "Server 2012 R2", "2k16": "Server 2016", "2k19": "Server 2019",
	"2k22": "Server 2022", "2k25": "Server 2025",
}

// systemOfID reads an id of libosinfo: http://VENDOR/SYSTEM/VERSION. Its
// family is "" where the id has not that shape.
func systemOfID(id string) system {
	u, err := url.Parse(id)
	if err != nil || u.Host == "" {
		return system{}
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	word, version := strings.ToLower(parts[0]), ""
	if len(parts) > 1 {
		version = parts[1]
	}
	if strings.EqualFold(u.Host, "microsoft.com") {
		if word != "win" {
			return system{family: familyOther, name: joined(" ", distroNames[word], version)}
		}
		return system{family: familyWindows, name: "Windows " + orElse(windowsVersions[strings.ToLower(version)], version)}
	}
	if u.Host == "libosinfo.org" && word == "unknown" {
		return system{}
	}
	name, known := distroNames[word]
	switch {
	case bsd[word]:
		return system{family: familyBSD, name: joined(" ", name, version)}
	case !known || neither[word]:
		return system{family: familyOther, name: joined(" ", orElse(name, word), version)}
	}
	if word == "linux" { // libosinfo's generic ids carry the year of its database
		version = ""
	}
	return system{family: familyLinux, name: joined(" ", name, version)}
}

// windowsWord is anchored on both sides: darwin, winston, twin and window say
// nothing. Letters of other scripts beside it do not matter, as in 财务windows.
var windowsWord = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(?:windows|w(?:in)?[-_ ]?2k\d{0,2}|win(?:dows)?[-_ ]?(?:server[-_ ]?)?(?:20\d\d|xp|vista|8\.1|7|8|10|11))(?:[-_ ]?r2)?(?:[^a-z0-9]|$)`)

// windowsText finds the version that a person wrote.
var windowsText = regexp.MustCompile(`(?i)win(?:dows)?[-_ ]?(?:server[-_ ]?)?(20\d\d|2k\d{1,2}|xp|vista|8\.1|7|8|10|11)[-_ ]?(r2)?(?:[^a-z0-9]|$)`)

// windowsName is the version by libosinfo, else by what a person wrote.
func windowsName(d Domain, vendor system) string {
	if vendor.family == familyWindows {
		return vendor.name
	}
	for _, text := range []string{d.Name, d.Title, d.Description} {
		m := windowsText.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		version := strings.ToLower(m[1])
		if strings.HasPrefix(version, "20") {
			version = "2k" + strings.TrimLeft(version[2:], "0")
		}
		if name := windowsVersions[version+strings.ToLower(m[2])]; name != "" {
			return "Windows " + name
		}
	}
	return ""
}

// systemText is a distribution and perhaps its version, as people write them
// into names, titles and descriptions: "CentOS 5.5", "debian-12", "rhel7".
var systemText = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(centos|debian|ubuntu|rhel|red ?hat(?: enterprise linux)?|fedora|rocky|alma(?:linux)?|oracle ?linux|sles|suse|opensuse|arch ?linux|alpine|gentoo|freebsd|openbsd|netbsd)(?:[-_ ](?:gnu/)?linux)?(?:[-_ ](?:release|server|stream))?[-_ ]?v?(\d{1,2}(?:\.\d{1,2}){0,2})?(?:[^a-z0-9]|$)`)

// systemInText looks for a Linux or BSD that somebody wrote down.
func systemInText(d Domain) system {
	for _, text := range []struct{ where, is string }{
		{"the name", d.Name}, {"the title", d.Title}, {"the description", d.Description},
	} {
		m := systemText.FindStringSubmatch(text.is)
		if m == nil {
			continue
		}
		word := strings.ToLower(strings.ReplaceAll(m[1], " ", ""))
		switch {
		case strings.HasPrefix(word, "redhat"):
			word = "rhel"
		case word == "alma":
			word = "almalinux"
		case word == "suse":
			word = "opensuse"
		}
		family := familyLinux
		if bsd[word] {
			family = familyBSD
		}
		return system{family: family, name: joined(" ", distroNames[word], m[2]), where: text.where}
	}
	return system{}
}
