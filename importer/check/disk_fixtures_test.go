package check

import "github.com/lightcloud/kvm2openstack/discover"

// disk tweaks the one disk of the clean domain.
func disk(change func(*discover.Disk)) tweak {
	return func(d *discover.Domain, _ *Facts) { change(&d.Disks[0]) }
}

// second gives the clean domain a second disk.
func second(change func(*discover.Disk)) tweak {
	return func(d *discover.Domain, f *Facts) {
		extra := cleanDisk("vdb", "/var/lib/libvirt/images/web-1-data.qcow2")
		change(&extra)
		d.Disks = append(d.Disks, extra)
		f.Nova.Room.DiskGB = 100
	}
}

// at moves the disk to a path that really is one.
func at(path string) tweak {
	return disk(func(d *discover.Disk) { d.Path, d.File.Resolved = path, path })
}

func format(defined, header string) func(*discover.Disk) {
	return func(d *discover.Disk) { d.Format, d.File.Format = defined, header }
}

func imagesType(t string) tweak {
	return func(_ *discover.Domain, f *Facts) { f.Settings.ImagesType = t }
}

// both is one tweak after the other.
func both(a, b tweak) tweak {
	return func(d *discover.Domain, f *Facts) { a(d, f); b(d, f) }
}

func drive(device, path string) tweak {
	return func(d *discover.Domain, _ *Facts) {
		d.Disks = append(d.Disks, discover.Disk{Target: "hdc", Bus: "ide", Device: device, Type: "file", Format: "raw", Path: path, ReadOnly: true})
	}
}

func scsi(models ...string) tweak {
	return func(d *discover.Domain, _ *Facts) {
		d.Disks[0].Bus, d.Disks[0].Target = "scsi", "sda"
		for i, m := range models {
			d.Controllers = append(d.Controllers, discover.Controller{Type: "scsi", Index: uint(i), Model: m})
		}
	}
}

func onNet(protocol, path string) tweak {
	return disk(func(d *discover.Disk) { d.Type, d.Protocol, d.Path, d.File = "network", protocol, path, nil })
}

// neighbour puts another domain on the same host, made from the clean one.
func neighbour(change func(*discover.Domain)) tweak {
	return func(d *discover.Domain, f *Facts) {
		other, _ := clean()
		other.Name, other.UUID = "web-2", "1e6ac700-0000-4000-8000-00000000000c"
		other.Interfaces, other.Disks = nil, nil
		change(&other)
		f.Fleet = FleetOf(*d, other)
	}
}

