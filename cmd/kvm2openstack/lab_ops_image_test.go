//go:build lab

package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/rename"
)

// regenerating are the operations after which Nova has made the domain anew,
// in an order in which one may follow the other.
var regenerating = []operation{
	{plan.Reboot, (*day).hardReboot},
	{plan.Start, (*day).stopStart},
	{plan.Snapshot, (*day).snapshot},
	{plan.Resize, (*day).resizeRevert},
	{plan.Rescue, (*day).rescue},
	{plan.Shelve, (*day).shelve},
	{plan.Rebuild, (*day).rebuild},
	{"delete", (*day).deletes},
}

// imageOf is what Glance says of the image of a name.
func (d *day) imageOf(name string) (id, status string) {
	d.t.Helper()
	var answer struct{ Images []struct{ ID, Status string } }
	d.must(call(d.owner.image, http.MethodGet, "images?name="+name, nil, &answer))
	if len(answer.Images) == 0 {
		return "", "none"
	}
	return answer.Images[0].ID, answer.Images[0].Status
}

// snapshot makes an image of the running guest, and a server from that: its
// disk has all that the guest's had, and its devices are of the same kinds. The owner
// can do that to a locked server, too: Nova asks no lock for it.
func (d *day) snapshot() {
	d.t.Helper()
	name := "snapshot-of-" + d.guest.name
	d.must(d.owner.action(d.uuid(), "createImage", map[string]any{"name": name}))
	d.until("ACTIVE")
	d.eventually(5*time.Minute, "the snapshot of "+d.guest.name+" is there", func() bool {
		_, status := d.imageOf(name)
		return status == "active"
	})
	image, _ := d.imageOf(name)
	port, _, address := d.newPort()
	var made struct{ Server struct{ ID string } }
	d.must(call(d.owner.compute, http.MethodPost, "servers", map[string]any{"server": map[string]any{
		"name": "from-" + d.guest.name, "imageRef": image, "flavorRef": d.flavorID(d.owner, d.plan.Flavor.Name), "networks": []any{map[string]any{"port": port}},
	}}, &made))
	if _, err := d.owner.settled(made.Server.ID, "ACTIVE"); err != nil {
		d.t.Errorf("the server made of %s: %v", name, err)
	} else if g := d.state(address); g["boots"] != fmt.Sprint(d.boots+1) {
		d.t.Errorf("the server made of %s has been booted %s times by its disk, want %d", name, g["boots"], d.boots+1)
	} else if diff := cmp.Diff(devices(d.planned(d.hardware)), devices(g)); diff != "" {
		d.t.Errorf("the server made of %s sees other devices (-the guest +it):\n%s", name, diff)
	}
	d.must(call(d.owner.compute, http.MethodDelete, "servers/"+made.Server.ID, nil, nil))
	d.must(d.owner.gone(made.Server.ID))
	d.must(call(d.admin.image, http.MethodDelete, "images/"+image, nil, nil))
}

// sameDevices: after what changes the sizes of disks or the number of processors
// the guest has the same kinds of devices.
func (d *day) sameDevices(after string, g map[string]string) {
	d.t.Helper()
	want, got := devices(d.planned(d.hardware)), devices(g)
	for _, kinds := range []map[string]bool{want, got} {
		maps.DeleteFunc(kinds, func(kind string, _ bool) bool { return strings.HasPrefix(kind, "cpus=") })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("after %s %s sees other devices (-before +after):\n%s", after, d.guest.name, diff)
	}
}

// devices are what kinds of them a guest sees.
func devices(guest map[string]string) map[string]bool {
	kinds := map[string]bool{"firmware=" + guest["firmware"]: true, "cpus=" + guest["cpus"]: true}
	for name, value := range guest {
		if kind, _, device := strings.Cut(name, " "); device {
			first, _, _ := strings.Cut(value, " ") // bus=…, driver=…
			kinds[kind+" "+first] = true
		}
	}
	return kinds
}

