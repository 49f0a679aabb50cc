package openstack

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestSnapshot(t *testing.T) {
	f := newFake(t)
	f.fill(t)
	s, err := f.open(t).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "snapshot.golden", s)
	for _, want := range []string{"limit=1000", "fields=mac_address", "fields=binding%3Avif_details"} {
		if !strings.Contains(strings.Join(f.calls, "\n"), want) {
			t.Errorf("no request with %q", want)
		}
	}
	for call, want := range map[string]int{
		"GET /network/v2.0/ports": 3, "GET /image/v2/images?limit=1000&marker=": 1, "GET /placement/resource_providers/rp1gpu": 0,
	} {
		if n := f.called(call); n != want {
			t.Errorf("%d requests %s, want %d", n, call, want)
		}
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(text)+"\n", "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// A port is deleted after the page that it ends and before the next one.
func TestLastOfPageIsDeleted(t *testing.T) {
	f := newFake(t)
	f.fill(t)
	ports := entriesOf(t, "ports")
	slices.SortFunc(ports, func(a, b map[string]any) int { return strings.Compare(a["id"].(string), b["id"].(string)) })
	var lists int
	f.handle("GET /network/v2.0/ports", func(w http.ResponseWriter, r *http.Request) {
		lists++
		list := ports
		if lists > 1 {
			list = slices.Delete(slices.Clone(ports), fakePage-1, fakePage)
		}
		paged("ports", "ports_links", list)(w, r)
	})
	s, err := f.open(t).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.Ports {
		got = append(got, p.ID)
	}
	var want []string
	for _, p := range ports {
		want = append(want, p["id"].(string))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
}

// Some services fail, each in its way: all are named.
func TestSnapshotNamesWhatFailed(t *testing.T) {
	garbage := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<html><body>It works!</body></html>")
	}
	status := func(code int, body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { answer(w, code, body) }
	}
	tests := []struct {
		name    string
		pattern string
		handler http.HandlerFunc
		want    string
	}{
		{"forbidden", "GET /identity/v3/projects", status(403, keystoneError("You are not authorized to perform the requested action: identity:list_projects.")),
			`cloud fake: Keystone: list projects: it answered 403, You are not authorized to perform the requested action: identity:list_projects; user "admin" in project "admin" has the roles member, and this needs an administrator's (admin)`},
		{"garbage", "GET /network/v2.0/subnets", garbage, "cloud fake: Neutron: list subnets: the answer is not what this API answers"},
		{"another list", "GET /network/v2.0/networks", status(200, map[string]any{"nets": []any{}}), `Neutron: list networks: the answer has no list "networks"`},
		{"list is none", "GET /image/v2/images", status(200, map[string]any{"images": "none"}), `Glance: list images: the answer has no list "images"`},
		{"wrong type", "GET /network/v2.0/networks", status(200, map[string]any{"networks": []any{map[string]any{"id": "n1", "mtu": "big"}}}), "Neutron: list networks: the answer is not what"},
		{"broken for good", "GET /network/v2.0/ports", status(503, nil), "Neutron: list ports: it answered 503; its own log says why (request req-fake)"},
		{"refuses the token", "GET /placement/resource_providers", status(401, nil), "Placement: list resource providers: it answered 401; it does not accept Keystone's token"},
		{"damaged entry", "GET /network/v2.0/ports", paged("ports", "ports_links", []map[string]any{{"id": "p1", "network_id": "n1", "mac_address": "zz"}}),
			`ports[0] (p1): mac_address "zz" is not a MAC address`},
		{"placement without inventories", "GET /placement/resource_providers/{uuid}/inventories", status(500, nil), "Placement: read the inventories of kvm0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.roles = []string{"member"}
			f.fill(t)
			f.handle(test.pattern, test.handler)
			s, err := f.open(t).Snapshot(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Snapshot = %v, %v, want an error with %q", s, err, test.want)
			}
		})
	}
}

func TestSnapshotNamesAllServicesThatFailed(t *testing.T) {
	f := newFake(t)
	f.fill(t)
	for _, pattern := range []string{"GET /identity/v3/projects", "GET /network/v2.0/networks", "GET /image/v2/images", "GET /placement/resource_providers"} {
		f.handle(pattern, func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, nil) })
	}
	_, err := f.open(t).Snapshot(t.Context())
	for _, service := range []string{"Keystone", "Neutron", "Glance", "Placement"} {
		if err == nil || !strings.Contains(err.Error(), "cloud fake: "+service+": list ") {
			t.Errorf("Snapshot = %v, want %s named", err, service)
		}
	}
}

// What is no extension of a Neutron is not there, which is not a failure.
func TestSnapshotWithoutExtensions(t *testing.T) {
	f := newFake(t)
	f.fill(t)
	for _, pattern := range []string{"GET /network/v2.0/rbac-policies", "GET /network/v2.0/security-groups", "GET /network/v2.0/floatingips"} {
		f.handle(pattern, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 404, neutronError("HTTPNotFound", "The resource could not be found."))
		})
	}
	s, err := f.open(t).Snapshot(t.Context())
	if err != nil || s.SecurityGroups != nil || s.FloatingIPs != nil {
		t.Errorf("Snapshot = %v, %v, want no security groups and no floating IPs", s, err)
	}
}

