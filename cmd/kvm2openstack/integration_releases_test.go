//go:build integration

package main

import (
	"fmt"
	"slices"
	"strings"
)

// A novaChange is what a release of Nova changes of what these tests plant and
// expect. What it changes of the databases themselves is in testdata/schema.
type novaChange struct {
	computeID bool   // an instance names its node by number, too
	harms     []harm // that are none, or cannot be done, in another release
	claim     harm   // what keeps an instance in Nova, with the words of release for it
}

var novaChanges = map[string]novaChange{
	"zed": {harms: []harm{
		specVersion("request spec of 2025.1", "V5", 15),
	}, claim: cellChange("a volume is attached", "",
		"INSERT INTO block_device_mapping (instance_uuid, deleted, source_type, destination_type, volume_id) VALUES (?, 0, 'volume', 'volume', UUID())",
		"DELETE FROM block_device_mapping WHERE destination_type = 'volume' AND instance_uuid = ?")},
	"epoxy": {computeID: true, harms: []harm{
		cellChange("on no node by number", "V8", "UPDATE instances SET compute_id = NULL WHERE uuid = ?", backOnNode),
		cellChange("on a node of another number", "V8", "UPDATE instances SET compute_id = compute_id + 1 WHERE uuid = ?", backOnNode),
		specVersion("request spec as this release writes it", "", 15),
		specVersion("request spec of a release to come", "V5", 16),
	}, claim: cellChange("a share is attached", "",
		"INSERT INTO share_mapping (uuid, instance_uuid, share_id, status, tag) VALUES (UUID(), ?, UUID(), 'active', 'x')",
		"DELETE FROM share_mapping WHERE instance_uuid = ?")},
}

const backOnNode = "UPDATE instances i JOIN compute_nodes n ON n.host = i.host AND n.deleted = 0 SET i.compute_id = n.id WHERE i.uuid = ?"

// specVersion makes the request spec one of another minor version than ours.
func specVersion(name, codes string, minor int) harm {
	const replace = `UPDATE request_specs SET spec = REPLACE(spec, '"nova_object.version":"1.%d"', '"nova_object.version":"1.%d"') WHERE instance_uuid = ?`
	return apiChange(name, codes, fmt.Sprintf(replace, 13, minor), fmt.Sprintf(replace, minor, 13))
}

// numbered holds that the instance's number of a node is that of its host's.
func (s *site) numbered(after string, g *guest) {
	s.t.Helper()
	if !s.changes().computeID {
		return
	}
	hosts := s.column(s.databases["cell1"], "SELECT n.host FROM instances i JOIN compute_nodes n ON n.id = i.compute_id WHERE i.uuid = ?", g.uuid)
	if !slices.Equal(hosts, []string{computeHost}) {
		s.t.Errorf("after %s: compute_id of %s is that of hosts %q, want %s", after, g.name, hosts, computeHost)
	}
}

// changes are those of the site's release, however it came to be.
func (s *site) changes() novaChange {
	s.t.Helper()
	name := strings.TrimSuffix(s.release, "-upgraded")
	c, ok := novaChanges[name]
	if !ok {
		s.t.Fatalf("what %s changes is not known", name)
	}
	return c
}
