package nova

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// restartable is a fixture with one adopted instance that is final on kvm01.
func restartable(t *testing.T, release string) (*fixture, *Writer, string) {
	t.Helper()
	f := newFixture(t, release, nil)
	w := f.writer()
	in := many(1)
	f.adopt(w, in, Finished)
	return f, w, in[0].UUID
}

func (f *fixture) restart(uuid string) Restart {
	f.t.Helper()
	r, err := f.open().Restart(context.Background(), kvm01.Cell, uuid)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func TestHoldAndSettle(t *testing.T) {
	ctx := context.Background()
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f, w, uuid := restartable(t, r.Name)
			for range 2 { // again, after a crash
				if err := w.Hold(ctx, kvm01, uuid); err != nil {
					t.Fatal(err)
				}
				want := Restart{Host: "kvm01", VMState: "active", PowerState: PowerRunning, TaskState: "migrating", Held: true, Locked: true}
				if diff := cmp.Diff(want, f.restart(uuid)); diff != "" {
					t.Fatalf("held (-want +got):\n%s", diff)
				}
			}
			for range 2 {
				if err := w.Settle(ctx, Final{UUID: uuid, Host: kvm01, VMState: "stopped", PowerState: PowerShutdown}); err != nil {
					t.Fatal(err)
				}
				want := Restart{Host: "kvm01", VMState: "stopped", PowerState: PowerShutdown, Locked: true}
				if diff := cmp.Diff(want, f.restart(uuid)); diff != "" {
					t.Fatalf("settled (-want +got):\n%s", diff)
				}
			}
			if err := w.Settle(ctx, Final{UUID: uuid, Host: kvm01, VMState: "active", PowerState: PowerRunning, Unlock: true}); err != nil {
				t.Fatal(err)
			}
			if r := f.restart(uuid); r.Locked || r.VMState != "active" {
				t.Errorf("settled and unlocked: %+v", r)
			}
		})
	}
}

func TestHoldAndSettleRefuse(t *testing.T) {
	ctx := context.Background()
	final := func(uuid string) Final {
		return Final{UUID: uuid, Host: kvm01, VMState: "active", PowerState: PowerRunning}
	}
	for name, c := range map[string]struct {
		change string // to the instance, in SQL
		want   error
	}{
		"Nova reboots it":         {"UPDATE instances SET task_state = 'reboot_started' WHERE uuid = ?", ErrBusy},
		"it was migrated":         {"UPDATE instances SET host = 'kvm02' WHERE uuid = ?", ErrMoved},
		"it has no host any more": {"UPDATE instances SET host = NULL WHERE uuid = ?", ErrMoved},
		"it was deleted":          {"UPDATE instances SET deleted = id WHERE uuid = ?", ErrNotOurs},
		"it is not ours":          {"DELETE FROM instance_system_metadata WHERE instance_uuid = ?", ErrNotOurs},
	} {
		t.Run(name, func(t *testing.T) {
			f, w, uuid := restartable(t, "zed")
			if _, err := f.cell.Exec(c.change, uuid); err != nil {
				t.Fatal(err)
			}
			if err := w.Hold(ctx, kvm01, uuid); !errors.Is(err, c.want) {
				t.Errorf("Hold: %v, want %v", err, c.want)
			}
			if err := w.Settle(ctx, final(uuid)); !errors.Is(err, c.want) {
				t.Errorf("Settle: %v, want %v", err, c.want)
			}
			if n := f.count(f.cell, "instances WHERE uuid = ? AND task_state = 'migrating' AND host IS NOT NULL", uuid); n != 0 {
				t.Error("the instance was changed all the same")
			}
		})
	}
	_, w, uuid := restartable(t, "zed")
	if err := w.Settle(ctx, Final{UUID: uuid, Host: kvm01, VMState: "stopped", PowerState: PowerRunning}); err == nil {
		t.Error("a running domain was recorded as stopped: Nova would force it off")
	}
}

