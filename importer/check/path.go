package check

import (
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// pathRules: what lies at the path of an image file, and which way leads there.
var pathRules = []Rule{
	{
		Code: "K2O-205", Severity: Blocked,
		Title:  "Disk file is missing",
		Action: "Bring the file back, or take the disk out of the definition.",
		Fact:   "nova/virt/libvirt/driver.py _hard_reboot undefines before it looks at the disks (DiskNotFound)",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("The file of disk %s is not there: %s.", show(d.Target), show(d.Path)).
					do("restore %s, or virsh detach-disk %s %s --config", sh(d.Path), s.virsh(), sh(d.Target)), d.File != nil && d.File.Error == "" && d.File.Missing
			})
		},
	},
	{
		Code: "K2O-206", Severity: Blocked,
		Title:  "Disk path is a directory",
		Action: "Name the image file in the definition.",
		Fact:   "a directory has no hard link; libvirt <disk type='file'> needs a file",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s names a directory, not an image: %s.", show(d.Target), show(d.Path)).
					do("ls -l %s/, then virsh edit %s", sh(d.Path), s.virsh()), lookedAt(d) && d.File.Kind == "dir"
			})
		},
	},
	{
		Code: "K2O-207", Severity: Blocked,
		Title:  "Disk path is neither a file nor a directory",
		Action: "Copy the content into an image file below instances_path's file system and name that in the definition.",
		Fact:   "nova/virt/libvirt/imagebackend.py Flat, Qcow2: a local disk is a regular file",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is a %s node, which cannot be hard-linked into instances_path: %s.", show(d.Target), show(kind(d)), show(d.Path)),
					lookedAt(d) && !slices.Contains([]string{"", "file", "dir"}, d.File.Kind)
			})
		},
	},
	{
		Code: "K2O-208", Severity: Blocked,
		Title:  "Disk path is not absolute",
		Action: "Name the file by its absolute path in the definition.",
		Fact:   "what a relative <source file> means depends on the daemon's working directory",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s has no absolute path, so nobody can say which file it is: %s.", show(d.Target), show(d.Path)).
					do("virsh edit %s and write the absolute path of disk %s", s.virsh(), sh(d.Target)), !path.IsAbs(d.Path)
			})
		},
	},
	{
		Code: "K2O-209", Severity: Blocked,
		Title:  "Disk path climbs with ..",
		Action: "Write the path without .. in the definition, after seeing that it is meant.",
		Fact:   "with symlinks on the way, \"a/../b\" need not be \"b\"",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("The path of disk %s climbs out of its directory: %s.", show(d.Target), show(d.Path)).
						do("realpath %s, then virsh edit %s and write that path", sh(d.Path), s.virsh()),
					slices.Contains(strings.Split(d.Path, "/"), "..")
			})
		},
	},
	{
		Code: "K2O-210", Severity: Blocked,
		Title:  "Disk file is a symlink to a file of another name",
		Action: "Name the file itself in the definition.",
		Fact:   "link(2) does not follow symlinks; Nova follows one at start (tried on Zed), but copies or leaves it at resize (rsync -r, cp -r)",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is a symlink that leads out of its place: %s is %s.", show(d.Target), show(d.Path), show(resolved(d))).
						do("ls -l %s; if that is meant: virsh edit %s and write %s", sh(d.Path), s.virsh(), sh(resolved(d))),
					throughLink(d) && path.Base(resolved(d)) != path.Base(d.Path)
			})
		},
	},
	{
		Code: "K2O-211", Severity: Info,
		Title:  "Directory of a disk file is a symlink",
		Action: "Nothing; the hard link is made of the file itself.",
		Fact:   "link(2) is given the resolved path",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("The path of disk %s leads over a symlink: %s is %s.", show(d.Target), show(d.Path), show(resolved(d))),
					throughLink(d) && path.Base(resolved(d)) == path.Base(d.Path)
			})
		},
	},
}
