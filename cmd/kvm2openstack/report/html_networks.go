package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// A networkPlace is where interfaces are plugged, and which Neutron network
// the configuration says that is.
type networkPlace struct{ plug, network string }

type networkCount struct {
	interfaces int
	models     map[string]int
	hosts      map[string]bool
}

// A networkView is one line of the table of networks.
type networkView struct {
	Plug, Network string
	Mapped        bool
	Interfaces    int
	Hosts         string
	Models        []countView
}

// notMapped stands where no rule of the configuration matches.
const notMapped = ""

func (t *tally) addInterfaces(d audit.Domain) {
	for _, n := range d.Interfaces {
		t.models.add(nicModel(n), d.Guest.Family)
		at := networkPlace{plug(n), networkOf(t.mapping, d.Host, n)}
		c := t.networks[at]
		if c == nil {
			c = &networkCount{models: map[string]int{}, hosts: map[string]bool{}}
			t.networks[at] = c
		}
		c.interfaces++
		c.models[nicModel(n)]++
		c.hosts[d.Host] = true
	}
}

func nicModel(n discover.Interface) string { return Line(cmp.Or(n.Model, "the host's default")) }

// networkOf is the Neutron network that the configuration names.
func networkOf(m cloud.Mapping, host string, n discover.Interface) string {
	rule, ok := m.Match(host, n)
	switch {
	case !ok:
		return notMapped
	case rule.Subnet != "":
		return Line(rule.Network + " / " + rule.Subnet)
	}
	return Line(rule.Network)
}

// plug says where an interface's frames leave its guest.
func plug(n discover.Interface) string {
	var words []string
	switch {
	case n.Network != "":
		words = append(words, "libvirt network "+n.Network)
		switch {
		case n.NetworkForward == "" || n.NetworkForward == "unknown":
		case n.NetworkBridge != "":
			words = append(words, "("+n.NetworkForward+", "+n.NetworkBridge+")")
		default:
			words = append(words, "("+n.NetworkForward+")")
		}
	case n.Bridge != "":
		words = append(words, "bridge "+n.Bridge)
	case n.SourceDev != "":
		words = append(words, "macvtap on "+n.SourceDev)
	default:
		words = append(words, n.Type)
	}
	if n.PortGroup != "" {
		words = append(words, "port group "+n.PortGroup)
	}
	switch {
	case n.Trunk:
		words = append(words, "trunk")
	case n.VLAN != 0:
		words = append(words, "VLAN "+strconv.Itoa(n.VLAN))
	}
	return Line(strings.Join(words, " "))
}

// networkViews are the most used first.
func (t *tally) networkViews() []networkView {
	var views []networkView
	for at, c := range t.networks {
		views = append(views, networkView{
			Plug: at.plug, Network: at.network, Mapped: at.network != notMapped,
			Interfaces: c.interfaces, Hosts: hostList(c.hosts), Models: counts(c.models),
		})
	}
	slices.SortFunc(views, func(a, b networkView) int {
		return cmp.Or(cmp.Compare(b.Interfaces, a.Interfaces), cmp.Compare(a.Plug, b.Plug), cmp.Compare(a.Network, b.Network))
	})
	return views
}

func hostList(hosts map[string]bool) string {
	names := sortedKeys(hosts, func(a, b string) bool { return a < b })
	for i, name := range names {
		names[i] = Line(name)
	}
	if len(names) > 4 {
		return strconv.Itoa(len(names)) + " hosts"
	}
	return strings.Join(names, ", ")
}
