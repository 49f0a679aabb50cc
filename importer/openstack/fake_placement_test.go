package openstack

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A fakePlacement keeps one provider and its consumers as Placement does, with
// a generation for each, from 1.28 on.
type fakePlacement struct {
	t *testing.T

	mu        sync.Mutex
	newest    int // microversion 1.N
	provider  string
	total     map[string]int
	consumers map[string]*fakeConsumer
	conflicts int // so many more writes find that somebody was quicker
	writes    int
}

type fakeConsumer struct {
	Resources         map[string]int
	Project, User     string
	Type              string
	Generation, Other int // Other: what it has of a provider below the node
}

func (f *fakeCloud) placement() *fakePlacement {
	p := &fakePlacement{
		t: f.t, newest: 39, provider: "rp-1", total: map[string]int{"VCPU": 8, "MEMORY_MB": 1024, "DISK_GB": 100},
		consumers: map[string]*fakeConsumer{},
	}
	f.handle("GET /placement/allocations/{consumer}", p.version(p.read))
	f.handle("PUT /placement/allocations/{consumer}", p.version(p.write))
	f.handle("DELETE /placement/allocations/{consumer}", p.version(p.remove))
	f.handle("GET /placement/resource_providers/{uuid}/inventories", p.version(p.inventories))
	f.handle("GET /placement/resource_providers/{uuid}/usages", p.version(p.usages))
	return p
}

// version answers 406 to a microversion that this release does not know.
func (p *fakePlacement) version(h func(http.ResponseWriter, *http.Request, int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, ok := strings.CutPrefix(r.Header.Get("OpenStack-API-Version"), "placement 1.")
		minor, err := strconv.Atoi(text)
		if !ok || err != nil || minor < 28 {
			p.t.Errorf("%s %s at version %q", r.Method, r.URL, r.Header.Get("OpenStack-API-Version"))
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if minor > p.newest {
			answer(w, 406, placementError("placement.undefined_code", "Unacceptable version header: 1."+text))
			return
		}
		h(w, r, minor)
	}
}

func placementError(code, detail string) any {
	return map[string]any{"errors": []any{map[string]any{"status": 409, "code": code, "title": "x", "detail": detail}}}
}

func (p *fakePlacement) read(w http.ResponseWriter, r *http.Request, minor int) {
	c := p.consumers[r.PathValue("consumer")]
	if c == nil {
		answer(w, 200, map[string]any{"allocations": map[string]any{}})
		return
	}
	allocations := map[string]any{p.provider: map[string]any{"generation": 7, "resources": c.Resources}}
	if c.Other > 0 {
		allocations["a-gpu"] = map[string]any{"generation": 1, "resources": map[string]any{"VGPU": c.Other}}
	}
	body := map[string]any{"allocations": allocations, "project_id": c.Project, "user_id": c.User, "consumer_generation": c.Generation}
	if minor >= 38 {
		body["consumer_type"] = c.Type
	}
	answer(w, 200, body)
}

func (p *fakePlacement) write(w http.ResponseWriter, r *http.Request, minor int) {
	p.writes++
	var in struct {
		Allocations map[string]struct{ Resources map[string]int }
		Project     string `json:"project_id"`
		User        string `json:"user_id"`
		Generation  *int   `json:"consumer_generation"`
		Type        string `json:"consumer_type"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || (in.Type != "") != (minor >= 38) {
		p.t.Errorf("write at 1.%d: consumer_type %q, %v", minor, in.Type, err)
	}
	id := r.PathValue("consumer")
	has := p.consumers[id]
	if p.conflicts > 0 || (has == nil) != (in.Generation == nil) || has != nil && *in.Generation != has.Generation {
		p.conflicts--
		answer(w, 409, placementError("placement.concurrent_update", "Inventory and/or allocations changed while attempting to allocate"))
		return
	}
	for provider, a := range in.Allocations {
		if status, detail := p.refuses(id, provider, a.Resources); status != 0 {
			answer(w, status, placementError("placement.undefined_code", detail))
			return
		}
		p.consumers[id] = &fakeConsumer{Resources: maps.Clone(a.Resources), Project: in.Project, User: in.User, Type: in.Type, Generation: p.writes}
	}
	w.WriteHeader(204)
}

func (p *fakePlacement) refuses(id, provider string, want map[string]int) (status int, detail string) {
	if provider != p.provider {
		return 400, "Allocation for resource provider '" + provider + "' that does not exist."
	}
	for class, n := range want {
		if used := p.used(class, id); n+used > p.total[class] {
			return 409, fmt.Sprintf("Unable to allocate inventory: Unable to create allocation for '%s' on resource provider '%s'. The requested amount would exceed the capacity.", class, provider)
		}
	}
	return 0, ""
}

// used is what all consumers but one have.
func (p *fakePlacement) used(class, but string) (n int) {
	for id, c := range p.consumers {
		if id != but {
			n += c.Resources[class]
		}
	}
	return n
}

func (p *fakePlacement) remove(w http.ResponseWriter, r *http.Request, _ int) {
	id := r.PathValue("consumer")
	if p.consumers[id] == nil {
		answer(w, 404, placementError("placement.undefined_code", "No allocations for consumer '"+id+"' found"))
		return
	}
	delete(p.consumers, id)
	w.WriteHeader(204)
}

func (p *fakePlacement) inventories(w http.ResponseWriter, _ *http.Request, _ int) {
	all := map[string]any{}
	for class, total := range p.total {
		all[class] = map[string]any{"total": total, "reserved": 0, "min_unit": 1, "max_unit": total, "step_size": 1, "allocation_ratio": 1.0}
	}
	answer(w, 200, map[string]any{"resource_provider_generation": 7, "inventories": all})
}

func (p *fakePlacement) usages(w http.ResponseWriter, _ *http.Request, _ int) {
	all := map[string]int{}
	for class := range p.total {
		all[class] = p.used(class, "")
	}
	answer(w, 200, map[string]any{"resource_provider_generation": 7, "usages": all})
}
