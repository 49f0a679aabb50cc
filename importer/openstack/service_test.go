package openstack

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func TestHostProviders(t *testing.T) {
	f := newFake(t)
	p := f.placement()
	names := map[string]string{"kvm07.example.org": p.provider, "kvm 8": "rp-8"}
	f.handle("GET /placement/resource_providers", func(w http.ResponseWriter, r *http.Request) {
		list := []any{}
		if id, ok := names[r.URL.Query().Get("name")]; ok {
			list = append(list, map[string]any{"uuid": id, "name": r.URL.Query().Get("name"), "generation": 4})
		}
		answer(w, 200, map[string]any{"resource_providers": list})
	})
	c := f.open(t)
	got, err := c.HostProviders(t.Context(), "kvm 8", "nobody", "kvm07.example.org")
	if err != nil || len(got) != 2 || got[0].Name != "kvm 8" || got[1].UUID != p.provider || got[1].Inventories["VCPU"].Total != 8 {
		t.Errorf("HostProviders = %+v, %v, want those of two names, with inventories", got, err)
	}
	if got, err := c.HostProviders(t.Context()); got == nil || len(got) != 0 || err != nil {
		t.Errorf("HostProviders of no name = %+v, %v, want none, and not that nobody was asked", got, err)
	}
	f.handle("GET /placement/resource_providers", func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, nil) })
	if _, err := c.HostProviders(t.Context(), "kvm07"); err == nil || !strings.Contains(err.Error(), "find the resource provider kvm07") {
		t.Errorf("HostProviders of a Placement that refuses = %v", err)
	}
}

func TestComputeServices(t *testing.T) {
	f := newFake(t)
	const known, busy = "5e000000-0000-4000-8000-000000000001", "5e000000-0000-4000-8000-000000000002"
	var said struct {
		Status string
		Reason string `json:"disabled_reason"`
	}
	f.handle("PUT /compute/v2.1/os-services/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != known {
			answer(w, 404, novaError("itemNotFound", "Service could not be found."))
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
			t.Error(err)
		}
		answer(w, 200, map[string]any{"service": map[string]any{"id": known, "status": said.Status}})
	})
	deleted := 0
	f.handle("DELETE /compute/v2.1/os-services/{id}", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.PathValue("id") == busy:
			answer(w, 409, novaError("conflictingRequest", "Unable to delete compute service that is hosting instances."))
		case deleted > 0:
			answer(w, 404, novaError("itemNotFound", "Service could not be found."))
		default:
			deleted++
			w.WriteHeader(204)
		}
	})
	c := f.open(t)
	if err := c.DisableService(t.Context(), known, "guests"); err != nil || said.Status != "disabled" || said.Reason != "guests" {
		t.Errorf("DisableService = %v, and Nova was told %+v", err, said)
	}
	if err := c.DisableService(t.Context(), busy, ""); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("DisableService of none = %v, want %v", err, cloud.ErrNotFound)
	}
	if err := c.EnableService(t.Context(), known); err != nil || said.Status != "enabled" {
		t.Errorf("EnableService = %v, and Nova was told %+v", err, said)
	}
	if err := c.EnableService(t.Context(), busy); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("EnableService of none = %v, want %v", err, cloud.ErrNotFound)
	}
	for range 2 { // The second time it is gone.
		if err := c.DeleteService(t.Context(), known); err != nil {
			t.Errorf("DeleteService = %v", err)
		}
	}
	if err := c.DeleteService(t.Context(), busy); !errors.Is(err, cloud.ErrHosting) || !strings.Contains(err.Error(), "hosting instances") {
		t.Errorf("DeleteService of a host with instances = %v", err)
	}
}
