package demo

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSeedNova(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // a second demonstration begins anew
		if err := SeedNova(dir); err != nil {
			t.Fatal(err)
		}
	}
	api, cell := open(t, dir, "nova_api"), open(t, dir, "nova_cell1")
	for _, c := range []struct {
		db    *sql.DB
		query string
		want  string
	}{
		{api, "SELECT version_num FROM alembic_version", "b30f573d3377"},
		{cell, "SELECT version_num FROM alembic_version", "ccb0fa1a2252"},
		{api, "SELECT count(*) FROM host_mappings", "4"},
		{api, "SELECT database_connection FROM cell_mappings WHERE name = 'cell1'", "sqlite:///" + dir + "/nova_cell1.sqlite"},
		{api, "SELECT database_connection FROM cell_mappings WHERE name = 'cell0'", "sqlite:///" + dir + "/nova_cell0.sqlite"},
		{api, "SELECT count(*) FROM flavors WHERE vcpus = 8 AND memory_mb = 24576 AND root_gb = 300", "1"},
		{cell, "SELECT hypervisor_hostname FROM compute_nodes WHERE host = 'kvm01'", "kvm01.example.net"},
		{cell, "SELECT id FROM instances WHERE deleted = 0 AND uuid = '" + ManagedUUID + "'", "1"}, // the domain is called instance-00000001
		{cell, "SELECT count(*) FROM instances WHERE deleted = id AND uuid = '" + DeletedUUID + "'", "1"},
		{api, "SELECT count(*) FROM instance_mappings", "2"},
	} {
		var got string
		if err := c.db.QueryRow(c.query).Scan(&got); err != nil {
			t.Errorf("%s: %v", c.query, err)
		} else if got != c.want {
			t.Errorf("%s = %q, want %q", c.query, got, c.want)
		}
	}
}

// TestServicesAreUp: seen within the minute that Nova's service_down_time is.
func TestServicesAreUp(t *testing.T) {
	dir := t.TempDir()
	if err := SeedNova(dir); err != nil {
		t.Fatal(err)
	}
	var oldest string
	// Cast: the driver would make a time of it.
	if err := open(t, dir, "nova_cell1").QueryRow("SELECT CAST(min(last_seen_up) AS TEXT) FROM services").Scan(&oldest); err != nil {
		t.Fatal(err)
	}
	seen, err := time.Parse(time.DateTime, oldest)
	if err != nil {
		t.Fatal(err)
	}
	if ago := time.Since(seen); ago < 0 || ago > 30*time.Second {
		t.Errorf("a service was last seen %v ago", ago)
	}
}

// TestKnownUUIDs: what the databases say is about domains that exist.
func TestKnownUUIDs(t *testing.T) {
	all := definitions(t)
	for uuid, name := range map[string]string{ManagedUUID: "instance-00000001", DeletedUUID: "portal-old"} {
		if !strings.Contains(all["hosts/kvm04/"+name+".xml"], "<uuid>"+uuid+"</uuid>") {
			t.Errorf("%s does not have the UUID %s", name, uuid)
		}
	}
}

func open(t *testing.T, dir, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, name+".sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
