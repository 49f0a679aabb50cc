package main

// What the list calls of Keystone (v3) and Neutron (v2.0) answer, cut to the
// keys that say something. The files an operator would give are the outputs of
//
//	openstack project list --long -f json, and so on
//
// as the APIs send them, one key each.

const (
	projectID = "6c1f7c1d7f3a4a0ea2d1f0b9c8e7a651" // legacy
	adminID   = "0d5b1f2e9c8a4b7d8e6f3a2b1c0d9e8f"
)

var (
	publicID        = id("network", "public")
	privateID       = id("network", "private")
	publicSubnetID  = id("subnet", "public-v4")
	privateSubnetID = id("subnet", "private-v4")
)

type object = map[string]any

// cloudOf is the whole file.
func cloudOf(fleet []host) object {
	return object{
		"projects": []object{
			{"id": adminID, "name": "admin", "domain_id": "default", "enabled": true, "description": "Bootstrap project for initializing the cloud."},
			{"id": projectID, "name": "legacy", "domain_id": "default", "enabled": true, "description": "guests from the KVM hosts"},
		},
		"users": []object{
			{"id": "f2a6d4c8b0e14793a5c7e9f1b3d5f708", "name": "admin", "domain_id": "default", "enabled": true},
			{"id": "4e8a0c2d6f1b4935b7d9e1f3a5c7e902", "name": "nova", "domain_id": "default", "enabled": true},
		},
		"networks": []object{
			network("public", publicID, publicSubnetID, "flat", "physnet-public", nil),
			network("private", privateID, privateSubnetID, "vlan", "physnet-private", 120),
		},
		"subnets": []object{
			subnet("public-v4", publicSubnetID, publicID, "203.0.113.0/24", "203.0.113.1", "203.0.113.10", "203.0.113.250"),
			subnet("private-v4", privateSubnetID, privateID, "10.20.0.0/22", "10.20.0.1", "10.20.0.10", "10.20.3.250"),
		},
		"ports": ports(fleet),
	}
}

func network(name, id, subnetID, kind, physical string, segment any) object {
	return object{
		"id": id, "name": name, "project_id": adminID, "tenant_id": adminID,
		"admin_state_up": true, "status": "ACTIVE", "shared": true, "router:external": false,
		"mtu": 1500, "port_security_enabled": true, "subnets": []string{subnetID},
		"provider:network_type": kind, "provider:physical_network": physical, "provider:segmentation_id": segment,
	}
}

func subnet(name, id, networkID, cidr, gateway, first, last string) object {
	return object{
		"id": id, "name": name, "network_id": networkID, "project_id": adminID, "tenant_id": adminID,
		"ip_version": 4, "cidr": cidr, "gateway_ip": gateway, "enable_dhcp": true,
		"dns_nameservers": []string{"203.0.113.2", "203.0.113.3"}, "host_routes": []object{},
		"allocation_pools": []object{{"start": first, "end": last}},
	}
}

// ports are the ones an administrator has made for the guests, one a MAC,
// and those of Neutron's own DHCP.
func ports(fleet []host) []object {
	all := []object{
		dhcpPort(publicID, publicSubnetID, "203.0.113.4"),
		dhcpPort(privateID, privateSubnetID, "10.20.0.4"),
	}
	known := make(map[string]bool)
	for _, h := range fleet {
		for _, g := range h.Guests {
			for _, n := range g.NICs {
				if n.Network == "nat" || known[n.MAC] || g.Damage != nil {
					continue
				}
				known[n.MAC] = true
				all = append(all, port(h, g, n))
			}
		}
	}
	return all
}

func port(h host, g guest, n nicRow) object {
	networkID, subnetID, vif := publicID, publicSubnetID, "bridge"
	details := object{"connectivity": "l2", "port_filter": true}
	if n.Network == "private" {
		networkID, subnetID, vif = privateID, privateSubnetID, "ovs"
		details["datapath_type"], details["ovs_hybrid_plug"], details["bridge_name"] = "system", false, "br-int"
	}
	return object{
		"id": id("port", n.MAC), "name": g.Name, "mac_address": n.MAC,
		"network_id": networkID, "project_id": projectID, "tenant_id": projectID,
		"device_id": g.UUID, "device_owner": "compute:nova", "admin_state_up": true, "status": "ACTIVE",
		"fixed_ips":       []object{{"subnet_id": subnetID, "ip_address": addresses[n.MAC].Addr().String()}},
		"binding:host_id": h.Name, "binding:vnic_type": "normal", "binding:profile": object{},
		"binding:vif_type": vif, "binding:vif_details": details,
		"port_security_enabled": false, "security_groups": []string{},
	}
}

func dhcpPort(networkID, subnetID, ip string) object {
	return object{
		"id": id("port", "dhcp "+networkID), "name": "", "mac_address": mac("dhcp "+networkID, 0),
		"network_id": networkID, "project_id": adminID, "tenant_id": adminID,
		"device_id": "dhcp-" + networkID, "device_owner": "network:dhcp", "admin_state_up": true, "status": "ACTIVE",
		"fixed_ips":       []object{{"subnet_id": subnetID, "ip_address": ip}},
		"binding:host_id": "network01", "binding:vnic_type": "normal", "binding:profile": object{},
		"binding:vif_type": "ovs", "binding:vif_details": object{"connectivity": "l2", "port_filter": true},
		"port_security_enabled": false, "security_groups": []string{},
	}
}
