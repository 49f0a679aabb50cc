package nova

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

func TestOpenReleases(t *testing.T) {
	want := map[string]struct {
		name  string
		major int
	}{"victoria": {"Victoria", 22}, "zed": {"Zed", 26}, "epoxy": {"2025.1", 31}, "hibiscus": {"2026.2", 34}, "zed-upgraded": {"Zed", 26}, "epoxy-upgraded": {"2025.1", 31}}
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			c := newFixture(t, r.Name, nil).open()
			got := c.Release()
			w := Release{Name: want[r.Name].name, Major: want[r.Name].major, API: r.API, Cell: r.Cell, Services: r.Service}
			if got != w {
				t.Errorf("Release() = %+v, want %+v", got, w)
			}
			if has := c.cells[0].has("instances", "compute_id"); has != (w.Major >= 28) {
				t.Errorf("instances.compute_id = %v", has)
			}
		})
	}
}

func TestOpenReadOnly(t *testing.T) {
	tests := []struct {
		name   string
		change func(*fixture)
		want   string
	}{
		{"unknown cell revision", func(f *fixture) {
			f.exec(f.cell, "UPDATE alembic_version SET version_num = 'feedfacecafe'")
		}, "revision feedfacecafe of the cell databases"},
		{"unknown API revision", func(f *fixture) {
			f.exec(f.api, "UPDATE alembic_version SET version_num = 'feedfacecafe'")
		}, "revision feedfacecafe of the API database"},
		{"no revision", func(f *fixture) { f.exec(f.api, "DELETE FROM alembic_version") }, "revision (none) of the API database"},
		{"API ahead of the cells", func(f *fixture) {
			f.exec(f.api, "UPDATE alembic_version SET version_num = 'cdeec0c85668'")
		}, "different releases"},
		{"mixed services", func(f *fixture) {
			f.exec(f.cell, "UPDATE services SET version = 61 WHERE host = 'kvm02'")
		}, "nova-compute on kvm02 has version 61, nova-compute on kvm01 has 64"},
		{"old services on new databases", func(f *fixture) { f.exec(f.cell, "UPDATE services SET version = 61") }, "service version 61"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, "zed", nil)
			tt.change(f)
			if r := f.open().Release(); !strings.Contains(r.ReadOnly, tt.want) {
				t.Errorf("ReadOnly = %q, want %q in it", r.ReadOnly, tt.want)
			}
		})
	}
}

// Nova leaves deleted and forced-down services out of its lowest version.
func TestOpenIgnoresGoneServices(t *testing.T) {
	f := newFixture(t, "zed", nil)
	f.exec(f.cell, "UPDATE services SET version = 50, forced_down = 1 WHERE host = 'kvm02'")
	f.exec(f.cell, "UPDATE services SET version = 50, deleted = id WHERE host = 'kvm03'")
	if r := f.open().Release(); r.ReadOnly != "" {
		t.Errorf("ReadOnly = %q, want none", r.ReadOnly)
	}
}

func TestOpenRefuses(t *testing.T) {
	f := newFixture(t, "zed", nil)
	cellURL := cellAddress(f)
	tests := []struct{ name, address, want string }{
		{"a cell as API", cellURL, "open API database: this database is no Nova API database: it has no table cell_mappings"},
		{"no URL", "", "no URL is configured"},
		{"nonsense", "nova:sesame@db1", "this is no database URL"},
		{"PostgreSQL", "postgresql://nova:sesame@db1/nova_api", "postgresql databases are not supported"},
		{"no such file", "sqlite:////nonexistent/nova.db", "open API database: connect: "},
		{"refused", "mysql+pymysql://nova:sesame@127.0.0.1:1/nova_api", "connect"},
		{"bad port", "mysql://nova:sesame@db1:sesame/nova_api", "is no port number"},
		{"no database", "mysql://nova:sesame@db1", "names no database"},
		{"bad CA", "mysql://nova:sesame@db1/nova_api?ssl_ca=/nonexistent", "read ssl_ca"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Open(context.Background(), Config{APIDatabase: tt.address})
			if err == nil {
				_ = c.Close()
				t.Fatal("Open succeeded")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open: %v, want %q in it", err, tt.want)
			}
			if strings.Contains(err.Error(), "sesame") {
				t.Errorf("Open shows the password: %v", err)
			}
		})
	}
}

// One bad cell closes its hosts, not the cloud; all bad cells are an error.
func TestOpenBadCells(t *testing.T) {
	f := newFixture(t, "zed", nil)
	add := func(name, uuid, address string, disabled int) {
		f.insert(f.api, "cell_mappings", map[string]any{"uuid": uuid, "name": name, "database_connection": address, "disabled": disabled})
	}
	add("gone", "c2", "mysql+pymysql://nova:sesame@127.0.0.1:1/nova_c2", 0)
	add("wrong", "c3", f.config.APIDatabase, 0)
	add("off", "c4", "mysql+pymysql://nova:sesame@127.0.0.1:1/nova_c4", 1)
	add("template", "c5", "{scheme}://{username}:{password}@{nothing}/x", 0)
	closed := f.open().ClosedCells()
	want := []string{"connect", "no Nova cell database: it has no table instances", "cell is disabled", "{nothing}"}
	if len(closed) != len(want) {
		t.Fatalf("ClosedCells() = %+v, want %d", closed, len(want))
	}
	for i, c := range closed {
		if !strings.Contains(c.Reason, want[i]) || strings.Contains(c.Reason, "sesame") {
			t.Errorf("%s: %q, want %q in it", c.Name, c.Reason, want[i])
		}
	}

	f.exec(f.api, "UPDATE cell_mappings SET disabled = 1 WHERE name = 'cell1'")
	if _, err := Open(context.Background(), f.config); err == nil || !strings.Contains(err.Error(), "not one of 5 could be opened") {
		t.Errorf("Open without a cell: %v", err)
	}
	f.config.Cells = map[string]string{"gone": cellAddress(f)}
	if c := f.open(); len(c.cells) != 1 || c.cells[0].Name != "gone" {
		t.Errorf("cells = %+v, want the one whose URL the configuration replaces", c.cells)
	}
}

// cellAddress is the URL of cell1 in cell_mappings.
func cellAddress(f *fixture) (address string) {
	f.t.Helper()
	if err := f.api.QueryRow("SELECT database_connection FROM cell_mappings WHERE name = 'cell1'").Scan(&address); err != nil {
		f.t.Fatal(err)
	}
	return address
}

// A server that takes the connection and says nothing holds Open no longer
// than ConnectTimeout.
func TestOpenSilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	begin := time.Now()
	c, err := Open(context.Background(), Config{
		APIDatabase:    "mysql+pymysql://nova:sesame@" + listener.Addr().String() + "/nova_api",
		ConnectTimeout: 200 * time.Millisecond,
	})
	if err == nil {
		_ = c.Close()
		t.Fatal("Open succeeded")
	}
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("Open took %v", took)
	}
}
