package check

import (
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
)

// diskOptionRules: what a disk has beside its content.
var diskOptionRules = []Rule{
	{
		Code: "K2O-271", Severity: Blocked,
		Title:  "Encrypted disk",
		Action: "Convert the image to a plain one while the guest is off, or leave the domain out.",
		Fact:   "nova/virt/libvirt/driver.py gives <encryption> to Cinder volumes and to ephemeral encryption with a Barbican secret only",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is encrypted with a secret of libvirt's, without which Nova's first start cannot open it: %s.", show(d.Target), show(d.Path)), d.Encrypted
			})
		},
	},
	{
		Code: "K2O-272", Severity: Blocked,
		Title:  "Transient disk",
		Action: "Take <transient/> out of the definition if the guest may keep what it writes.",
		Fact:   "libvirt <transient/> throws writes away at power off; Nova has no word for it",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s forgets its writes at each power off, and would keep them after Nova's first start: %s.", show(d.Target), show(d.Path)).
					do("%svirsh edit %s and take <transient/> of %s out", s.whenOff(), s.virsh(), sh(d.Target)), d.Transient
			})
		},
	},
	{
		Code: "K2O-273", Severity: Attention,
		Title:  "Read-only disk",
		Action: "Take the disk out of the definition, or see that nobody minds when it becomes writable.",
		Fact:   "nova/virt/libvirt/imagebackend.py libvirt_info: local disks are writable",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is read-only today and writable after Nova's first start: %s.", show(d.Target), show(d.Path)), d.ReadOnly
			})
		},
	},
	{
		Code: "K2O-274", Severity: Info,
		Title:  "Throttled disk",
		Action: "Put quota:disk_read_iops_sec, quota:disk_write_iops_sec and the like into the flavor's extra specs.",
		Fact:   "nova/virt/libvirt/imagebackend.py disk_qos reads the flavor's quota:disk_*",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("The limits of disk %s (<iotune>) are lost at Nova's first start, unless the flavor has them.", show(d.Target)), d.Throttled
			})
		},
	},
	{
		Code: "K2O-275", Severity: Attention,
		Title:  "Disk serial",
		Action: "See that nothing in the guest mounts by /dev/disk/by-id.",
		Fact:   "nova/virt/libvirt/driver.py writes <serial> for Cinder volumes only",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("The serial %s of disk %s is lost at Nova's first start: a guest that mounts by it does not come up.", show(d.Serial), show(d.Target)).
					do("inside the guest: grep by-id /etc/fstab /boot/grub*/grub.cfg /etc/default/grub, and mount by UUID instead"), d.Serial != ""
			})
		},
	},
	{
		Code: "K2O-276", Severity: Info,
		Title:  "Cache mode",
		Action: "Set [libvirt] disk_cachemodes on the compute host if the guest needs the mode.",
		Fact:   "nova/virt/libvirt/driver.py disk_cachemode: none, or writeback without O_DIRECT, or disk_cachemodes of nova.conf",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("The cache mode %s of disk %s gives way to the compute host's after Nova's first start.", show(d.Cache), show(d.Target)),
					!slices.Contains([]string{"", "default", "none"}, d.Cache)
			})
		},
	},
}
