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

// What Nova keeps of a port comes from all over Neutron.
func TestListsForTheInfoCache(t *testing.T) {
	s := addAll(t, &Lists{},
		[2]string{"networks", `[
			{"id":"n1","provider:network_type":"vlan","provider:physical_network":"physnet1"},
			{"id":"n2","provider:network_type":"geneve"},
			{"id":"n3","segments":[{"provider:network_type":"vxlan","provider:physical_network":null},{"provider:network_type":"vlan","provider:physical_network":"physnet3"},
				{"provider:network_type":"vlan","provider:physical_network":"physnet4"}]}]`},
		[2]string{"subnets", `[{"id":"s1","network_id":"n1","cidr":"2001:db8::/64","ipv6_address_mode":"slaac",
			"host_routes":[{"destination":"2001:db8:1::/48","nexthop":"2001:db8::9"},{"destination":"::/0","nexthop":"2001:db8::8"}]}]`},
		[2]string{"floatingips", `[{"id":"f1","floating_ip_address":"203.0.113.1","fixed_ip_address":"10.0.0.1","port_id":"p1"},{"id":"f2","floating_ip_address":"203.0.113.2","port_id":null}]`},
		[2]string{"floatingips", `[{"id":"f3","floating_ip_address":"203.0.113.3","fixed_ip_address":"10.0.0.2","port_id":"p1"},
			{"id":"f4","floating_ip_address":"203.0.113.4","fixed_ip_address":"10.0.0.1","port_id":"p1"}]`},
		[2]string{"ports", `[
			{"id":"p1","mac_address":"52:54:00:00:00:01","network_id":"n1","admin_state_up":false,"binding:profile":{"b": 1,"a": 2}},
			{"id":"p2","mac_address":"52:54:00:00:00:02","network_id":"n1","admin_state_up":true,"binding:profile":{ }},
			{"id":"p3","mac_address":"52:54:00:00:00:03","network_id":"n1","device_owner":"network:dhcp","fixed_ips":[{"subnet_id":"s1","ip_address":"2001:db8::3"}]},
			{"id":"p4","mac_address":"52:54:00:00:00:04","network_id":"n1","device_owner":"network:dhcp","binding:profile":null,"fixed_ips":[{"subnet_id":"s1","ip_address":"2001:db8::4"}]}]`},
	)
	n := s.Networks
	for _, check := range []struct {
		what      string
		got, want any
	}{
		{"physical networks", []string{n[0].Physical(), n[1].Physical(), n[2].Physical()}, []string{"physnet1", "", "physnet3"}},
		{"tunneled", []bool{n[0].Tunneled(), n[1].Tunneled(), n[2].Tunneled()}, []bool{false, true, false}},
		{"mode", n[0].Subnets[0].Mode, "slaac"},
		{"routes", fmt.Sprint(n[0].Subnets[0].Routes), "[{2001:db8:1::/48 2001:db8::9} {::/0 2001:db8::8}]"},
		{"floating IPs", fmt.Sprint(s.Floating(Port{ID: "p1"}, netip.MustParseAddr("10.0.0.1"))), "[203.0.113.1 203.0.113.4]"},
		{"of the other address", fmt.Sprint(s.Floating(Port{ID: "p1"}, netip.MustParseAddr("10.0.0.2"))), "[203.0.113.3]"},
		{"of another port", fmt.Sprint(s.Floating(Port{ID: "p2"}, netip.MustParseAddr("10.0.0.1"))), "[]"},
		{"read with the port", fmt.Sprint(s.Floating(Port{ID: "p1", Floating: []FloatingIP{}}, netip.MustParseAddr("10.0.0.1"))), "[]"},
		{"profiles", []string{string(s.Ports[0].Profile), string(s.Ports[1].Profile), string(s.Ports[2].Profile), string(s.Ports[3].Profile)}, []string{`{"b": 1,"a": 2}`, "", "", ""}},
		{"taken down", []bool{s.Ports[0].AdminDown, s.Ports[1].AdminDown, s.Ports[2].AdminDown}, []bool{true, false, false}},
		{"DHCP server", s.DHCPServer("s1").String(), "2001:db8::4"},
	} {
		if diff := cmp.Diff(check.want, check.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", check.what, diff)
		}
	}
	if none := (*Snapshot)(nil).Floating(Port{ID: "p1"}, netip.Addr{}); none != nil {
		t.Errorf("floating IPs without a cloud: %v", none)
	}
}
