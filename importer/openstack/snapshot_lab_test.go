//go:build lab

package openstack

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// labConfig is the administrator's entry of the lab.
func labConfig(t *testing.T) Config {
	t.Helper()
	name := os.Getenv("K2O_LAB_CLOUD")
	if name == "" || os.Getenv("OS_CLIENT_CONFIG_FILE") == "" {
		t.Fatal("these tests need the lab: make lab; . testdata/lab/env.sh; export K2O_LAB_CLOUD=k2o-lab")
	}
	return Config{Name: name}
}

func openLab(t *testing.T) *Cloud {
	t.Helper()
	c, err := Open(t.Context(), labConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLabSnapshot(t *testing.T) {
	s, err := openLab(t).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := s.Project("legacy")
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"admin", "legacy-user", "neutron"} {
		if _, err := s.User(user); err != nil {
			t.Error(err)
		}
	}
	n, err := s.Network("legacy-net")
	if err != nil {
		t.Fatal(err)
	}
	if n.NetworkType != "flat" || n.MTU == 0 || !n.VisibleTo(legacy.ID) || len(n.Subnets) == 0 || len(n.Subnets[0].Routes) != 1 {
		t.Errorf("network = %+v, want the lab's flat one, seen by legacy, with its subnet and its route", n)
	}
	if !slices.ContainsFunc(s.SecurityGroups, func(g cloud.SecurityGroup) bool { return g.ProjectID == legacy.ID && g.Name == "default" }) {
		t.Errorf("no default security group of legacy among %v", s.SecurityGroups)
	}
	if s.Ports == nil || len(s.Images) == 0 || !s.Live || s.Partial != nil {
		t.Errorf("%v ports, %d images, live %v, partial %v", s.Ports, len(s.Images), s.Live, s.Partial)
	}
	if len(s.Providers) != 1 {
		t.Fatalf("providers = %+v, want the one host", s.Providers)
	}
	for _, class := range []string{"VCPU", "MEMORY_MB", "DISK_GB"} {
		if i := s.Providers[0].Inventories[class]; i.Total == 0 || i.Ratio == 0 || i.MaxUnit == 0 {
			t.Errorf("inventory of %s = %+v, want all of it", class, i)
		}
	}
}

// Networks, projects and the like are the same if they come in the answers as
// they are, whole and with all fields, as a file has them.
func TestLabSnapshotIsThatOfAFile(t *testing.T) {
	c := openLab(t)
	file := &reading{Cloud: c, lists: cloud.Lists{Live: true}}
	for _, l := range []listing{
		{keystone, c.identity, "projects", "projects", nil},
		{keystone, c.identity, "users", "users", nil},
		{neutron, c.network, "networks", "networks", nil},
		{neutron, c.network, "subnets", "subnets", nil},
		{neutron, c.network, "security-groups", "security_groups", nil},
		{neutron, c.network, "rbac-policies", "rbac_policies", nil},
	} {
		p, err := l.get(t.Context(), l.query)
		if err != nil {
			t.Fatalf("%s: %v", l.key, err)
		}
		if err := file.add(l.key, p.entries); err != nil {
			t.Fatalf("%s: %v", l.key, err)
		}
	}
	want, err := file.lists.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	network := func(s *cloud.Snapshot) any {
		n, err := s.Network("legacy-net")
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(n.Subnets, func(a, b cloud.Subnet) int { return strings.Compare(a.ID, b.ID) })
		return n
	}
	if diff := cmp.Diff(network(want), network(got), cmp.Comparer(func(a, b cloud.Subnet) bool {
		return a.ID == b.ID && a.CIDR == b.CIDR && a.Gateway == b.Gateway && slices.Equal(a.Pools, b.Pools) && slices.Equal(a.Routes, b.Routes)
	})); diff != "" {
		t.Errorf("network (-file +APIs):\n%s", diff)
	}
	for _, name := range []string{"legacy", "admin", "service"} {
		w, err1 := want.Project(name)
		g, err2 := got.Project(name)
		if err := errors.Join(err1, err2); err != nil || w != g {
			t.Errorf("project %s: file %v, APIs %v, %v", name, w, g, err)
		}
	}
}

// Pages of one entry hold the same as one page does, by Neutron's and Glance's
// own rules for the next one.
func TestLabPages(t *testing.T) {
	c := openLab(t)
	for _, l := range []listing{
		{neutron, c.network, "security-groups", "security_groups", fields("id name project_id")},
		{neutron, c.network, "subnets", "subnets", nil},
		{neutron, c.network, "rbac-policies", "rbac_policies", nil},
		{neutron, c.network, "ports", "ports", fields("id mac_address network_id")},
		{glance, c.image, "images", "images", nil},
	} {
		t.Run(l.key, func(t *testing.T) {
			// Others may work in the lab: what is read before and after has to
			// be in between.
			before := labIDs(t, c, l, pageSize)
			got := labIDs(t, c, l, "1")
			after := labIDs(t, c, l, pageSize)
			if len(before) == 0 && l.key != "ports" {
				t.Fatalf("the lab has no %s", l.key)
			}
			for id := range before {
				if after[id] && !got[id] {
					t.Errorf("%s %s is not in the pages", l.key, id)
				}
			}
			for id := range got {
				if !before[id] && !after[id] {
					t.Errorf("%s %s is in the pages only", l.key, id)
				}
			}
		})
	}
}

func labIDs(t *testing.T, c *Cloud, l listing, limit string) map[string]bool {
	t.Helper()
	query := url.Values{"limit": {limit}}
	maps.Copy(query, l.query)
	l.query = query
	r := &reading{Cloud: c}
	ids := map[string]bool{}
	pages := 0
	err := r.eachPage(t.Context(), l, func(p page) error {
		pages++
		for _, id := range p.ids {
			if ids[id] {
				t.Errorf("%s came twice", id)
			}
			ids[id] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if limit == "1" && pages < len(ids) {
		t.Errorf("%d entries in %d pages: the limit was not heeded", len(ids), pages)
	}
	return ids
}

func TestLabQuotas(t *testing.T) {
	c := openLab(t)
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := s.Project("legacy")
	if err != nil {
		t.Fatal(err)
	}
	quotas, err := c.Quotas(t.Context(), []string{legacy.ID})
	if err != nil {
		t.Fatal(err)
	}
	q := quotas[0]
	for name, l := range map[string]cloud.Limit{"instances": q.Instances, "cores": q.Cores, "ram": q.RAMMB, "ports": q.Ports} {
		if l.Max == 0 || l.Used < 0 {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

// A token that is not valid any more is replaced by a new one.
func TestLabTokenIsRenewed(t *testing.T) {
	c := openLab(t)
	old := c.identity.Token()
	_, err := c.identity.Delete(t.Context(), c.identity.ServiceURL("auth", "tokens"), &gophercloud.RequestOpts{
		MoreHeaders: map[string]string{"X-Subject-Token": old},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Snapshot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.identity.Token() == old {
		t.Error("the token is still the revoked one")
	}
}

// A member of a project is told what is missing.
func TestLabMember(t *testing.T) {
	cfg := labConfig(t)
	cfg.Name += "-legacy"
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Snapshot(t.Context())
	for _, want := range []string{"Keystone: list projects: it answered 403", "has the roles member", "needs an administrator's"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Snapshot = %v, want %q in it", err, want)
		}
	}
	t.Log(err)
}

func TestLabWrongPassword(t *testing.T) {
	cfg := labConfig(t)
	text, err := os.ReadFile(os.Getenv("OS_CLIENT_CONFIG_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	const wrong = "not-the-password"
	file := filepath.Join(t.TempDir(), "clouds.yaml")
	lines := strings.Split(string(text), "\n")
	for n, line := range lines {
		if head, _, ok := strings.Cut(line, "password:"); ok {
			lines[n] = head + "password: " + wrong
		}
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", file)
	_, err = Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "is wrong in clouds.yaml") || strings.Contains(err.Error(), wrong) {
		t.Errorf("Open = %v, want a word on the password, and not the password", err)
	}
	t.Log(err)
}

func TestLabDeadline(t *testing.T) {
	c := openLab(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := c.Snapshot(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Snapshot = %v, want the deadline", err)
	}
	t.Log(err)
}
