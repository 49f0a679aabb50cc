package check

import (
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// placeRules: where the disks lie, and whether Nova's hard link can be made.
var placeRules = []Rule{
	{
		Code: "K2O-201", Severity: Blocked,
		Title:  "No disk",
		Action: "Leave it out, or give it a disk.",
		Fact:   "nova/virt/libvirt/driver.py _hard_reboot: a server without instances_path/UUID/disk ends in DiskNotFound",
		find: func(s subject) []detail {
			return when(len(s.stored()) == 0, say("It has no disk: Nova's first start looks for one, finds none and leaves it undefined."))
		},
	},
	{
		Code: "K2O-202", Severity: Blocked,
		Title:  "Host's files were not looked at",
		Action: "Give the host a files URL (sftp://...) in the configuration, or reach it by qemu+ssh.",
		Fact:   "Nova finds disks under instances_path only (nova/virt/libvirt/imagebackend.py); the hard link must be made on the host",
		find: func(s subject) []detail {
			return when(s.Facts.Host.FilesErr != "", say("The files of %s were not looked at (%s), so nobody can say that its disks can be hard-linked.",
				show(s.Domain.Host), show(s.Facts.Host.FilesErr)))
		},
	},
	{
		Code: "K2O-203", Severity: Attention,
		Title:  "Disk files were not looked at",
		Action: "Audit again with file checks on.",
		Fact:   "a scan with file checks switched off proves nothing about files",
		find: func(s subject) []detail {
			if s.Facts.Host.FilesErr != "" {
				return nil
			}
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Nobody looked at %s of disk %s: it may be missing, raw or on another file system.", show(d.Path), show(d.Target)), d.File == nil
			})
		},
	},
	{
		Code: "K2O-204", Severity: Blocked,
		Title:  "Disk file cannot be looked at",
		Action: "Let the login that the audit uses read the file, then audit again.",
		Fact:   "stat or open failed on the host",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				if d.File == nil || d.File.Error == "" {
					return detail{}, false
				}
				return say("Disk %s could not be looked at: %s: %s.", show(d.Target), show(d.Path), show(d.File.Error)).
					do("ls -ld %s on %s, with the audit's login", sh(d.Path), show(s.Domain.Host)), true
			})
		},
	},
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
	{
		Code: "K2O-212", Severity: Blocked,
		Title:  "Disk is on another file system than instances_path",
		Action: "Move the image to the file system of instances_path while the guest is off, or put instances_path on the image's.",
		Fact:   "link(2) EXDEV; bind mounts count as other file systems, too",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				to := path.Join(s.instancesPath(), "..", path.Base(d.Path))
				return say("Disk %s lies on another file system than %s and cannot be hard-linked into it: %s.", show(d.Target), show(s.instancesPath()), show(d.Path)).
						do("%scp --sparse=always -p %s %s, then virsh edit %s and name the copy; or mount the images' file system at %s",
							s.whenOff(), sh(d.Path), sh(to), s.virsh(), sh(s.instancesPath())),
					lookedAt(d) && d.File.FS != "" && s.hasInstancesDir() && s.Facts.Host.InstancesDir.FS != "" && d.File.FS != s.Facts.Host.InstancesDir.FS
			})
		},
	},
	{
		Code: "K2O-213", Severity: Blocked,
		Title:  "No instances_path on the host",
		Action: "Install nova-compute on the host, or correct instances_path in the configuration.",
		Fact:   "nova.conf [DEFAULT] instances_path; nova/virt/libvirt/utils.py get_instance_path",
		find: func(s subject) []detail {
			dir := s.Facts.Host.InstancesDir
			return when(dir != nil && (dir.Missing || dir.Error == "" && dir.Kind != "" && dir.Kind != "dir"),
				say("%s has no directory %s to link its disks into.", show(s.Domain.Host), show(s.instancesPath())).
					do("install nova-compute, or: install -d -o nova -g nova -m 0755 %s", sh(s.instancesPath())))
		},
	},
	{
		Code: "K2O-214", Severity: Blocked,
		Title:  "instances_path cannot be looked at",
		Action: "Let the login that the audit uses read the directory, then audit again.",
		Fact:   "stat failed on the host",
		find: func(s subject) []detail {
			dir := s.Facts.Host.InstancesDir
			if dir == nil || dir.Missing || dir.Error == "" {
				return nil
			}
			return []detail{say("%s on %s could not be looked at: %s.", show(s.instancesPath()), show(s.Domain.Host), show(dir.Error)).
				do("ls -ld %s on %s, with the audit's login", sh(s.instancesPath()), show(s.Domain.Host))}
		},
	},
	{
		Code: "K2O-215", Severity: Attention,
		Title:  "Disk lies below instances_path under another name",
		Action: "Find out whose directory that is before Nova deletes or cleans it.",
		Fact:   "nova/virt/libvirt/driver.py delete_instance_files removes instances_path/UUID; guests of a former cloud lie in directories of their old name",
		find: func(s subject) []detail {
			own := path.Join(s.instancesPath(), s.UUID)
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				p := path.Clean(d.Path)
				return say("Disk %s lies in a directory of Nova's that is not its own: %s.", show(d.Target), show(d.Path)).
						do("compare %s with openstack server list --all-projects --long, and leave that directory out of any clean-up", sh(path.Dir(p))),
					path.IsAbs(p) && strings.HasPrefix(p, s.instancesPath()+"/") && !strings.HasPrefix(p, own+"/")
			})
		},
	},
	{
		Code: "K2O-216", Severity: Attention,
		Title:  "Disk file has further hard links",
		Action: "Find the other names and see that no other domain uses them.",
		Fact:   "one inode under two names is one disk; the import itself adds one link",
		find: func(s subject) []detail {
			if s.Nova != nil && s.Nova.Presence.Live {
				return nil // the second name is an earlier run's
			}
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				if !lookedAt(d) || d.File.Links < 2 || d.File.Kind == "dir" {
					return detail{}, false
				}
				return say("The file of disk %s has %d names, and another domain may know it under one of them: %s.", show(d.Target), d.File.Links, show(d.Path)).
					do("find / -xdev -samefile %s on %s", sh(d.Path), show(s.Domain.Host)), true
			})
		},
	},
}
