//go:build lab

package main

import (
	"net/http"
	"strings"
)

// kept are what the lock keeps from the owner of a server, as requests.
var kept = []struct {
	name, method, path string
	body               any
}{
	{"pause", http.MethodPost, "/action", map[string]any{"pause": nil}},
	{"suspend", http.MethodPost, "/action", map[string]any{"suspend": nil}},
	{"soft reboot", http.MethodPost, "/action", map[string]any{"reboot": map[string]any{"type": "SOFT"}}},
	{"hard reboot", http.MethodPost, "/action", map[string]any{"reboot": map[string]any{"type": "HARD"}}},
	{"stop", http.MethodPost, "/action", map[string]any{"os-stop": nil}},
	{"start", http.MethodPost, "/action", map[string]any{"os-start": nil}},
	{"rescue", http.MethodPost, "/action", map[string]any{"rescue": map[string]any{}}},
	{"resize", http.MethodPost, "/action", nil},  // with a flavor of the test's
	{"rebuild", http.MethodPost, "/action", nil}, // with the placeholder image
	{"shelve", http.MethodPost, "/action", map[string]any{"shelve": nil}},
	{"delete", http.MethodDelete, "", nil},
	{"metadata", http.MethodPost, "/metadata", map[string]any{"metadata": map[string]any{"a": "b"}}},
	{"unlock", http.MethodPost, "/action", map[string]any{"unlock": nil}},
}

// lockHolds: the owner can do nothing that the lock is there to keep from him,
// nor take it away.
func (d *day) lockHolds() {
	d.t.Helper()
	for _, k := range kept {
		body := k.body
		switch k.name {
		case "resize":
			body = map[string]any{"resize": map[string]any{"flavorRef": d.flavorID(d.owner, d.plan.Flavor.Name)}}
		case "rebuild":
			body = map[string]any{"rebuild": map[string]any{"imageRef": d.plan.ImageRef}}
		}
		err := call(d.owner.compute, k.method, "servers/"+d.uuid()+k.path, body, nil)
		held := refusedWith(err, http.StatusConflict) && strings.Contains(err.Error(), "is locked")
		if k.name == "unlock" {
			held = refusedWith(err, http.StatusForbidden)
		}
		if !held {
			d.t.Errorf("the owner of %s, which is locked, was told on %s: %v", d.guest.name, k.name, err)
		}
	}
	if s, err := d.admin.show(d.uuid()); err != nil || s.Status != d.status || s.Task != nil || !s.Locked {
		d.t.Errorf("%s is %v, locked %v, after its owner has tried everything: %v", d.guest.name, s, s.Locked, err)
	}
}
