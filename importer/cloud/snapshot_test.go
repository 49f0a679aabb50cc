package cloud

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func load(t *testing.T) *Snapshot {
	t.Helper()
	s, err := LoadSnapshot(filepath.Join("testdata", "snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLoadSnapshot(t *testing.T) {
	s := load(t)
	n, err := s.Network("public")
	if err != nil {
		t.Fatal(err)
	}
	wantNetwork := Network{
		ID: "fc4c19ff-922d-4e1a-b8cf-f7a9a927135c", Name: "public", ProjectID: "151eac5e92954d2d84227b2fdd4b6efc",
		Shared: true, MTU: 1500, PhysicalNetwork: "physlegacy", NetworkType: "flat",
		Subnets: []Subnet{
			{
				ID: "0d1b0b52-70ed-4dbd-b2b8-2f9d1f1b5b0a", Name: "public-v4", CIDR: netip.MustParsePrefix("10.66.0.0/24"),
				Gateway: netip.MustParseAddr("10.66.0.1"), DNS: []netip.Addr{netip.MustParseAddr("10.66.0.2")}, DHCP: true,
				Pools: [][2]netip.Addr{{netip.MustParseAddr("10.66.0.100"), netip.MustParseAddr("10.66.0.200")}},
			},
			{ID: "1d1b0b52-70ed-4dbd-b2b8-2f9d1f1b5b0a", Name: "public-v6", CIDR: netip.MustParsePrefix("2001:db8::/64")},
		},
	}
	same := cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})}
	if diff := cmp.Diff(wantNetwork, n, same); diff != "" {
		t.Errorf("network (-want +got):\n%s", diff)
	}
	p, ok := s.Port("52:54:00:10:00:0b", n.ID)
	if !ok {
		t.Fatal("the port was not found by its MAC")
	}
	wantPort := Port{
		ID: "95d105a7-3d3e-4e6b-a91a-84c46e4474f0", Name: "web01", MAC: "52:54:00:10:00:0b", NetworkID: n.ID,
		ProjectID: "151eac5e92954d2d84227b2fdd4b6efc", DeviceID: "1e6ac700-0000-4000-8000-00000000000b", DeviceOwner: "compute:nova",
		HostID: "zedlab", VIFType: "bridge", VNICType: "normal", Status: "DOWN",
		VIFDetails:   map[string]any{"connectivity": "l2", "port_filter": true, "bound_drivers": map[string]any{"0": "linuxbridge"}},
		FixedIPs:     []PortIP{{SubnetID: "0d1b0b52-70ed-4dbd-b2b8-2f9d1f1b5b0a", Address: netip.MustParseAddr("10.66.0.11")}},
		PortSecurity: true,
	}
	if diff := cmp.Diff(wantPort, p, same); diff != "" {
		t.Errorf("port (-want +got):\n%s", diff)
	}
	if got := s.DHCPServer("0d1b0b52-70ed-4dbd-b2b8-2f9d1f1b5b0a").String(); got != "10.66.0.100" {
		t.Errorf("DHCPServer = %s, want 10.66.0.100", got)
	}
}

