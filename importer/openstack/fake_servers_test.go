package openstack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// A fakeServers keeps one instance as Nova does: an order is refused in the
// wrong state, noted when it is taken, and carried out when the test says so.
type fakeServers struct {
	t *testing.T

	mu      sync.Mutex
	server  map[string]any
	actions []map[string]any // youngest first
	events  map[string][]any // by request id
	orders  int
}

const fakeServer = "5a1e0000-0000-4000-8000-000000000001"

// servers puts an instance that is shut off into the fake cloud.
func (f *fakeCloud) servers() *fakeServers {
	n := &fakeServers{t: f.t, events: map[string][]any{}, server: map[string]any{
		"id": fakeServer, "status": "SHUTOFF", "OS-EXT-STS:vm_state": "stopped", "OS-EXT-STS:task_state": nil,
		"OS-EXT-STS:power_state": 4, "OS-EXT-SRV-ATTR:host": "kvm07", "OS-EXT-SRV-ATTR:instance_name": "instance-0000000a",
		"locked": true, "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z",
	}}
	f.handle("GET /compute/v2.1/servers/{id}", n.show)
	f.handle("POST /compute/v2.1/servers/{id}/action", n.order)
	f.handle("GET /compute/v2.1/servers/{id}/os-instance-actions", n.list)
	f.handle("GET /compute/v2.1/servers/{id}/os-instance-actions/{request}", n.detail)
	return n
}

// is puts the instance into a state.
func (n *fakeServers) is(status, vmState string, task any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server["status"], n.server["OS-EXT-STS:vm_state"], n.server["OS-EXT-STS:task_state"] = status, vmState, task
}

// note is an order of anybody's.
func (n *fakeServers) note(name string) (request string) {
	request = fmt.Sprintf("req-%d", len(n.actions))
	start := fmt.Sprintf("2026-01-01T00:00:%02d.000000", len(n.actions))
	n.actions = append([]map[string]any{{"action": name, "request_id": request, "start_time": start, "message": nil}}, n.actions...)
	return request
}

// fails says that an action went wrong.
func (n *fakeServers) fails(request, details string) {
	for _, a := range n.actions {
		if a["request_id"] == request {
			a["message"] = "Error"
		}
	}
	n.events[request] = []any{
		map[string]any{"event": "conductor_thing", "result": "Success", "details": nil},
		map[string]any{"event": "compute_start_instance", "result": "Error", "details": details},
	}
}

func (n *fakeServers) show(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.PathValue("id") != fakeServer {
		answer(w, 404, novaError("itemNotFound", "Instance could not be found."))
		return
	}
	answer(w, 200, map[string]any{"server": n.server})
}

func (n *fakeServers) order(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		n.t.Errorf("action: %v", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	state, task := n.server["OS-EXT-STS:vm_state"], n.server["OS-EXT-STS:task_state"]
	name, next, refuse := "", "", false
	if _, is := in["os-start"]; is {
		name, next, refuse = "start", "powering-on", state != "stopped" || task != nil
	} else if how, is := in["reboot"].(map[string]any); is && how["type"] == "HARD" {
		name, next, refuse = "reboot", "rebooting_hard", task != nil && task != "rebooting_hard"
	} else {
		n.t.Errorf("nobody expected the action %v", in)
	}
	if refuse {
		answer(w, 409, novaError("conflictingRequest", fmt.Sprintf("Cannot '%s' instance %s while it is in vm_state %s", name, fakeServer, state)))
		return
	}
	n.note(name)
	n.orders++
	n.server["OS-EXT-STS:task_state"] = next
	w.WriteHeader(http.StatusAccepted)
}

func (n *fakeServers) list(w http.ResponseWriter, _ *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	answer(w, 200, map[string]any{"instanceActions": n.actions})
}

func (n *fakeServers) detail(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if got := r.Header.Get("X-OpenStack-Nova-API-Version"); got != detailsVersion {
		n.t.Errorf("events are asked for at %q, which does not tell their details", got)
	}
	answer(w, 200, map[string]any{"instanceAction": map[string]any{"events": n.events[r.PathValue("request")]}})
}
