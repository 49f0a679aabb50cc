package cloud

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What agents of each kind report of themselves, as Neutron 21 and 26 list them.
func TestAgents(t *testing.T) {
	for _, c := range []struct {
		name, reported string
		want           map[string]string
		onSwitch, ovn  bool
	}{
		{"Open vSwitch agent", `{"bridge_mappings": {"physnet1": "br-ex", "physnet2": "br-2"}, "ovs_hybrid_plug": false, "tunnel_types": ["vxlan"]}`,
			map[string]string{"physnet1": "br-ex", "physnet2": "br-2"}, true, false},
		{"Open vSwitch agent", `{"bridge_mappings": {}}`, map[string]string{}, true, false},
		{"OVN Controller agent", `{"chassis_name": "2e7b1f0c", "bridge-mappings": "physnet1:br-ex, physnet2:br-2"}`,
			map[string]string{"physnet1": "br-ex", "physnet2": "br-2"}, true, true},
		{"OVN Controller Gateway agent", `{"chassis_name": "2e7b1f0c", "bridge-mappings": ""}`, map[string]string{}, true, true},
		{"Linux bridge agent", `{"interface_mappings": {"physnet1": "eth1", "physnet2": "eth2"}, "bridge_mappings": {"physnet2": "br-2"}}`,
			map[string]string{"physnet1": "eth1", "physnet2": "br-2"}, false, false},
		{"Linux bridge agent", `{"interface_mappings": "eth1", "bridge-mappings": 7}`, map[string]string{}, false, false},
	} {
		var a apiAgent
		if err := json.Unmarshal([]byte(`{"id": "a1", "agent_type": "`+c.name+`", "host": "kvm01", "alive": true, "admin_state_up": true, "configurations": `+c.reported+`}`), &a); err != nil {
			t.Fatal(err)
		}
		got := a.agent()
		want := Agent{ID: "a1", Type: c.name, Host: "kvm01", Alive: true, Enabled: true, Mappings: c.want}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", c.name, c.reported, diff)
		}
		if !IsLayer2(c.name) || got.OnVSwitch() != c.onSwitch || got.IsOVN() != c.ovn || !got.Works() {
			t.Errorf("%s: on Open vSwitch %v, OVN %v, works %v", c.name, got.OnVSwitch(), got.IsOVN(), got.Works())
		}
	}
	for _, other := range []string{"DHCP agent", "L3 agent", "Metadata agent", "OVN Metadata agent", ""} {
		if IsLayer2(other) {
			t.Errorf("%q plugs ports in", other)
		}
	}
	if (Agent{Alive: true}).Works() || (Agent{Enabled: true}).Works() {
		t.Error("an agent that is down, or disabled, works")
	}
}