// resizeRevert gives the guest another number of processors and takes them back:
// it is on its own disks again.
func (d *day) resizeRevert() {
	d.t.Helper()
	before := d.links()
	cpus := d.booted()["cpus"]
	d.boots++
	d.do("VERIFY_RESIZE", "resize", map[string]any{"flavorRef": d.otherFlavor()})
	if g := d.booted(); g["cpus"] == cpus {
		d.t.Errorf("%s has %s processors after the resize, as before", d.guest.name, g["cpus"])
	}
	d.byNova, d.made = true, true       // It has made it anew twice.
	d.do("ACTIVE", "revertResize", nil) // What it counted meanwhile goes with the copies that it ran from.
	if after := d.links(); after != before {
		d.t.Errorf("the disks of %s are %s after the revert, and were %s", d.guest.name, after, before)
	}
}

// otherFlavor makes a flavor with more of everything, for the owner's project; with
// a processor less where the host has no more (VCPU's max_unit in Placement).
func (d *day) otherFlavor() string {
	d.t.Helper()
	f := d.plan.Flavor
	vcpus := f.VCPUs + 1
	if int(vcpus) > runtime.NumCPU() {
		vcpus = f.VCPUs - 1
	}
	var made struct{ Flavor struct{ ID string } }
	d.must(call(d.admin.compute, http.MethodPost, "flavors", map[string]any{"flavor": map[string]any{
		"name": "other-" + d.guest.name, "vcpus": vcpus, "ram": f.MemoryMB + 32, "disk": f.RootGB + 1, "OS-FLV-EXT-DATA:ephemeral": f.EphemeralGB,
	}}, &made))
	d.t.Cleanup(func() { _ = call(d.admin.compute, http.MethodDelete, "flavors/"+made.Flavor.ID, nil, nil) })
	return made.Flavor.ID
}

// links are the inodes of the disks that Nova has, by their names.
func (d *day) links() string {
	d.t.Helper()
	var all []string
	for _, k := range d.plan.Disks {
		info, err := os.Stat(filepath.Join(instances, d.uuid(), k.Becomes))
		if err != nil {
			all = append(all, k.Becomes+" missing")
			continue
		}
		all = append(all, fmt.Sprintf("%s %d", k.Becomes, info.Sys().(*syscall.Stat_t).Ino))
	}
	return strings.Join(all, ", ")
}

const instances = "/var/lib/nova/instances"

// rescue boots the guest from an image, with its root disk beside it, and back.
// Nova takes the machine type from that image and keeps it, of its own servers,
// too: it has to be pinned again before the next start.
func (d *day) rescue() {
	d.t.Helper()
	image, _ := d.imageOf("lab-guest")
	d.must(d.who().action(d.uuid(), "rescue", map[string]any{"rescue_image_ref": image}))
	d.until("RESCUE")
	if d.unplugs() {
		d.unplugged()
	} else if g := d.state(d.address()); strings.Count(fmt.Sprint(g), "disk ") != 2 {
		d.t.Errorf("%s sees other disks in rescue than the rescue image's and its own: %v", d.guest.name, g)
	}
	d.boots++
	d.do("ACTIVE", "unrescue", nil)
	if now := d.booted()["boots"]; now == fmt.Sprint(d.boots+1) {
		d.boots++ // The rescue system has counted on the guest's own disk, which it found first.
	}
	d.seen("unrescue")
	d.pinMachine()
}

// unplugs: libvirt has plugged the guest into Open vSwitch itself, and takes the
// ports out with it.
func (d *day) unplugs() bool { return d.phase() == "started" && release(d.t).switched }

// unplugged: the guest runs, and is on no bridge.
func (d *day) unplugged() {
	d.t.Helper()
	taps := 0
	for line := range strings.Lines(d.virsh("domiflist", d.uuid())) { // tap, type, source, model, MAC
		f := strings.Fields(line)
		if len(f) != 5 || f[4] == "MAC" {
			continue
		}
		taps++
		if out, err := exec.Command("ovs-vsctl", "-t", "60", "port-to-br", f[0]).CombinedOutput(); err == nil {
			d.t.Errorf("%s of %s is in bridge %s", f[0], d.guest.name, out)
		}
	}
	if taps != len(d.guest.nics) {
		d.t.Errorf("%s has %d interfaces in libvirt, want %d", d.guest.name, taps, len(d.guest.nics))
	}
}

