package plan

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// rootName is what Nova calls the first disk in the instance directory; the
// others are disk.eph0 and on (nova/virt/libvirt/blockinfo.py).
const rootName = "disk"

// disks chooses the root disk and names all of them. Drives for removable
// media stay out: Nova has no record for them.
func (d *draft) disks() {
	var hard []discover.Disk
	for _, disk := range d.found.Disks {
		if disk.Device == "" || disk.Device == "disk" || disk.Device == "lun" {
			hard = append(hard, disk)
		}
	}
	if len(hard) == 0 {
		d.Disks = []Disk{}
		d.find(blockedDisk, "It has no disk that could be its root disk.")
		return
	}
	root := rootOf(hard)
	d.Disks = append(d.Disks, d.disk(hard[root], rootName))
	for n, disk := range hard {
		if n != root {
			d.Disks = append(d.Disks, d.disk(disk, fmt.Sprintf("disk.eph%d", len(d.Disks)-1)))
		}
	}
}

// rootOf returns the index of the disk that the firmware tries first.
func rootOf(hard []discover.Disk) int {
	root := 0
	for n, disk := range hard {
		if disk.BootOrder > 0 && (hard[root].BootOrder == 0 || disk.BootOrder < hard[root].BootOrder) {
			root = n
		}
	}
	return root
}

func (d *draft) disk(from discover.Disk, becomes string) Disk {
	bytes := from.CapacityBytes
	format := from.Format
	if from.File != nil {
		bytes, format = cmp.Or(bytes, from.File.VirtualBytes), cmp.Or(format, from.File.Format)
	}
	if bytes == 0 {
		d.find(blockedDisk, "The size of disk %s (%s) is not known.", from.Target, quoted(from.Path))
	}
	return Disk{
		Target: from.Target, Bus: busOf(from), Path: from.Path, Becomes: becomes,
		Format: format, SizeGB: gigabytes(bytes), Device: "/dev/" + from.Target,
	}
}

// busOf is the bus of a disk; definitions that libvirt has not completed may
// leave it to the name of the target.
func busOf(d discover.Disk) string {
	if legalValue("hw_disk_bus", d.Bus) {
		return d.Bus
	}
	switch {
	case strings.HasPrefix(d.Target, "hd"):
		return "ide"
	case strings.HasPrefix(d.Target, "sd"):
		return "scsi"
	case strings.HasPrefix(d.Target, "fd"):
		return "fdc"
	}
	return "virtio"
}

// gigabytes rounds up: a flavor smaller than the disk makes resize refuse.
func gigabytes(bytes uint64) int { return int((bytes + 1<<30 - 1) >> 30) }

// megabytes rounds up, likewise.
func megabytes(kib uint64) int { return int((kib + 1<<10 - 1) >> 10) }