// Directories behind Keystone fail, or do not give all: users can still be
// named by id, and by name where it is known.
func TestUsersInPart(t *testing.T) {
	const elsewhere = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	for name, ldap := range map[string]http.HandlerFunc{
		"down":      func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, keystoneError("ldap")) },
		"forbidden": func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, keystoneError("no")) },
		"truncated": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 200, map[string]any{"users": []any{}, "truncated": true, "links": map[string]any{"next": nil}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.fill(t)
			all := f.handlers["GET /identity/v3/users"]
			f.handle("GET /identity/v3/users", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("domain_id") == "d-ldap" {
					ldap(w, r)
					return
				}
				all(w, r)
			})
			s, err := f.open(t).Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"users"}, s.Partial); diff != "" {
				t.Errorf("Partial (-want +got):\n%s", diff)
			}
			if u, err := s.User("admin"); err != nil || u.ID != "5a2845fd6d1a46c2b2b93e27f51829a1" {
				t.Errorf("User(admin) = %v, %v", u, err)
			}
			if u, err := s.User(elsewhere); err != nil || u.ID != elsewhere {
				t.Errorf("User by id = %v, %v, want it as given", u, err)
			}
			if _, err := s.User("eve"); err == nil || !strings.Contains(err.Error(), "give the id") {
				t.Errorf("User(eve) = %v, want a word on the id", err)
			}
		})
	}
}

// From 2025.1 on Keystone has pages.
func TestKeystonePages(t *testing.T) {
	f := newFake(t)
	f.fill(t)
	projects := entriesOf(t, "projects")
	f.handle("GET /identity/v3/projects", func(w http.ResponseWriter, r *http.Request) {
		from := 1 + slices.IndexFunc(projects, func(p map[string]any) bool { return p["id"] == r.URL.Query().Get("marker") })
		body := map[string]any{"projects": projects[from : from+1], "truncated": true, "links": map[string]any{"next": nil}}
		if from+1 < len(projects) {
			body["links"] = map[string]any{"next": "http://wrong.example/v3/projects?limit=1&marker=" + projects[from]["id"].(string)}
		} else {
			delete(body, "truncated")
		}
		answer(w, 200, body)
	})
	s, err := f.open(t).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Projects) != len(projects) || s.Partial != nil {
		t.Errorf("%d projects, partial %v, want %d and nothing", len(s.Projects), s.Partial, len(projects))
	}
}

func TestQuotas(t *testing.T) {
	f := newFake(t)
	f.handle("GET /compute/v2.1/os-quota-sets/{project}/detail", func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("OpenStack-API-Version"); got != "compute "+computeVersion {
			t.Errorf("microversion %q", got)
		}
		of := func(limit, used, reserved int) any {
			return map[string]any{"limit": limit, "in_use": used, "reserved": reserved}
		}
		answer(w, 200, map[string]any{"quota_set": map[string]any{
			"id": r.PathValue("project"), "instances": of(10, 3, 1), "cores": of(-1, 7, 0), "ram": of(51200, 4096, 0), "server_groups": of(10, 0, 0),
		}})
	})
	f.handle("GET /network/v2.0/quotas/{project}/details.json", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("project") == "p2" {
			answer(w, 404, neutronError("HTTPNotFound", "The resource could not be found."))
			return
		}
		answer(w, 200, map[string]any{"quota": map[string]any{"port": map[string]any{"limit": 500, "used": 20, "reserved": 2}}})
	})
	got, err := f.open(t).Quotas(t.Context(), []string{"p1", "p2"})
	if err != nil {
		t.Fatal(err)
	}
	nova := cloud.Quota{Instances: cloud.Limit{Max: 10, Used: 4}, Cores: cloud.Limit{Max: -1, Used: 7}, RAMMB: cloud.Limit{Max: 51200, Used: 4096}}
	want := []cloud.Quota{nova, nova}
	want[0].ProjectID, want[0].Ports = "p1", cloud.Limit{Max: 500, Used: 22}
	want[1].ProjectID, want[1].Ports = "p2", cloud.Limit{Max: -1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Quotas (-want +got):\n%s", diff)
	}
}

func TestQuotaWithoutAPart(t *testing.T) {
	f := newFake(t)
	f.handle("GET /compute/v2.1/os-quota-sets/{project}/detail", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"quota_set": map[string]any{"instances": map[string]any{"limit": 1}}})
	})
	if q, err := f.open(t).Quotas(t.Context(), []string{"p1"}); err == nil || !strings.Contains(err.Error(), "Nova: read the quota of project p1") {
		t.Errorf("Quotas = %v, %v, want an error", q, err)
	}
}

// Agents are an extension's, and an administrator's to list. A cloud without
// them can be adopted into, and nobody says what its hosts reach.
func TestSnapshotWithoutAgents(t *testing.T) {
	for _, status := range []int{403, 404} {
		f := newFake(t)
		f.fill(t)
		f.handle("GET /network/v2.0/agents", func(w http.ResponseWriter, _ *http.Request) {
			answer(w, status, neutronError("NotFound", "The resource could not be found."))
		})
		s, err := f.open(t).Snapshot(t.Context())
		if err != nil || s.Agents != nil || len(s.Ports) == 0 {
			t.Errorf("%d: Snapshot = %+v, %v, want one without agents", status, s, err)
		}
	}
	f := newFake(t)
	f.fill(t)
	f.handle("GET /network/v2.0/agents", func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, nil) })
	if _, err := f.open(t).Snapshot(t.Context()); err == nil || !strings.Contains(err.Error(), "Neutron: list agents") {
		t.Errorf("500: Snapshot = %v, want an error that names the list", err)
	}
}
