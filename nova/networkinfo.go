package nova

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
)

// nicNameLength is where Neutron and Nova cut device names
// (nova/network/model.py, NIC_NAME_LEN).
const nicNameLength = 14

// A vif is one entry of instance_info_caches.network_info
// (nova/network/model.py, VIF). It and its parts have Nova's keys in Nova's
// order.
type vif struct {
	ID        string          `json:"id"`
	Address   string          `json:"address"`
	Network   vifNetwork      `json:"network"`
	Type      string          `json:"type"`
	Details   map[string]any  `json:"details"` // the port's binding:vif_details, verbatim
	DevName   string          `json:"devname"`
	OVSID     *string         `json:"ovs_interfaceid"`
	QBHParams *string         `json:"qbh_params"`
	QBGParams *string         `json:"qbg_params"`
	Active    bool            `json:"active"`
	VNICType  string          `json:"vnic_type"`
	Profile   json.RawMessage `json:"profile"` // the port's binding:profile, verbatim
	Preserve  bool            `json:"preserve_on_delete"`
	Delegate  bool            `json:"delegate_create"`
	Meta      map[string]any  `json:"meta"`
}

type vifNetwork struct {
	ID      string      `json:"id"`
	Bridge  string      `json:"bridge"`
	Label   string      `json:"label"`
	Subnets []vifSubnet `json:"subnets"`
	Meta    networkMeta `json:"meta"`
}

// networkMeta: later refreshes index tenant_id, so it is never left out.
type networkMeta struct {
	Injected     bool    `json:"injected"`
	TenantID     string  `json:"tenant_id"` // project of the network
	MTU          *int    `json:"mtu"`
	Physical     *string `json:"physical_network"`
	Tunneled     bool    `json:"tunneled"`
	ShouldCreate *bool   `json:"should_create_bridge,omitempty"` // Linux bridges only
}

type vifSubnet struct {
	CIDR    string     `json:"cidr"`
	DNS     []vifIP    `json:"dns"`
	Gateway vifIP      `json:"gateway"`
	IPs     []fixedIP  `json:"ips"`
	Routes  []vifRoute `json:"routes"`
	Version int        `json:"version"`
	Meta    subnetMeta `json:"meta"`
}

type subnetMeta struct {
	EnableDHCP *bool  `json:"enable_dhcp,omitempty"` // from 29 on; 26 has no such word
	Mode       string `json:"ipv6_address_mode,omitempty"`
	DHCPServer string `json:"dhcp_server,omitempty"`
}

// A vifRoute: Nova never gives a route its interface.
type vifRoute struct {
	CIDR      string   `json:"cidr"`
	Gateway   vifIP    `json:"gateway"`
	Interface *string  `json:"interface"`
	Meta      struct{} `json:"meta"`
}

type vifIP struct {
	Address *string  `json:"address"`
	Type    string   `json:"type"`
	Version *int     `json:"version"`
	Meta    struct{} `json:"meta"`
}

type fixedIP struct {
	vifIP
	Floating []vifIP `json:"floating_ips"`
}

// NetworkInfo is the content of an instance's info cache for its ports, in
// their order; "[]" without ports. From 31.0.0 Nova no longer refills an empty
// cache, and the first hard reboot would bring the guest up without any
// interface.
//
// It fails for a port that is not bound: with vif_type unbound or
// binding_failed in the cache, nova-compute sets the instance to ERROR at its
// next start (nova/compute/manager.py, _init_instance).
func NetworkInfo(ports []Port) (string, error) {
	vifs := make([]vif, 0, len(ports))
	for i, p := range ports {
		v, err := newVIF(p)
		if err != nil {
			return "", fmt.Errorf("port %d (%s): %w", i, p.MAC, err)
		}
		vifs = append(vifs, v)
	}
	return encode(vifs, maxMediumText)
}

// bound reports whether Neutron has said how the port is plugged on its host.
func (p Port) bound() bool { return p.VIFType != "" }

// boundPorts are those that may be in an info cache already.
func boundPorts(ports []Port) []Port {
	var bound []Port
	for _, p := range ports {
		if p.bound() {
			bound = append(bound, p)
		}
	}
	return bound
}

