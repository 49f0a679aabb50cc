package nova

import (
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
		{"with DHCP", &yes, `"meta":{"dhcp_server":"10.66.0.2","enable_dhcp":true}`},
		{"without", &no, `"meta":{"dhcp_server":"10.66.0.2","enable_dhcp":false}`},
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
