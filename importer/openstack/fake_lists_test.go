package openstack

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fill puts a small cloud into the fake: what testdata/cloud has, in pages of
// two as Neutron and Glance make them.
func (f *fakeCloud) fill(t *testing.T) {
	t.Helper()
	for _, l := range []struct{ pattern, file, key, next string }{
		{"GET /identity/v3/projects", "projects", "projects", ""},
		{"GET /identity/v3/domains", "domains", "domains", ""},
		{"GET /network/v2.0/networks", "networks", "networks", "networks_links"},
		{"GET /network/v2.0/subnets", "subnets", "subnets", "subnets_links"},
		{"GET /network/v2.0/rbac-policies", "rbac-policies", "rbac_policies", "rbac_policies_links"},
		{"GET /network/v2.0/security-groups", "security-groups", "security_groups", "security_groups_links"},
		{"GET /network/v2.0/ports", "ports", "ports", "ports_links"},
		{"GET /network/v2.0/floatingips", "floatingips", "floatingips", "floatingips_links"},
		{"GET /network/v2.0/agents", "agents", "agents", ""},
	} {
		f.handle(l.pattern, paged(l.key, l.next, entriesOf(t, l.file)))
	}
	users := entriesOf(t, "users")
	f.handle("GET /identity/v3/users", func(w http.ResponseWriter, r *http.Request) {
		of := []map[string]any{}
		for _, u := range users {
			if u["domain_id"] == r.URL.Query().Get("domain_id") {
				of = append(of, u)
			}
		}
		answer(w, 200, map[string]any{"users": of, "links": map[string]any{"next": nil}})
	})
	images := entriesOf(t, "images")
	f.handle("GET /image/v2/images", func(w http.ResponseWriter, r *http.Request) {
		want := r.URL.Query().Get("os_hidden") == "true"
		shown := slices.DeleteFunc(slices.Clone(images), func(i map[string]any) bool { return i["os_hidden"] != want })
		paged("images", "next", shown)(w, r)
	})
	f.handle("GET /placement/resource_providers", file(t, "resource_providers"))
	f.handle("GET /placement/resource_providers/{uuid}/inventories", byID(t, "inventories"))
	f.handle("GET /placement/resource_providers/{uuid}/usages", byID(t, "usages"))
}

// entriesOf reads a list of testdata/cloud.
func entriesOf(t *testing.T, name string) (list []map[string]any) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, name), &list); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return list
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "cloud", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// file answers with a file as it is.
func file(t *testing.T, name string) http.HandlerFunc {
	text := json.RawMessage(readFile(t, name))
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, text) }
}

// byID answers with one entry of a file, 404 where it has none.
func byID(t *testing.T, name string) http.HandlerFunc {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(readFile(t, name), &all); err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if one, ok := all[r.PathValue("uuid")]; ok {
			answer(w, 200, one)
			return
		}
		answer(w, 404, map[string]any{"errors": []any{map[string]any{"detail": "No resource provider with uuid " + r.PathValue("uuid")}}})
	}
}

// fakePage is the most that the fake gives in one answer, whatever is asked
// for: Neutron has its pagination_max_limit.
const fakePage = 2

// paged answers pages of a list, ordered by id, with the fields that were
// asked for. A marker that is not there is an error, as with Neutron.
func paged(key, next string, entries []map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		list := slices.Clone(entries)
		if next != "" {
			slices.SortFunc(list, func(a, b map[string]any) int { return strings.Compare(a["id"].(string), b["id"].(string)) })
		}
		from := 0
		if marker := q.Get("marker"); marker != "" {
			from = 1 + slices.IndexFunc(list, func(e map[string]any) bool { return e["id"] == marker })
			if from == 0 {
				answer(w, 404, neutronError("NotFound", "marker "+marker+" could not be found."))
				return
			}
		}
		body := map[string]any{}
		if limit, err := strconv.Atoi(q.Get("limit")); err == nil && next != "" {
			if end := from + min(limit, fakePage); end < len(list) {
				list = list[:end]
				body[next] = []any{map[string]any{"rel": "next", "href": "http://wrong.example/"}}
			}
		}
		body[key] = onlyFields(list[from:], q["fields"])
		answer(w, 200, body)
	}
}

func onlyFields(list []map[string]any, names []string) []map[string]any {
	out := []map[string]any{}
	for _, e := range list {
		if len(names) > 0 {
			some := map[string]any{}
			for _, name := range names {
				if v, ok := e[name]; ok {
					some[name] = v
				}
			}
			e = some
		}
		out = append(out, e)
	}
	return out
}
