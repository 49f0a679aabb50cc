//go:build integration

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A harm is one thing that somebody does to an adoption, or to what it rests
// on: to the guest that is off and has an interface, or to one that runs.
type harm struct {
	name  string
	codes string // what verify has to say, and nothing else; "" for no harm at all
	of    int    // of the site's guests
	do    func(s *site, g *guest)
	mend  func(s *site, g *guest)
}

// cellChange harms rows of the cell, and apiChange those of the API database.
// They end with the instance they are about.
func cellChange(name, code, do, mend string) harm { return sqlHarm("cell1", name, code, do, mend) }
func apiChange(name, code, do, mend string) harm  { return sqlHarm("api", name, code, do, mend) }

func sqlHarm(database, name, code, do, mend string) harm {
	run := func(statement string) func(*site, *guest) {
		return func(s *site, g *guest) {
			s.t.Helper()
			_, err := s.databases[database].Exec(statement, g.uuid)
			s.must(err)
		}
	}
	return harm{name, code, off, run(do), run(mend)}
}

// harms are planted one at a time.
var harms = []harm{
	cellChange("row marked deleted", "V1 V22", "UPDATE instances SET deleted = id WHERE uuid = ?", "UPDATE instances SET deleted = 0 WHERE uuid = ?"),
	apiChange("mapped to the wrong cell", "V3",
		"UPDATE instance_mappings SET cell_id = (SELECT id FROM cell_mappings WHERE name = 'cell0') WHERE instance_uuid = ?",
		"UPDATE instance_mappings SET cell_id = (SELECT id FROM cell_mappings WHERE name = 'cell1') WHERE instance_uuid = ?"),
	apiChange("request spec of another machine", "V5",
		`UPDATE request_specs SET spec = REPLACE(spec, '"hw_machine_type":"', '"hw_machine_type":"x') WHERE instance_uuid = ?`,
		`UPDATE request_specs SET spec = REPLACE(spec, '"hw_machine_type":"x', '"hw_machine_type":"') WHERE instance_uuid = ?`),
	cellChange("malformed flavor blob", "V6",
		"UPDATE instance_extra SET flavor = CONCAT('x', flavor) WHERE instance_uuid = ?",
		"UPDATE instance_extra SET flavor = SUBSTRING(flavor, 2) WHERE instance_uuid = ?"),
	cellChange("swapped MAC in the info cache", "V7 V12",
		"UPDATE instance_info_caches SET network_info = REPLACE(network_info, '52:54:00:aa:00:01', '52:54:00:aa:00:02') WHERE instance_uuid = ?",
		"UPDATE instance_info_caches SET network_info = REPLACE(network_info, '52:54:00:aa:00:02', '52:54:00:aa:00:01') WHERE instance_uuid = ?"),
	cellChange("on a host of another name", "V8",
		"UPDATE instances SET host = CONCAT(host, '-x') WHERE uuid = ?", "UPDATE instances SET host = REPLACE(host, '-x', '') WHERE uuid = ?"),
	cellChange("a task that never ends", "V9",
		"UPDATE instances SET task_state = 'migrating' WHERE uuid = ?", "UPDATE instances SET task_state = NULL WHERE uuid = ?"),
	cellChange("never launched", "V10",
		"UPDATE instances SET launched_at = NULL WHERE uuid = ?", "UPDATE instances SET launched_at = created_at WHERE uuid = ?"),
	cellChange("root disk on another bus", "V11",
		"UPDATE block_device_mapping SET disk_bus = 'ide' WHERE instance_uuid = ?", "UPDATE block_device_mapping SET disk_bus = 'virtio' WHERE instance_uuid = ?"),
	cellChange("a disk said to be encrypted", "V11",
		"UPDATE block_device_mapping SET encrypted = 1 WHERE instance_uuid = ?", "UPDATE block_device_mapping SET encrypted = 0 WHERE instance_uuid = ?"),
	cellChange("the key of an encryption", "V11",
		"UPDATE block_device_mapping SET encryption_secret_uuid = uuid WHERE instance_uuid = ?", "UPDATE block_device_mapping SET encryption_secret_uuid = NULL WHERE instance_uuid = ?"),
	cellChange("machine type gone", "V13",
		"UPDATE instance_system_metadata SET deleted = id WHERE `key` = 'image_hw_machine_type' AND instance_uuid = ?",
		"UPDATE instance_system_metadata SET deleted = 0 WHERE `key` = 'image_hw_machine_type' AND instance_uuid = ?"),
	cellChange("another NIC model", "V14",
		"UPDATE instance_system_metadata SET value = 'e1000' WHERE `key` = 'image_hw_vif_model' AND instance_uuid = ?",
		"UPDATE instance_system_metadata SET value = 'virtio' WHERE `key` = 'image_hw_vif_model' AND instance_uuid = ?"),
	cellChange("a config drive at the next start", "V15",
		"UPDATE instances SET config_drive = 'True' WHERE uuid = ?", "UPDATE instances SET config_drive = '' WHERE uuid = ?"),
	{"another domain has the instance's name", "V21", off,
		func(s *site, g *guest) { virsh(s.t, "domrename", s.guests[5].name, s.instanceName(g)) },
		func(s *site, g *guest) { virsh(s.t, "domrename", s.instanceName(g), s.guests[5].name) }},
	{"link gone", "V25", off,
		func(s *site, g *guest) { s.must(os.Rename(s.linkOf(g), s.linkOf(g)+".away")) },
		func(s *site, g *guest) { s.must(os.Rename(s.linkOf(g)+".away", s.linkOf(g))) }},
	{"link is a copy", "V25", off,
		func(s *site, g *guest) {
			s.must(os.Rename(s.linkOf(g), s.linkOf(g)+".away"))
			text, err := os.ReadFile(g.disks[0].path)
			s.must(err)
			s.must(os.WriteFile(s.linkOf(g), text, 0o644))
		},
		func(s *site, g *guest) { s.must(os.Rename(s.linkOf(g)+".away", s.linkOf(g))) }},
	{"legacy name of the disk gone", "V25", off,
		func(s *site, g *guest) { s.must(os.Rename(g.disks[0].path, g.disks[0].path+".away")) },
		func(s *site, g *guest) { s.must(os.Rename(g.disks[0].path+".away", g.disks[0].path)) }},
	{"domain undefined", "V31", off,
		func(s *site, g *guest) { virsh(s.t, "undefine", g.uuid) },
		func(s *site, g *guest) { s.write("domain.xml", g.xml()); virsh(s.t, "define", s.path("domain.xml")) }},
	{"paused behind Nova's back", "V32", running,
		func(s *site, g *guest) { virsh(s.t, "suspend", g.uuid) },
		func(s *site, g *guest) { virsh(s.t, "resume", g.uuid) }},
	{"a libvirt snapshot", "V34", off,
		func(s *site, g *guest) { virsh(s.t, "snapshot-create-as", g.uuid, "before-upgrade") },
		func(s *site, g *guest) { virsh(s.t, "snapshot-delete", g.uuid, "before-upgrade") }},
}

