//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A day is one adopted guest whose owner and administrator work with it.
type day struct {
	*lab
	*users
	seenBy *recorder
	guest  *legacy
	shape  string
	whole  plan.Plan
	plan   plan.Domain

	status    string            // that it has to have
	boots     int               // how often it has been booted, by its own count
	hardware  map[string]string // what it saw before the import, or first; nil while it has not been seen
	blank     bool              // nobody is at home after a rebuild
	byNova    bool              // Nova has made its domain
	made      bool              // likewise, and the guest was seen since: later its UEFI variables are made anew
	renamed   bool              // we have restarted it under Nova's name
	byLibvirt bool              // and libvirt has started it
	locked    bool              // by the administrator, who has to do all himself then
	log       logMark           // of nova-compute, from the last operation on
}

// users are the two that work with instances.
type users struct{ admin, owner *api }

func (d *day) uuid() string    { return d.guest.uuid }
func (d *day) address() string { return d.guest.nics[0].address }

// who does what an owner would: the administrator where it is locked.
func (d *day) who() *api {
	if d.locked {
		return d.admin
	}
	return d.owner
}

// do gives an order and waits until the server is in the status.
func (d *day) do(status, action string, args any) {
	d.t.Helper()
	if err := d.who().action(d.uuid(), action, args); err != nil {
		d.t.Fatalf("%s of %s: %v", action, d.guest.name, err)
	}
	d.until(status)
}

func (d *day) until(status string) shown {
	d.t.Helper()
	s, err := d.admin.settled(d.uuid(), status)
	if err != nil {
		d.t.Fatalf("%s: %v", d.guest.name, err)
	}
	d.status = status
	return s
}

// libvirtStates are what libvirt has to say of a status.
var libvirtStates = map[string]string{"ACTIVE": "running", "PAUSED": "paused", "SHUTOFF": "shut off", "SUSPENDED": "shut off", "RESCUE": "running", "VERIFY_RESIZE": "running", "ERROR": "shut off"}

// check holds what has to be so after every operation: Nova and libvirt agree
// on the state, the guest has booted as often as it should and sees what it
// saw, and nova-compute has no error to tell of it.
func (d *day) check(after string) {
	d.t.Helper()
	if d.status == "DELETED" {
		d.quiet(after)
		return
	}
	s, err := d.admin.show(d.uuid())
	d.must(err)
	if s.Status != d.status || s.Task != nil {
		d.t.Errorf("after %s %s is %v, want %s", after, d.guest.name, s, d.status)
	}
	if s.Fault.Message != "" && d.status != "ERROR" {
		d.t.Errorf("after %s %s has a fault: %s", after, d.guest.name, s.Fault.Message)
	}
	if got := d.virsh("domstate", d.uuid()); got != libvirtStates[d.status] {
		d.t.Errorf("after %s %s is %s in libvirt, want %s", after, d.guest.name, got, libvirtStates[d.status])
	}
	if d.status == "ACTIVE" && !d.blank {
		d.seen(after)
	}
	d.quiet(after)
}

// seen compares what the guest says of itself with what it said first.
func (d *day) seen(after string) {
	d.t.Helper()
	g := d.booted()
	if g["boots"] != strconv.Itoa(d.boots) {
		d.t.Errorf("after %s %s has been booted %s times, want %d", after, d.guest.name, g["boots"], d.boots)
	}
	for _, n := range d.guest.nics {
		if !strings.Contains(fmt.Sprint(g), "mac="+n.mac+" address="+n.address) {
			d.t.Errorf("after %s %s has not %s at %s: %v", after, d.guest.name, n.mac, n.address, g)
		}
	}
	if d.hardware == nil {
		d.asPlanned(g)
		d.hardware = g
	}
	by := "libvirt"
	before, now := maps.Clone(d.hardware), maps.Clone(g)
	if d.byNova {
		by = "nova"
		if d.made { // The first time Nova finds them by the link of the import.
			delete(before, "variables_since")
			delete(now, "variables_since")
		}
		d.made = true
	}
	d.sameMemory(after, before, now)
	if diff := cmp.Diff(hardware(d.planned(before), by), hardware(now, by)); diff != "" {
		d.t.Errorf("after %s %s sees other hardware (-before +after):\n%s", after, d.guest.name, diff)
	}
}

