package nova

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// A recorder keeps the statements that are really sent through a gorm handle.
type recorder struct {
	mu   sync.Mutex
	sent []string
}

func (r *recorder) listen(t *testing.T, db *gorm.DB) {
	t.Helper()
	note := func(tx *gorm.DB) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sent = append(r.sent, tx.Statement.SQL.String())
	}
	c := db.Callback()
	for _, err := range []error{
		c.Create().After("gorm:create").Register("test:create", note),
		c.Update().After("gorm:update").Register("test:update", note),
		c.Delete().After("gorm:delete").Register("test:delete", note),
		c.Raw().After("gorm:raw").Register("test:raw", note),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

var (
	hides      = regexp.MustCompile("(?is)^UPDATE [`\"]?instances[`\"]? .*hidden")
	softDelete = regexp.MustCompile(`(?is)\bUPDATE\b.*\bdeleted`)
	deleteFrom = regexp.MustCompile("^DELETE FROM `?([a-z_]+)")
)

// An adopted instance that lived in Nova for a while leaves no row behind,
// and the neighbour's rows stay. What was sent marks nothing as deleted, takes
// the API's rows first and children before parents.
func TestDelete(t *testing.T) {
	for _, r := range schema.Releases {
		for _, stage := range []Stage{Recorded, Mapped, Finished} {
			t.Run(r.Name+"/"+stage.String(), func(t *testing.T) {
				f := newFixture(t, r.Name, nil)
				w := f.writer()
				in := many(2)
				f.adopt(w, in, stage)
				f.livedIn(in[0].UUID)
				sent := &recorder{}
				sent.listen(t, w.api.DB)
				sent.listen(t, w.cells[kvm01.Cell].DB)
				for range 2 { // the second finds nothing to do
					if err := w.Delete(context.Background(), in[0].UUID); err != nil {
						t.Fatal(err)
					}
				}
				f.gone(in[0].UUID)
				f.stages(w, map[string]Stage{in[0].UUID: Unwritten, in[1].UUID: stage})
				checkStatements(t, sent.sent)
			})
		}
	}
}

// livedIn adds rows that Nova writes to an instance in its life.
func (f *fixture) livedIn(uuid string) {
	f.t.Helper()
	action := f.insert(f.cell, "instance_actions", map[string]any{"instance_uuid": uuid, "action": "reboot", "deleted": 0})
	f.insert(f.cell, "instance_actions_events", map[string]any{"action_id": action, "event": "compute_reboot_instance", "deleted": 0})
	f.insert(f.cell, "instance_faults", map[string]any{"instance_uuid": uuid, "code": 500, "deleted": 0})
	f.insert(f.cell, "migrations", map[string]any{"instance_uuid": uuid, "status": "confirmed", "deleted": 0})
	f.insert(f.cell, "console_auth_tokens", map[string]any{
		"instance_uuid": uuid, "token_hash": "x", "console_type": "novnc", "host": "h", "port": 1, "expires": 1,
	})
	f.insert(f.cell, "tags", map[string]any{"resource_id": uuid, "tag": "adopted"})
}

// gone: no table of the two databases has a row of the instance.
func (f *fixture) gone(uuid string) {
	f.t.Helper()
	c := f.open()
	check := func(d *database) {
		for table, columns := range d.columns {
			for _, column := range []string{"instance_uuid", "uuid", "resource_id"} {
				if !columns[column] {
					continue
				}
				var n int64
				if err := d.Table(table).Where(column+" = ?", uuid).Count(&n).Error; err != nil {
					f.t.Fatal(err)
				}
				if n > 0 {
					f.t.Errorf("%s: %s has %d rows of it", d.label, table, n)
				}
			}
		}
	}
	check(c.api)
	check(c.cells[0].database)
	if n := f.count(f.cell, "instance_actions_events"); n != 0 {
		f.t.Errorf("instance_actions_events has %d rows", n)
	}
}

func checkStatements(t *testing.T, sent []string) {
	t.Helper()
	at := map[string]int{}
	for i, s := range sent {
		if softDelete.MatchString(s) {
			t.Errorf("marks a row as deleted: %s", s)
		}
		if hides.MatchString(s) {
			at["hidden"] = i + 1
		}
		if m := deleteFrom.FindStringSubmatch(s); m != nil {
			if _, again := at[m[1]]; !again {
				at[m[1]] = i + 1
			}
		}
	}
	order := []string{"instance_mappings", "hidden", "request_specs", "instance_actions_events", "instance_actions", "instance_extra", "instances"}
	for i := 1; i < len(order); i++ {
		if at[order[i-1]] == 0 || at[order[i-1]] >= at[order[i]] {
			t.Errorf("%s is statement %d and %s statement %d; statements: %s",
				order[i-1], at[order[i-1]], order[i], at[order[i]], strings.Join(sent, "\n"))
		}
	}
}

// Every foreign key onto instances, in any release, is from a table that
// Delete empties, or from one that makes it refuse.
func TestDeleteKnowsAllChildren(t *testing.T) {
	known := map[string]bool{}
	for _, c := range cellTables {
		known[c.table] = true
	}
	for _, c := range claims {
		known[c.table] = true
	}
	children := regexp.MustCompile("(?is)CREATE TABLE [`\"]?(\\w+)[`\"]? .*REFERENCES [`\"]?instances[`\"]?")
	for _, r := range schema.Releases {
		statements, err := schema.DDL(schema.MariaDB, r.Name, schema.Cell)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, s := range statements {
			if m := children.FindStringSubmatch(s); m != nil {
				found++
				if !known[m[1]] {
					t.Errorf("%s: %s refers to instances, and Delete does not know it", r.Name, m[1])
				}
			}
		}
		if found < 8 {
			t.Errorf("%s: only %d tables refer to instances; the test does not see them", r.Name, found)
		}
	}
}

func TestDeleteRefuses(t *testing.T) {
	cases := []struct {
		name, change string
		want         error
	}{
		{"an operation is under way", "UPDATE instances SET task_state = 'rebooting' WHERE uuid = ?", ErrInUse},
		{"it is being resized", "UPDATE instances SET vm_state = 'resized' WHERE uuid = ?", ErrInUse},
		{"it is shelved", "UPDATE instances SET host = NULL, vm_state = 'shelved_offloaded' WHERE uuid = ?", ErrInUse},
		{"it has a volume", "INSERT INTO block_device_mapping (instance_uuid, deleted, destination_type) VALUES (?, 0, 'volume')", ErrInUse},
		{"it is migrating", "INSERT INTO migrations (instance_uuid, deleted, status) VALUES (?, 0, 'running')", ErrInUse},
		{"it is not ours", "DELETE FROM instance_system_metadata WHERE key = 'kvm2openstack' AND instance_uuid = ?", ErrNotOurs},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, "epoxy", nil)
			w := f.writer()
			in := many(1)
			f.adopt(w, in, Finished)
			f.exec(f.cell, c.change, in[0].UUID)
			rows := f.count(f.cell, "instance_system_metadata")
			if err := w.Delete(context.Background(), in[0].UUID); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if f.count(f.api, "instance_mappings") != 1 || f.count(f.cell, "instances") != 1 || f.count(f.cell, "instance_system_metadata") != rows {
				t.Error("something was removed")
			}
		})
	}
}

