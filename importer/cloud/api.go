package cloud

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

type apiNamed struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	DomainID string `json:"domain_id"`
}

type apiNetwork struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	ProjectID    string `json:"project_id"`
	TenantID     string `json:"tenant_id"` // what project_id was called before Newton; still sent
	Shared       bool   `json:"shared"`
	External     bool   `json:"router:external"`
	MTU          int    `json:"mtu"`
	Physical     string `json:"provider:physical_network"`
	Type         string `json:"provider:network_type"`
	Segmentation int    `json:"provider:segmentation_id"`

	Segments []struct { // in place of provider:*, if there are several
		Physical string `json:"provider:physical_network"`
	} `json:"segments"`
}

type apiSubnet struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	NetworkID string    `json:"network_id"`
	CIDR      string    `json:"cidr"`
	Gateway   string    `json:"gateway_ip"`
	DNS       []string  `json:"dns_nameservers"`
	DHCP      bool      `json:"enable_dhcp"`
	Mode      string    `json:"ipv6_address_mode"`
	RAMode    string    `json:"ipv6_ra_mode"`
	Pools     []apiPool `json:"allocation_pools"`
	Routes    []struct {
		Destination string `json:"destination"`
		NextHop     string `json:"nexthop"`
	} `json:"host_routes"`
}

// An APIFloating is a floating IP in Neutron's own words.
type APIFloating struct {
	ID      string `json:"id"`
	Address string `json:"floating_ip_address"`
	Fixed   string `json:"fixed_ip_address"`
	PortID  string `json:"port_id"` // null while it leads nowhere
}

type apiPool struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

// An APIPort is a port in Neutron's own words.
type APIPort struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	MAC         string          `json:"mac_address"`
	NetworkID   string          `json:"network_id"`
	ProjectID   string          `json:"project_id"`
	TenantID    string          `json:"tenant_id"`
	DeviceID    string          `json:"device_id"`
	DeviceOwner string          `json:"device_owner"`
	Status      string          `json:"status"`
	HostID      string          `json:"binding:host_id"`
	VIFType     string          `json:"binding:vif_type"`
	VNICType    string          `json:"binding:vnic_type"`
	VIFDetails  json.RawMessage `json:"binding:vif_details"`
	Profile     json.RawMessage `json:"binding:profile"`
	AdminUp     *bool           `json:"admin_state_up"`
	FixedIPs    []apiFixedIP    `json:"fixed_ips"`
	Description string          `json:"description"`
	Security    *bool           `json:"port_security_enabled"`
}

type apiFixedIP struct {
	SubnetID  string `json:"subnet_id"`
	IPAddress string `json:"ip_address"`
}

type apiImage struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	Owner           string `json:"owner"`
	Status          string `json:"status"`
	DiskFormat      string `json:"disk_format"`
	ContainerFormat string `json:"container_format"`
	Visibility      string `json:"visibility"`
	Protected       bool   `json:"protected"`
	Hidden          bool   `json:"os_hidden"`
	Description     string `json:"description"`
}

// apiShare is a policy of role based access control, by which a network is
// shared with one project, or with all ("*").
type apiShare struct {
	ID         string `json:"id"`
	ObjectType string `json:"object_type"`
	ObjectID   string `json:"object_id"`
	Action     string `json:"action"`
	Target     string `json:"target_tenant"`
}

type apiGroup struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	ProjectID string `json:"project_id"`
	TenantID  string `json:"tenant_id"`
}

// Port is the port as the rest of the program knows it.
func (p APIPort) Port() (Port, error) { return p.port(&interned{}) }

