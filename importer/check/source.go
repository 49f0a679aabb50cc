package check

import (
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// sourceRules: disks that are no image files, and disks that others use.
var sourceRules = []Rule{
	{
		Code: "K2O-231", Severity: Blocked,
		Title:  "Disk on a block device or LVM",
		Action: "Copy the device into a qcow2 image, rename the volume where images_type is lvm, or hand it to Cinder.",
		Fact:   "nova/virt/libvirt/imagebackend.py Lvm: /dev/<images_volume_group>/<UUID>_disk; a block device has no hard link",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				dt := say("Disk %s is the block device %s, which cannot be hard-linked into instances_path.", show(d.Target), show(d.Path))
				if s.Settings.ImagesType == "lvm" {
					return dt.do("%slvrename %s %s_disk in images_volume_group, with virsh edit %s to match", s.whenOff(), sh(d.Path), sh(s.UUID), s.virsh()), d.Type == "block"
				}
				return dt.do("%sqemu-img convert -p -f %s -O qcow2 %s IMAGE.qcow2, or: cinder manage HOST@BACKEND#POOL %s", s.whenOff(), sh(defined(d)), sh(d.Path), sh(path.Base(d.Path))), d.Type == "block"
			})
		},
	},
	{
		Code: "K2O-232", Severity: Blocked,
		Title:  "Disk on Ceph RBD",
		Action: "Hand the image to Cinder, or rename it where images_type is rbd.",
		Fact:   "nova/virt/libvirt/imagebackend.py Rbd: <images_rbd_pool>/<UUID>_disk",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				dt := say("Disk %s is the RBD image %s, for which the import makes neither a volume nor a name of Nova's.", show(d.Target), show(d.Path))
				pool, image, _ := strings.Cut(d.Path, "/")
				if s.Settings.ImagesType == "rbd" {
					return dt.do("%srbd rename %s %s, with virsh edit %s to match", s.whenOff(), sh(d.Path), sh(pool+"/"+s.UUID+"_disk"), s.virsh()), network(d, "rbd")
				}
				return dt.do("cinder manage HOST@BACKEND#%s %s", sh(pool), sh(image)), network(d, "rbd")
			})
		},
	},
	{
		Code: "K2O-233", Severity: Blocked,
		Title:  "Disk on iSCSI",
		Action: "Hand the LUN to Cinder and attach it as a volume, or copy it into a qcow2 image.",
		Fact:   "nova/virt/libvirt/volume: Nova attaches iSCSI through a Cinder volume's connection_info only",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is the iSCSI LUN %s, which Nova knows as a Cinder volume only.", show(d.Target), show(d.Path)), network(d, "iscsi")
			})
		},
	},
	{
		Code: "K2O-234", Severity: Blocked,
		Title:  "Disk over the network",
		Action: "Copy the disk into a qcow2 image on the host while the guest is off, or hand it to Cinder.",
		Fact:   "nova/virt/libvirt/imagebackend.py: local disks are files, LVs or RBD images",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s comes over %s (%s), which Nova has no local disk for.", show(d.Target), show(d.Protocol), show(d.Path)),
					d.Type == "network" && d.Protocol != "rbd" && d.Protocol != "iscsi"
			})
		},
	},
	{
		Code: "K2O-235", Severity: Blocked,
		Title:  "Disk named by storage pool and volume",
		Action: "Name the volume's file in the definition instead.",
		Fact:   "libvirt <disk type='volume'> is resolved at each start; a pool's volumes are known only while it is active",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				pool, volume, _ := strings.Cut(d.Path, "/")
				return say("Disk %s is named by pool and volume (%s), and the path behind them is not in the definition.", show(d.Target), show(d.Path)).
					do("virsh vol-path --pool %s %s, then virsh edit %s: <disk type='file'> with that path", sh(pool), sh(volume), s.virsh()), d.Type == "volume"
			})
		},
	},
	{
		Code: "K2O-236", Severity: Blocked,
		Title:  "Disk made from a directory",
		Action: "Copy the files into an image, or onto another disk of the guest.",
		Fact:   "libvirt <disk type='dir'> is QEMU's virtual FAT; Nova has no word for it",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is the directory %s shown as a FAT disk, which Nova's first start loses.", show(d.Target), show(d.Path)), d.Type == "dir"
			})
		},
	},
	{
		Code: "K2O-237", Severity: Blocked,
		Title:  "Disk of a type that Nova does not have",
		Action: "Copy the disk into a qcow2 image while the guest is off.",
		Fact:   "nova/virt/libvirt/config.py LibvirtConfigGuestDisk: file, block, network",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is of type %s, which Nova's first start cannot bring back.", show(d.Target), show(d.Type)),
					!slices.Contains([]string{"file", "block", "network", "volume", "dir"}, d.Type)
			})
		},
	},
	{
		Code: "K2O-238", Severity: Blocked,
		Title:  "LUN passed through",
		Action: "Hand the LUN to Cinder and attach it as a volume.",
		Fact:   "nova/virt/libvirt/blockinfo.py: device_type lun is for Cinder volumes",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s passes the LUN %s through to the guest, commands and all, which Nova does for Cinder volumes only.", show(d.Target), show(d.Path)), d.Device == "lun"
			})
		},
	},
	{
		Code: "K2O-239", Severity: Blocked,
		Title:  "Shareable disk",
		Action: "Leave the cluster out, or move the disk to a multi-attach Cinder volume.",
		Fact:   "nova/virt/libvirt/driver.py writes <shareable/> for multi-attach volumes only",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s is shareable (%s): after Nova's first start its lock keeps the second guest out.", show(d.Target), show(d.Path)), d.Shareable
			})
		},
	},
	{
		Code: "K2O-240", Severity: Blocked,
		Title:  "Disk that another domain uses, too",
		Action: "Decide whose disk it is and take it out of the other definitions.",
		Fact:   "two writers on one image destroy it; Nova's delete and resize know of one owner",
		find: func(s subject) []detail {
			if s.Fleet == nil {
				return nil
			}
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				users := s.othersAt(d, s.Fleet.Disks)
				return say("Disk %s (%s) is also a disk of %s.", show(d.Target), show(d.Path), list(users)).
					do("virsh detach-disk OTHER %s --config, with OTHER the domain that must not have it", sh(d.Path)), len(users) > 0
			})
		},
	},
	{
		Code: "K2O-241", Severity: Blocked,
		Title:  "One file as two disks of the domain",
		Action: "Take one of the two out of the definition.",
		Fact:   "two writers on one image destroy it",
		find: func(s subject) []detail {
			seen := map[string]string{}
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				for _, p := range places(d) {
					first, twice := seen[p]
					if twice {
						return say("Disks %s and %s are the same file: %s.", show(first), show(d.Target), show(d.Path)).
							do("virsh detach-disk %s %s --config", s.virsh(), sh(d.Target)), true
					}
				}
				for _, p := range places(d) {
					seen[p] = d.Target
				}
				return detail{}, false
			})
		},
	},
	{
		Code: "K2O-242", Severity: Blocked,
		Title:  "Disk that lies under disks of other domains",
		Action: "Flatten the images that rest on it, or leave it out.",
		Fact:   "a qcow2 overlay holds only what differs from its backing file, and is damaged by any write below it; Nova starts, resizes and deletes an instance's disk as nobody else's",
		find: func(s subject) []detail {
			if s.Fleet == nil {
				return nil
			}
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				users := s.othersAt(d, s.Fleet.Bases)
				return say("Disk %s (%s) lies under disks of %s: whatever Nova writes into it or deletes, they lose.", show(d.Target), show(d.Path), list(users)).
					do("virsh blockpull OTHER TARGET --wait --verbose on each running domain that rests on %s, or leave this one out", sh(d.Path)), len(users) > 0
			})
		},
	},
}

// othersAt are the other domains that have one of a disk's paths on this host,
// each once and in order.
func (s subject) othersAt(d discover.Disk, paths map[string]Users) []string {
	var users []string
	for _, p := range places(d) {
		users = append(users, s.neighbours(paths[s.Domain.Host].Of(p))...)
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// network reports whether d comes over the protocol.
func network(d discover.Disk, protocol string) bool {
	return d.Type == "network" && d.Protocol == protocol
}