// pinMachine is what verify's V13 asks for after a rescue.
func (d *day) pinMachine() {
	d.t.Helper()
	out := d.novaManage("libvirt", "get_machine_type", d.uuid())
	want := d.plan.ImageProperties["hw_machine_type"]
	if strings.Contains(out, want) {
		return
	}
	d.do("SHUTOFF", "os-stop", nil)
	d.novaManage("libvirt", "update_machine_type", "--force", d.uuid(), want)
	d.starts()
}

// shelve gives the guest's host free: what is left is a snapshot of the root
// disk. A data disk is lost, by Nova's own contract.
func (d *day) shelve() {
	d.t.Helper()
	d.must(d.who().action(d.uuid(), "shelve", nil))
	d.until("SHELVED_OFFLOADED")
	d.boots++
	d.do("ACTIVE", "unshelve", nil)
	g := d.booted()
	if strings.Contains(fmt.Sprint(g), "sentinel="+d.guest.name) {
		d.t.Errorf("a data disk of %s has come through, and its plan says that it does not: %v", d.guest.name, g)
	}
	d.sameDevices("shelve", g)
	d.hardware = g // Disks have the flavor's sizes now, and a data disk is blank.
}

// rebuild installs the placeholder: the server is as it was, with nothing on its
// disk, unless the plan says that Nova cannot. What was there is still there
// under its legacy name.
func (d *day) rebuild() {
	d.t.Helper()
	before := d.legacyDisks()
	if effect, _ := d.limited(plan.Rebuild); strings.Contains(effect, "in ERROR") {
		d.do("ERROR", "rebuild", map[string]any{"imageRef": d.plan.ImageRef})
	} else {
		d.rebuilt()
	}
	if after := d.legacyDisks(); after != before {
		d.t.Errorf("the rebuild of %s has changed its legacy disks: %s, before: %s", d.guest.name, after, before)
	}
}

func (d *day) rebuilt() {
	d.t.Helper()
	d.do(d.status, "rebuild", map[string]any{"imageRef": d.plan.ImageRef})
	size := d.output("qemu-img", "info", "-U", filepath.Join(instances, d.uuid(), "disk"))
	if !strings.Contains(size, "backing file: "+instances+"/_base/") {
		d.t.Errorf("after the rebuild the disk of %s is not the placeholder: %s", d.guest.name, size)
	}
	d.blank = true
}

// variablesLeft: the delete has taken the EFI variables' file by the name that the
// domain had. Of one that Nova has not made that is the legacy name; then the import's
// name of the same file is what is left.
func (d *day) variablesLeft(instance string) {
	d.t.Helper()
	there := map[string]bool{}
	for _, name := range []string{d.guest.name, instance} {
		_, err := os.Stat(rename.DefaultNVRAM(name))
		there[name] = err == nil
	}
	want := map[string]bool{d.guest.name: false, instance: d.phase() == "imported"}
	if diff := cmp.Diff(want, there); diff != "" {
		d.t.Errorf("EFI variables after the delete of %s, %s (-want +there):\n%s", d.guest.name, instance, diff)
	}
	_ = os.Remove(rename.DefaultNVRAM(instance))
}

// deletes the server, and looks at what is left of it: nothing in libvirt, on
// disk, in Placement and in Neutron, and all of the legacy disks.
func (d *day) deletes() {
	d.t.Helper()
	before := d.legacyDisks()
	s, err := d.admin.show(d.uuid())
	d.must(err)
	if d.status == "ERROR" { // Nova cannot, as an administrator finds out.
		d.virsh("undefine", d.uuid(), "--nvram")
	}
	d.must(call(d.who().compute, http.MethodDelete, "servers/"+d.uuid(), nil, nil))
	d.must(d.admin.gone(d.uuid()))
	d.cleanedUp()
	if after := d.legacyDisks(); after != before {
		d.t.Errorf("the delete of %s has changed its legacy disks: %s, before: %s", d.guest.name, after, before)
	}
	if strings.HasPrefix(d.shape, "uefi") {
		d.variablesLeft(s.Instance)
	}
	d.status = "DELETED"
}
