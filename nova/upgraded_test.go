package nova

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// upgradedReleases are the databases of a cloud that was Victoria once.
func upgradedReleases(t *testing.T) (all []schema.Release) {
	t.Helper()
	for _, r := range schema.Releases {
		if r.Upgraded {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		t.Fatal("there is no upgraded database")
	}
	return all
}

// Beside an alembic_version that is not known, or empty, a migrate_version that
// is known says nothing: it is of before the upgrade.
func TestUpgradedUnknown(t *testing.T) {
	for _, r := range upgradedReleases(t) {
		f := newFixture(t, r.Name, nil)
		f.exec(f.api, "UPDATE migrate_version SET version = 77")
		f.exec(f.cell, "UPDATE migrate_version SET version = 412") // Victoria's
		if got := f.open().Release(); got.ReadOnly != "" || got.API != r.API || got.Cell != r.Cell {
			t.Errorf("%s: Release() = %+v, want the writable one of its alembic_version", r.Name, got)
		}
		for _, tt := range []struct{ change, want string }{
			{"UPDATE alembic_version SET version_num = 'feedfacecafe'", "feedfacecafe"},
			{"INSERT INTO alembic_version (version_num) VALUES ('feedfacecafe')", "+feedfacecafe"},
			{"DELETE FROM alembic_version", "(none)"}, // a sync that was stopped
		} {
			for name, db := range map[string]*sql.DB{"API": f.api, "cell": f.cell} {
				f.exec(db, tt.change)
				w, err := f.open().Writer(t.Context(), "tester@here pid 1 since noon")
				if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s, %s of the %s database: writer %v, error %v, want ErrReadOnly with %q", r.Name, tt.change, name, w, err, tt.want)
				}
				f.exec(db, "DELETE FROM alembic_version")
				f.exec(db, "INSERT INTO alembic_version (version_num) VALUES (?)", map[string]string{"API": r.API, "cell": r.Cell}[name])
			}
		}
		f.writer() // which it has as it was
	}
}

// The row by which an online migration remembers its place is no instance: no
// scan shows it, nothing is done to it, and it stays as it is.
func TestMarkerIgnored(t *testing.T) {
	ctx := context.Background()
	for _, r := range upgradedReleases(t) {
		t.Run(r.Name, func(t *testing.T) {
			f := newFixture(t, r.Name, func(s *schema.Seed) {
				s.Flavors = []schema.FlavorSeed{flavorSeed(linuxVirtio().Flavor)}
			})
			// As it is between its INSERT and its being marked as deleted.
			for _, live := range []bool{false, true} {
				if live {
					f.exec(f.cell, "UPDATE instances SET deleted = 0, deleted_at = NULL, vm_state = NULL WHERE uuid = ?", markerUUID)
				}
				before := f.markerRows()
				w := f.writer()
				w.now = func() time.Time { return time.Now().UTC() }
				c := w.cloud
				f.scansPass(c)
				in := linuxVirtio()
				in.UUID, in.Flavor.ID = testUUID(7), 1
				f.adopt(w, []Instance{in}, Finished)
				f.scansPass(c)
				e := Expect{UUID: in.UUID, DisplayName: in.DisplayName, Host: "kvm01", Disks: in.Disks, Ports: in.Ports}
				for _, v := range verify(t, c, e) {
					t.Error(v)
				}
				if err := w.Delete(ctx, in.UUID); err != nil {
					t.Fatal(err)
				}
				f.gone(in.UUID)
				if err := w.Delete(ctx, markerUUID); !errors.Is(err, ErrNotOurs) {
					t.Errorf("Delete of the marker: %v, want ErrNotOurs", err)
				}
				in.UUID = markerUUID
				if _, err := w.InsertInstances(ctx, kvm01.Cell, []Instance{in}); err == nil || !strings.Contains(err.Error(), "marker row") {
					t.Errorf("an adoption under the marker's uuid: %v, want it refused", err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(before, f.markerRows()); d != "" {
					t.Errorf("the marker's rows differ (-before +after):\n%s", d)
				}
			}
		})
	}
}

// scansPass wants everything that looks through a cloud to pass the marker by.
func (f *fixture) scansPass(c *Cloud) {
	f.t.Helper()
	ctx := context.Background()
	check := func(what string, err error, shown bool) {
		f.t.Helper()
		if err != nil || shown {
			f.t.Errorf("%s: error %v, shows the marker: %v", what, err, shown)
		}
	}
	for _, host := range []string{"", "kvm01"} {
		servers, err := c.ServersOnHost(ctx, host)
		check("ServersOnHost", err, slices.ContainsFunc(servers, func(s Server) bool { return s.UUID == markerUUID }))
	}
	quota, err := c.QuotaLeft(ctx, []string{"legacy"})
	check("QuotaLeft", err, quota["legacy"].Instances > 200)
	rooms, err := c.Rooms(ctx)
	_, nobody := rooms[""]
	check("Rooms", err, nobody)
	names, err := c.HostnamesInUse(ctx, []string{"", "web"})
	check("HostnamesInUse", err, len(names) > 0)
	computes, err := c.Computes(ctx)
	check("Computes", err, len(computes) != 3)
	present, err := c.Presence(ctx, []string{testUUID(1)})
	check("Presence", err, len(present) > 0)
	stages, err := c.Written(ctx, []string{testUUID(1)})
	check("Written", err, stages[testUUID(1)] != Unwritten)
	use, err := c.InUse(ctx, []int64{0}, []string{""})
	check("InUse", err, use.Flavors[0] > 0)
}

// markerRows are the marker's rows, which must be there.
func (f *fixture) markerRows() map[string]string {
	f.t.Helper()
	rows := map[string]string{}
	for table, column := range map[string]string{
		"instances": "uuid", "instance_extra": "instance_uuid", "instance_info_caches": "instance_uuid", "virtual_interfaces": "instance_uuid",
	} {
		found, err := f.cell.Query("SELECT * FROM "+table+" WHERE "+column+" = ?", markerUUID)
		if err != nil {
			f.t.Fatal(err)
		}
		defer found.Close()
		columns, err := found.Columns()
		if err != nil || !found.Next() {
			f.t.Fatalf("the marker has no row in %s: %v", table, errors.Join(err, found.Err()))
		}
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil || found.Next() {
			f.t.Fatalf("the marker's row in %s: %v, or two of them", table, err)
		}
		rows[table] = fmt.Sprint(values)
	}
	return rows
}