func newVIF(p Port) (vif, error) {
	if err := CheckVIFType(p.VIFType); err != nil {
		return vif{}, err
	}
	profile, err := p.profile()
	if err != nil {
		return vif{}, err
	}
	v := vif{
		ID: p.ID, Address: p.MAC, Type: p.VIFType,
		Network: vifNetwork{
			ID: p.NetworkID, Label: p.NetworkName, Bridge: bridgeName(p), Subnets: subnets(p.FixedIPs),
			Meta: networkMeta{TenantID: p.NetworkOwner, MTU: orNull(p.MTU), Physical: orNull(p.Physical), Tunneled: p.Tunneled},
		},
		Details: p.VIFDetails, DevName: cut("tap" + p.ID), Active: p.Active,
		VNICType: orElse(p.VNICType, "normal"), Profile: profile, Meta: map[string]any{},
		// Only remembered here. Without it Nova deletes the port, and with it
		// the address, when the server is deleted or the interface detached.
		Preserve: true,
		Delegate: true,
	}
	if v.Details == nil {
		v.Details = map[string]any{}
	}
	if p.VIFType == "ovs" {
		v.OVSID = &v.ID
	} else {
		yes := true
		v.Network.Meta.ShouldCreate = &yes
	}
	return v, nil
}

// profile is what Neutron keeps of the port for whoever binds it, an empty
// object where it has nothing (nova/network/neutron.py, get_binding_profile).
func (p Port) profile() (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if len(p.Profile) > 0 && json.Unmarshal(p.Profile, &object) != nil {
		return nil, errors.New("binding:profile is no JSON object, which Nova could not read")
	}
	if len(object) == 0 {
		return json.RawMessage("{}"), nil
	}
	return p.Profile, nil
}

// CheckVIFType says why an adopted domain cannot have a port that is bound so:
// its own definition has what Linux bridges and Open vSwitch (OVN too) need, and
// no shared memory or card of the host.
func CheckVIFType(t string) error {
	switch t {
	case "bridge", "ovs":
		return nil
	case "", "unbound", "binding_failed":
		return fmt.Errorf("is not bound (vif_type %q): bind it to the host first", t)
	default:
		return fmt.Errorf("vif_type %q is not one that an adopted domain can have (bridge, ovs): see which of Neutron's mechanism drivers binds ordinary ports on that host", t)
	}
}

// bridgeName is the bridge that Nova plugs into, by the rule of
// nova/network/neutron.py, _nw_info_build_network.
func bridgeName(p Port) string {
	if name, ok := p.VIFDetails["bridge_name"].(string); ok && name != "" {
		return cut(name)
	}
	if p.VIFType == "ovs" {
		return "br-int"
	}
	return cut("brq" + p.NetworkID)
}

// subnets puts the addresses of one subnet together, in the order in which
// each subnet first occurs.
func subnets(ips []FixedIP) []vifSubnet {
	list := []vifSubnet{}
	at := map[netip.Prefix]int{}
	for _, ip := range ips {
		cidr := ip.CIDR.Masked()
		i, ok := at[cidr]
		if !ok {
			i = len(list)
			at[cidr] = i
			list = append(list, newSubnet(cidr, ip))
		}
		list[i].IPs = append(list[i].IPs, fixedIP{newIP(ip.Address, "fixed"), newIPs(ip.Floating, "floating")})
	}
	return list
}

func newSubnet(cidr netip.Prefix, ip FixedIP) vifSubnet {
	s := vifSubnet{
		CIDR: cidr.String(), DNS: newIPs(ip.DNS, "dns"), Gateway: newIP(ip.Gateway, "gateway"), Routes: []vifRoute{}, Version: version(cidr.Addr()),
		Meta: subnetMeta{EnableDHCP: ip.DHCP, Mode: ip.Mode},
	}
	for _, r := range ip.Routes {
		s.Routes = append(s.Routes, vifRoute{CIDR: r.Destination.String(), Gateway: newIP(r.Gateway, "gateway")})
	}
	if ip.DHCPServer.IsValid() {
		s.Meta.DHCPServer = ip.DHCPServer.String()
	}
	return s
}

func newIPs(list []netip.Addr, kind string) []vifIP {
	ips := make([]vifIP, len(list))
	for i, a := range list {
		ips[i] = newIP(a, kind)
	}
	return ips
}

// newIP writes an absent address, such as the gateway of a subnet without
// one, as Nova does: an entry whose address is null.
func newIP(a netip.Addr, kind string) vifIP {
	if !a.IsValid() {
		return vifIP{Type: kind}
	}
	text, v := a.String(), version(a)
	return vifIP{Address: &text, Type: kind, Version: &v}
}

func version(a netip.Addr) int {
	if a.Is4() || a.Is4In6() {
		return 4
	}
	return 6
}

func cut(name string) string { return name[:min(len(name), nicNameLength)] }

// orNull is nil for the zero value, which JSON and SQL then have as null.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
