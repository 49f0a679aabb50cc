package main

import (
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

// A host that is away keeps no other from being taken back.
func TestOnboardReturns(t *testing.T) {
	found := []onboard.Host{{Name: "a", Libvirt: "a", Err: "no route to host"}, {Name: "b", Libvirt: "b"}}
	backs, away := returns(found, []discover.Host{{Name: "a"}, {Name: "b"}})
	if len(backs) != 1 || backs[0].Host != "b" || backs[0].ComputeHost != "b" || backs[0].Reach.Name != "b" {
		t.Errorf("to be taken back are %+v", backs)
	}
	if len(away) != 1 || away[0].Host != "a" || away[0].Outcome != onboard.NotTried || away[0].Err == nil || away[0].Err.Error() != "no route to host" {
		t.Errorf("not tried are %+v", away)
	}
}
