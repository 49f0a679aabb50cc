package check

import (
	"path"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// placeRules: whether there are disks, and whether anybody could look at them.
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
}

// linkRules: what the hard link into instances_path needs.
var linkRules = []Rule{
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
