package rename

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const liveDevices = `<os><nvram template='/t'>/var/lib/libvirt/qemu/nvram/web-3_VARS.fd</nvram></os><features><acpi/></features>
<devices>
 <disk type='file' device='disk'><source file='/srv/web-3.qcow2'/><backingStore><source file='/srv/base'/></backingStore><target dev='vda'/></disk>
 <disk type='block' device='disk'><source dev='/dev/vg/web'/><target dev='vdb'/></disk>
 <disk type='file' device='cdrom'><source file='/iso/tools.iso'/><target dev='hda'/></disk>
 <disk type='network' device='disk'><source protocol='rbd' name='p/i'/><target dev='vdc'/></disk>
 <serial type='file'><source path='/var/log/web-3.console'/></serial>
 <console type='file'><source path='/var/log/web-3.console'/></console>
 <serial type='pty'><source path='/dev/pts/3'/><log file='/var/log/web-3.log'/></serial>
 <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>
</devices>`

func TestSave(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	d.live, d.autostart, d.managedSave, d.snapshots = liveDevices, true, true, []string{"before the update"}
	d.xml = definitionOf(d.name, d.id.String(), "<devices><graphics type='vnc' passwd='hunter2'/></devices>")
	s, err := open(t, f, d).Save(soon(t))
	want := Saved{
		UUID: d.id.String(), Name: "web-3", State: StateRunning, Persistent: true, Autostart: true, ManagedSave: true,
		Snapshots:  []string{"before the update"},
		Definition: d.xml, Live: definitionOf(d.name, d.id.String(), liveDevices),
		NVRAM:    "/var/lib/libvirt/qemu/nvram/web-3_VARS.fd",
		Disks:    []string{"/srv/web-3.qcow2", "/dev/vg/web"},
		Consoles: []string{"/var/log/web-3.console", "/var/log/web-3.log"},
		Agent:    true,
	}
	if diff := cmp.Diff(want, s); err != nil || diff != "" {
		t.Fatalf("Save: %v\n%s", err, diff)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("saved", "domain", s)
	if text := log.String() + s.String() + fmt.Sprintf("%v %+v", s, s); strings.Contains(text, "hunter2") || !strings.Contains(text, "web-3") {
		t.Errorf("in words: %s", text)
	}
	kept, err := json.Marshal(s)
	var again Saved
	if err := errors.Join(err, json.Unmarshal(kept, &again)); err != nil || cmp.Diff(s, again) != "" {
		t.Errorf("kept as JSON: %v\n%s", err, cmp.Diff(s, again))
	}
}

func TestSaveOff(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", shutoff)
	d.xml = definitionOf(d.name, d.id.String(), "<os><nvram type='file'><source file='/nvram/x.fd'/></nvram></os>")
	s, err := open(t, f, d).Save(soon(t))
	if err != nil || s.Live != "" || !s.Off() || s.NVRAM != "/nvram/x.fd" || s.Agent {
		t.Errorf("Save = %+v, %v", s, err)
	}
}

func TestSaveElsewhere(t *testing.T) {
	for reason, want := range map[int32]string{1: "", 2: "", 4: "migrated", 5: "saved", 8: ""} {
		f := newFakeDaemon(t)
		d := f.add("web-3", shutoff)
		d.reason = reason
		if s, err := open(t, f, d).Save(soon(t)); err != nil || s.Elsewhere != want {
			t.Errorf("off for reason %d: elsewhere %q, %v; want %q", reason, s.Elsewhere, err, want)
		}
	}
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	d.reason = 4 // of a state that is on it means something else
	if s, err := open(t, f, d).Save(soon(t)); err != nil || s.Elsewhere != "" {
		t.Errorf("running: elsewhere %q, %v", s.Elsewhere, err)
	}
}

func TestRestartable(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Saved
		want error
	}{
		{"plain", Saved{Persistent: true}, nil},
		{"transient", Saved{}, ErrTransient},
		{"migrated", Saved{Persistent: true, State: StateShutoff, Elsewhere: "migrated"}, ErrElsewhere},
		{"managed save", Saved{Persistent: true, ManagedSave: true}, ErrManagedSave},
		{"snapshots", Saved{Persistent: true, Snapshots: []string{"a"}}, ErrSnapshots},
		{"checkpoints", Saved{Persistent: true, Checkpoints: []string{"a"}}, ErrSnapshots},
	} {
		if err := c.s.Restartable(); !errors.Is(err, c.want) {
			t.Errorf("%s: Restartable = %v, want %v", c.name, err, c.want)
		}
	}
}

