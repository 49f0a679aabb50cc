//go:build integration

package nova

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// The true types, keys and CHECK constraints take every sample, and every row
// is gone again after Delete.
func TestServerAllTheWay(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newServerFixture(t, serverDSN(t), r.Name)
			w := f.writer()
			in := many(60)
			for i, s := range samples {
				special := s.in()
				special.UUID = in[i].UUID
				for d := range special.Disks {
					special.Disks[d].UUID = sampleID(aDisk, 1000+10*i+d)
				}
				for p := range special.Ports {
					special.Ports[p].ID = sampleID(aPort, 1000+10*i+p)
				}
				in[i] = special
			}
			f.adopt(w, in, Finished)
			if n := f.count(f.cell, "instances WHERE host = 'kvm01' AND task_state IS NULL AND deleted = 0"); n != len(in) {
				t.Errorf("%d instances are final, want %d", n, len(in))
			}
			for _, i := range in {
				if err := w.Delete(t.Context(), i.UUID); err != nil {
					t.Fatal(err)
				}
			}
			for _, i := range in[:5] {
				f.gone(i.UUID)
			}
			if n := f.count(f.cell, "instances WHERE uuid <> ?", schema.MarkerUUID); n != 0 {
				t.Errorf("%d instances are left", n)
			}
		})
	}
}

// Names are stored as they are, whatever they look like, or refused by name.
func TestServerHostileNames(t *testing.T) {
	f := newServerFixture(t, serverDSN(t), "zed")
	w := f.writer()
	names := []string{
		`'; DROP TABLE instances; --`, `Robert"); DELETE FROM instances;#`, `back\slash \' \0 %_`, "`backtick`", "? ?", "中文 服务器",
		strings.Repeat("界", 255), "café  ﷺ", "${jndi}", "<b>&amp;", "trailing ",
	}
	in := many(len(names))
	for i, name := range names {
		in[i].DisplayName = name
		in[i].Metadata = map[string]string{name[:min(len(name), 3)] + "k": "v"}
		in[i].Ports[0].NetworkName = name + " 🚀" // Neutron may hold what Nova cannot
	}
	in[6].Metadata, in[5].Metadata, in[7].Metadata = nil, nil, nil // cut within a character
	f.adopt(w, in, Finished)
	for i, name := range names {
		var got string
		if err := f.cell.QueryRow("SELECT display_name FROM instances WHERE uuid = ?", in[i].UUID).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != name {
			t.Errorf("display_name is %q, want %q", got, name)
		}
	}
	bad := many(len(names) + 1)[len(names):]
	bad[0].DisplayName = "web 🚀"
	_, err := w.InsertInstances(t.Context(), kvm01.Cell, bad)
	var field *FieldError
	if !errors.As(err, &field) || field.Field != "display name" || field.UUID != bad[0].UUID {
		t.Errorf("error %v, want one of the display name of %s", err, bad[0].UUID)
	}
}

// killConnections makes the server end a connection that inserts into a table
// of the cell, so many times. The count is kept where no rollback reaches it.
func (f *fixture) killConnections(table string, times int) {
	f.t.Helper()
	f.exec(f.cell, "CREATE TABLE kills (n INT) ENGINE = MyISAM")
	f.exec(f.cell, "INSERT INTO kills VALUES (?)", times)
	f.exec(f.cell, "CREATE TRIGGER kill_it BEFORE INSERT ON "+table+` FOR EACH ROW
		IF (SELECT n FROM kills) > 0 THEN
			UPDATE kills SET n = n - 1;
			KILL CONNECTION CONNECTION_ID();
		END IF`)
}

