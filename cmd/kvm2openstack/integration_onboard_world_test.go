//go:build integration

package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newHost is what nova.conf of the site's host calls it.
const newHost = "kvm07"

// newOnboardSite is a site whose Nova has never seen the host. A shell script
// stands for its nova-compute; Nova's and Placement's APIs are ours.
func newOnboardSite(t *testing.T, release string) *site {
	t.Helper()
	s := bareSite(t, release)
	s.must(os.MkdirAll(s.path("state"), 0o755))
	s.must(os.Mkdir(s.path("instances"), 0o755))
	s.seed()
	for _, q := range []struct{ database, statement string }{
		{"cell1", "DELETE FROM services WHERE host = '" + computeHost + "'"}, {"cell1", "DELETE FROM compute_nodes"}, {"api", "DELETE FROM host_mappings"},
	} {
		_, err := s.databases[q.database].Exec(q.statement)
		s.must(err)
	}
	s.defineGuests()
	s.placement()
	s.write("nova.conf", "[DEFAULT]\nhost = "+newHost+"\nstate_path = "+s.path("state")+"\n[database]\nconnection = secret-of-nova.conf\n")
	s.write("config.yaml", s.onboardConfig())
	t.Cleanup(func() { s.compute("stop") })
	return s
}

// placement is a database that stands for Placement's, a file by which the
// script finds it and the cell, and the APIs.
func (s *site) placement() {
	s.t.Helper()
	name := s.column(s.databases["cell1"], "SELECT DATABASE()")[0]
	s.databases["placement"] = s.create(name+"_placement", "")
	_, err := s.databases["placement"].Exec("CREATE TABLE providers (uuid varchar(36) PRIMARY KEY, name varchar(200) UNIQUE, inventories int)")
	s.must(err)
	s.write("state/placement", name+"_placement")
	host, port, _ := strings.Cut(s.dsn.Addr, ":")
	s.write("state/cell.cnf", fmt.Sprintf("[client]\nhost=%s\nport=%s\nuser=%s\npassword=%q\ndatabase=%s\n", host, port, s.dsn.User, s.dsn.Passwd, name))
	server := httptest.NewServer(cloudOf{s})
	s.t.Cleanup(server.Close)
	s.write("clouds.yaml", fmt.Sprintf("clouds:\n  here:\n    auth: {auth_url: %q, username: admin, password: secret-of-the-cloud, project_name: admin, user_domain_name: Default, project_domain_name: Default}\n    region_name: RegionOne\n", server.URL+"/identity"))
	s.t.Setenv("OS_CLIENT_CONFIG_FILE", s.path("clouds.yaml"))
}

// script is a command of the host's nova-compute.
func (s *site) script(verb, rest string) string {
	here, err := filepath.Abs("testdata/onboard/nova-compute.sh")
	s.must(err)
	return fmt.Sprintf("bash %s %s %s %s", here, s.path("state"), verb, rest)
}

func (s *site) onboardConfig() string {
	conf := "--config-file " + s.path("nova.conf")
	text := strings.Replace(s.configuration(s.url("api"), sshHost(s.t)), "cloud_file: cloud.json\n", "cloud: here\n", 1)
	return text + fmt.Sprintf(`onboard:
  config_files: [%q]
  user: root
  first_start: %q
  first_stop: %q
  start: %q
  stop: %q
  running: %q
  timeout: 60s
`, s.path("nova.conf"), s.script("start", conf+" --config-file $FIRST_START"), s.script("stop", ""), s.script("start", conf), s.script("stop", ""), s.script("running", ""))
}

// compute does something with the host's nova-compute behind everybody's back.
func (s *site) compute(verb string) {
	out, err := runCommand("bash", strings.Fields(s.script(verb, ""))[1:]...)
	if err != nil {
		s.t.Logf("nova-compute.sh %s: %v %s", verb, err, out)
	}
}

// cloudOf answers for Keystone, Nova and Placement, from the site's databases.
type cloudOf struct{ *site }