func TestIdle(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(*fakeDomain)
		want error
	}{
		{"idle", func(*fakeDomain) {}, nil},
		{"migrates", func(d *fakeDomain) { d.job = 2 }, ErrBusy},
		{"copies a disk", func(d *fakeDomain) { d.blockJob = true }, ErrBusy},
		{"is off", func(d *fakeDomain) { d.job, d.state = 2, shutoff }, nil},
	} {
		f := newFakeDaemon(t)
		d := f.add("web-3", running)
		d.live = liveDevices
		c.with(d)
		if err := open(t, f, d).Idle(soon(t)); !errors.Is(err, c.want) {
			t.Errorf("%s: Idle = %v, want %v", c.name, err, c.want)
		}
	}
}

// memoryFiles are the files of a host that is none.
type memoryFiles map[string]struct {
	inode uint64
	text  string
}

func (m memoryFiles) Stat(_ context.Context, path string) (File, error) {
	f, there := m[path]
	if !there {
		return File{}, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	}
	return File{Path: path, Device: 1, Inode: f.inode, Bytes: int64(len(f.text))}, nil
}

func (m memoryFiles) Copy(_ context.Context, from, to string) error {
	f, there := m[from]
	if !there {
		return &fs.PathError{Op: "open", Path: from, Err: fs.ErrNotExist}
	}
	f.inode = 99
	m[to] = f
	return nil
}

func (m memoryFiles) Read(_ context.Context, path string, offset int64, limit int) ([]byte, error) {
	f, there := m[path]
	if !there {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	text := f.text[min(int(offset), len(f.text)):]
	return []byte(text[:min(limit, len(text))]), nil
}

func TestFiles(t *testing.T) {
	files := memoryFiles{"/srv/a": {1, "aaa"}, "/nvram": {2, "vars"}}
	saved, err := SaveFiles(soon(t), files, Saved{Disks: []string{"/srv/a"}, NVRAM: "/nvram"})
	want := []File{{"/srv/a", 1, 1, 3}, {"/nvram", 1, 2, 4}}
	if diff := cmp.Diff(want, saved); err != nil || diff != "" {
		t.Fatalf("SaveFiles: %v\n%s", err, diff)
	}
	files["/srv/a"] = struct {
		inode uint64
		text  string
	}{1, "it has grown"}
	if err := CheckFiles(soon(t), files, saved); err != nil {
		t.Error(err)
	}
	files["/srv/a"] = struct {
		inode uint64
		text  string
	}{7, "another file"}
	if err := CheckFiles(soon(t), files, saved); !errors.Is(err, ErrMoved) || !strings.Contains(err.Error(), "was inode 1 of device 1 and is inode 7") {
		t.Errorf("another file: %v", err)
	}
	delete(files, "/srv/a")
	if err := CheckFiles(soon(t), files, saved); !errors.Is(err, ErrMoved) {
		t.Errorf("no file: %v", err)
	}
	if _, err := SaveFiles(soon(t), files, Saved{Disks: []string{"/srv/a"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("SaveFiles without a disk: %v", err)
	}
}

func TestCopyNVRAM(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	o := open(t, f, d)
	files := memoryFiles{"/nvram/web-3_VARS.fd": {2, "vars"}}
	to := "/nvram/instance-0000000a_VARS.fd"
	if err := o.CopyNVRAM(soon(t), files, "/nvram/web-3_VARS.fd", to); !errors.Is(err, ErrActive) || len(files) != 1 {
		t.Errorf("CopyNVRAM of a running domain: %v", err)
	}
	f.change(func() { d.state = shutoff })
	if err := o.CopyNVRAM(soon(t), files, "/nvram/web-3_VARS.fd", to); err != nil || files[to].text != "vars" {
		t.Errorf("CopyNVRAM: %v", err)
	}
}