// A connection that dies within the transaction leaves nothing, and the
// transaction is repeated.
func TestServerConnectionKilled(t *testing.T) {
	for _, times := range []int{1, 3, 1000} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			f := newServerFixture(t, serverDSN(t), "zed")
			w := f.writer()
			in := many(50)
			f.killConnections("block_device_mapping", times)
			_, err := w.InsertInstances(t.Context(), kvm01.Cell, in)
			rows, want := f.count(f.cell, "instances"), 50
			if times == 1000 {
				want = 0
				if err == nil || !strings.Contains(err.Error(), "given up after several tries") {
					t.Errorf("error %v, want that it was given up", err)
				}
			} else if err != nil {
				t.Errorf("after %d lost connections: %v", times, err)
			}
			if n := f.count(f.cell, "kills WHERE n = ?", times); n != 0 {
				t.Error("no connection was killed: the test proves nothing")
			}
			if rows != want || f.count(f.cell, "instance_extra") != want {
				t.Errorf("%d instances, %d extra; want %d of both", rows, f.count(f.cell, "instance_extra"), want)
			}
		})
	}
}

// A COMMIT whose answer is lost has taken effect: it is found, not repeated.
func TestServerCommitUnanswered(t *testing.T) {
	dsn := serverDSN(t)
	f := newServerFixture(t, dsn, "zed")
	p := newProxy(t, dsn)
	f.through(p.address)
	w := f.writer()
	in := many(50)
	p.swallowNextCommit()
	ids, err := w.InsertInstances(t.Context(), kvm01.Cell, in)
	if err != nil {
		t.Fatal(err)
	}
	if n := p.commitsSwallowed(); n != 1 {
		t.Fatalf("%d commits were swallowed, want 1", n)
	}
	if len(ids) != 50 || f.count(f.cell, "instances") != 50 {
		t.Errorf("%d ids and %d instances, want 50", len(ids), f.count(f.cell, "instances"))
	}
	p.swallowNextCommit()
	if err := w.InsertMappings(t.Context(), in); err != nil { // not over the proxy
		t.Fatal(err)
	}
	if err := w.Finish(t.Context(), finals(in)); err != nil {
		t.Fatal(err)
	}
	if n := p.commitsSwallowed(); n != 2 {
		t.Fatalf("%d commits were swallowed, want 2", n)
	}
	f.stages(w, map[string]Stage{in[0].UUID: Finished, in[49].UUID: Finished})
}

// Two transactions lock two instances in opposite orders. InnoDB ends ours,
// the smaller one, and it is repeated.
func TestServerDeadlock(t *testing.T) {
	f := newServerFixture(t, serverDSN(t), "zed")
	w := f.writer()
	in := many(50)
	f.adopt(w, in, Mapped)

	other, err := f.cell.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"UPDATE block_device_mapping SET updated_at = '2026-01-01'", // weight
		"UPDATE instance_system_metadata SET updated_at = '2026-01-01'",
		"UPDATE instances SET updated_at = '2026-01-01' WHERE uuid = '" + in[1].UUID + "'",
	} {
		if _, err := other.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	var once sync.Once
	deadlocks, done := 0, make(chan error, 1)
	watch := func(tx *gorm.DB) {
		if tx.Error != nil && strings.Contains(tx.Error.Error(), "1213") {
			deadlocks++
		}
		once.Do(func() { // ours has the first instance and wants the second
			go func() {
				_, err := other.Exec("UPDATE instances SET updated_at = '2026-01-01' WHERE uuid = ?", in[0].UUID)
				done <- errors.Join(err, other.Commit())
			}()
			time.Sleep(300 * time.Millisecond)
		})
	}
	if err := w.cells[kvm01.Cell].Callback().Update().After("gorm:update").Register("test:deadlock", watch); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(t.Context(), finals(in[:2])); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if deadlocks == 0 {
		t.Error("there was no deadlock: the test proves nothing")
	}
	f.stages(w, map[string]Stage{in[0].UUID: Finished, in[1].UUID: Finished, in[2].UUID: Mapped})
}

// A lock wait is repeated too; a cancelled context ends it at once.
func TestServerCancelled(t *testing.T) {
	f := newServerFixture(t, serverDSN(t), "zed")
	w := f.writer()
	in := many(1)
	f.adopt(w, in, Mapped)
	other, err := f.cell.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("UPDATE instances SET updated_at = '2026-01-01'"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := w.Finish(ctx, finals(in)); err == nil {
		t.Error("Finish succeeds against a lock")
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %s to be cancelled", took)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.stages(w, map[string]Stage{in[0].UUID: Mapped})
}
