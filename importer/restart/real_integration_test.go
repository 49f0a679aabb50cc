//go:build integration

package restart

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A realDomain is one of this test's own, as it was before.
type realDomain struct {
	rig
	t      *testing.T
	before string
	disk   uint64
	off    bool
}

// addReal defines a domain with a disk under two names, and starts it.
func addReal(t *testing.T, name string, s shape) *realDomain {
	t.Helper()
	dir, err := os.MkdirTemp("", "k2o-rst")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	id := uuid.NewString()
	d := &realDomain{t: t, off: s.off, rig: rig{
		UUID: id, Name: "rst " + name, Instance: "rst-instance-" + id[:8], Dir: dir, Call: "forward",
		Socket: need(t, "K2O_TEST_LIBVIRT_SOCKET"), SSH: need(t, "K2O_TEST_SSH"), Key: need(t, "K2O_TEST_SSH_KEY"), Known: need(t, "K2O_TEST_KNOWN_HOSTS"),
	}}
	if s.efi == "" {
		d.SSH = ""
	}
	instance := filepath.Join(dir, "instances", id)
	legacy := d.disk1()
	if err := errors.Join(os.Chmod(dir, 0o777), os.MkdirAll(instance, 0o755), os.WriteFile(legacy, make([]byte, 1<<20), 0o666), os.Link(legacy, filepath.Join(instance, "disk"))); err != nil {
		t.Fatal(err)
	}
	d.disk = inode(t, legacy)
	if _, err := d.define(definitionFor(d.rig, s.efi)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.remove)
	if s.autostart {
		d.must("autostart", id)
	}
	if s.efi != "" {
		d.markVariables()
	}
	if !s.off {
		d.must("start", id)
	}
	d.before = d.now()
	if err := d.setUp(s); err != nil {
		t.Fatal(err)
	}
	return d
}

func definitionFor(r rig, efi string) string {
	os, memory := "<os><type arch='x86_64' machine='pc'>hvm</type></os>", "16"
	if efi != "" {
		os, memory = "<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>", "64"
	}
	return `<domain type='qemu'><name>` + r.Name + `</name><uuid>` + r.UUID + `</uuid><memory unit='MiB'>` + memory + `</memory><vcpu>1</vcpu>` + os + `
<features><acpi/></features><devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='` + r.disk1() + `'/><target dev='vda' bus='virtio'/></disk>
<interface type='user'><mac address='52:54:00:10:00:50'/><model type='virtio'/></interface>
<graphics type='vnc' passwd='hunter2'><listen type='none'/></graphics><memballoon model='none'/></devices></domain>`
}

// now is everything of the domain that has to be as before, as virsh tells it.
func (d *realDomain) now() string {
	d.t.Helper()
	var b strings.Builder
	for _, args := range [][]string{{"domname", d.UUID}, {"domstate", d.UUID}, {"dumpxml", "--inactive", "--security-info", d.UUID}} {
		b.WriteString(d.must(args...))
	}
	for line := range strings.SplitSeq(d.must("dominfo", d.UUID), "\n") {
		if strings.HasPrefix(line, "Autostart") || strings.HasPrefix(line, "Persistent") {
			b.WriteString(line + "\n")
		}
	}
	fmt.Fprintf(&b, "disk %d\n", inode(d.t, d.disk1()))
	fmt.Fprintf(&b, "EFI: %s; for Nova: %s\n", d.variablesIn(d.variables(d.Name)), d.variablesIn(d.variables(d.Instance)))
	return b.String()
}

// mark is written to the end of the EFI variables, where the firmware, which
// writes variables of its own at each boot, leaves it alone.
const mark = "variables of the guest"

// variablesIn says whose variables are in a file.
func (d *realDomain) variablesIn(path string) string {
	d.t.Helper()
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "none"
	case err != nil:
		d.t.Fatal(err)
	case !bytes.HasSuffix(text, []byte(mark)):
		return "empty ones"
	}
	return mark
}

