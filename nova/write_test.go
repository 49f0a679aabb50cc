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

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// writer opens the fixture's cloud and takes its lock.
func (f *fixture) writer() *Writer {
	f.t.Helper()
	w, err := f.open().Writer(context.Background(), "tester@here pid 1 since noon")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = w.Close() })
	w.now = func() time.Time { return noon }
	return w
}

// count counts rows of one of the fixture's databases.
func (f *fixture) count(db *sql.DB, from string, values ...any) int {
	f.t.Helper()
	var n int
	if err := db.QueryRow("SELECT COUNT(*) FROM "+from, values...).Scan(&n); err != nil {
		f.t.Fatalf("count %s: %v", from, err)
	}
	return n
}

// adopt writes instances up to the stage.
func (f *fixture) adopt(w *Writer, in []Instance, stage Stage) {
	f.t.Helper()
	ctx := context.Background()
	if _, err := w.InsertInstances(ctx, kvm01.Cell, in); err != nil {
		f.t.Fatal(err)
	}
	if stage >= Mapped {
		if err := w.InsertMappings(ctx, in); err != nil {
			f.t.Fatal(err)
		}
	}
	if stage >= Finished {
		if err := w.Finish(ctx, finals(in)); err != nil {
			f.t.Fatal(err)
		}
	}
}

func finals(in []Instance) []Final {
	list := make([]Final, len(in))
	for i := range in {
		list[i] = Final{UUID: in[i].UUID, Host: kvm01, VMState: "active", PowerState: PowerRunning, Unlock: true}
	}
	return list
}

func (f *fixture) stages(w *Writer, want map[string]Stage) {
	f.t.Helper()
	var uuids []string
	for uuid := range want {
		uuids = append(uuids, uuid)
	}
	got, err := w.Written(context.Background(), uuids)
	if err != nil {
		f.t.Fatal(err)
	}
	for uuid, stage := range want {
		if got[uuid] != stage {
			f.t.Errorf("%s is %s, want %s", uuid, got[uuid], stage)
		}
	}
}

func TestWriteAllTheWay(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newFixture(t, r.Name, nil)
			w := f.writer()
			in := many(120) // more than two transactions
			for i, s := range samples {
				special := s.in()
				special.UUID, special.Disks, special.Ports, special.Flavor.EphemeralGB = in[i].UUID, in[i].Disks, in[i].Ports, 0
				special.RootDevice = "/dev/vda"
				in[i] = special
			}
			f.stages(w, map[string]Stage{in[0].UUID: Unwritten})
			ids, err := w.InsertInstances(context.Background(), kvm01.Cell, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range in {
				if n := f.count(f.cell, "instances WHERE uuid = ? AND id = ? AND host IS NULL AND deleted = 0", i.UUID, ids[i.UUID]); n != 1 {
					t.Fatalf("%s: %d rows with id %d, want 1", i.UUID, n, ids[i.UUID])
				}
			}
			f.stages(w, map[string]Stage{in[0].UUID: Recorded, in[119].UUID: Recorded})
			if err := w.InsertMappings(context.Background(), in); err != nil {
				t.Fatal(err)
			}
			f.stages(w, map[string]Stage{in[0].UUID: Mapped, in[119].UUID: Mapped})
			if err := w.Finish(context.Background(), finals(in)); err != nil {
				t.Fatal(err)
			}
			f.stages(w, map[string]Stage{in[0].UUID: Finished, in[119].UUID: Finished})
			final := "instances WHERE host = 'kvm01' AND node = 'kvm01' AND launched_on = 'kvm01' AND vm_state = 'active' AND power_state = 1" +
				" AND task_state IS NULL AND launched_at IS NOT NULL AND disable_terminate = 0 AND locked = 0 AND locked_by IS NULL AND deleted = 0"
			if f.hasColumn("instances", "compute_id") {
				final += " AND compute_id = 1"
			}
			if n := f.count(f.cell, final); n != len(in) {
				t.Errorf("%d instances are final, want %d", n, len(in))
			}
			plain := "block_device_mapping"
			if f.hasColumn(plain, "encrypted") {
				plain += " WHERE encrypted = 0 AND encryption_secret_uuid IS NULL AND encryption_format IS NULL AND encryption_options IS NULL"
			}
			if all, n := f.count(f.cell, "block_device_mapping"), f.count(f.cell, plain); n != all || n < len(in) {
				t.Errorf("%d of %d disks are said to be without encryption", n, all)
			}
		})
	}
}

