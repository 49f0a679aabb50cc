package rebuild

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// Differences foretells what will not be as it was once a nova-compute with
// that configuration has made now's definition anew from the records of i.
func Differences(now discover.Domain, i nova.Instance, c Config) []Difference {
	d := Compare(now, Predict(now, i, c))
	if v, ok := variables(now, c); ok {
		d = append(d, v)
		slices.SortStableFunc(d, byWeight)
	}
	return d
}

// Compare says in what two definitions differ: first what is lost, then what
// changes and what is added, and in each what the guest can notice first.
func Compare(now, then discover.Domain) []Difference {
	was, will := traitsOf(now), traitsOf(then)
	raw := !completed(now)
	var out []Difference
	for _, pair := range pairs(was, will) {
		d := pair.difference()
		if d.Now == d.Then || raw && placed(d.Field) || part(was, will, d) {
			continue
		}
		out = append(out, d)
	}
	slices.SortStableFunc(out, byWeight)
	return out
}

// completed says whether libvirt has filled the definition in: a file that
// somebody wrote has neither addresses nor all controllers.
func completed(d discover.Domain) bool {
	return strings.Contains(d.Layout.String(), "controller pci/0")
}

func placed(field string) bool {
	return strings.HasSuffix(field, ".address") || field == "controller" || field == "pci_bridge"
}

// A pair is one trait in both definitions.
type pair struct{ field, device, now, then string }

func pairs(was, will traits) []pair {
	var out []pair
	at := map[[2]string]int{}
	for _, t := range was {
		at[[2]string{t.field, t.device}] = len(out)
		out = append(out, pair{t.field, t.device, t.value, ""})
	}
	for _, t := range will {
		if i, ok := at[[2]string{t.field, t.device}]; ok {
			out[i].then = t.value
		} else {
			out = append(out, pair{t.field, t.device, "", t.value})
		}
	}
	return out
}

func (p pair) difference() Difference {
	f := fields[fieldNamed[p.field]]
	d := Difference{Field: p.field, Device: p.device, Now: p.now, Then: p.then, Guest: f.Guest, Why: f.Why, Kind: Changed}
	switch {
	case p.then == "":
		d.Kind = Lost
	case p.now == "":
		d.Kind = Added
	}
	return d
}

// part says that d is a detail of a device that is lost or added as a whole.
func part(was, will traits, d Difference) bool {
	family, _, detail := strings.Cut(d.Field, ".")
	return detail && was.has(family, d.Device) != will.has(family, d.Device)
}

func (t traits) has(field, device string) bool {
	return slices.ContainsFunc(t, func(one trait) bool { return one.field == field && one.device == device })
}

func byWeight(a, b Difference) int {
	return cmp.Or(kindRank(a.Kind)-kindRank(b.Kind), guestRank(a)-guestRank(b), fieldNamed[a.Field]-fieldNamed[b.Field])
}

func kindRank(k Kind) int { return slices.Index([]Kind{Lost, Changed, Added}, k) }

func guestRank(d Difference) int {
	if d.Guest {
		return 0
	}
	return 1
}

// variables says what becomes of a UEFI guest's, which no definition tells.
// Only in point releases of 2025.1 and 2025.2, which the databases do not tell
// from the first ones, does Nova begin to keep them.
func variables(now discover.Domain, c Config) (Difference, bool) {
	until, loses := nova.Release{Major: cmp.Or(c.Major, newest)}.LosesVariables()
	if !now.Firmware.UEFI || !loses {
		return Difference{}, false
	}
	d := pair{"firmware_variables", "", "its own", "new ones at each rebuild after the first"}.difference()
	if until != "" {
		d.Then += ", before " + until
	}
	return d, true
}
