package openstack

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// An agent is one of Neutron's on a host.
type agent struct {
	Type           string         `json:"agent_type"`
	Host           string         `json:"host"`
	Alive          bool           `json:"alive"`
	Enabled        bool           `json:"admin_state_up"`
	Heartbeat      string         `json:"heartbeat_timestamp"`
	Configurations map[string]any `json:"configurations"`
}

// A segment is where a network is in the data centre.
type segment struct {
	Name     string `json:"name"`
	Type     string `json:"provider:network_type"`
	Physical string `json:"provider:physical_network"`
}

// whyUnbound looks at what usually keeps a port from being bound: Neutron's
// answer says only that it is not.
func (c *Cloud) whyUnbound(ctx context.Context, w wirePort, host string) string {
	agents, err := c.agents(ctx, url.Values{"host": {host}})
	if err != nil {
		return "its agents could not be read: " + err.Error()
	}
	if len(agents) == 0 {
		return c.noAgent(ctx, host)
	}
	on, err := c.segment(ctx, w.NetworkID)
	if err != nil {
		return "its network could not be read: " + err.Error()
	}
	var texts []string
	for _, a := range agents {
		texts = append(texts, a.state(on))
	}
	return strings.Join(texts, "; ")
}

// noAgent names the hosts that have one: the name in Neutron is often not the
// one in Nova, with and without its DNS domain.
func (c *Cloud) noAgent(ctx context.Context, host string) string {
	text := fmt.Sprintf("Neutron knows no L2 agent on host %s", host)
	agents, err := c.agents(ctx, nil)
	if err != nil || len(agents) == 0 {
		return text + ", nor can any other be seen: is one running there?"
	}
	hosts := map[string]bool{}
	for _, a := range agents {
		hosts[a.Host] = true
	}
	names := slices.Sorted(maps.Keys(hosts))
	if more := len(names) - 10; more > 0 {
		names = append(names[:10], fmt.Sprintf("and %d more", more))
	}
	return text + " (there are some on " + strings.Join(names, ", ") + "): is it running, and under the host name that Nova uses?"
}

// state says how the agent is, and whether it serves the network.
func (a agent) state(on segment) string {
	who := fmt.Sprintf("the %s on %s", a.Type, a.Host)
	switch {
	case !a.Alive:
		return fmt.Sprintf("%s is down (last heartbeat %s UTC): start it", who, a.Heartbeat)
	case !a.Enabled:
		return who + " is disabled: openstack network agent set --enable"
	case on.Physical != "" && !a.serves(on.Physical):
		return fmt.Sprintf("%s is alive, but network %s is on physical network %s, and it has only %s: add it to bridge_mappings or physical_interface_mappings there",
			who, on.Name, on.Physical, a.mappings())
	}
	return fmt.Sprintf("%s is alive and has %s; network %s is of type %s, physical network %q: look whether its mechanism driver is enabled and what neutron-server's log says",
		who, a.mappings(), on.Name, on.Type, on.Physical)
}

// mappings are the physical networks that the agent has, as it reports them:
// an object, or with OVN a text.
func (a agent) mappings() string {
	var texts []string
	for _, key := range []string{"bridge_mappings", "interface_mappings", "bridge-mappings"} {
		if v, ok := a.Configurations[key]; ok {
			texts = append(texts, fmt.Sprintf("%s %v", key, v))
		}
	}
	if len(texts) == 0 {
		return "no mappings"
	}
	return strings.Join(texts, ", ")
}

func (a agent) serves(physical string) bool {
	_, ok := cloud.Mappings(a.Configurations)[physical]
	return ok
}

// agents reads the L2 agents.
func (c *Cloud) agents(ctx context.Context, filter url.Values) ([]agent, error) {
	all, err := list[agent](ctx, c, "list agents", listing{service: neutron, client: c.network, path: "agents", key: "agents", query: filter})
	return slices.DeleteFunc(all, func(a agent) bool { return !cloud.IsLayer2(a.Type) }), err
}

func (c *Cloud) segment(ctx context.Context, network string) (on segment, err error) {
	var answer struct {
		Network segment `json:"network"`
	}
	err = c.ask(ctx, neutron, "read network "+network, func(ctx context.Context) error {
		_, err := c.network.Get(ctx, c.network.ServiceURL("networks", network), &answer, nil)
		return err
	})
	return answer.Network, err
}
