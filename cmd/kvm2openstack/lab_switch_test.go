//go:build lab

package main

import (
	"net/http"
	"strings"
)

// plugged: each interface of a guest that runs is in the bridge that Neutron's
// agent wires, as the port that Neutron has of it, whoever started the guest.
func (l *lab) plugged(g *legacy) {
	l.t.Helper()
	if !release(l.t).switched {
		return
	}
	var found struct {
		Ports []struct {
			ID  string
			MAC string `json:"mac_address"`
		}
	}
	l.must(call(l.newAPI(administrator).network, http.MethodGet, "ports?device_id="+g.uuid, nil, &found))
	ids := map[string]string{}
	for _, p := range found.Ports {
		ids[p.MAC] = p.ID
	}
	taps := 0
	for line := range strings.Lines(l.virsh("domiflist", g.uuid)) { // tap, type, source, model, MAC
		f := strings.Fields(line)
		if len(f) != 5 {
			continue
		}
		taps++
		bridge := strings.TrimSpace(l.output("ovs-vsctl", "-t", "60", "port-to-br", f[0]))
		id := strings.Trim(strings.TrimSpace(l.output("ovs-vsctl", "-t", "60", "get", "Interface", f[0], "external_ids:iface-id")), `"`)
		if bridge != "br-int" || id == "" || id != ids[f[4]] {
			l.t.Errorf("%s of %s is in %s as the port %q, want br-int and %q", f[0], g.name, bridge, id, ids[f[4]])
		}
	}
	if taps != len(g.nics) || len(ids) != taps {
		l.t.Errorf("%s has %d interfaces, %d taps and %d ports", g.name, len(g.nics), taps, len(ids))
	}
}
