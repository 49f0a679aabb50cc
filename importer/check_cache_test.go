package importer

import (
	"errors"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A plan that gives none of a domain's interfaces a port is one that somebody
// has edited. Nothing is written by it, with the cloud's APIs and without.
func TestImportRefusesAnEmptyCache(t *testing.T) {
	nic := discover.Interface{Type: "bridge", MAC: "52:54:00:00:00:77", Bridge: "br0"}
	for name, w := range map[string]*world{"databases alone": newWorld(t, 1), "cloud": newCloudWorld(t, 1)} {
		w.domain(0).Interfaces = []discover.Interface{nic}
		w.plan.Domains[0].NICs = []plan.NIC{{MAC: nic.MAC, Network: "public", NetworkID: idOf(1)}}
		s, err := w.imports(nil)
		if err != nil {
			t.Fatal(err)
		}
		r := s.Results[0]
		if r.Outcome != Refused || !errors.Is(r.Err, ErrNoPorts) || !strings.Contains(r.Reason, nic.MAC) || s.Count(Imported) != 2 {
			t.Errorf("%s: %s: %v, with %d imported", name, r.Outcome, r.Err, s.Count(Imported))
		}
		if _, written := w.nova.rows[uuidOf(0)]; written {
			t.Errorf("%s: it has rows", name)
		}
	}
}