// markVariables has libvirt make the variables, and makes them the guest's.
func (d *realDomain) markVariables() {
	d.t.Helper()
	d.must("start", "--paused", d.UUID)
	d.must("destroy", d.UUID)
	path := d.variables(d.Name)
	text, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	copy(text[len(text)-len(mark):], mark)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// variables is where the EFI variables of a domain are seen from outside of the
// private daemon's name space.
func (d *realDomain) variables(name string) string {
	return filepath.Join(filepath.Dir(d.Socket), "../../lib", strings.TrimPrefix(rename.DefaultNVRAM(name), "/var/lib/libvirt/"))
}

func (d *realDomain) remove() {
	d.virsh("destroy", d.UUID) // an error says that it is off
	if out, err := d.virsh("undefine", "--nvram", d.UUID); err != nil {
		d.t.Errorf("undefine: %v %s", err, out)
	}
	_ = os.Remove(d.variables(d.Instance))
	_ = os.Remove(d.variables(d.Name))
	_ = os.RemoveAll(keptDir(d.UUID))
	_ = os.Remove(keptBase) // if it is empty
}

// wantOne: the daemon has the domain once, and nothing by the other name.
func (d *realDomain) wantOne(context string) {
	d.t.Helper()
	n := 0
	for id := range strings.FieldsSeq(d.must("list", "--all", "--uuid")) {
		if id == d.UUID {
			n++
		}
	}
	_, legacy := d.virsh("domuuid", d.Name)
	_, instance := d.virsh("domuuid", d.Instance)
	if n != 1 || (legacy == nil) == (instance == nil) {
		d.t.Errorf("%s: the daemon has it %d times; %v, %v", context, n, legacy, instance)
	}
}

// wantRenamed: nothing is different but what was meant.
func (d *realDomain) wantRenamed(context string) {
	d.t.Helper()
	d.wantOne(context)
	definition := d.must("dumpxml", "--inactive", "--security-info", d.UUID)
	c := keptChange{Disks: map[string]string{"vda": filepath.Join(d.Dir, "instances", d.UUID, "disk")}}
	_, after, _ := strings.Cut(d.before, "<domain ")
	inside, _, _ := strings.Cut(after, "</domain>")
	legacy := "<domain " + inside + "</domain>"
	if _, implicit, err := rename.NVRAM(legacy); err == nil && implicit {
		c.NVRAM = rename.DefaultNVRAM(d.Name)
	}
	if _, err := rename.CheckDefined(legacy, definition, c.under(d.Instance)); err != nil {
		d.t.Errorf("%s: %v", context, err)
	}
	state := strings.TrimSpace(d.must("domstate", d.UUID))
	if want := map[bool]string{true: "shut off", false: "running"}[d.off]; state != want {
		d.t.Errorf("%s: it is %s, want %s", context, state, want)
	}
	mine, novas := d.variablesIn(d.variables(d.Name)), d.variablesIn(d.variables(d.Instance))
	if mine != novas || !strings.Contains(d.before, "EFI: "+mine+";") {
		d.t.Errorf("%s: EFI variables: %s, and for Nova %s", context, mine, novas)
	}
	if n := d.nova(); n.Task != "" || n.VM != map[bool]string{true: "stopped", false: "active"}[d.off] || n.Locked {
		d.t.Errorf("%s: %+v", context, n)
	}
	if a := d.adoption(); a.State != journal.StateRenamed {
		d.t.Errorf("%s: the journal says %s", context, a.State)
	}
}

func (d *realDomain) wantBefore(context string) {
	d.t.Helper()
	d.wantOne(context)
	if diff := cmp.Diff(d.before, d.now()); diff != "" {
		d.t.Errorf("%s (-before +now):\n%s", context, diff)
	}
	if n := d.nova(); n.Task != "" || !n.Locked {
		d.t.Errorf("%s: %+v", context, n)
	}
	if a := d.adoption(); a.State != journal.StateImported {
		d.t.Errorf("%s: the journal says %s", context, a.State)
	}
	if fileThere(keptDir(d.UUID)) {
		d.t.Errorf("%s: the folder is still there", context)
	}
}
