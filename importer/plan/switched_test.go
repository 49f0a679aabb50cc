package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// answers are the lists of a Neutron with one network and a port on it that the
// import has bound.
const answers = `{
 "networks": [{"id": "NETWORK", "name": "public", "project_id": "` + legacyID + `", "mtu": 1500, "shared": true,
   "provider:network_type": "TYPE", "provider:physical_network": PHYSICAL, "provider:segmentation_id": null}],
 "subnets": [{"id": "s4", "name": "v4", "network_id": "NETWORK", "cidr": "10.66.0.0/24", "gateway_ip": "10.66.0.1", "enable_dhcp": true, "dns_nameservers": [], "allocation_pools": []}],
 "ports": [{"id": "PORT", "name": "web-1", "mac_address": "MAC", "network_id": "NETWORK", "project_id": "` + legacyID + `",
   "device_id": "1e6ac700-0000-4000-8000-000000000001", "device_owner": "compute:nova", "status": "DOWN", "fixed_ips": [{"subnet_id": "s4", "ip_address": "10.66.0.1"}],
   "port_security_enabled": true, "binding:host_id": "kvm01.example.org", "binding:vnic_type": "normal", "binding:profile": {},
   "binding:vif_type": "ovs", "binding:vif_details": DETAILS}]}`

// What Neutron says of a binding by Open vSwitch's agent and by OVN, as the
// mechanism drivers of 21 and 26 write it, is in Nova's info cache word for word,
// with the bridge and the interface id by which Nova plugs.
func TestInfoCacheOfSwitches(t *testing.T) {
	for _, c := range []struct {
		name, kind, physical string
		details, bridge      string
	}{
		{"Open vSwitch's agent", "flat", "physnet1",
			`{"port_filter": true, "connectivity": "l2", "datapath_type": "system", "ovs_hybrid_plug": false, "bridge_name": "br-int", "bound_drivers": {"0": "openvswitch"}}`, "br-int"},
		{"iptables", "flat", "physnet1",
			`{"port_filter": true, "connectivity": "l2", "datapath_type": "system", "ovs_hybrid_plug": true, "bridge_name": "br-int", "bound_drivers": {"0": "openvswitch"}}`, "br-int"},
		{"OVN 21", "flat", "physnet1", `{"port_filter": true, "connectivity": "l2", "bound_drivers": {"0": "ovn"}}`, "br-int"},
		{"OVN 26", "flat", "physnet1", `{"port_filter": true, "connectivity": "l2", "bridge_name": "br-ovn", "datapath_type": "system", "bound_drivers": {"0": "ovn"}}`, "br-ovn"},
		{"OVN, tunnelled", "geneve", "", `{"port_filter": true, "connectivity": "l2", "bridge_name": "br-int", "datapath_type": "system", "bound_drivers": {"0": "ovn"}}`, "br-int"},
	} {
		t.Run(c.name, func(t *testing.T) {
			physical := `"` + c.physical + `"`
			if c.physical == "" {
				physical = "null"
			}
			s, err := cloud.ReadSnapshot(strings.NewReader(strings.NewReplacer("NETWORK", publicID, "TYPE", c.kind, "PHYSICAL", physical,
				"PORT", portID(1), "MAC", mac(1), "DETAILS", c.details).Replace(answers)))
			if err != nil {
				t.Fatal(err)
			}
			s.Projects = snapshot().Projects
			d := build(t, liveInput(ready(linux(1, "web-1"))))
			w := liveWorld()
			s.Live, w.Cloud, w.Ports = true, s, s.Ports
			in, err := Instance(d, w)
			if err != nil {
				t.Fatal(err)
			}
			text, err := nova.NetworkInfo(in.Ports)
			if err != nil {
				t.Fatal(err)
			}
			var cache []map[string]any
			if err := json.Unmarshal([]byte(text), &cache); err != nil || len(cache) != 1 {
				t.Fatalf("%s: %v", text, err)
			}
			network, _ := cache[0]["network"].(map[string]any)
			meta, _ := network["meta"].(map[string]any)
			_, makes := meta["should_create_bridge"]
			got := map[string]any{
				"type": cache[0]["type"], "id": cache[0]["id"], "ovs_interfaceid": cache[0]["ovs_interfaceid"], "devname": cache[0]["devname"], "details": cache[0]["details"],
				"delegate_create": cache[0]["delegate_create"], "preserve_on_delete": cache[0]["preserve_on_delete"],
				"bridge": network["bridge"], "physical": meta["physical_network"], "tunneled": meta["tunneled"], "makes a bridge": makes,
			}
			want := map[string]any{
				"type": "ovs", "id": portID(1), "ovs_interfaceid": portID(1), "devname": "tap" + portID(1)[:11], "details": decoded(t, c.details),
				"delegate_create": true, "preserve_on_delete": true,
				"bridge": c.bridge, "physical": decoded(t, physical), "tunneled": c.kind == "geneve", "makes a bridge": false,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("info cache (-want +got):\n%s", diff)
			}
		})
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
