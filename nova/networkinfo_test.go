package nova

import (
	"encoding/json"
	"strings"
	"testing"
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
