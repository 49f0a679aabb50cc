//go:build lab

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// cleanedUp: Nova has left nothing of the server. Its port stays and is free,
// for it carries the guest's address; that is what preserve_on_delete is for.
func (d *day) cleanedUp() {
	d.t.Helper()
	for uuid := range strings.FieldsSeq(d.virsh("list", "--all", "--uuid")) {
		if uuid == d.uuid() {
			d.t.Errorf("libvirt still has a domain of %s", d.guest.name)
		}
	}
	if _, err := os.Lstat(filepath.Join(instances, d.uuid())); !os.IsNotExist(err) {
		d.t.Errorf("the directory of %s is still there: %v", d.guest.name, err)
	}
	if ports := d.ports(); len(ports) > 0 {
		d.t.Errorf("%s still has ports: %+v", d.guest.name, ports)
	}
	for _, n := range d.guest.nics {
		var answer struct{ Ports []port }
		d.must(call(d.admin.network, http.MethodGet, "ports?mac_address="+n.mac, nil, &answer))
		if p := answer.Ports; len(p) != 1 || p[0].Device != "" || p[0].Host != "" {
			d.t.Errorf("the port of %s is not there, or not free: %+v", d.guest.name, p)
		}
	}
	var n int
	d.must(d.database("placement").QueryRow(
		"SELECT COUNT(*) FROM allocations WHERE consumer_id = ?", d.uuid()).Scan(&n))
	if n > 0 {
		d.t.Errorf("Placement still has %d allocations of %s", n, d.guest.name)
	}
}

// legacyDisks are the disks under the names that they had before: which file
// each is, and what is on it, as the next guest would read it.
func (d *day) legacyDisks() string {
	d.t.Helper()
	var all []string
	for _, k := range d.plan.Disks {
		info, err := os.Stat(k.Path)
		if err != nil {
			all = append(all, k.Path+" missing")
			continue
		}
		d.output("qemu-img", "check", "-U", "-q", k.Path)
		all = append(all, fmt.Sprintf("%s inode %d has %s", k.Path, info.Sys().(*syscall.Stat_t).Ino, d.onDisk(k)))
	}
	return strings.Join(all, "; ")
}

// linked: Nova's names of the disks are the files that the legacy names are.
func (d *day) linked(when string) {
	d.t.Helper()
	for _, k := range d.plan.Disks {
		nova, err := os.Stat(filepath.Join(instances, d.uuid(), k.Becomes))
		d.must(err)
		old, err := os.Stat(k.Path)
		d.must(err)
		if !os.SameFile(nova, old) {
			d.t.Errorf("%s %s of %s is another file than %s", when, k.Becomes, d.guest.name, k.Path)
		}
	}
}

// deletesLinked deletes the server while the legacy names are the same files as
// Nova's, as the owner of one may who never resized it.
func (d *day) deletesLinked() {
	d.t.Helper()
	d.linked("before its delete")
	d.deletes()
}

// onDisk is how often a root disk was booted from, or the text of a data disk's
// sentinel; a rebuild has neither.
func (d *day) onDisk(k plan.Disk) string {
	d.t.Helper()
	if d.boots == 0 && k.Becomes == "disk" {
		return "never booted"
	}
	raw := filepath.Join(d.t.TempDir(), "raw")
	d.output("qemu-img", "convert", "-U", "-O", "raw", k.Path, raw)
	image, file := raw+"@@1M", "::/boots"
	if k.Becomes != "disk" {
		image, file = raw, "::/sentinel"
	}
	return file + " " + strings.TrimSpace(d.output("env", "MTOOLS_SKIP_CHECK=1", "mtype", "-i", image, file))
}

// unlinksAndDeletes gives up the legacy names of the disks first: then a delete
// takes the data, as it does of one of Nova's own.
func (d *day) unlinksAndDeletes() {
	d.t.Helper()
	d.command(exitClean, "rename", d.lab.plan, "--yes", "--unlink-legacy", "--only", d.guest.name)
	d.check("giving up the legacy names")
	files := map[string]*os.File{}
	for _, k := range d.plan.Disks {
		if _, err := os.Lstat(k.Path); !os.IsNotExist(err) {
			d.t.Errorf("%s is still there: %v", k.Path, err)
		}
		f, err := os.Open(filepath.Join(instances, d.uuid(), k.Becomes))
		d.must(err)
		defer f.Close()
		files[k.Path] = f
	}
	d.must(call(d.who().compute, http.MethodDelete, "servers/"+d.uuid(), nil, nil))
	d.must(d.admin.gone(d.uuid()))
	d.cleanedUp()
	for was, f := range files {
		info, err := f.Stat()
		d.must(err)
		if n := info.Sys().(*syscall.Stat_t).Nlink; n != 0 {
			d.t.Errorf("what was %s has %d names left after the delete of %s", was, n, d.guest.name)
		}
	}
	d.status = "DELETED"
}