func (c cloudOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /identity/v3/auth/tokens", c.login)
	mux.HandleFunc("GET /placement/resource_providers", c.providers)
	mux.HandleFunc("GET /placement/resource_providers/{id}/inventories", c.inventories)
	mux.HandleFunc("GET /placement/resource_providers/{id}/usages", func(w http.ResponseWriter, _ *http.Request) { say(w, 200, map[string]any{"usages": map[string]int{}}) })
	mux.HandleFunc("PUT /compute/v2.1/os-services/{id}", c.disable)
	mux.HandleFunc("DELETE /compute/v2.1/os-services/{id}", c.deleteService)
	mux.ServeHTTP(w, r)
}

func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body) // the client may have been killed
	}
}

func (c cloudOf) login(w http.ResponseWriter, r *http.Request) {
	if body, _ := io.ReadAll(r.Body); !strings.Contains(string(body), "secret-of-the-cloud") {
		say(w, 401, nil)
		return
	}
	var catalog []any
	for _, kind := range []string{"identity", "image", "network", "compute", "placement"} {
		catalog = append(catalog, map[string]any{"type": kind, "name": kind, "endpoints": []any{map[string]any{
			"id": kind, "interface": "public", "region": "RegionOne", "region_id": "RegionOne", "url": "http://" + r.Host + "/" + kind,
		}}})
	}
	w.Header().Set("X-Subject-Token", "token")
	say(w, 201, map[string]any{"token": map[string]any{
		"expires_at": time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z"), "catalog": catalog,
		"user": map[string]any{"id": "u", "name": "admin"}, "roles": []any{map[string]any{"id": "r", "name": "admin"}},
	}})
}

func (c cloudOf) providers(w http.ResponseWriter, r *http.Request) {
	list := []any{}
	var id string
	name := r.URL.Query().Get("name")
	if err := c.databases["placement"].QueryRow("SELECT uuid FROM providers WHERE name = ?", name).Scan(&id); err == nil {
		list = append(list, map[string]any{"uuid": id, "name": name, "generation": 1})
	}
	say(w, 200, map[string]any{"resource_providers": list})
}

func (c cloudOf) inventories(w http.ResponseWriter, r *http.Request) {
	has := 0
	if err := c.databases["placement"].QueryRow("SELECT inventories FROM providers WHERE uuid = ?", r.PathValue("id")).Scan(&has); err != nil {
		say(w, 404, nil)
		return
	}
	all := map[string]any{}
	for _, class := range []string{"VCPU", "MEMORY_MB", "DISK_GB"}[:3*has] {
		all[class] = map[string]any{"total": 4, "reserved": 0, "min_unit": 1, "max_unit": 4, "step_size": 1, "allocation_ratio": 1.0}
	}
	say(w, 200, map[string]any{"resource_provider_generation": 1, "inventories": all})
}

func (c cloudOf) disable(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Status string
		Reason string `json:"disabled_reason"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Status != "disabled" && in.Status != "enabled" {
		say(w, 400, nil)
		return
	}
	done, err := c.databases["cell1"].Exec("UPDATE services SET disabled = ?, disabled_reason = NULLIF(?, '') WHERE uuid = ? AND deleted = 0", in.Status == "disabled", in.Reason, r.PathValue("id"))
	if n, _ := affected(done, err); n == 0 {
		say(w, 404, nil)
		return
	}
	say(w, 200, map[string]any{"service": map[string]any{"id": r.PathValue("id"), "status": in.Status}})
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// deleteService is nova/api/openstack/compute/services.py, delete.
func (c cloudOf) deleteService(w http.ResponseWriter, r *http.Request) {
	var host string
	if err := c.databases["cell1"].QueryRow("SELECT host FROM services WHERE uuid = ? AND deleted = 0", r.PathValue("id")).Scan(&host); err != nil {
		say(w, 404, nil)
		return
	}
	for _, q := range []struct{ database, statement string }{
		{"placement", "DELETE FROM providers WHERE ? <> ''"},
		{"api", "DELETE FROM host_mappings WHERE host = ?"},
		{"cell1", "UPDATE compute_nodes SET deleted = id, deleted_at = utc_timestamp() WHERE host = ? AND deleted = 0"},
		{"cell1", "UPDATE services SET deleted = id, deleted_at = utc_timestamp() WHERE host = ? AND `binary` = 'nova-compute' AND deleted = 0"},
	} {
		if _, err := c.databases[q.database].Exec(q.statement, host); err != nil {
			say(w, 500, map[string]any{"error": err.Error()})
			return
		}
	}
	w.WriteHeader(204)
}
