package check

import (
	"cmp"
	"path"

	"github.com/lightcloud/kvm2openstack/discover"
)

// holdsData reports whether a disk is more than a drive for removable media.
func holdsData(d discover.Disk) bool { return d.Device != "cdrom" && d.Device != "floppy" }

// stored are the disks whose content Nova is to take over, the root disk first.
func (s subject) stored() []discover.Disk {
	var disks []discover.Disk
	for _, d := range s.Disks {
		if holdsData(d) {
			disks = append(disks, d)
		}
	}
	return disks
}

// files are the stored disks that are image files.
func (s subject) files() []discover.Disk {
	var disks []discover.Disk
	for _, d := range s.stored() {
		if d.Type == "file" {
			disks = append(disks, d)
		}
	}
	return disks
}

// lookedAt reports whether the fields of d.File mean anything.
func lookedAt(d discover.Disk) bool {
	return d.File != nil && d.File.Error == "" && !d.File.Missing
}

// kind is what lies at the disk's path.
func kind(d discover.Disk) string {
	if d.File == nil {
		return ""
	}
	return d.File.Kind
}

// resolved is the disk's path after symlinks, "" when nobody looked.
func resolved(d discover.Disk) string {
	if !lookedAt(d) {
		return ""
	}
	return d.File.Resolved
}

// throughLink reports whether a symlink is on the way to the disk's file. A
// path with ".." is another rule's matter.
func throughLink(d discover.Disk) bool {
	r := resolved(d)
	return r != "" && path.IsAbs(d.Path) && r != path.Clean(d.Path)
}

// capacity is the disk's virtual size in bytes, 0 when not known.
func capacity(d discover.Disk) uint64 {
	if d.CapacityBytes == 0 && lookedAt(d) {
		return d.File.VirtualBytes
	}
	return d.CapacityBytes
}

// defined is the format that the definition gives a disk; libvirt takes none
// for raw.
func defined(d discover.Disk) string { return cmp.Or(d.Format, "raw") }

// header is the format that the file's own first bytes tell, "" when they
// were not read.
func header(d discover.Disk) string {
	if !lookedAt(d) {
		return ""
	}
	return d.File.Format
}

// mismatched reports whether the header tells another format than the definition.
func mismatched(d discover.Disk) bool {
	h := header(d)
	return h != "" && h != defined(d)
}

// chain is what lies below a disk's image, nearest first.
func chain(d discover.Disk) []string {
	if len(d.Backing) > 0 {
		return d.Backing
	}
	if lookedAt(d) && d.File.Backing != "" {
		return []string{d.File.Backing}
	}
	return nil
}

// instancesPath is Nova's on every host, without a slash at the end.
func (s subject) instancesPath() string {
	return path.Clean(cmp.Or(s.Settings.InstancesPath, "/var/lib/nova/instances"))
}

func (s subject) hasInstancesDir() bool {
	dir := s.Facts.Host.InstancesDir
	return dir != nil && !dir.Missing && dir.Error == ""
}

// cow reports whether images_type makes qcow2 the only format.
func (s subject) cow() bool {
	switch s.Settings.ImagesType {
	case "", "default", "qcow2":
		return true
	}
	return false
}

// whenOff begins a command that must not meet a running guest.
func (s subject) whenOff() string {
	if s.State == discover.StateShutoff {
		return ""
	}
	return "shut the guest down, then "
}

// converted is where qemu-img convert is told to write: never where it reads.
func converted(p string) string {
	to := p[:len(p)-len(path.Ext(p))] + ".qcow2"
	if to == p {
		return p + ".new"
	}
	return to
}
