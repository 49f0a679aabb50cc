package openstack

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
)

// readNetwork reads Neutron's lists. Networks come first: a worker of Neutron
// 21.0 that has just been started cannot list ports as its first query.
func (r *reading) readNetwork(ctx context.Context) error {
	for _, l := range []listing{
		{path: "networks", key: "networks", query: fields("id name project_id shared router:external mtu" +
			" provider:physical_network provider:network_type provider:segmentation_id segments")},
		{path: "subnets", key: "subnets", query: fields("id name network_id cidr gateway_ip dns_nameservers enable_dhcp allocation_pools host_routes" +
			" ipv6_address_mode ipv6_ra_mode")},
		{path: "rbac-policies", key: "rbac_policies", query: url.Values{"object_type": {"network"}, "action": {"access_as_shared"}}},
		{path: "security-groups", key: "security_groups", query: fields("id name project_id")},
		{path: "ports", key: "ports", query: fields("id name description mac_address network_id project_id device_id device_owner status" +
			" admin_state_up fixed_ips port_security_enabled binding:host_id binding:vif_type binding:vnic_type binding:vif_details binding:profile")},
		{path: "floatingips", key: "floatingips", query: fields("id floating_ip_address fixed_ip_address port_id")},
		{path: "agents", key: "agents", query: fields("id agent_type host alive admin_state_up configurations")},
	} {
		l.service, l.client = neutron, r.network
		err := r.readAll(ctx, l)
		if optional(l.key) && isAbsent(err) {
			continue // the extension is not loaded
		}
		if l.key == "agents" && isForbidden(err) {
			r.log.Warn("Neutron does not let its agents be listed, so nobody can say which networks they reach on a host", "err", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// optional reports whether a list is an extension's.
func optional(list string) bool {
	return slices.Contains([]string{"rbac_policies", "security_groups", "floatingips", "agents"}, list)
}

func isForbidden(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusForbidden) }

func isAbsent(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusNotFound) }

// readImages reads Glance's images. It lists hidden ones, as placeholders are,
// only when it is asked for them.
func (r *reading) readImages(ctx context.Context) error {
	for _, hidden := range []string{"false", "true"} {
		err := r.readAll(ctx, listing{
			service: glance, client: r.image, path: "images", key: "images", query: url.Values{"os_hidden": {hidden}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