func TestInsertExisting(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	in := many(3)
	f.adopt(w, in[1:2], Recorded)
	ids, err := w.InsertInstances(context.Background(), kvm01.Cell, in)
	if !errors.Is(err, ErrInstanceExists) || !strings.Contains(err.Error(), in[1].UUID) {
		t.Errorf("error %v, want ErrInstanceExists with %s", err, in[1].UUID)
	}
	if len(ids) != 0 || f.count(f.cell, "instances") != 1 {
		t.Errorf("%d ids and %d rows, want none of the batch", len(ids), f.count(f.cell, "instances"))
	}
}

// Nothing of a batch is written when one of its instances is bad.
func TestInsertChecksAllFirst(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	for field, change := range map[string]func(*Instance){
		"flavor legacy.2c4g40d: does not exist in Nova yet": func(in *Instance) { in.Flavor.ID = 0 },
		"host: kvm01 is not in cell cell1":                  func(in *Instance) { in.Host.CellID = 7 },
		"image property hw_vif_model: \"x\"":                func(in *Instance) { in.ImageProperties["hw_vif_model"] = "x" },
		"image property hw_vif_model: igb is known since":   func(in *Instance) { in.ImageProperties["hw_vif_model"] = "igb" },
	} {
		in := many(60)
		change(&in[59])
		if _, err := w.InsertInstances(context.Background(), kvm01.Cell, in); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("error %v, want one with %q", err, field)
		}
	}
	if n := f.count(f.cell, "instances"); n != 0 {
		t.Errorf("%d instances were written, want 0", n)
	}
	if _, err := w.InsertInstances(context.Background(), "no-such-cell", many(1)); err == nil {
		t.Error("an unknown cell is accepted")
	}
}

// All rows or none: the last table fails, and the first is empty.
func TestInsertRollsBack(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	f.exec(f.cell, "CREATE TRIGGER no_mapping BEFORE INSERT ON instance_id_mappings BEGIN SELECT RAISE(ABORT, 'disk full'); END")
	_, err := w.InsertInstances(context.Background(), kvm01.Cell, many(2))
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("error %v, want the cause", err)
	}
	for _, table := range []string{"instances", "instance_extra", "instance_system_metadata", "block_device_mapping"} {
		if n := f.count(f.cell, table); n != 0 {
			t.Errorf("%s has %d rows, want 0", table, n)
		}
	}
}

// A rerun leaves alone what is there, whatever the first run came to.
func TestRerunCompletes(t *testing.T) {
	for _, stage := range []Stage{Recorded, Mapped, Finished} {
		t.Run(stage.String(), func(t *testing.T) {
			f := newFixture(t, "epoxy", nil)
			w := f.writer()
			in := many(2)
			f.adopt(w, in, stage)
			for range 2 {
				if err := w.InsertMappings(context.Background(), in); err != nil {
					t.Fatal(err)
				}
				if err := w.Finish(context.Background(), finals(in)); err != nil {
					t.Fatal(err)
				}
			}
			f.stages(w, map[string]Stage{in[0].UUID: Finished, in[1].UUID: Finished})
			for _, table := range []string{"instance_mappings", "request_specs"} {
				if n := f.count(f.api, table); n != 2 {
					t.Errorf("%s has %d rows, want 2", table, n)
				}
			}
		})
	}
}

func TestMappingsNeedTheCellsRows(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	if err := w.InsertMappings(context.Background(), many(1)); err == nil || !strings.Contains(err.Error(), "is not written") {
		t.Errorf("error %v, want that it is not written", err)
	}
	f.insert(f.cell, "instances", map[string]any{"uuid": many(1)[0].UUID, "deleted": 0})
	if err := w.InsertMappings(context.Background(), many(1)); !errors.Is(err, ErrNotOurs) {
		t.Errorf("error %v, want ErrNotOurs", err)
	}
}

func TestFinishRefuses(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	in := many(6)
	f.adopt(w, in[:1], Recorded)
	f.adopt(w, in[1:5], Mapped)
	foreign := in[5].UUID
	f.insert(f.cell, "instances", map[string]any{"uuid": foreign, "deleted": 0, "task_state": "migrating"})

	list := finals(in)
	list[1].VMState = "stopped"    // with a running domain: Nova would power it off
	list[2].Host.NodeID = 0        // no such node
	list[3].Host.Host = "kvm-else" // fine for the guard, and done below
	err := w.Finish(context.Background(), list)
	for uuid, why := range map[string]string{
		in[0].UUID: "it is recorded", in[1].UUID: "power sync", in[2].UUID: "not a compute host", foreign: ErrNotOurs.Error(),
	} {
		if err == nil || !strings.Contains(err.Error(), uuid) || !strings.Contains(err.Error(), why) {
			t.Errorf("error %v, want %s with %q", err, uuid, why)
		}
	}
	f.stages(w, map[string]Stage{in[0].UUID: Recorded, in[1].UUID: Mapped, in[2].UUID: Mapped, in[3].UUID: Finished, in[4].UUID: Finished, foreign: Foreign})
	if n := f.count(f.cell, "instances WHERE uuid = ? AND host IS NULL", foreign); n != 1 {
		t.Error("the row of somebody else was changed")
	}
	if err := w.Finish(context.Background(), finals(in[3:4])); err == nil || !strings.Contains(err.Error(), "final on host kvm-else") {
		t.Errorf("error %v, want that it is final elsewhere", err)
	}
}

