package cloud

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// addAll puts pages of lists together.
func addAll(t *testing.T, l *Lists, pages ...[2]string) *Snapshot {
	t.Helper()
	for _, p := range pages {
		if err := l.Add(p[0], []byte(p[1])); err != nil {
			t.Fatal(err)
		}
	}
	s, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestListsInPages(t *testing.T) {
	got := addAll(t, &Lists{},
		[2]string{"subnets", `[{"id":"s1","network_id":"n2","cidr":"10.0.0.0/8"}]`}, // before its network
		[2]string{"networks", `[{"id":"n1","name":"a","router:external":true}]`},
		[2]string{"networks", `[{"id":"n2","name":"b","tenant_id":"p1"}]`},
		[2]string{"networks", `[]`},
		[2]string{"security_groups", `[{"id":"g1","name":"default","tenant_id":"p1","security_group_rules":[]}]`},
		[2]string{"rbac_policies", `[
			{"id":"r1","object_type":"network","object_id":"n2","action":"access_as_shared","target_tenant":"p2"},
			{"id":"r2","object_type":"network","object_id":"n2","action":"access_as_external","target_tenant":"p3"},
			{"id":"r3","object_type":"qos_policy","object_id":"n2","action":"access_as_shared","target_tenant":"p4"},
			{"id":"r4","object_type":"network","object_id":"n1","action":"access_as_shared","target_tenant":"*"},
			{"id":"r5","object_type":"network","object_id":"n9","action":"access_as_shared","target_tenant":"p2"}]`},
		[2]string{"users", `[]`},
		[2]string{"links", `{"next":null}`},
	)
	want := &Snapshot{
		Users: []User{},
		Networks: []Network{
			{ID: "n1", Name: "a", External: true, Shared: true},
			{ID: "n2", Name: "b", ProjectID: "p1", SharedWith: []string{"p2"}, Subnets: []Subnet{{ID: "s1", CIDR: netip.MustParsePrefix("10.0.0.0/8")}}},
		},
		SecurityGroups: []SecurityGroup{{ID: "g1", Name: "default", ProjectID: "p1"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Errorf("Snapshot (-want +got):\n%s", diff)
	}
	for project, want := range map[string]bool{"p1": true, "p2": true, "p3": false, "p4": false} {
		if got.Networks[1].VisibleTo(project) != want {
			t.Errorf("VisibleTo(%s) = %v, want %v", project, !want, want)
		}
	}
}

// An entry of a later page is named by its place in the whole list.
func TestListsNameTheEntry(t *testing.T) {
	port := `{"id":"%s","network_id":"n1","mac_address":"52:54:00:00:00:01"%s}`
	for name, test := range map[string]struct{ page, want string }{
		"twice":   {fmt.Sprintf(port, "p1", ""), "ports[1] has the id p1 of ports[0]"},
		"details": {fmt.Sprintf(port, "p2", `,"binding:vif_details":"none"`), "ports[1] (p2): binding:vif_details: "},
	} {
		t.Run(name, func(t *testing.T) {
			var l Lists
			for _, page := range []string{fmt.Sprintf(port, "p1", `,"binding:vif_details":null`), test.page} {
				if err := l.Add("ports", []byte("["+page+"]")); err != nil {
					t.Fatal(err)
				}
			}
			if s, err := l.Snapshot(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Snapshot = %v, %v, want an error with %q", s, err, test.want)
			}
		})
	}
}

// While the APIs are read networks come and go.
func TestLiveListsMayNotFit(t *testing.T) {
	s := addAll(t, &Lists{Live: true},
		[2]string{"networks", `[{"id":"n1"}]`},
		[2]string{"subnets", `[{"id":"s1","network_id":"n2","cidr":"10.0.0.0/8"}]`})
	if len(s.Networks) != 1 || s.Networks[0].Subnets != nil || !s.Live {
		t.Errorf("Snapshot = %+v, want it live and without the subnet", s)
	}
}

// What ports have in common is kept once.
func TestPortsShare(t *testing.T) {
	var list []string
	for n := range 3 {
		list = append(list, fmt.Sprintf(`{"id":"p%d","network_id":"n1","mac_address":"52:54:00:00:00:0%d","binding:vif_details":{"port_filter":true}}`, n, n))
	}
	s := addAll(t, &Lists{}, [2]string{"ports", "[" + strings.Join(list, ",") + "]"})
	s.Ports[0].VIFDetails["seen"] = true
	if s.Ports[2].VIFDetails["seen"] != true {
		t.Error("equal details are kept for each port")
	}
}

func TestPartialLists(t *testing.T) {
	const id = "cccccccccccccccccccccccccccccccc"
	s := &Snapshot{
		Projects: []Project{{ID: "p1", Name: "legacy"}}, Users: []User{{ID: "u1", Name: "admin"}},
		Networks: []Network{}, Partial: []string{"projects", "users"},
	}
	if p, err := s.Project("legacy"); err != nil || p.ID != "p1" {
		t.Errorf("Project(legacy) = %v, %v", p, err)
	}
	if p, err := s.Project(id); err != nil || p.ID != id {
		t.Errorf("Project by id = %v, %v, want it as given", p, err)
	}
	if u, err := s.User(id); err != nil || u.ID != id {
		t.Errorf("User by id = %v, %v, want it as given", u, err)
	}
	for name, err := range map[string]error{
		"project": second(s.Project("shop")), "user": second(s.User("eve")),
	} {
		if err == nil || !strings.Contains(err.Error(), name+` "`) || !strings.Contains(err.Error(), "did not list all: give the id") {
			t.Errorf("%s: %v, want a word on the id", name, err)
		}
	}
	if _, err := s.Network(id); err == nil {
		t.Error("a network that is not in a whole list was found")
	}
}

func second[T any](_ T, err error) error { return err }