// Nova's own migration has the same task, and is not ours to end.
func TestHoldDuringMigration(t *testing.T) {
	ctx := context.Background()
	f, w, uuid := restartable(t, "zed")
	run := func(change string) {
		t.Helper()
		if _, err := f.cell.Exec(change, uuid); err != nil {
			t.Fatal(err)
		}
	}
	run("INSERT INTO migrations (instance_uuid, deleted, status) VALUES (?, 0, 'completed')") // an earlier one
	if err := w.Hold(ctx, kvm01, uuid); err != nil || !f.restart(uuid).Held {
		t.Fatalf("after a migration: %v, %+v", err, f.restart(uuid))
	}
	run("INSERT INTO migrations (instance_uuid, deleted, status) VALUES (?, 0, 'accepted')")
	if r := f.restart(uuid); r.Held || r.TaskState != "migrating" {
		t.Errorf("while it is migrated: %+v", r)
	}
	if err := w.Hold(ctx, kvm01, uuid); !errors.Is(err, ErrBusy) {
		t.Errorf("Hold: %v, want %v", err, ErrBusy)
	}
	if err := w.Settle(ctx, Final{UUID: uuid, Host: kvm01, VMState: "active", PowerState: PowerRunning}); !errors.Is(err, ErrBusy) {
		t.Errorf("Settle: %v, want %v", err, ErrBusy)
	}
	if r := f.restart(uuid); r.TaskState != "migrating" {
		t.Errorf("its task was taken from it: %+v", r)
	}
	run("UPDATE instances SET task_state = NULL, locked = 0 WHERE uuid = ?") // between two of its steps, or it was forgotten
	if err := w.Hold(ctx, kvm01, uuid); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "migration list") {
		t.Errorf("Hold: %v, want %v", err, ErrBusy)
	}
}

func TestSetNICModel(t *testing.T) {
	ctx := context.Background()
	f, w, uuid := restartable(t, "zed")
	var before string
	if err := f.api.QueryRow("SELECT spec FROM request_specs WHERE instance_uuid = ?", uuid).Scan(&before); err != nil {
		t.Fatal(err)
	}
	for _, model := range []string{"e1000", "e1000e", "e1000e", "", "virtio"} {
		if err := w.SetNICModel(ctx, kvm01, uuid, model); err != nil {
			t.Fatal(err)
		}
		if is, err := w.cloud.NICModel(ctx, kvm01.Cell, uuid); is != model || err != nil {
			t.Errorf("the model is %q, want %q: %v", is, model, err)
		}
		if err := w.SetNICModel(ctx, kvm01, uuid, model); err != nil {
			t.Fatal(err)
		}
		n := f.count(f.cell, "instance_system_metadata WHERE instance_uuid = ? AND `key` = 'image_hw_vif_model' AND value = ? AND deleted = 0", uuid, model)
		if all := f.count(f.cell, "instance_system_metadata WHERE instance_uuid = ? AND `key` = 'image_hw_vif_model'", uuid); all > 1 || (n == 1) != (model != "") {
			t.Errorf("%q: %d of %d rows have it", model, n, all)
		}
		var spec string
		if err := f.api.QueryRow("SELECT spec FROM request_specs WHERE instance_uuid = ?", uuid).Scan(&spec); err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(spec, `"hw_vif_model":"`+model+`"`); has != (model != "") {
			t.Errorf("%q: request spec says %s", model, spec)
		}
		if diff := cmp.Diff(withoutModel(t, before), withoutModel(t, spec)); diff != "" {
			t.Errorf("%q changed more of the request spec (-before +after):\n%s", model, diff)
		}
	}
	for _, model := range []string{"tulip", "e1000; DROP TABLE instances"} {
		if err := w.SetNICModel(ctx, kvm01, uuid, model); err == nil {
			t.Errorf("%q was recorded: Nova could not load it", model)
		}
	}
}

// withoutModel is a request spec as a tree, without the property.
func withoutModel(t *testing.T, spec string) any {
	t.Helper()
	spec, err := changedSpec(spec, func(root map[string]any) error { return setProperty(root, "hw_vif_model", "") })
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal([]byte(spec), &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}
