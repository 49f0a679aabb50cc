//go:build integration

package restart

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A realDomain is one of this test's own, as it was before.
type realDomain struct {
	rig
	t      *testing.T
	before string
	model  string // of its interfaces
	off    bool
	linked bool // its EFI variables have a second name, as the import gives them
}

// addReal defines a domain of the lab's fleet, each disk under two names, and
// starts it. It has no system, so that it ends only when it is cut off.
func addReal(t *testing.T, name string, s shape) *realDomain {
	t.Helper()
	dir, err := os.MkdirTemp("", "k2o-rst")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	id := uuid.NewString()
	d := &realDomain{t: t, off: s.off, linked: s.linked, rig: rig{
		UUID: id, Name: "rst " + name, Instance: "rst-instance-" + id[:8], Dir: dir, Call: "forward",
		Socket: need(t, "K2O_TEST_LIBVIRT_SOCKET"), SSH: need(t, "K2O_TEST_SSH"), Key: need(t, "K2O_TEST_SSH_KEY"), Known: need(t, "K2O_TEST_KNOWN_HOSTS"),
	}}
	if s.efi == "" {
		d.SSH = ""
	}
	if s.replan {
		d.NIC = "e1000"
	}
	d.OVS = s.ovs
	if err := errors.Join(os.Chmod(dir, 0o777), os.MkdirAll(d.instances(), 0o755)); err != nil {
		t.Fatal(err)
	}
	text := d.definitionOf(s)
	d.makeDisks(text)
	if _, err := d.define(text); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.remove)
	d.begin(s)
	return d
}

// begin brings the domain into the state from which it is restarted.
func (d *realDomain) begin(s shape) {
	d.t.Helper()
	if s.autostart {
		d.must("autostart", d.UUID)
	}
	if s.efi != "" {
		d.markVariables()
	}
	if s.linked {
		if err := os.Link(d.variables(d.Name), d.variables(d.Instance)); err != nil {
			d.t.Fatal(err)
		}
	}
	if !s.off {
		d.must("start", d.UUID)
	}
	if s.paused {
		d.must("suspend", d.UUID)
	}
	d.before = d.now()
	if err := d.setUp(s); err != nil {
		d.t.Fatal(err)
	}
	d.model = d.nova().Model
}

// definitionOf is that of one of the fleet, with as little memory as it starts
// with, and without what the private daemon's host does not have.
func (d *realDomain) definitionOf(s shape) string {
	d.t.Helper()
	name := cmp.Or(s.fleet, "leg-web01")
	text, err := os.ReadFile("../../testdata/lab/fleet/" + name + ".xml")
	if err != nil {
		d.t.Fatal(err)
	}
	unplugged := strings.NewReplacer("<interface type='bridge'>", "<interface type='user'>", "<source bridge='br-legacy'/>", "")
	if s.ovs {
		unplugged = strings.NewReplacer()
	}
	definition := strings.NewReplacer(
		"<name>"+name+"</name>", "<name>"+d.Name+"</name>",
		"nvram/"+name+"_VARS.fd", "nvram/"+d.Name+"_VARS.fd",
		"'/var/lib/libvirt/images/", "'"+d.Dir+"/",
		"name='qemu' type='qcow2'", "name='qemu' type='raw'",
		">98304<", ">16384<", ">262144<", ">65536<",
	).Replace(unplugged.Replace(string(text)))
	definition = consoleOf.ReplaceAllString(definition, "<graphics type='vnc' passwd='hunter2'><listen type='none'/></graphics>")
	return uuidOf.ReplaceAllString(definition, "<uuid>"+d.UUID+"</uuid>")
}

// Two daemons of a machine do not know of each other's ports, so consoles have
// none.
var (
	consoleOf = regexp.MustCompile(`(?s)<graphics .*</graphics>`)
	uuidOf    = regexp.MustCompile(`<uuid>.*</uuid>`)
)

// sentinel is written into each disk. The rest of it is nothing.
const sentinel = "what the guest has written to "

