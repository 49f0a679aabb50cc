//go:build lab

package openstack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
)

// What testdata/lab furnishes its cloud with.
const (
	labHost    = "k2o-lab"
	labNetwork = "legacy-net"
	labPrefix  = "10.66.0." // below its pool, above its fleet
)

// A labProject is a project of the test's own in the lab's cloud, so that
// others may work in the lab at the same time, and what is left over is seen.
type labProject struct {
	*Cloud
	t       *testing.T
	id      string
	member  *Cloud // as its user, who is no administrator
	vifType string // with which the lab's Neutron binds a port
}

// newLabProject fails without a lab: a test that is skipped looks like one
// that went well.
func newLabProject(t *testing.T) *labProject {
	t.Helper()
	entry := os.Getenv("K2O_LAB_CLOUD")
	vifType := os.Getenv("K2O_LAB_VIF_TYPE")
	if entry == "" || vifType == "" || os.Getenv("OS_CLIENT_CONFIG_FILE") == "" {
		t.Fatal("these tests need the lab: make lab; . testdata/lab/env.sh")
	}
	c, err := Open(t.Context(), Config{Name: entry})
	if err != nil {
		t.Fatal(err)
	}
	p := &labProject{Cloud: c, t: t, vifType: vifType}
	name, password := "test-"+uuid.NewString()[:8], uuid.NewString()
	p.id = p.create(c.identity, "projects", "project", map[string]any{"name": name, "domain_id": "default"})
	user := p.create(c.identity, "users", "user", map[string]any{"name": name, "domain_id": "default", "password": password})
	p.call(c.identity, "PUT", fmt.Sprintf("projects/%s/users/%s/roles/%s", p.id, user, p.role("member")), nil, nil)
	p.member = p.login(name, password)
	t.Cleanup(p.leavesNothing)
	return p
}

// login opens the cloud as a user of the project.
func (p *labProject) login(name, password string) *Cloud {
	p.t.Helper()
	text := fmt.Sprintf(`clouds: {test: {region_name: RegionOne, auth: {auth_url: %q, username: %s, password: %s, project_name: %s, user_domain_name: Default, project_domain_name: Default}}}`,
		p.identity.Endpoint, name, password, name)
	file := filepath.Join(p.t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.t.Setenv("OS_CLIENT_CONFIG_FILE", file)
	c, err := Open(p.t.Context(), Config{Name: "test"})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *labProject) role(name string) string {
	p.t.Helper()
	var answer struct{ Roles []struct{ ID string } }
	p.call(p.identity, "GET", "roles?name="+name, nil, &answer)
	if len(answer.Roles) != 1 {
		p.t.Fatalf("%d roles are called %s", len(answer.Roles), name)
	}
	return answer.Roles[0].ID
}

// networkID and subnetID of the lab's network.
func (p *labProject) networkID() (network, subnet string) {
	p.t.Helper()
	var answer struct {
		Networks []struct {
			ID      string
			Subnets []string
		}
	}
	p.call(p.network, "GET", "networks?name="+labNetwork, nil, &answer)
	if len(answer.Networks) != 1 || len(answer.Networks[0].Subnets) != 1 {
		p.t.Fatalf("the lab's network: %+v, want one with one subnet", answer.Networks)
	}
	return answer.Networks[0].ID, answer.Networks[0].Subnets[0]
}

// create makes something that is deleted when the test ends.
func (p *labProject) create(client *gophercloud.ServiceClient, list, kind string, what map[string]any) (id string) {
	p.t.Helper()
	var answer map[string]struct{ ID string }
	p.call(client, "POST", list, map[string]any{kind: what}, &answer)
	id = answer[kind].ID
	p.t.Cleanup(func() { p.call(client, "DELETE", list+"/"+id, nil, nil) })
	return id
}

// call is one request to the real thing, beside what is tested.
func (p *labProject) call(client *gophercloud.ServiceClient, method, path string, body, into any) {
	p.t.Helper()
	opts := &gophercloud.RequestOpts{JSONBody: body, JSONResponse: into, OkCodes: []int{200, 201, 202, 204}}
	// Not the test's context: that one has ended when things are cleared away.
	if _, err := client.Request(context.Background(), method, client.ServiceURL(path), opts); err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// leavesNothing fails the test for what is left of the project, and deletes
// it. The security groups and quotas are Neutron's own doing.
func (p *labProject) leavesNothing() {
	for _, left := range []struct {
		client     *gophercloud.ServiceClient
		list, kind string
	}{
		{p.network, "ports?project_id=" + p.id, "ports"},
		{p.image, "images?os_hidden=true&owner=" + p.id, "images"},
		{p.image, "images?owner=" + p.id, "images"},
	} {
		for _, id := range p.ids(left.client, left.list, left.kind) {
			p.t.Errorf("%s %s is left over", left.kind, id)
			if left.kind == "images" {
				_ = p.protect(context.Background(), id, false)
			}
			p.call(left.client, http.MethodDelete, left.kind+"/"+id, nil, nil)
		}
	}
	for _, id := range p.ids(p.network, "security-groups?project_id="+p.id, "security_groups") {
		p.call(p.network, http.MethodDelete, "security-groups/"+id, nil, nil)
	}
}

func (p *labProject) ids(client *gophercloud.ServiceClient, path, kind string) (ids []string) {
	var answer map[string]json.RawMessage
	p.call(client, http.MethodGet, path, nil, &answer)
	var list []struct{ ID string }
	if err := json.Unmarshal(answer[kind], &list); err != nil {
		p.t.Fatalf("GET %s: %v", path, err)
	}
	for _, one := range list {
		ids = append(ids, one.ID)
	}
	return ids
}
