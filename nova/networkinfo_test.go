package nova

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A word that a Nova does not know is not there; "false" is an answer.
func TestNetworkInfoTellsOfDHCP(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name string
		dhcp *bool
		want string
	}{
		{"not kept", nil, `"meta":{"dhcp_server":"10.66.0.2"}`},
		{"with DHCP", &yes, `"meta":{"enable_dhcp":true,"dhcp_server":"10.66.0.2"}`},
		{"without", &no, `"meta":{"enable_dhcp":false,"dhcp_server":"10.66.0.2"}`},
	}
	for _, test := range tests {
		p := bridgePort(1)
		p.FixedIPs[0].DHCP = test.dhcp
		info, err := NetworkInfo([]Port{p})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(info, test.want) {
			t.Errorf("%s: %s, want %s in it", test.name, info, test.want)
		}
	}
}

// What Neutron keeps in a profile is not ours to judge, as long as it is what
// Nova can read.
func TestNetworkInfoProfile(t *testing.T) {
	tests := []struct {
		name, profile string
		want          string // in the cache, or in the error
	}{
		{"not asked for", "", `"profile":{},`},
		{"none", "null", `"profile":{},`},
		{"empty", " { } ", `"profile":{},`},
		{"as it is", `{"b": 9007199254740993, "a": ["<é>"]}`, `"profile":{"b":9007199254740993,"a":["<\u00e9>"]},`},
		{"damaged", `{"a":`, "port 0 (52:54:00:00:00:01): binding:profile is no JSON object"},
		{"a list", `[]`, "binding:profile is no JSON object"},
		{"a text", `"x"`, "binding:profile is no JSON object"},
	}
	for _, test := range tests {
		p := bridgePort(1)
		p.Profile = json.RawMessage(test.profile)
		got, err := NetworkInfo([]Port{p})
		if err != nil {
			got += err.Error()
		} else if !json.Valid([]byte(got)) {
			t.Errorf("%s: not JSON: %s", test.name, got)
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s in it", test.name, got, test.want)
		}
	}
}

// What is compared of an info cache is what is written into it.
func TestCached(t *testing.T) {
	want := ServerNetwork{
		Name: "public", MAC: "52:54:00:00:00:03", PortID: sampleID(aPort, 3), VIFType: "ovs", Addresses: []string{"10.66.0.3", "2001:db8::3"},
		Floating: []string{"203.0.113.7 for 10.66.0.3", "203.0.113.8 for 10.66.0.3"},
		Routes:   []string{"198.51.100.0/24 by 10.66.0.9", "0.0.0.0/0 by 10.66.0.8", "2001:db8:1::/48 by 2001:db8::9"},
		Modes:    []string{"2001:db8::/64 dhcpv6-stateful"},
		Profile:  `{"capabilities":[],"serial":9007199254740993,"trusted":true,"zone":"β"}`,
	}
	got, err := routedPort().Ports[0].Cached()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := (Port{}).Cached(); err == nil {
		t.Error("a port that is not bound can be cached")
	}
}

// A cache that has null where Nova has nothing is one that Nova reads.
func TestParseNetworkInfoWithNulls(t *testing.T) {
	vifs, err := parseNetworkInfo(`[{"id":"p1","profile":null,"network":{"subnets":[
		{"cidr":"10.0.0.0/8","gateway":null,"routes":[{"cidr":"0.0.0.0/0","gateway":null}],"ips":[{"address":"10.0.0.1","floating_ips":null}],"meta":{"ipv6_address_mode":null}},
		{"ips":null,"routes":null,"meta":null}]}},{"id":"p2","network":null}]`)
	if err != nil || len(vifs) != 2 {
		t.Fatalf("%d interfaces, %v, want two", len(vifs), err)
	}
	want := ServerNetwork{PortID: "p1", Addresses: []string{"10.0.0.1"}, Routes: []string{"0.0.0.0/0 by "}}
	if diff := cmp.Diff(want, vifs[0].network()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