// sameMemory: what firmware and kernel keep of it is not the same on another
// machine type, but nearly.
func (d *day) sameMemory(after string, before, now map[string]string) {
	d.t.Helper()
	was, err := strconv.Atoi(before["memory_kib"])
	d.must(err)
	is, err := strconv.Atoi(now["memory_kib"])
	d.must(err)
	if max(was, is)-min(was, is) > was/16 {
		d.t.Errorf("after %s %s has %d KiB of memory, and had %d", after, d.guest.name, is, was)
	}
}

// drivers are those of the guest's kernel for the plan's models of interfaces.
var drivers = map[string]string{"virtio": "virtio_net", "e1000": "e1000"}

// asPlanned compares what a guest sees that never ran before with the plan.
func (d *day) asPlanned(guest map[string]string) {
	d.t.Helper()
	want, got := map[string]bool{"cpus " + strconv.Itoa(d.plan.Flavor.VCPUs): true}, map[string]bool{"cpus " + guest["cpus"]: true}
	for _, k := range d.plan.Disks {
		var info struct {
			Bytes int64 `json:"virtual-size"`
		}
		d.must(json.Unmarshal([]byte(d.output("qemu-img", "info", "-U", "--output=json", k.Path)), &info))
		want[fmt.Sprintf("disk bus=%s bytes=%d", k.Bus, info.Bytes)] = true
	}
	for _, n := range d.plan.NICs {
		want[fmt.Sprintf("nic driver=%s mac=%s", drivers[d.plan.NICModel], n.MAC)] = true
	}
	for name, value := range guest {
		if kind, _, device := strings.Cut(name, " "); device {
			got[kind+" "+strings.Join(strings.Fields(value)[:2], " ")] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("%s sees other hardware than its plan says (-plan +guest):\n%s", d.guest.name, diff)
	}
}

// planned is what a guest is to see once Nova has made its domain by the plan:
// the interface that a Windows can do without a driver of its own.
func (d *day) planned(guest map[string]string) map[string]string {
	if !d.byNova || d.plan.NICModel != "e1000" {
		return guest
	}
	m := maps.Clone(guest)
	for name := range m {
		if strings.HasPrefix(name, "nic ") {
			m[name] = strings.Replace(m[name], "driver=virtio_net", "driver=e1000", 1)
		}
	}
	return m
}

// booted waits until the guest has been booted as often as expected, and gives
// what it says.
func (d *day) booted() (guest map[string]string) {
	d.t.Helper()
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		guest = d.state(d.address())
		n, _ := strconv.Atoi(guest["boots"]) // no number is a guest that is not up
		if n >= d.boots || time.Now().After(end) {
			return guest
		}
	}
}

// quiet: nova-compute has told of no error with this server since the last
// operation.
func (d *day) quiet(after string) {
	d.t.Helper()
	text := d.computeLog(d.log)
	if d.status == "ERROR" {
		if !strings.Contains(text, nvramStays) {
			d.t.Errorf("after %s %s is in ERROR, and nova-compute does not say that it %s", after, d.guest.name, nvramStays)
		}
		text = withoutFailedUndefine(text, d.uuid())
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, " ERROR ") && strings.Contains(line, d.uuid()) {
			d.t.Errorf("after %s nova-compute says of %s: %s", after, d.guest.name, line)
		}
	}
	d.log = d.markLog("nova-compute")
}

// nvramStays is libvirt's word for an undefine without its flag for NVRAM.
const nvramStays = "cannot undefine domain with nvram"

// withoutFailedUndefine leaves out what nova-compute logs of one instance that it
// cannot undefine for its NVRAM: an error of the driver, and a traceback twice, of
// which one says only when it was.
func withoutFailedUndefine(text, uuid string) string {
	const stamp = len("2006-01-02 15:04:05.000")
	at := map[string]bool{}
	for line := range strings.Lines(text) {
		if strings.Contains(line, " ERROR oslo_messaging.rpc.server ") && strings.Contains(line, nvramStays) {
			at[line[:stamp]] = true
		}
	}
	var kept strings.Builder
	for line := range strings.Lines(text) {
		ofInstance := strings.Contains(line, " ERROR nova.compute.manager ") || strings.Contains(line, nvramStays)
		ofServer := strings.Contains(line, " ERROR oslo_messaging.rpc.server ") && at[line[:stamp]]
		if !ofServer && !(ofInstance && strings.Contains(line, uuid)) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