func TestLookups(t *testing.T) {
	s := load(t)
	project := func(s *Snapshot, v string) (string, error) { p, err := s.Project(v); return p.ID, err }
	user := func(s *Snapshot, v string) (string, error) { u, err := s.User(v); return u.ID, err }
	network := func(s *Snapshot, v string) (string, error) { n, err := s.Network(v); return n.ID, err }
	image := func(s *Snapshot, v string) (string, error) { i, err := s.Image(v); return i.ID, err }
	const unknownID = "cccccccccccccccccccccccccccccccc"
	tests := []struct {
		name   string
		in     *Snapshot
		look   func(*Snapshot, string) (string, error)
		of     string
		want   string
		failed string
	}{
		{"project by name", s, project, "legacy", "151eac5e92954d2d84227b2fdd4b6efc", ""},
		{"project by id", s, project, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
		{"ambiguous project", s, project, "shop", "", "give the id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
		{"no such project", s, project, "Legacy", "", `no project with the name or id "Legacy"`},
		{"id the cloud does not have", s, project, unknownID, "", "no project"},
		{"user", s, user, "admin", "5a2845fd6d1a46c2b2b93e27f51829a1", ""},
		{"network", s, network, "private", "0a7c2e51-1e0a-4b55-9c3d-0d2b6c1d7f10", ""},
		{"image", s, image, "legacy-adopted", "3d7bfcaf-2fc1-44a1-aa20-a21ca9ebbca4", ""},
		{"without cloud, id", nil, project, unknownID, unknownID, ""},
		{"without cloud, uuid", nil, network, "0a7c2e51-1e0a-4b55-9c3d-0d2b6c1d7f10", "0a7c2e51-1e0a-4b55-9c3d-0d2b6c1d7f10", ""},
		{"without cloud, name", nil, user, "admin", "", `user "admin": name cannot be resolved without the cloud; give the id`},
		{"list left out", &Snapshot{}, image, "legacy-adopted", "", "give the id"},
		{"list empty", &Snapshot{Users: []User{}}, user, unknownID, "", "no user"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.look(test.in, test.of)
			if test.failed != "" {
				if err == nil || !strings.Contains(err.Error(), test.failed) {
					t.Errorf("error = %v, want one with %q", err, test.failed)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("= %q, %v, want %q", got, err, test.want)
			}
		})
	}
	if _, err := (*Snapshot)(nil).Project("legacy"); !errors.Is(err, ErrUnresolved) {
		t.Errorf("Project without cloud = %v, want ErrUnresolved", err)
	}
}

func TestVisibleTo(t *testing.T) {
	tests := []struct {
		n    Network
		want bool
	}{
		{Network{ProjectID: "p"}, true},
		{Network{ProjectID: "q"}, false},
		{Network{ProjectID: "q", Shared: true}, true},
	}
	for _, test := range tests {
		if got := test.n.VisibleTo("p"); got != test.want {
			t.Errorf("VisibleTo(%+v) = %v, want %v", test.n, got, test.want)
		}
	}
}

func TestDamagedSnapshot(t *testing.T) {
	const net1 = `{"id":"n1","name":"a"}`
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"empty", "", "is empty"},
		{"spaces", " \n\n", "is empty"},
		{"list", "[]", "is not a JSON object"},
		{"no JSON", "\n\nports: []\n", "line 3: invalid character 'p'"},
		{"key without quotes", "{\n\n ports: []}", "line 3: invalid character 'p'"},
		{"second key without quotes", "{\"ports\": [],\n\n users: []}", "line 3: invalid character 'u'"},
		{"truncated in a key", "{\n\"por", "line 2: ends in the middle"},
		{"truncated", "{\"ports\": [\n{\"id\": \"p1\"", "line 2: ends in the middle"},
		{"comma", "{\"ports\": [\n{\"id\": \"p1\",}]}", "line 2: invalid character '}'"},
		{"no list", "{\n\"ports\": {}}", `line 2: "ports" is not a list`},
		{"null list", "{\n\"ports\": null}", `line 2: "ports" is not a list`},
		{"list twice", "{\"ports\": [],\n\"ports\": []}", `line 2: "ports" occurs twice`},
		{"two objects", "{\"ports\": []}\n{\"users\": []}", "line 2: something follows"},
		{"type", "{\"networks\": [\n" + net1 + ",\n{\"id\":\"n2\",\"mtu\":\"big\"}]}", "networks: line 3: mtu is a string, want int"},
		{"no id", `{"projects": [{"name":"x"}]}`, "projects[0] has no id"},
		{"id twice", `{"projects": [{"id":"x"},{"id":"x"}]}`, "projects[1] has the id x of projects[0]"},
		{"mac", `{"ports": [{"id":"p1","network_id":"n1","mac_address":"zz"}]}`, `ports[0] (p1): mac_address "zz"`},
		{"port without network", `{"ports": [{"id":"p1","mac_address":"52:54:00:00:00:01"}]}`, "ports[0] (p1): has no network_id"},
		{"address", `{"ports": [{"id":"p1","network_id":"n1","mac_address":"52:54:00:00:00:01","fixed_ips":[{"ip_address":"10.0.0.300"}]}]}`, `fixed_ips[0].ip_address: "10.0.0.300"`},
		{"prefix", `{"networks":[` + net1 + `],"subnets":[{"id":"s1","network_id":"n1","cidr":"10.0.0.0"}]}`, `subnets[0] (s1): cidr "10.0.0.0"`},
		{"gateway", `{"networks":[` + net1 + `],"subnets":[{"id":"s1","network_id":"n1","cidr":"10.0.0.0/8","gateway_ip":"gw"}]}`, `gateway_ip "gw"`},
		{"pool", `{"networks":[` + net1 + `],"subnets":[{"id":"s1","network_id":"n1","cidr":"10.0.0.0/8","allocation_pools":[{"start":"10.0.0.9","end":"10.0.0.2"}]}]}`, "allocation_pools[0]"},
		{"route", `{"networks":[` + net1 + `],"subnets":[{"id":"s1","network_id":"n1","cidr":"10.0.0.0/8","host_routes":[{"destination":"10.1.0.0/16","nexthop":"gw"}]}]}`, `subnets[0] (s1): host_routes[0]: "10.1.0.0/16" by "gw"`},
		{"floating IP", `{"floatingips":[{"id":"f1","floating_ip_address":"203.0.113.7","fixed_ip_address":null,"port_id":"p1"}]}`, `floatingips[0] (f1): from "203.0.113.7" to "" of port p1`},
		{"profile", `{"ports":[{"id":"p1","network_id":"n1","mac_address":"52:54:00:00:00:01","binding:profile":[]}]}`, "ports[0] (p1): binding:profile"},
		{"subnet of nothing", `{"subnets":[{"id":"s1","network_id":"n9","cidr":"10.0.0.0/8"}]}`, `its network "n9" is not in the file`},
		{"many", `{"projects":[` + strings.Repeat(`{"id":""},`, 30) + `{"id":"x"}]}`, "and 20 more in projects"},
		{"not UTF-8", "{\"ports\": [\xff]}", "line 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := ReadSnapshot(strings.NewReader(test.in))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("ReadSnapshot = %+v, %v, want an error with %q", s, err, test.want)
			}
		})
	}
}

func TestSnapshotReportsSeveralProblems(t *testing.T) {
	_, err := ReadSnapshot(strings.NewReader(`{"projects":[{"name":"x"}],"users":[{"name":"y"}]}`))
	if err == nil || !strings.Contains(err.Error(), "projects[0]") || !strings.Contains(err.Error(), "users[0]") {
		t.Errorf("ReadSnapshot = %v, want both problems", err)
	}
}

func TestLoadSnapshotNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cloud.json")
	if _, err := LoadSnapshot(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LoadSnapshot = %v, want not exist", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSnapshot(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("LoadSnapshot = %v, want the path in it", err)
	}
}

func FuzzReadSnapshot(f *testing.F) {
	data, err := os.ReadFile(filepath.Join("testdata", "snapshot.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add(`{"ports":[{}]}`)
	f.Fuzz(func(t *testing.T, in string) {
		s, err := ReadSnapshot(strings.NewReader(in))
		if (s == nil) == (err == nil) {
			t.Errorf("ReadSnapshot = %v, %v: want exactly one", s, err)
		}
	})
}
