package openstack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A fakeNeutron keeps ports as Neutron 21 does: a MAC address once in a
// network, an address once in a subnet, a revision for each change, and one
// more behind the answer of a binding.
type fakeNeutron struct {
	t *testing.T

	mu     sync.Mutex
	ports  map[string]map[string]any
	made   int
	quota  int                 // 0: none
	agents map[string]agent    // by host
	serves map[string][]string // physical networks that drivers can bind, by host
	subnet netip.Prefix

	details map[string]any // binding:vif_details of what is bound, nil for those of Open vSwitch's agent

	onRead func(port map[string]any) // behind the answer to a read, as others change ports
}

// The one network of the fake, and its subnet.
const (
	fakeNetwork = "net-1"
	fakeSubnet  = "subnet-1"
)

// neutron puts a Neutron into the fake cloud.
func (f *fakeCloud) neutron() *fakeNeutron {
	n := &fakeNeutron{
		t: f.t, ports: map[string]map[string]any{}, agents: map[string]agent{}, serves: map[string][]string{},
		subnet: netip.MustParsePrefix("10.0.0.0/24"),
	}
	n.addAgent("kvm07", "physnet1")
	f.handle("GET /network/v2.0/ports", n.list)
	f.handle("POST /network/v2.0/ports", n.create)
	f.handle("GET /network/v2.0/ports/{id}", n.read)
	f.handle("PUT /network/v2.0/ports/{id}", n.update)
	f.handle("DELETE /network/v2.0/ports/{id}", n.remove)
	f.handle("GET /network/v2.0/agents", n.listAgents)
	f.handle("GET /network/v2.0/floatingips", func(w http.ResponseWriter, _ *http.Request) { // an extension that it does without
		answer(w, 404, neutronError("HTTPNotFound", "The resource could not be found."))
	})
	f.handle("GET /network/v2.0/networks/{id}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"network": map[string]any{
			"id": fakeNetwork, "name": "public", "provider:network_type": "flat", "provider:physical_network": "physnet1",
		}})
	})
	return n
}

func (n *fakeNeutron) addAgent(host string, physical ...string) {
	mappings := map[string]any{}
	for _, p := range physical {
		mappings[p] = "br-ex"
	}
	n.serves[host] = physical
	n.agents[host] = agent{Type: "Open vSwitch agent", Host: host, Alive: true, Enabled: true, Configurations: map[string]any{"bridge_mappings": mappings}}
}

// add is a port that others made.
func (n *fakeNeutron) add(port map[string]any) (id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	id = fmt.Sprintf("port-%d", n.made)
	full := map[string]any{
		"id": id, "name": "", "description": "", "network_id": fakeNetwork, "project_id": "p-other", "mac_address": "52:54:00:00:00:99",
		"device_id": "", "device_owner": "", "status": "DOWN", "binding:host_id": "", "binding:vif_type": "unbound",
		"binding:vnic_type": "normal", "binding:vif_details": map[string]any{}, "port_security_enabled": true,
		"revision_number": 1, "fixed_ips": []any{},
	}
	for k, v := range port {
		full[k] = v
	}
	n.ports[id] = full
	return id
}

func (n *fakeNeutron) get(id string) map[string]any {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ports[id]
}

func (n *fakeNeutron) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.ports)
}

func (n *fakeNeutron) list(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := r.URL.Query()
	found := []any{}
	for _, p := range n.ports {
		match := true
		for _, key := range []string{"network_id", "mac_address", "device_id"} {
			match = match && (!q.Has(key) || slices.Contains(q[key], p[key].(string)))
		}
		if ip, ok := strings.CutPrefix(q.Get("fixed_ips"), "ip_address="); ok {
			match = match && hasAddress(p, ip)
		}
		if match {
			found = append(found, p)
		}
	}
	answer(w, 200, map[string]any{"ports": found})
}

func hasAddress(port map[string]any, ip string) bool {
	list, _ := port["fixed_ips"].([]any)
	return slices.ContainsFunc(list, func(e any) bool { return e.(map[string]any)["ip_address"] == ip })
}

func (n *fakeNeutron) create(w http.ResponseWriter, r *http.Request) {
	var in struct{ Port map[string]any }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		n.t.Errorf("create port: %v", err)
	}
	ips, ok := in.Port["fixed_ips"].([]any)
	if !ok {
		n.t.Errorf("create port without fixed_ips: Neutron would choose addresses: %v", in.Port)
	}
	if _, bound := in.Port["binding:host_id"]; bound {
		n.t.Errorf("create port with a host: %v", in.Port)
	}
	if status, kind, text := n.refuses(in.Port, ips); status != 0 {
		answer(w, status, neutronError(kind, text))
		return
	}
	in.Port["fixed_ips"] = ips
	id := n.add(in.Port)
	answer(w, 201, map[string]any{"port": n.get(id)})
}

