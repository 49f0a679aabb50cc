package cloud

import (
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

func tag(n int) *int { return &n }

func TestMatch(t *testing.T) {
	br0 := discover.Interface{Type: "bridge", Bridge: "br0", MAC: "52:54:00:aa:bb:cc"}
	tagged := discover.Interface{Type: "bridge", Bridge: "br1", VLAN: 120}
	network := func(forward string) discover.Interface {
		return discover.Interface{Type: "network", Network: "lan", NetworkBridge: "br0", NetworkForward: forward, PortGroup: "prod"}
	}
	tests := []struct {
		name string
		rule NetworkRule
		of   discover.Interface
		want bool
	}{
		{"bridge", NetworkRule{Bridge: "br0"}, br0, true},
		{"other bridge", NetworkRule{Bridge: "br0"}, tagged, false},
		{"bridge names differ in case", NetworkRule{Bridge: "BR0"}, br0, false},
		{"no condition", NetworkRule{}, tagged, true},
		{"any tag", NetworkRule{Bridge: "br1"}, tagged, true},
		{"that tag", NetworkRule{Bridge: "br1", VLAN: tag(120)}, tagged, true},
		{"other tag", NetworkRule{Bridge: "br1", VLAN: tag(121)}, tagged, false},
		{"untagged rule, tagged interface", NetworkRule{Bridge: "br1", VLAN: tag(0)}, tagged, false},
		{"0 is untagged", NetworkRule{VLAN: tag(0)}, br0, true},
		{"4095 is untagged", NetworkRule{VLAN: tag(4095)}, br0, true},
		{"interface says 4095", NetworkRule{VLAN: tag(0)}, discover.Interface{VLAN: 4095}, true},
		{"tag 0 never matches a trunk", NetworkRule{VLAN: tag(0)}, discover.Interface{Trunk: true}, false},
		{"a trunk where the tag does not matter", NetworkRule{Bridge: "br0"}, discover.Interface{Bridge: "br0", Trunk: true}, true},
		{"bridge behind a bridged network", NetworkRule{Bridge: "br0"}, network("bridge"), true},
		{"bridge behind NAT", NetworkRule{Bridge: "br0"}, network("nat"), false},
		{"bridge of an isolated network", NetworkRule{Bridge: "br0"}, network(""), false},
		{"network that was not read", NetworkRule{Bridge: "br0"}, network("unknown"), false},
		{"libvirt network", NetworkRule{Source: "lan"}, network("nat"), true},
		{"libvirt network on a bridge", NetworkRule{Source: "lan"}, br0, false},
		{"port group", NetworkRule{Source: "lan", PortGroup: "prod"}, network("nat"), true},
		{"other port group", NetworkRule{Source: "lan", PortGroup: "test"}, network("nat"), false},
		{"mac in capitals", NetworkRule{MAC: "52:54:00:AA:BB:CC"}, br0, true},
		{"other mac", NetworkRule{MAC: "52:54:00:aa:bb:cd"}, br0, false},
		{"host pattern", NetworkRule{Host: "kvm*"}, br0, true},
		{"host in capitals", NetworkRule{Host: "KVM0[0-9]"}, br0, true},
		{"other host", NetworkRule{Host: "kvm02"}, br0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, got := Mapping{test.rule}.Match("kvm01", test.of)
			if got != test.want {
				t.Errorf("Match(%+v, %+v) = %v, want %v", test.rule, test.of, got, test.want)
			}
		})
	}
}

func TestMatchFirstRuleWins(t *testing.T) {
	m := Mapping{
		{Bridge: "br1", VLAN: tag(120), Network: "private"},
		{Bridge: "br1", Network: "rest"},
	}
	for vlan, want := range map[int]string{120: "private", 0: "rest", 7: "rest"} {
		got, ok := m.Match("kvm01", discover.Interface{Bridge: "br1", VLAN: vlan})
		if !ok || got.Network != want {
			t.Errorf("Match(vlan %d) = %q, %v, want %q", vlan, got.Network, ok, want)
		}
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		m    Mapping
		want string // "" = no error; else a part of it
	}{
		{"none", nil, ""},
		{"good", Mapping{{Bridge: "br0", Network: "a"}, {Bridge: "br1", VLAN: tag(0), Network: "b"}, {Bridge: "br1", Network: "c"}}, ""},
		{"without network", Mapping{{Bridge: "br0"}}, "rule 1: names no network"},
		{"tag", Mapping{{VLAN: tag(4096), Network: "a"}}, "vlan 4096"},
		{"negative tag", Mapping{{VLAN: tag(-1), Network: "a"}}, "vlan -1"},
		{"pattern", Mapping{{Host: "kvm[", Network: "a"}}, `host "kvm["`},
		{"mac", Mapping{{MAC: "52:54:00:aa:bb", Network: "a"}}, `mac "52:54:00:aa:bb"`},
		{"eight octets", Mapping{{MAC: "52:54:00:aa:bb:cc:dd:ee", Network: "a"}}, "mac"},
		{"twice", Mapping{{Bridge: "br0", Network: "a"}, {Bridge: "br0", Network: "b"}}, "rule 2 is never reached: rule 1"},
		{"0 and 4095 are one", Mapping{{VLAN: tag(0), Network: "a"}, {VLAN: tag(4095), Network: "b"}}, "rule 2 is never reached"},
		{"all before one", Mapping{{Network: "a"}, {Bridge: "br0", Network: "b"}}, "rule 2 is never reached"},
		{"one before all", Mapping{{Bridge: "br0", Network: "b"}, {Network: "a"}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.m.Check()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("Check() = %v, want none", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("Check() = %v, want one with %q", err, test.want)
			}
		})
	}
}