func (s *site) linkOf(g *guest) string { return filepath.Join(s.path("instances"), g.uuid, "disk") }

func (s *site) instanceName(g *guest) string {
	s.t.Helper()
	names := s.column(s.databases["cell1"], "SELECT CONCAT('instance-', LPAD(HEX(id), 8, '0')) FROM instances WHERE uuid = ?", g.uuid)
	if len(names) != 1 {
		s.t.Fatalf("%s has %d instances", g.name, len(names))
	}
	return strings.ToLower(names[0])
}

// findings are the codes that verify reports, by the domain, each once.
func (s *site) findings(status int) map[string][]string {
	s.t.Helper()
	text := s.command(status, "verify", s.plan, "-o", "json")
	text = text[:strings.LastIndex(text, "}")+1] // A note follows on stderr.
	var answer struct {
		Looked   int `json:"looked_at"`
		Findings []struct{ Domain, Code, Action string }
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		s.t.Fatalf("verify -o json: %v\n%s", err, text)
	}
	if answer.Looked != len(s.adopted()) {
		s.t.Errorf("verify looked at %d domains, want %d", answer.Looked, len(s.adopted()))
	}
	codes := map[string][]string{}
	for _, f := range answer.Findings {
		if f.Action == "" {
			s.t.Errorf("%s of %s says not what to do", f.Code, f.Domain)
		}
		if !slices.Contains(codes[f.Domain], f.Code) {
			codes[f.Domain] = append(codes[f.Domain], f.Code)
		}
	}
	return codes
}

// TestVerifyFinds harms one adoption after the other in rows, links and
// libvirt, and mends it. The command has to say exactly what was done, of that
// domain alone, and to find nothing before and after.
func TestVerifyFinds(t *testing.T) {
	for _, release := range []string{"zed-upgraded", "epoxy"} {
		t.Run(release, func(t *testing.T) {
			s := newSiteOf(t, release, localHost(t))
			s.command(exitAttention, "plan", "-O", s.plan)
			s.command(warned(), "import", s.plan, "--yes")
			if found := s.findings(exitClean); len(found) > 0 {
				t.Fatalf("verify finds %v in a clean adoption", found)
			}
			for _, h := range slices.Concat(harms, s.changes().harms) {
				t.Run(h.name, func(t *testing.T) { s.under(t).finds(h) })
			}
			if found := s.findings(exitClean); len(found) > 0 {
				t.Errorf("verify finds %v when all is mended", found)
			}
		})
	}
}

// finds holds that verify says what was done. What it does is mended in any
// case, for others follow.
func (s *site) finds(h harm) {
	s.t.Helper()
	g := s.guests[h.of]
	status, want := exitAttention, map[string][]string{g.name: strings.Fields(h.codes)}
	if h.codes == "" {
		status, want = exitClean, map[string][]string{}
	}
	h.do(s, g)
	defer h.mend(s, g)
	if diff := cmp.Diff(want, s.findings(status)); diff != "" {
		s.t.Errorf("verify finds (-want +got):\n%s", diff)
	}
}