var diskFixtures = map[string]fixture{
	"K2O-201": {func(d *discover.Domain, _ *Facts) { d.Disks = nil; drive("cdrom", "/iso/a.iso")(d, nil) }, drive("cdrom", "/iso/a.iso")},
	"K2O-202": {
		func(d *discover.Domain, f *Facts) {
			f.Host.FilesErr, f.Host.InstancesDir, d.Disks[0].File = "no files URL for qemu+tls", nil, nil
		},
		disk(func(d *discover.Disk) { d.File = nil }),
	},
	"K2O-203": {
		disk(func(d *discover.Disk) { d.File = nil }),
		func(d *discover.Domain, f *Facts) { f.Host.FilesErr, d.Disks[0].File = "no files URL", nil },
	},
	"K2O-204": {disk(func(d *discover.Disk) { d.File = &discover.File{Error: "permission denied"} }), disk(func(d *discover.Disk) { d.File = &discover.File{Missing: true} })},
	"K2O-205": {disk(func(d *discover.Disk) { d.File = &discover.File{Missing: true} }), disk(func(d *discover.Disk) { d.File = &discover.File{Missing: true, Error: "timeout"} })},
	"K2O-206": {disk(func(d *discover.Disk) { d.File.Kind = "dir" }), disk(func(d *discover.Disk) { d.Type, d.File.Kind = "dir", "dir" })},
	"K2O-207": {disk(func(d *discover.Disk) { d.File.Kind = "block" }), disk(func(d *discover.Disk) { d.File.Kind = "dir" })},
	"K2O-208": {at("images/web-1.qcow2"), at("/images/web-1.qcow2")},
	"K2O-209": {disk(func(d *discover.Disk) { d.Path = "/var/lib/libvirt/images/../../../../srv/x.qcow2" }), at("/var/lib/libvirt/images/..web..qcow2")},
	"K2O-210": {disk(func(d *discover.Disk) { d.File.Resolved = "/srv/other-tenant.qcow2" }), disk(func(d *discover.Disk) { d.File.Resolved = "/data/images/web-1.qcow2" })},
	"K2O-211": {disk(func(d *discover.Disk) { d.File.Resolved = "/data/images/web-1.qcow2" }), disk(func(d *discover.Disk) { d.Path = "/var/lib/libvirt//images/web-1.qcow2" })},
	"K2O-212": {disk(func(d *discover.Disk) { d.File.FS = "8:17" }), disk(func(d *discover.Disk) { d.File.FS = "" })},
	"K2O-213": {func(_ *discover.Domain, f *Facts) { f.Host.InstancesDir = &discover.File{Missing: true} }, func(_ *discover.Domain, f *Facts) { f.Host.InstancesDir = nil }},
	"K2O-214": {func(_ *discover.Domain, f *Facts) { f.Host.InstancesDir = &discover.File{Error: "permission denied"} }, func(_ *discover.Domain, f *Facts) { f.Host.InstancesDir = &discover.File{Missing: true} }},
	"K2O-215": {at("/var/lib/nova/instances/instance-00000012/disk"), at("/var/lib/nova/instances/" + cleanUUID + "/disk")},
	"K2O-216": {
		disk(func(d *discover.Disk) { d.File.Links = 2 }),
		both(disk(func(d *discover.Disk) { d.File.Links = 2 }), func(_ *discover.Domain, f *Facts) { live(f, "") }),
	},

	"K2O-221": {disk(format("raw", "raw")), both(disk(format("raw", "raw")), imagesType("raw"))},
	"K2O-222": {disk(format("raw", "qcow2")), disk(format("qcow2", ""))},
	"K2O-223": {disk(format("vmdk", "vmdk")), disk(format("raw", "raw"))},
	"K2O-224": {imagesType("flat"), both(disk(format("raw", "raw")), imagesType("flat"))},
	"K2O-225": {imagesType("rbd"), imagesType("raw")},
	"K2O-226": {
		disk(func(d *discover.Disk) { d.Backing = []string{"/var/lib/libvirt/images/template.qcow2"} }),
		disk(func(d *discover.Disk) { d.Backing = []string{"/var/lib/nova/instances/_base/0a1b"} }),
	},
	"K2O-227": {
		both(at("/var/lib/nova/instances/"+cleanUUID+"/disk"), disk(func(d *discover.Disk) { d.File.Backing = "../_base/0a1b" })),
		disk(func(d *discover.Disk) { d.Backing = []string{"/var/lib/nova/instances/_base/0a1b", "/srv/base.raw"} }),
	},
	"K2O-228": {disk(func(d *discover.Disk) { d.File.InternalSnapshots = 3 }), disk(func(d *discover.Disk) { d.File.Error, d.File.InternalSnapshots = "torn", 3 })},
	"K2O-229": {disk(func(d *discover.Disk) { d.CapacityBytes, d.File.VirtualBytes = 0, 0 }), disk(func(d *discover.Disk) { d.CapacityBytes = 0 })},

	"K2O-231": {
		disk(func(d *discover.Disk) { d.Type, d.Path, d.Format, d.File = "block", "/dev/vg0/web", "raw", nil }),
		disk(func(d *discover.Disk) { d.File.Kind = "block" }),
	},
	"K2O-232": {onNet("rbd", "vms/web"), onNet("nbd", "export")},
	"K2O-233": {onNet("iscsi", "iqn.2012-01.com.example:web/1"), onNet("rbd", "vms/web")},
	"K2O-234": {onNet("gluster", "vol/web.qcow2"), onNet("iscsi", "iqn.2012-01.com.example:web/1")},
	"K2O-235": {disk(func(d *discover.Disk) { d.Type, d.Path, d.File = "volume", "default/web", nil }), at("/default/web")},
	"K2O-236": {disk(func(d *discover.Disk) { d.Type, d.Path, d.File = "dir", "/srv/files", nil }), disk(func(d *discover.Disk) { d.File.Kind = "dir" })},
	"K2O-237": {disk(func(d *discover.Disk) { d.Type, d.Path, d.File = "nvme", "", nil }), onNet("nbd", "export")},
	"K2O-238": {disk(func(d *discover.Disk) { d.Type, d.Device, d.Path, d.File = "block", "lun", "/dev/sdx", nil }), disk(func(d *discover.Disk) { d.Type, d.Path, d.File = "block", "/dev/sdx", nil })},
	"K2O-239": {disk(func(d *discover.Disk) { d.Shareable = true }), both(drive("cdrom", "/iso/a.iso"), func(d *discover.Domain, _ *Facts) { d.Disks[1].Shareable = true })},
	"K2O-240": {
		neighbour(func(o *discover.Domain) {
			o.Disks = []discover.Disk{cleanDisk("vda", "/srv/link.qcow2")}
			o.Disks[0].File.Resolved = cleanPath
		}),
		neighbour(func(o *discover.Domain) {
			o.Host, o.Disks = "kvm02", []discover.Disk{cleanDisk("vda", cleanPath)}
		}),
	},
	"K2O-241": {second(func(d *discover.Disk) { d.Path, d.File.Resolved = "/srv/link.qcow2", cleanPath }), second(func(*discover.Disk) {})},

	"K2O-242": {
		neighbour(func(o *discover.Domain) {
			o.Disks = []discover.Disk{cleanDisk("vda", "/srv/clone.qcow2")}
			o.Disks[0].Backing = []string{"/srv/middle.qcow2", cleanPath}
		}),
		neighbour(func(o *discover.Domain) {
			o.Host, o.Disks = "kvm02", []discover.Disk{cleanDisk("vda", "/srv/clone.qcow2")}
			o.Disks[0].Backing = []string{cleanPath}
		}),
	},

	"K2O-251": {disk(func(d *discover.Disk) { d.Bus, d.Target = "usb", "sda" }), drive("floppy", "")},
	"K2O-252": {second(func(d *discover.Disk) { d.Bus, d.Target = "sata", "sda" }), drive("cdrom", "")},
	"K2O-253": {scsi("am53c974"), scsi("virtio-scsi")},
	"K2O-254": {scsi("virtio-scsi", "lsilogic"), func(d *discover.Domain, _ *Facts) {
		d.Controllers = []discover.Controller{{Type: "scsi", Model: "virtio-scsi"}, {Type: "scsi", Index: 1, Model: "lsilogic"}} // no disk uses them
	}},
	"K2O-255": {drive("cdrom", ""), drive("cdrom", "/iso/a.iso")},
	"K2O-256": {drive("cdrom", "/iso/a.iso"), drive("cdrom", "")},
	"K2O-257": {drive("floppy", ""), drive("cdrom", "")},
	"K2O-258": {
		func(d *discover.Domain, _ *Facts) { d.Interfaces[0].BootOrder, d.Disks[0].BootOrder = 1, 2 },
		func(d *discover.Domain, _ *Facts) {
			d.BootDevices = []string{"cdrom", "hd", "network"} // with no medium in any drive
			drive("cdrom", "")(d, nil)
		},
	},
	"K2O-259": {second(func(*discover.Disk) {}), drive("cdrom", "")},
}

var diskOptionFixtures = map[string]fixture{
	"K2O-271": {disk(func(d *discover.Disk) { d.Encrypted = true }), disk(func(d *discover.Disk) { d.Transient = true })},
	"K2O-272": {disk(func(d *discover.Disk) { d.Transient = true }), disk(func(d *discover.Disk) { d.Encrypted = true })},
	"K2O-273": {disk(func(d *discover.Disk) { d.ReadOnly = true }), drive("cdrom", "/iso/a.iso")},
	"K2O-274": {disk(func(d *discover.Disk) { d.Throttled = true }), disk(func(d *discover.Disk) { d.Cache = "writeback" })},
	"K2O-275": {disk(func(d *discover.Disk) { d.Serial = "WD-1234" }), disk(func(d *discover.Disk) { d.Throttled = true })},
	"K2O-276": {disk(func(d *discover.Disk) { d.Cache = "unsafe" }), disk(func(d *discover.Disk) { d.Cache = "default" })},
}
