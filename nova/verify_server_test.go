//go:build integration

package nova

import (
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// TestServerVerifyFinds damages an adoption in the databases as they are in a
// cloud, of every release, in each way that Verify knows, and mends it again.
// Each damage has to be found by its code and by no other; an adoption that is
// whole has to violate nothing, before the first damage and after the last.
func TestServerVerifyFinds(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newServerFixture(t, serverDSN(t), r.Name)
			e := f.adoptRich()
			c := f.open()
			f.sound(c, e, "right after the adoption")
			f.saveTables()
			kinds := map[string]bool{}
			for _, d := range changes {
				if strings.Contains(d.statement, "compute_id") && !f.hasColumn("instances", "compute_id") ||
					strings.Contains(d.statement, "encrypt") && !f.hasColumn("block_device_mapping", "encrypted") {
					continue
				}
				kinds[d.code] = true
				t.Run(d.code+" "+d.name, func(t *testing.T) {
					apply(f, d.statement)
					expectOnly(t, verify(t, c, e), d.code)
					f.mend(d.statement)
				})
			}
			f.sound(c, e, "after all damages are mended")
			if len(kinds) < 17 {
				t.Errorf("only %d codes were met", len(kinds))
			}
		})
	}
}

// adoptRich adopts an instance that has some of everything: Windows on an
// e1000, a data disk, a port, an image, a private flavor with extra specs.
func (f *fixture) adoptRich() Expect {
	f.t.Helper()
	f.exec(f.api, "UPDATE flavors SET ephemeral_gb = 40 WHERE name = 'legacy.8c24g'")
	in := linuxVirtio()
	in.UUID, in.ProjectID, in.UserID, in.OSType, in.ImageRef = testUUID(1), "legacy", "admin", "windows", testImage
	in.Flavor = f.flavor("legacy.8c24g")
	in.ImageProperties["hw_vif_model"], in.ImageProperties["hw_machine_type"] = "e1000", "pc"
	in.ImageProperties["hw_cpu_sockets"], in.ImageProperties["hw_qemu_guest_agent"] = "2", "yes"
	in.Disks = append(in.Disks, BlockDevice{UUID: sampleID(aDisk, 2), Device: "/dev/vdb", Bus: "virtio", SizeGB: 40})
	w := f.writer()
	w.now = func() time.Time { return time.Now().UTC() }
	f.adopt(w, []Instance{in}, Mapped)
	final := finals([]Instance{in})
	final[0].Unlock = false
	if err := w.Finish(f.t.Context(), final); err != nil {
		f.t.Fatal(err)
	}
	locked := true
	return Expect{
		UUID: in.UUID, DisplayName: in.DisplayName, ProjectID: in.ProjectID, UserID: in.UserID, Host: "kvm01", Node: "kvm01",
		AvailabilityZone: "az1", Flavor: in.Flavor, ImageRef: in.ImageRef, Disks: in.Disks, Ports: in.Ports, OSType: in.OSType,
		NICModel: "e1000", Locked: &locked, Properties: in.properties(),
	}
}

func (f *fixture) flavor(name string) Flavor {
	f.t.Helper()
	all, err := f.open().Flavors(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(x Flavor) bool { return x.Name == name })
	if i < 0 {
		f.t.Fatalf("there is no flavor %s", name)
	}
	return all[i]
}

func (f *fixture) sound(c *Cloud, e Expect, when string) {
	f.t.Helper()
	for _, v := range verify(f.t, c, e) {
		f.t.Errorf("%s: %v", when, v)
	}
}

// touched finds the table that a damage is done to.
var touched = regexp.MustCompile(`^(a|c):(?:UPDATE|DELETE FROM|INSERT INTO) (\w+)`)

func (f *fixture) tableOf(statement string) (*sql.DB, string) {
	f.t.Helper()
	m := touched.FindStringSubmatch(statement)
	if m == nil {
		f.t.Fatalf("which table does %q change?", statement)
	}
	if m[1] == "a" {
		return f.api, m[2]
	}
	return f.cell, m[2]
}

// saveTables copies every table that a damage is done to.
func (f *fixture) saveTables() {
	f.t.Helper()
	saved := map[string]bool{}
	for _, d := range changes {
		db, table := f.tableOf(d.statement)
		if !saved[table] {
			f.exec(db, "CREATE TABLE saved_"+table+" AS SELECT * FROM "+table)
		}
		saved[table] = true
	}
}

// mend puts the table's rows back. Foreign keys are looked away from meanwhile,
// which is a setting of one connection.
func (f *fixture) mend(statement string) {
	f.t.Helper()
	db, table := f.tableOf(statement)
	one, err := db.Conn(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	defer one.Close()
	for _, do := range []string{
		"SET foreign_key_checks = 0", "DELETE FROM " + table, "INSERT INTO " + table + " SELECT * FROM saved_" + table, "SET foreign_key_checks = 1",
	} {
		if _, err := one.ExecContext(f.t.Context(), do); err != nil {
			f.t.Fatalf("%s: %v", do, err)
		}
	}
}

// A second info cache cannot be planted: the key of the true schema refuses it.
// Of instance_extra there may be two, which TestServerVerifyFinds plants.
func TestServerSecondInfoCache(t *testing.T) {
	for _, r := range schema.Releases {
		f := newServerFixture(t, serverDSN(t), r.Name)
		e := f.adoptRich()
		_, err := f.cell.Exec("INSERT INTO instance_info_caches (instance_uuid, deleted, network_info) VALUES (?, 0, '[]')", e.UUID)
		if err == nil || !strings.Contains(err.Error(), "Duplicate entry") {
			t.Errorf("%s: a second info cache: %v, want it refused as a duplicate", r.Name, err)
		}
	}
}

// The same uuid in another cell, and what is left of an instance without a row.
func TestServerVerifyElsewhere(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newServerFixture(t, serverDSN(t), r.Name)
			e := f.adoptRich()
			f.addServerCell(r.Name)
			f.insert(f.second, "instances", map[string]any{"uuid": e.UUID, "deleted": 0})
			expectOnly(t, verify(t, f.open(), e), "V2")
			f.exec(f.second, "DELETE FROM instances")
			expectOnly(t, verify(t, f.open(), Expect{UUID: e.UUID, Absent: true}), "V22")
			f.exec(f.api, "UPDATE instance_mappings SET cell_id = (SELECT id FROM cell_mappings WHERE name = 'cell2') WHERE instance_uuid = ?", e.UUID)
			expectOnly(t, verify(t, f.open(), e), "V3")
		})
	}
}

// addServerCell makes a second, empty cell on the server.
func (f *fixture) addServerCell(release string) {
	f.t.Helper()
	var address string
	f.second, address = newServerDatabase(f.t, serverDSN(f.t), serverName()+"_cell2")
	if err := schema.Create(f.second, schema.MariaDB, release, schema.Cell); err != nil {
		f.t.Fatal(err)
	}
	f.insert(f.api, "cell_mappings", map[string]any{
		"uuid": "22222222-1111-4111-8111-111111111111", "name": "cell2", "database_connection": address, "disabled": 0,
	})
}
