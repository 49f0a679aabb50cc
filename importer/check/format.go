package check

import (
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// formatRules: what the image files are, and what is below them.
var formatRules = []Rule{
	{
		Code: "K2O-221", Severity: Blocked,
		Title:  "Raw image under images_type qcow2",
		Action: "Convert the image to qcow2 while the guest is off.",
		Fact:   "nova/virt/libvirt/imagebackend.py Qcow2 writes driver type qcow2 whatever the file is (\"Image is not in qcow2 format\", tried on Zed)",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is a raw image, and under images_type %s Nova starts it as qcow2, which fails with the domain already undefined: %s.",
						show(d.Target), show(s.imagesType()), show(d.Path)).do("%s", s.convert(d, "raw")),
					s.cow() && defined(d) == "raw" && !mismatched(d)
			})
		},
	},
	{
		Code: "K2O-222", Severity: Blocked,
		Title:  "Image header and definition disagree",
		Action: "Find out which of the two is right before anybody converts or starts the image.",
		Fact:   "a guest can write a qcow2 header with any backing file into a raw disk; imagebackend.py resolve_driver_format probes where disk.info says nothing",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is defined as %s but its file begins like %s: %s.", show(d.Target), show(defined(d)), show(header(d)), show(d.Path)).
						do("qemu-img info -U -f raw %[1]s and qemu-img info -U %[1]s; correct <driver type> by virsh edit %[2]s if the header is right", sh(d.Path), s.virsh()),
					mismatched(d)
			})
		},
	},
	{
		Code: "K2O-223", Severity: Blocked,
		Title:  "Image format that Nova does not run",
		Action: "Convert the image to qcow2 while the guest is off.",
		Fact:   "nova/virt/libvirt/imagebackend.py: local disks are qcow2 or raw",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is a %s image, and Nova runs none but qcow2 and raw: %s.", show(d.Target), show(d.Format), show(d.Path)).
						do("%s", s.convert(d, d.Format)),
					!slices.Contains([]string{"raw", "qcow2"}, defined(d)) && !mismatched(d)
			})
		},
	},
	{
		Code: "K2O-224", Severity: Attention,
		Title:  "qcow2 image under images_type raw or flat",
		Action: "Keep disk.info with the instance, and try one hard reboot of such a guest before the others.",
		Fact:   "nova/virt/libvirt/imagebackend.py Flat takes the format from disk.info (resolve_driver_format)",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is qcow2 where images_type is %s: it starts as qcow2 only as long as disk.info says so: %s.", show(d.Target), show(s.imagesType()), show(d.Path)),
					slices.Contains([]string{"raw", "flat"}, s.imagesType()) && d.Format == "qcow2"
			})
		},
	},
	{
		Code: "K2O-225", Severity: Blocked,
		Title:  "Image file where images_type keeps no files",
		Action: "Adopt it on a host whose images_type is qcow2, or move the content where images_type has it.",
		Fact:   "nova/virt/libvirt/imagebackend.py Backend.image: one images_type per compute host",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is a file, and under images_type %s Nova looks for it elsewhere: %s.", show(d.Target), show(s.imagesType()), show(d.Path)),
					!s.cow() && !slices.Contains([]string{"raw", "flat"}, s.imagesType())
			})
		},
	},
	{
		Code: "K2O-226", Severity: Blocked,
		Title:  "Image with a backing file outside _base",
		Action: "Flatten the image.",
		Fact:   "nova/virt/libvirt/driver.py _create_images_and_backing looks for _base/<name of the backing file> (ImageNotFound, tried on Zed)",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s rests on %s, where Nova does not look for a backing file: its first start fails with the domain already undefined.", show(d.Target), list(chain(d))).
					do("%s", s.flatten(d)), len(chain(d)) > 0 && !s.inBase(d)
			})
		},
	},
	{
		Code: "K2O-227", Severity: Attention,
		Title:  "Image with a backing file in _base",
		Action: "Set remove_unused_base_images = False on the compute host until all its domains are adopted, or flatten the image.",
		Fact:   "nova/virt/libvirt/imagecache.py removes what no instance of the records uses; data disks' backing files are never looked at",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s rests on %s, which Nova's image cache deletes while it does not know the domain.", show(d.Target), list(chain(d))).
					do("set remove_unused_base_images = False on the compute host until all is adopted, or: %s", s.flatten(d)), s.inBase(d)
			})
		},
	},
	{
		Code: "K2O-228", Severity: Attention,
		Title:  "Snapshots inside the image",
		Action: "Delete the image's internal snapshots while the guest is off, if nobody needs them.",
		Fact:   "qcow2 header nb_snapshots; qemu-img resize refuses such images of version 2, and Nova knows nothing of them",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				if !lookedAt(d) || d.File.InternalSnapshots == 0 {
					return detail{}, false
				}
				return say("The image of disk %s holds %s that Nova does not know and a resize or copy loses: %s.", show(d.Target), Plural(d.File.InternalSnapshots, "snapshot"), show(d.Path)).
					do("qemu-img snapshot -l -U %[1]s; %[2]sqemu-img snapshot -d SNAPSHOT %[1]s", sh(d.Path), s.whenOff()), true
			})
		},
	},
	{
		Code: "K2O-229", Severity: Blocked,
		Title:  "Size of a disk is not known",
		Action: "Make the image readable for the audit, then audit again.",
		Fact:   "instances.root_gb and block_device_mapping.volume_size must not be below the virtual size",
		find: func(s subject) []detail {
			return each(s.files(), func(d discover.Disk) (detail, bool) {
				return say("Nothing tells how large disk %s is, so no flavor can be chosen: %s.", show(d.Target), show(d.Path)).
					do("qemu-img info -U %s on %s", sh(d.Path), show(s.Domain.Host)), capacity(d) == 0 && lookedAt(d) && d.File.Kind == "file"
			})
		},
	},
}

// imagesType names the setting as nova.conf would.
func (s subject) imagesType() string {
	if s.Settings.ImagesType == "" {
		return "default"
	}
	return s.Settings.ImagesType
}

// convert is the way from any format to qcow2. The old image stays.
func (s subject) convert(d discover.Disk, from string) sentence {
	to := converted(d.Path)
	return sentence{"%sqemu-img convert -p -f %s -O qcow2 %s %s, then virsh edit %s: <driver type='qcow2'/> and <source file> of %s to the new file",
		[]any{s.whenOff(), sh(from), sh(d.Path), sh(to), s.virsh(), sh(d.Target)}}
}

// flatten is the way from an overlay to an image of its own.
func (s subject) flatten(d discover.Disk) sentence {
	if s.State.Active() {
		return sentence{"virsh blockpull %s %s --wait --verbose", []any{s.virsh(), sh(d.Target)}}
	}
	return sentence{"qemu-img rebase -p -f %s -b '' %s, then take <backingStore> of %s out by virsh edit %s", []any{sh(defined(d)), sh(d.Path), sh(d.Target), s.virsh()}}
}

// inBase reports whether the one backing file of d is where Nova looks for it.
func (s subject) inBase(d discover.Disk) bool {
	c := chain(d)
	if len(c) != 1 {
		return false
	}
	b := c[0]
	if !path.IsAbs(b) {
		b = path.Join(path.Dir(d.Path), b)
	}
	return !strings.Contains(b, ":") && path.Dir(path.Clean(b)) == s.instancesPath()+"/_base"
}