// port is Port with the strings and details that it has in common with
// other ports kept once: there may be 100,000 of them.
func (p APIPort) port(same *interned) (Port, error) {
	if !isMAC(p.MAC) {
		return Port{}, fmt.Errorf("mac_address %q is not a MAC address", p.MAC)
	}
	if p.NetworkID == "" {
		return Port{}, fmt.Errorf("has no network_id")
	}
	out := Port{
		ID: p.ID, Name: p.Name, MAC: strings.ToLower(p.MAC), NetworkID: same.text(p.NetworkID),
		ProjectID: same.text(firstOf(p.ProjectID, p.TenantID)), DeviceID: p.DeviceID, DeviceOwner: same.text(p.DeviceOwner),
		HostID: same.text(p.HostID), VIFType: same.text(p.VIFType), VNICType: same.text(p.VNICType), Status: same.text(p.Status),
		Description: p.Description, PortSecurity: p.Security == nil || *p.Security, AdminDown: p.AdminUp != nil && !*p.AdminUp,
	}
	var err error
	if out.Profile, err = profile(p.Profile); err != nil {
		return Port{}, err
	}
	if out.VIFDetails, err = same.object(p.VIFDetails); err != nil {
		return Port{}, fmt.Errorf("binding:vif_details: %w", err)
	}
	for n, ip := range p.FixedIPs {
		addr, err := netip.ParseAddr(ip.IPAddress)
		if err != nil {
			return Port{}, fmt.Errorf("fixed_ips[%d].ip_address: %q is not an address", n, ip.IPAddress)
		}
		out.FixedIPs = append(out.FixedIPs, PortIP{SubnetID: same.text(ip.SubnetID), Address: addr})
	}
	return out, nil
}

// profile is a port's binding:profile, word for word; nil where it has nothing
// in it.
func profile(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("binding:profile: %w", err)
	}
	if len(object) == 0 {
		return nil, nil
	}
	return raw, nil
}

func (s apiSubnet) subnet() (Subnet, error) {
	cidr, err := netip.ParsePrefix(s.CIDR)
	if err != nil {
		return Subnet{}, fmt.Errorf("cidr %q is not a prefix", s.CIDR)
	}
	out := Subnet{ID: s.ID, Name: s.Name, CIDR: cidr, DHCP: s.DHCP, Auto: isAuto(s.Mode) || isAuto(s.RAMode), Mode: s.Mode}
	if s.Gateway != "" { // null and "" both say that there is none
		if out.Gateway, err = netip.ParseAddr(s.Gateway); err != nil {
			return Subnet{}, fmt.Errorf("gateway_ip %q is not an address", s.Gateway)
		}
	}
	for n, text := range s.DNS {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return Subnet{}, fmt.Errorf("dns_nameservers[%d] %q is not an address", n, text)
		}
		out.DNS = append(out.DNS, addr)
	}
	if out.Routes, err = s.routes(); err != nil {
		return Subnet{}, err
	}
	out.Pools, err = s.pools()
	return out, err
}

func (s apiSubnet) routes() ([]Route, error) {
	var routes []Route
	for n, r := range s.Routes {
		to, err1 := netip.ParsePrefix(r.Destination)
		hop, err2 := netip.ParseAddr(r.NextHop)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("host_routes[%d]: %q by %q is no route", n, r.Destination, r.NextHop)
		}
		routes = append(routes, Route{Destination: to, NextHop: hop})
	}
	return routes, nil
}

// floating checks what leads to a port; what leads nowhere has no fixed address.
func (f APIFloating) floating() (APIFloating, string, error) {
	if f.PortID == "" {
		return f, f.ID, nil
	}
	_, err := f.Leads()
	return f, f.ID, err
}

// Leads is where it leads, for one that has a port.
func (f APIFloating) Leads() (FloatingIP, error) {
	address, err1 := netip.ParseAddr(f.Address)
	fixed, err2 := netip.ParseAddr(f.Fixed)
	if err1 != nil || err2 != nil {
		return FloatingIP{}, fmt.Errorf("from %q to %q of port %s: these are no addresses", f.Address, f.Fixed, f.PortID)
	}
	return FloatingIP{Address: address, Fixed: fixed}, nil
}

func (s apiSubnet) pools() ([][2]netip.Addr, error) {
	var pools [][2]netip.Addr
	for n, p := range s.Pools {
		start, err1 := netip.ParseAddr(p.Start)
		end, err2 := netip.ParseAddr(p.End)
		if err1 != nil || err2 != nil || end.Less(start) {
			return nil, fmt.Errorf("allocation_pools[%d]: %q to %q is not a range of addresses", n, p.Start, p.End)
		}
		pools = append(pools, [2]netip.Addr{start, end})
	}
	return pools, nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// isAuto: by such a mode guests make their addresses themselves
// (neutron/common/ipv6_utils.py, is_auto_address_subnet).
func isAuto(mode string) bool { return mode == "slaac" || mode == "dhcpv6-stateless" }