func (d *realDomain) makeDisks(definition string) {
	d.t.Helper()
	now, err := discover.Parse([]byte(definition), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, k := range disksOfPlan(now) {
		text := make([]byte, 1<<20)
		copy(text[64<<10:], sentinel+k.Path)
		if err := errors.Join(os.WriteFile(k.Path, text, 0o666), os.Link(k.Path, filepath.Join(d.instances(), k.Becomes))); err != nil {
			d.t.Fatal(err)
		}
	}
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
	found, err := filepath.Glob(d.Dir + "/leg-*")
	if err != nil || len(found) == 0 {
		d.t.Fatalf("no disks: %v", err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(sentinel+path)) {
			d.t.Errorf("what was in %s is gone: %v", path, err)
		}
		fmt.Fprintf(&b, "%s: inode %d, %x\n", path, inode(d.t, path), sha256.Sum256(text))
	}
	fmt.Fprintf(&b, "EFI: %s; for Nova: %s\n", d.variablesIn(d.variables(d.Name)), d.variablesIn(d.variables(d.Instance)))
	d.wantLinked("now")
	return b.String()
}

// wantLinked: the two names of its EFI variables are one file's, if they were.
func (d *realDomain) wantLinked(context string) {
	d.t.Helper()
	if d.linked && inode(d.t, d.variables(d.Name)) != inode(d.t, d.variables(d.Instance)) {
		d.t.Errorf("%s: the EFI variables are two files", context)
	}
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
}

// wantOne: the daemon has the domain once, by one of its names.
func (d *realDomain) wantOne(context string) {
	d.t.Helper()
	n := 0
	for id := range strings.FieldsSeq(d.must("list", "--all", "--uuid")) {
		if id == d.UUID {
			n++
		}
	}
	for _, name := range []string{d.Name, d.Instance} {
		if found, err := d.virsh("domuuid", name); err == nil && strings.TrimSpace(found) == d.UUID {
			n++
		}
	}
	if n != 2 {
		d.t.Errorf("%s: the daemon has it %d times, by UUID and name", context, n)
	}
}

// wantRenamed: nothing is different but what was meant.
func (d *realDomain) wantRenamed(context string) {
	d.t.Helper()
	d.wantOne(context)
	legacy, c := d.meant()
	if _, err := rename.CheckDefined(legacy, d.must("dumpxml", "--inactive", "--security-info", d.UUID), c); err != nil {
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
	d.wantLinked(context)
	want := novaFile{VM: "active", Power: nova.PowerRunning, Model: cmp.Or(d.NIC, d.model)}
	if d.off {
		want.VM, want.Power = "stopped", nova.PowerShutdown
	}
	if n := d.nova(); n != want {
		d.t.Errorf("%s: %+v, want %+v", context, n, want)
	}
	if a := d.adoption(); a.State != journal.StateRenamed {
		d.t.Errorf("%s: the journal says %s", context, a.State)
	}
}

// meant is the definition from before, and what is to be different in it.
func (d *realDomain) meant() (legacy string, c rename.Change) {
	d.t.Helper()
	_, after, _ := strings.Cut(d.before, "<domain ")
	inside, _, _ := strings.Cut(after, "</domain>")
	legacy = "<domain " + inside + "</domain>"
	now, err := discover.Parse([]byte(legacy), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	c = rename.Change{Name: d.Instance, Disks: map[string]string{}, NICs: map[string]rename.NIC{}}
	for _, k := range disksOfPlan(now) {
		c.Disks[k.Target] = filepath.Join(d.instances(), k.Becomes)
	}
	for _, nic := range now.Interfaces {
		if d.NIC != "" {
			c.NICs[nic.MAC] = rename.NIC{Model: d.NIC}
		}
	}
	if _, implicit, err := rename.NVRAM(legacy); err == nil && implicit {
		c.NVRAM = rename.DefaultNVRAM(d.Name)
	}
	return legacy, c
}

func (d *realDomain) wantBefore(context string) {
	d.t.Helper()
	d.wantOne(context)
	if other := diff.Diff(d.before, d.now()); other != "" {
		d.t.Errorf("%s (-before +now):\n%s", context, other)
	}
	if n := d.nova(); n.Task != "" || !n.Locked || n.Model != d.model {
		d.t.Errorf("%s: %+v", context, n)
	}
	if a := d.adoption(); a.State != journal.StateImported {
		d.t.Errorf("%s: the journal says %s", context, a.State)
	}
	if fileThere(keptDir(d.UUID)) {
		d.t.Errorf("%s: the folder is still there", context)
	}
}