// refuses says why a port cannot be made.
func (n *fakeNeutron) refuses(port map[string]any, ips []any) (status int, kind, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if port["network_id"] != fakeNetwork {
		return 404, "NetworkNotFound", fmt.Sprintf("Network %s could not be found.", port["network_id"])
	}
	if _, some := port["security_groups"]; some && port["port_security_enabled"] == false {
		return 409, "PortSecurityAndIPRequiredForSecurityGroups", "Port security must be enabled"
	}
	if n.quota > 0 && len(n.ports) >= n.quota {
		return 409, "OverQuota", "Quota exceeded for resources: ['port']."
	}
	for _, p := range n.ports {
		if p["mac_address"] == port["mac_address"] {
			return 409, "MacAddressInUse", fmt.Sprintf("Unable to complete operation for network %s. The mac address %s is in use.", fakeNetwork, port["mac_address"])
		}
	}
	for _, e := range ips {
		ip := e.(map[string]any)["ip_address"].(string)
		if !n.subnet.Contains(netip.MustParseAddr(ip)) {
			return 400, "InvalidIpForSubnet", "IP address " + ip + " is not a valid IP for the specified subnet."
		}
		for _, p := range n.ports {
			if hasAddress(p, ip) {
				return 409, "IpAddressAlreadyAllocated", "IP address " + ip + " already allocated in subnet " + fakeSubnet
			}
		}
	}
	return 0, "", ""
}

func (n *fakeNeutron) read(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.ports[r.PathValue("id")]
	if !ok {
		answer(w, 404, neutronError("PortNotFound", "Port could not be found."))
		return
	}
	answer(w, 200, map[string]any{"port": p})
	if n.onRead != nil {
		n.onRead(p)
	}
}

// matches answers 412 for a revision that has gone by.
func (n *fakeNeutron) matches(w http.ResponseWriter, r *http.Request, p map[string]any) bool {
	now := fmt.Sprintf("revision_number=%d", p["revision_number"])
	if match := r.Header.Get("If-Match"); match != "" && match != now {
		answer(w, 412, neutronError("RevisionNumberConstraintFailed", "Constrained to "+match+", but current is "+now))
		return false
	}
	return true
}

func (n *fakeNeutron) update(w http.ResponseWriter, r *http.Request) {
	var in struct{ Port map[string]any }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		n.t.Errorf("update port: %v", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.ports[r.PathValue("id")]
	if !ok {
		answer(w, 404, neutronError("PortNotFound", "Port could not be found."))
		return
	}
	if !n.matches(w, r, p) {
		return
	}
	for k, v := range in.Port {
		p[k] = v
	}
	p["revision_number"] = p["revision_number"].(int) + 1
	if host, bind := in.Port["binding:host_id"].(string); bind {
		switch {
		case host == "":
			p["binding:vif_type"] = "unbound"
		case slices.Contains(n.serves[host], "physnet1"):
			p["binding:vif_type"], p["binding:vif_details"] = "ovs", map[string]any{"bridge_name": "br-int"}
			if n.details != nil {
				p["binding:vif_details"] = n.details
			}
		default:
			p["binding:vif_type"] = "binding_failed"
		}
	}
	answer(w, 200, map[string]any{"port": p})
	p["revision_number"] = p["revision_number"].(int) + 1
}

func (n *fakeNeutron) remove(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.ports[r.PathValue("id")]
	switch {
	case !ok:
		answer(w, 404, neutronError("PortNotFound", "Port could not be found."))
	case n.matches(w, r, p):
		if p["device_id"] != "" {
			n.t.Errorf("port %s is deleted while it is the instance's: Nova would unplug it", p["id"])
		}
		delete(n.ports, r.PathValue("id"))
		w.WriteHeader(204)
	}
}

func (n *fakeNeutron) listAgents(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := []any{map[string]any{"agent_type": "DHCP agent", "host": "net1", "alive": true, "admin_state_up": true}}
	for host, a := range n.agents {
		if want := r.URL.Query().Get("host"); want == "" || want == host {
			list = append(list, map[string]any{
				"agent_type": a.Type, "host": a.Host, "alive": a.Alive, "admin_state_up": a.Enabled,
				"heartbeat_timestamp": "2026-01-02 03:04:05", "configurations": a.Configurations,
			})
		}
	}
	answer(w, 200, map[string]any{"agents": list})
}

// lost does what h does, and the answer never arrives.
func lost(h http.HandlerFunc) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		h(discarded{http.Header{}}, r)
		panic(http.ErrAbortHandler) // net/http's way to break the connection off
	}
}

// instead does what h does and answers with something else.
func instead(status int, text string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h(discarded{http.Header{}}, r)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}
}

// A discarded answer goes nowhere.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header            { return d.header }
func (d discarded) Write(text []byte) (int, error) { return len(text), nil }
func (d discarded) WriteHeader(int)                {}