func TestUnlockAndInfoCache(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	ctx := context.Background()
	in := many(2)
	f.adopt(w, in, Mapped)
	list := finals(in)
	list[0].Unlock, list[1].Unlock = false, false
	if err := w.Finish(ctx, list); err != nil {
		t.Fatal(err)
	}
	f.exec(f.cell, "DELETE FROM instance_system_metadata WHERE instance_uuid = ? AND key = ?", in[1].UUID, MarkerKey)
	if err := w.Unlock(ctx, []string{in[0].UUID, in[1].UUID}); err != nil {
		t.Fatal(err)
	}
	if n := f.count(f.cell, "instances WHERE locked = 1 AND locked_by = 'admin' AND uuid = ?", in[1].UUID); n != 1 {
		t.Error("an instance that is not ours was unlocked")
	}
	if n := f.count(f.cell, "instances WHERE locked = 0 AND locked_by IS NULL AND uuid = ?", in[0].UUID); n != 1 {
		t.Error("our instance is still locked")
	}
	port := bridgePort(77)
	if err := w.SetInfoCache(ctx, kvm01.Cell, in[0].UUID, []Port{port}); err != nil {
		t.Fatal(err)
	}
	if n := f.count(f.cell, "instance_info_caches WHERE instance_uuid = ? AND network_info LIKE ?", in[0].UUID, "%"+port.MAC+"%"); n != 1 {
		t.Error("the info cache does not have the port")
	}
	if err := w.SetInfoCache(ctx, kvm01.Cell, in[1].UUID, nil); !errors.Is(err, ErrNotOurs) {
		t.Errorf("error %v, want ErrNotOurs", err)
	}
	port.VIFType = "unbound"
	if err := w.SetInfoCache(ctx, kvm01.Cell, in[0].UUID, []Port{port}); err == nil {
		t.Error("an unbound port is accepted")
	}
}

func TestWriterReadOnly(t *testing.T) {
	f := newFixture(t, "zed", nil)
	f.exec(f.cell, "UPDATE alembic_version SET version_num = 'deadbeef0000'")
	_, err := f.open().Writer(context.Background(), "me")
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "deadbeef0000") {
		t.Errorf("error %v, want ErrReadOnly with the reason", err)
	}
}

func TestLockNamesTheHolder(t *testing.T) {
	f := newFixture(t, "zed", nil)
	first := f.writer()
	_, err := f.open().Writer(context.Background(), "second@there pid 2")
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || locked.Holder != "tester@here pid 1 since noon" {
		t.Errorf("error %v, want ErrLocked with the first holder", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := f.open().Writer(context.Background(), "second@there pid 2")
	if err != nil {
		t.Fatalf("after the first has closed: %v", err)
	}
	_ = second.Close()
}

// A lost lock stops the next transaction, not the process.
func TestLostLockStopsWriting(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	_ = w.lock.release()
	w.lock = brokenLock{}
	if _, err := w.InsertInstances(context.Background(), kvm01.Cell, many(1)); !errors.Is(err, ErrLockLost) {
		t.Errorf("error %v, want ErrLockLost", err)
	}
	if n := f.count(f.cell, "instances"); n != 0 {
		t.Errorf("%d instances, want 0", n)
	}
}

type brokenLock struct{}

func (brokenLock) held(context.Context) error { return fmt.Errorf("%w: test", ErrLockLost) }
func (brokenLock) release() error             { return nil }

func TestStatementBounds(t *testing.T) {
	row := func(size int) Row {
		return Row{Table: "t", Columns: []Column{value("a", strings.Repeat("x", size)), value("b", 1)}}
	}
	var rows []Row
	for range 620 {
		rows = append(rows, row(1))
	}
	rows = append(rows, row(maxStatement), row(maxStatement), row(1))
	var sizes []int
	for part := range chunks(rows) {
		sizes = append(sizes, len(part))
	}
	if want := []int{400, 200, 16, 4, 1, 1, 1}; !slices.Equal(sizes, want) {
		t.Errorf("statements of %v rows, want %v", sizes, want)
	}
}
