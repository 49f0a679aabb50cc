//go:build lab

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
	var n int
	d.must(d.database("placement").QueryRow(
		"SELECT COUNT(*) FROM allocations WHERE consumer_id = ?", d.uuid()).Scan(&n))
	if n > 0 {
		d.t.Errorf("Placement still has %d allocations of %s", n, d.guest.name)
	}
}

// legacyDisks are the disks under the names that they had before: size, and
// the content by its checksum.
func (d *day) legacyDisks() string {
	d.t.Helper()
	var all []string
	for _, k := range d.plan.Disks {
		info, err := os.Stat(k.Path)
		if err != nil {
			all = append(all, k.Path+" missing")
			continue
		}
		all = append(all, fmt.Sprintf("%s %d bytes, inode %d, %s", k.Path, info.Size(), info.Sys().(*syscall.Stat_t).Ino,
			strings.Fields(d.output("qemu-img", "check", "-U", "-q", "--output=json", k.Path))))
	}
	return strings.Join(all, "; ")
}

// unlinksAndDeletes gives up the legacy names of the disks first: then a delete
// takes the data, as it does of one of Nova's own.
func (d *day) unlinksAndDeletes() {
	d.t.Helper()
	d.command(exitClean, "rename", d.lab.plan, "--yes", "--unlink-legacy", "--only", d.guest.name)
	d.check("giving up the legacy names")
	for _, k := range d.plan.Disks {
		if _, err := os.Lstat(k.Path); !os.IsNotExist(err) {
			d.t.Errorf("%s is still there: %v", k.Path, err)
		}
	}
	d.must(call(d.who().compute, http.MethodDelete, "servers/"+d.uuid(), nil, nil))
	d.must(d.admin.gone(d.uuid()))
	d.cleanedUp()
	d.status = "DELETED"
}