// Claimed knows before what Delete would refuse, and Delete what it knows.
func TestClaimed(t *testing.T) {
	const volume = "INSERT INTO block_device_mapping (instance_uuid, deleted, destination_type) VALUES (?, 0, 'volume')"
	for _, c := range []struct{ release, name, change, says string }{
		{"zed", "a disk", "UPDATE block_device_mapping SET delete_on_termination = 0 WHERE instance_uuid = ?", ""},
		{"zed", "a volume", volume, "a volume is attached"},
		{"epoxy", "a volume that was detached", strings.Replace(volume, " 0,", " 1,", 1), ""},
		{"epoxy", "a share", "INSERT INTO share_mapping (instance_uuid, share_id) VALUES (?, 's')", "a share is attached"},
		{"epoxy", "a migration", "INSERT INTO migrations (instance_uuid, deleted, status) VALUES (?, 0, 'running')", "a migration is not finished"},
	} {
		t.Run(c.release+" "+c.name, func(t *testing.T) {
			f, w, uuid := restartable(t, c.release)
			f.exec(f.cell, c.change, uuid)
			asked, done := w.cloud.Claimed(t.Context(), kvm01.Cell, uuid), w.Delete(t.Context(), uuid)
			for _, err := range []error{asked, done} {
				if errors.Is(err, ErrInUse) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("asked: %v; done: %v; want %q of both", asked, done, c.says)
				}
			}
		})
	}
}

// A row that Nova has deleted is the danger itself, and goes.
func TestDeleteOfDeleted(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	in := many(1)
	f.adopt(w, in, Finished)
	f.exec(f.cell, "UPDATE instances SET deleted = id, vm_state = 'deleted', task_state = NULL WHERE uuid = ?", in[0].UUID)
	f.stages(w, map[string]Stage{in[0].UUID: Removed})
	if err := w.Delete(context.Background(), in[0].UUID); err != nil {
		t.Fatal(err)
	}
	f.gone(in[0].UUID)
}

// An operation that begins before the mapping is gone stops the removal, and
// a second Delete goes on when it is over.
func TestDeleteGoesOn(t *testing.T) {
	f := newFixture(t, "zed", nil)
	w := f.writer()
	in := many(1)
	f.adopt(w, in, Finished)
	begun := false
	sneak := func(tx *gorm.DB) {
		if !begun && strings.HasPrefix(tx.Statement.SQL.String(), "DELETE FROM instance_mappings") {
			begun = true
			f.exec(f.cell, "UPDATE instances SET task_state = 'powering-off'")
		}
	}
	if err := w.api.Callback().Raw().After("gorm:raw").Register("test:sneak", sneak); err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(context.Background(), in[0].UUID); !errors.Is(err, ErrInUse) {
		t.Fatalf("error %v, want ErrInUse", err)
	}
	if f.count(f.cell, "instances WHERE host = 'kvm01' AND hidden = 0") != 1 || f.count(f.api, "request_specs") != 1 {
		t.Error("the instance has lost its host or its request spec, or cannot be seen")
	}
	f.exec(f.cell, "UPDATE instances SET task_state = NULL")
	if err := w.Delete(context.Background(), in[0].UUID); err != nil {
		t.Fatal(err)
	}
	f.gone(in[0].UUID)
}
