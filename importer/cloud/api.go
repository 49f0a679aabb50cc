package cloud

import (
	"fmt"
	"net/netip"
	"strings"
)

// apiLists are the list calls' answers with the API's own key names
// (Keystone v3, Neutron v2.0 with its provider and portbindings extensions,
// Glance v2).
type apiLists struct {
	Projects []apiNamed
	Users    []apiNamed
	Networks []apiNetwork
	Subnets  []apiSubnet
	Ports    []apiPort
	Images   []apiImage
}

// list returns where the list of that name goes, nil for one we do not use.
func (l *apiLists) list(key string) any {
	switch key {
	case "projects":
		return &l.Projects
	case "users":
		return &l.Users
	case "networks":
		return &l.Networks
	case "subnets":
		return &l.Subnets
	case "ports":
		return &l.Ports
	case "images":
		return &l.Images
	}
	return nil
}

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
	MTU          int    `json:"mtu"`
	Physical     string `json:"provider:physical_network"`
	Type         string `json:"provider:network_type"`
	Segmentation int    `json:"provider:segmentation_id"`
}

type apiSubnet struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	NetworkID string    `json:"network_id"`
	CIDR      string    `json:"cidr"`
	Gateway   string    `json:"gateway_ip"`
	DNS       []string  `json:"dns_nameservers"`
	DHCP      bool      `json:"enable_dhcp"`
	Pools     []apiPool `json:"allocation_pools"`
}

type apiPool struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type apiPort struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	MAC         string         `json:"mac_address"`
	NetworkID   string         `json:"network_id"`
	ProjectID   string         `json:"project_id"`
	TenantID    string         `json:"tenant_id"`
	DeviceID    string         `json:"device_id"`
	DeviceOwner string         `json:"device_owner"`
	Status      string         `json:"status"`
	HostID      string         `json:"binding:host_id"`
	VIFType     string         `json:"binding:vif_type"`
	VNICType    string         `json:"binding:vnic_type"`
	VIFDetails  map[string]any `json:"binding:vif_details"`
	FixedIPs    []apiFixedIP   `json:"fixed_ips"`
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

func (p apiPort) port() (Port, error) {
	if !isMAC(p.MAC) {
		return Port{}, fmt.Errorf("mac_address %q is not a MAC address", p.MAC)
	}
	if p.NetworkID == "" {
		return Port{}, fmt.Errorf("has no network_id")
	}
	out := Port{
		ID: p.ID, Name: p.Name, MAC: strings.ToLower(p.MAC), NetworkID: p.NetworkID,
		ProjectID: firstOf(p.ProjectID, p.TenantID), DeviceID: p.DeviceID, DeviceOwner: p.DeviceOwner,
		HostID: p.HostID, VIFType: p.VIFType, VNICType: p.VNICType, Status: p.Status, VIFDetails: p.VIFDetails,
	}
	for n, ip := range p.FixedIPs {
		addr, err := netip.ParseAddr(ip.IPAddress)
		if err != nil {
			return Port{}, fmt.Errorf("fixed_ips[%d].ip_address: %q is not an address", n, ip.IPAddress)
		}
		out.FixedIPs = append(out.FixedIPs, PortIP{SubnetID: ip.SubnetID, Address: addr})
	}
	return out, nil
}

func (s apiSubnet) subnet() (Subnet, error) {
	cidr, err := netip.ParsePrefix(s.CIDR)
	if err != nil {
		return Subnet{}, fmt.Errorf("cidr %q is not a prefix", s.CIDR)
	}
	out := Subnet{ID: s.ID, Name: s.Name, CIDR: cidr, DHCP: s.DHCP}
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
	out.Pools, err = s.pools()
	return out, err
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
