//go:build integration

package nova

import (
	"errors"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// A database whose revision is not in our table gets no writer, whichever
// release its tables are of; nor does one of two releases at a time.
func TestServerUnknownHeads(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newServerFixture(t, serverDSN(t), r.Name)
			table, column, unknown := "alembic_version", "version_num", "feedfacecafe"
			if !r.Alembic {
				table, column, unknown = "migrate_version", "version", "9999"
			}
			for _, db := range []struct{ name, back string }{{"cell", r.Cell}, {"api", r.API}} {
				conn := f.cell
				if db.name == "api" {
					conn = f.api
				}
				f.exec(conn, "UPDATE "+table+" SET "+column+" = ?", unknown)
				w, err := f.open().Writer(t.Context(), "tester@here pid 1 since noon")
				if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), unknown) {
					t.Errorf("%s database at %s: writer %v, error %v, want ErrReadOnly that names the revision", db.name, unknown, w, err)
				}
				f.exec(conn, "UPDATE "+table+" SET "+column+" = ?", db.back)
			}
			f.writer() // which it has as it was
		})
	}
}
