package openstack

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A fakeNova keeps flavors as Nova does: a name once in the cloud, extra specs
// and projects apart from the flavor, the creator not among them.
type fakeNova struct {
	t *testing.T

	mu      sync.Mutex
	flavors map[string]map[string]any // by flavorid
	access  map[string][]string       // projects, by flavorid
	made    int
}

// flavors puts Nova's flavors into the fake cloud.
func (f *fakeCloud) flavors() *fakeNova {
	n := &fakeNova{t: f.t, flavors: map[string]map[string]any{}, access: map[string][]string{}}
	f.handle("GET /compute/v2.1/flavors/detail", n.list)
	f.handle("POST /compute/v2.1/flavors", n.create)
	f.handle("GET /compute/v2.1/flavors/{id}", n.read)
	f.handle("DELETE /compute/v2.1/flavors/{id}", n.remove)
	f.handle("POST /compute/v2.1/flavors/{id}/os-extra_specs", n.setSpecs)
	f.handle("GET /compute/v2.1/flavors/{id}/os-flavor-access", n.listAccess)
	f.handle("POST /compute/v2.1/flavors/{id}/action", n.addAccess)
	return n
}

// add is a flavor that others made: 2 vCPUs, 512 MB, 10 GB.
func (n *fakeNova) add(flavor map[string]any) (id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	id = fmt.Sprintf("flavor-%d", n.made)
	n.flavors[id] = map[string]any{
		"id": id, "vcpus": 2, "ram": 512, "disk": 10, "OS-FLV-EXT-DATA:ephemeral": 0, "swap": "", "rxtx_factor": 1.0,
		"os-flavor-access:is_public": false, "description": nil, "extra_specs": map[string]string{},
	}
	maps.Copy(n.flavors[id], flavor)
	return id
}

func (n *fakeNova) list(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Header.Get("X-OpenStack-Nova-API-Version") != computeVersion || r.URL.Query().Get("is_public") != "None" {
		n.t.Errorf("%s at %q does not show descriptions, extra specs and private ones", r.URL, r.Header.Get("X-OpenStack-Nova-API-Version"))
	}
	all := []any{}
	for _, f := range n.flavors {
		all = append(all, f)
	}
	answer(w, 200, map[string]any{"flavors": all})
}

func (n *fakeNova) create(w http.ResponseWriter, r *http.Request) {
	var in struct{ Flavor map[string]any }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		n.t.Errorf("create flavor: %v", err)
	}
	n.mu.Lock()
	for _, f := range n.flavors {
		if f["name"] == in.Flavor["name"] {
			n.mu.Unlock()
			answer(w, 409, novaError("conflictingRequest", fmt.Sprintf("Flavor with name %s already exists.", in.Flavor["name"])))
			return
		}
	}
	n.mu.Unlock()
	in.Flavor["swap"] = "" // as Nova writes 0 before 2.75
	id := n.add(in.Flavor)
	answer(w, 200, map[string]any{"flavor": n.flavors[id]})
}

// of finds the flavor of the request, or answers 404.
func (n *fakeNova) of(w http.ResponseWriter, r *http.Request) (id string, f map[string]any) {
	id = r.PathValue("id")
	if f = n.flavors[id]; f == nil {
		answer(w, 404, novaError("itemNotFound", "Flavor "+id+" could not be found."))
	}
	return id, f
}

func (n *fakeNova) read(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, f := n.of(w, r); f != nil {
		answer(w, 200, map[string]any{"flavor": f})
	}
}

func (n *fakeNova) remove(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, f := n.of(w, r); f != nil {
		delete(n.flavors, id)
		w.WriteHeader(202)
	}
}

func (n *fakeNova) setSpecs(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var in struct {
		Specs map[string]string `json:"extra_specs"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Specs) == 0 {
		n.t.Errorf("set extra specs %v: %v", in.Specs, err)
	}
	if _, f := n.of(w, r); f != nil {
		maps.Copy(f["extra_specs"].(map[string]string), in.Specs)
		answer(w, 200, in)
	}
}

func (n *fakeNova) listAccess(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id, f := n.of(w, r)
	switch {
	case f == nil:
	case f["os-flavor-access:is_public"] == true:
		answer(w, 404, novaError("itemNotFound", "Access list not available for public flavors."))
	default:
		list := []any{}
		for _, p := range n.access[id] {
			list = append(list, map[string]any{"flavor_id": id, "tenant_id": p})
		}
		answer(w, 200, map[string]any{"flavor_access": list})
	}
}

func (n *fakeNova) addAccess(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var in struct {
		Add struct{ Tenant string } `json:"addTenantAccess"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Add.Tenant == "" {
		n.t.Errorf("add access: %+v, %v", in, err)
	}
	id, f := n.of(w, r)
	switch {
	case f == nil:
	case slices.Contains(n.access[id], in.Add.Tenant):
		answer(w, 409, novaError("conflictingRequest", "Flavor access already exists"))
	default:
		n.access[id] = append(n.access[id], in.Add.Tenant)
		answer(w, 200, map[string]any{"flavor_access": []any{}})
	}
}

func novaError(key, text string) any {
	return map[string]any{key: map[string]any{"code": 400, "message": strings.TrimSpace(text)}}
}
