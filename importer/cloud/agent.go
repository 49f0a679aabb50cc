package cloud

import (
	"maps"
	"slices"
	"strings"
)

// An Agent is one of Neutron's that plug ports in on their host: those of Linux
// bridges and Open vSwitch, and OVN's controllers, which Neutron lists with them.
type Agent struct {
	ID, Type, Host string
	Alive, Enabled bool
	// Mappings say by which bridge, or device of Linux bridges' agent, each
	// physical network is reached.
	Mappings map[string]string
}

// layer2 are the agents that plug ports in; the others on a host say nothing
// about a binding (neutron_lib/constants.py, AGENT_TYPE_*, and OVN's own in
// neutron/common/ovn/constants.py).
var layer2 = []string{
	bridgeAgent, vSwitchAgent, "Macvtap agent", "NIC Switch agent",
	ovnController + " agent", ovnController + " Gateway agent",
}

const (
	bridgeAgent   = "Linux bridge agent"
	vSwitchAgent  = "Open vSwitch agent"
	ovnController = "OVN Controller"
)

// IsLayer2 reports whether agents of this type plug ports in.
func IsLayer2(agentType string) bool { return slices.Contains(layer2, agentType) }

// OnVSwitch reports whether the agent plugs guests into Open vSwitch, as OVN does.
func (a Agent) OnVSwitch() bool { return a.Type == vSwitchAgent || a.IsOVN() }

// PlugsGuests reports whether ordinary ports are bound by the agent: those of
// cards that are passed through, and macvtap's, are for others.
func (a Agent) PlugsGuests() bool { return a.OnVSwitch() || a.Type == bridgeAgent }

// IsOVN reports whether it is OVN's controller.
func (a Agent) IsOVN() bool { return strings.HasPrefix(a.Type, ovnController) }

// Works reports whether Neutron binds ports by the agent.
func (a Agent) Works() bool { return a.Alive && a.Enabled }

// Mappings reads what an agent reports of physical networks. Open vSwitch's has
// an object bridge_mappings, that of Linux bridges interface_mappings and, where
// a bridge is given, bridge_mappings; OVN has a text in the words of
// ovn-bridge-mappings, "physnet1:br-ex,physnet2:br-2".
func Mappings(configurations map[string]any) map[string]string {
	found := map[string]string{}
	for _, key := range []string{"interface_mappings", "bridge_mappings"} {
		of, _ := configurations[key].(map[string]any)
		for physical, device := range of {
			found[physical], _ = device.(string)
		}
	}
	text, _ := configurations["bridge-mappings"].(string)
	for pair := range strings.SplitSeq(text, ",") {
		if physical, bridge, ok := strings.Cut(strings.TrimSpace(pair), ":"); ok {
			found[physical] = bridge
		}
	}
	return found
}

// Physical are the physical networks that the agent reaches, in order.
func (a Agent) Physical() []string { return slices.Sorted(maps.Keys(a.Mappings)) }

type apiAgent struct {
	ID             string         `json:"id"`
	Type           string         `json:"agent_type"`
	Host           string         `json:"host"`
	Alive          bool           `json:"alive"`
	Enabled        bool           `json:"admin_state_up"`
	Configurations map[string]any `json:"configurations"`
}

func (a apiAgent) agent() Agent {
	return Agent{ID: a.ID, Type: a.Type, Host: a.Host, Alive: a.Alive, Enabled: a.Enabled, Mappings: Mappings(a.Configurations)}
}
