package nova

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// healable is a cloud with an adopted instance of two data disks and two
// ports, in which flavors are as they should be, and larger.
func healable(t *testing.T, release string) (f *fixture, w *Writer, in Instance, larger Flavor) {
	t.Helper()
	in = twoDataDisks()
	in.Ports = twoPorts().Ports
	larger = in.Flavor
	larger.Name, larger.FlavorID, larger.VCPUs, larger.MemoryMB, larger.RootGB, larger.EphemeralGB = "larger", "larger", 4, 8192, 60, 250
	f = newFixture(t, release, func(s *schema.Seed) {
		s.Flavors = []schema.FlavorSeed{flavorSeed(in.Flavor), flavorSeed(larger)}
	})
	in.Flavor.ID, larger.ID = 1, 2
	w = f.writer()
	w.now = func() time.Time { return time.Now().UTC() }
	f.adopt(w, []Instance{in}, Finished)
	return f, w, in, larger
}

// verifies expects that nothing is found on the instance as it is written here.
func (f *fixture) verifies(w *Writer, in Instance) {
	f.t.Helper()
	e := Expect{UUID: in.UUID, DisplayName: in.DisplayName, ProjectID: in.ProjectID, Host: "kvm01", Flavor: in.Flavor, Disks: in.Disks, Ports: in.Ports}
	for _, v := range verify(f.t, w.cloud, e) {
		f.t.Error(v)
	}
}

func TestRepower(t *testing.T) {
	ctx := context.Background()
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f, w, in, _ := healable(t, r.Name)
			f.exec(f.cell, "UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", in.UUID)
			runs := Final{UUID: in.UUID, Host: kvm01, VMState: "active", PowerState: PowerRunning}
			for range 2 { // again, after a crash
				if err := w.Repower(ctx, runs, Power{"stopped", PowerShutdown}); err != nil {
					t.Fatal(err)
				}
				if got := f.restart(in.UUID); got.VMState != "active" || got.PowerState != PowerRunning || got.TaskState != "" {
					t.Errorf("recorded %+v, want active and running", got)
				}
			}
			f.verifies(w, in)
		})
	}
}

// What has changed since it was compared is Nova's.
func TestRepowerRefuses(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		change string
		want   error
		text   string
	}{
		"Nova has a task":      {"UPDATE instances SET task_state = 'migrating' WHERE uuid = ?", ErrBusy, "migrating"},
		"it is on another":     {"UPDATE instances SET host = 'kvm02' WHERE uuid = ?", ErrMoved, "kvm02"},
		"Nova has suspended":   {"UPDATE instances SET vm_state = 'suspended' WHERE uuid = ?", nil, "suspended"},
		"it is not ours":       {"DELETE FROM instance_system_metadata WHERE instance_uuid = ?", ErrNotOurs, ""},
		"it is marked deleted": {"UPDATE instances SET deleted = id WHERE uuid = ?", ErrNotOurs, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, w, in, larger := healable(t, "zed")
			f.exec(f.cell, "UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", in.UUID)
			f.exec(f.cell, c.change, in.UUID)
			err := w.Repower(ctx, Final{UUID: in.UUID, Host: kvm01, VMState: "active", PowerState: PowerRunning}, Power{"stopped", PowerShutdown})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("Repower = %v, want %v with %q", err, c.want, c.text)
			}
			if n := f.count(f.cell, "instances WHERE uuid = ? AND vm_state = 'active'", in.UUID); n != 0 {
				t.Error("the instance was changed all the same")
			}
			if c.want == nil {
				return // An idle one may get another size.
			}
			for what, err := range map[string]error{
				"SetFlavor": w.SetFlavor(ctx, kvm01, in.UUID, larger, in.Disks),
				"SetPorts":  w.SetPorts(ctx, kvm01, in.UUID, in.Ports[:1], nil),
			} {
				if !errors.Is(err, c.want) {
					t.Errorf("%s = %v, want %v", what, err, c.want)
				}
			}
			if n := f.count(f.cell, "instances WHERE uuid = ? AND vcpus = 4", in.UUID) + f.count(f.api, "request_specs WHERE spec LIKE '%larger%'"); n != 0 {
				t.Error("its size was changed all the same")
			}
		})
	}
	_, w, in, _ := healable(t, "zed")
	if err := w.Repower(ctx, Final{UUID: in.UUID, Host: kvm01, VMState: "stopped", PowerState: PowerRunning}, Power{"active", PowerRunning}); err == nil {
		t.Error("a running domain was recorded as stopped: Nova would force it off")
	}
}

func TestSetFlavor(t *testing.T) {
	ctx := context.Background()
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f, w, in, larger := healable(t, r.Name)
			in.Flavor = larger
			in.Disks[0].SizeGB, in.Disks[2].SizeGB = 150, 100
			for range 2 {
				if err := w.SetFlavor(ctx, kvm01, in.UUID, larger, in.Disks); err != nil {
					t.Fatal(err)
				}
				f.verifies(w, in)
			}
			if n := f.count(f.cell, "block_device_mapping WHERE instance_uuid = ? AND boot_index = 0 AND volume_size IS NULL", in.UUID); n != 1 {
				t.Error("the root disk was given a size, which is the flavor's")
			}
		})
	}
}

func TestSetFlavorLeavesAResizeAlone(t *testing.T) {
	f, w, in, larger := healable(t, "zed")
	f.exec(f.cell, `UPDATE instance_extra SET flavor = REPLACE(flavor, '"old":null', '"old":{}') WHERE instance_uuid = ?`, in.UUID)
	if err := w.SetFlavor(t.Context(), kvm01, in.UUID, larger, in.Disks); !errors.Is(err, ErrBusy) {
		t.Errorf("SetFlavor = %v, want %v", err, ErrBusy)
	}
	larger.ID = 0
	if err := w.SetFlavor(t.Context(), kvm01, in.UUID, larger, in.Disks); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("SetFlavor of one that is not there = %v, want an error", err)
	}
	if n := f.count(f.cell, "instances WHERE uuid = ? AND vcpus = 4", in.UUID) + f.count(f.api, "request_specs WHERE spec LIKE '%larger%'"); n != 0 {
		t.Error("its size was changed all the same")
	}
}

// A port that was deleted is replaced by another with the same MAC address.
func TestSetPorts(t *testing.T) {
	ctx := context.Background()
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f, w, in, _ := healable(t, r.Name)
			gone := in.Ports[0].ID
			in.Ports[0].ID = sampleID(aPort, 77)
			for range 2 {
				if err := w.SetPorts(ctx, kvm01, in.UUID, in.Ports, []string{gone}); err != nil {
					t.Fatal(err)
				}
				f.verifies(w, in)
			}
			if n := f.count(f.cell, "virtual_interfaces WHERE instance_uuid = ?", in.UUID); n != 2 {
				t.Errorf("%d virtual interfaces, want 2: that of the port that is gone goes for good", n)
			}
		})
	}
}

// Servers tells when a row was changed last.
func TestServersUpdated(t *testing.T) {
	f, w, in, _ := healable(t, "zed")
	f.exec(f.cell, "UPDATE instances SET updated_at = '2026-08-21 10:00:00' WHERE uuid = ?", in.UUID)
	all, err := w.cloud.Servers(t.Context(), []string{in.UUID})
	if want := time.Date(2026, 8, 21, 10, 0, 0, 0, time.UTC); err != nil || len(all) != 1 || !all[0].Updated.Equal(want) {
		t.Errorf("Servers = %+v, %v, want one updated at %v", all, err, want)
	}
}
