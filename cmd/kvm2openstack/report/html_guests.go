package report

import (
	"regexp"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// guestName is what a guest is counted as. Its agent calls the same system by
// a longer name than its definition does, and neither edition nor patch level
// are what anybody wants to count.
func guestName(g discover.Guest) string {
	if g.Name == "" {
		if word := familyName(g.Family); word != "Unknown" {
			return word + ", version unknown"
		}
		return "Unknown"
	}
	name := g.Name
	for _, r := range surplus {
		name = r.is.ReplaceAllString(name, r.to)
	}
	return Line(strings.TrimSpace(name))
}

// surplus is what goes from a name, in this order.
var surplus = []struct {
	is *regexp.Regexp
	to string
}{
	{regexp.MustCompile(` \([^)]*\)$`), ""},                                                        // Debian GNU/Linux 11 (bullseye)
	{regexp.MustCompile(`^(Debian) GNU/Linux|^(CentOS) Linux`), "$1$2"},                            //
	{regexp.MustCompile(` LTS$`), ""},                                                              // Ubuntu 22.04.5 LTS
	{regexp.MustCompile(`^(Windows .*\d(?: R2)?) (?:Standard|Datacenter|Essentials|Web).*`), "$1"}, //
	{regexp.MustCompile(`(\d+\.\d+)\.\d+$`), "$1"},                                                 // 22.04.5
	{regexp.MustCompile(`(\d)\.0$`), "$1"},                                                         // CentOS 7.0
}

// familyName is a family as a person writes it.
func familyName(family string) string {
	switch family {
	case "bsd":
		return "BSD"
	case "":
		return "Unknown"
	}
	return strings.ToUpper(family[:1]) + family[1:]
}
