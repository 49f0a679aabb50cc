package main

// fleet is the data centre, host by host, as ten years of several
// administrators leave it. What a row says beyond its size is the reason it is
// here; see traits.go for the words.
var fleet = []host{
	{
		Name: "kvm01", Libvirt: "6.0.0", QEMU: "4.2.1", CPUs: 64, MemoryGiB: 512, MachineVersion: "4.2",
		Guests: []guest{
			vm("h1", debian11, size(8, 24, 300), public, private, agent, autostart),
			vm("web-01", ubuntu2004, size(2, 4, 40), public, private, agent, autostart),
			vm("web-02", ubuntu2004, size(2, 4, 40), public, private, agent, autostart),
			vm("db-01", debian11, size(4, 16, 80), data(200), private, agent, autostart),
			vm("cache-01", debian11, size(1, 2, 20), private),
			vm("lb-01", debian10, size(1, 1, 10), public, private, autostart, localVNC),
			vm("Mail Relay Berlin", centos7, size(2, 4, 60), public, agent),
			vm("oldshop-centos5.5", centos55, size(1, 1, 20), bus("ide"), nic("public", "e1000"), machine("pc-i440fx-2.1")),
			vm("WIN-AD01", win2012r2, size(2, 8, 80), bus("ide"), nic("private", "e1000"), autostart),
			vm("win2008r2-erp", win2008r2, size(4, 8, 100), bus("ide"), nic("public", "e1000"), nic("private", "e1000"), machine("pc-i440fx-2.8")),
			vm("licence-dongle", debian10, size(1, 1, 10), private, usbDevice),
			vm("测试服务器-01", ubuntu2004, size(2, 4, 40), private),
			vm("staging-01", ubuntu2004, size(2, 4, 40), private, off),
		},
	},
	{
		Name: "kvm02", Libvirt: "7.0.0", QEMU: "5.2.0", CPUs: 64, MemoryGiB: 512, MachineVersion: "5.2",
		Guests: []guest{
			vm("h2", debian11, size(8, 24, 300), public, private, agent, autostart),
			vm("web-03", ubuntu2004, size(2, 4, 40), public, private, agent, autostart),
			vm("app-01", debian11, size(4, 8, 40), private, agent, autostart),
			vm("app-02", debian11, size(4, 8, 40), private, agent, autostart, dropped(1840, 22)),
			vm("财务系统", centos7, size(4, 8, 120), private, agent),
			vm("WIN-SQL19", win2019, size(8, 32, 200), data(500), public, private, agent, q35),
			vm("win-print", winUnnamed, size(2, 4, 60), bus("sata"), nic("private", "e1000")),
			vm("git.example.net", debian10, size(2, 4, 100), public, agent),
			vm("dev-nat", debian11, size(2, 2, 20), nic("nat", "virtio")),
			vm("report-2019", centos7, size(2, 4, 40), private, off, managedSave),
			vm("wiki", debian10, size(1, 2, 20), public, snapshot),
			vm("app-clone", debian11, size(4, 8, 40), private, off, withUUID(twinUUID)),
			vm("batch-worker", debian11, size(2, 4, 20), private, paused),
			vm("uefi-01", debian12, size(2, 4, 40), public, agent, q35, uefi),
		},
	},
	{
		Name: "kvm03", Libvirt: "8.0.0", QEMU: "6.2.0", CPUs: 64, MemoryGiB: 512, MachineVersion: "6.2",
		Guests: []guest{
			vm("h3", debian12, size(8, 24, 300), public, private, agent, autostart),
			vm("web-04", ubuntu2204, size(2, 4, 40), public, private, agent, autostart, q35),
			vm("db-02", debian12, size(4, 16, 80), data(200), private, agent, q35),
			vm("queue-rbd", ubuntu2204, rbd(2, 4, 40), private, agent),
			vm("oracle-lvm", centos7, lvm(4, 16, 100), private),
			vm("ftp-raw", debian10, raw(1, 1, 8), public),
			vm("linked-clone", ubuntu2004, size(1, 2, 20), private, backing("/var/lib/libvirt/images/ubuntu-20.04-base.qcow2")),
			vm("lost-disk", debian10, size(1, 2, 20), private, off, missing),
			vm("app-clone-2", debian11, size(4, 8, 40), private, off, withUUID(twinUUID)),
			vm("web-02-copy", ubuntu2004, size(2, 4, 40), private, off, sameMAC("kvm01", "web-02", 1)),
			vm("terminal", unknown, size(4, 8, 80), bus("sata"), nic("private", "e1000"), localtime),
			vm("nagios", centos7, size(1, 2, 20), bus("ide"), nic("private", "e1000")),
			vm("backup-01", debian11, size(2, 4, 40), data(200), bus("sata"), private, q35),
		},
	},
	{
		Name: "kvm04", Libvirt: "9.0.0", QEMU: "7.2.0", CPUs: 64, MemoryGiB: 512, MachineVersion: "7.2",
		Guests: []guest{
			vm("h4", debian12, size(8, 24, 300), public, private, agent, autostart),
			vm("Win2019-RDS", win2019, size(4, 16, 120), nic("public", "e1000e"), agent, q35),
			vm("win2012-iis", win2012r2, size(2, 4, 80), public, private),
			vm("shop-🛒", ubuntu2204, size(2, 4, 40), public, agent, q35, file("shop-cart")),
			vm(longName, debian12, size(1, 1, 10), private, off),
			vm("dos-controller", unknown, size(1, 1, 4), bus("ide"), nic("private", "e1000"), noACPI),
			vm("kiosk", debian11, size(1, 1, 10), private, onPoweroff("restart")),
			vm("firewall", debian11, size(2, 2, 10), nic("public", "virtio"), nic("private", "e1000")),
			vm("crm-old", centos7, size(2, 4, 40), private, crashed),
			vm("instance-00000001", ubuntu2204, size(2, 4, 40), private, q35, withUUID(managedUUID), novaMade),
			vm("ci-runner", debian12, size(2, 4, 20), private, transient),
			vm("portal-old", ubuntu2004, size(2, 4, 40), private, withUUID(deletedUUID)),
			vm("cluster-a", centos7, size(2, 8, 40), shared("/var/lib/libvirt/images/cluster-quorum.img", 1), private),
			vm("cluster-b", centos7, size(2, 8, 40), shared("/var/lib/libvirt/images/cluster-quorum.img", 1), private),
			vm("uefi-02", debian12, size(2, 4, 40), private, off, q35, uefiAuto),
			vm("truncated", debian11, size(1, 1, 10), private, off, damaged(truncate)),
			vm("not-xml", debian11, size(1, 1, 10), private, off, damaged(shellOutput)),
		},
	},
}

const (
	// twinUUID is what a copy by hand leaves: the same UUID on two hosts.
	twinUUID = "3f0d9a52-6a0e-4a51-9a6c-5b7f2c1d8e44"
	// managedUUID is recorded in Nova already, deletedUUID in a row that was
	// soft-deleted. Package demo writes those rows.
	managedUUID = "8c1c5e0a-7d2f-4a3b-8f61-2d9b0e4f7a10"
	deletedUUID = "b7a9f3d4-1e6c-4c58-a2b0-94d5c3e8f621"

	// longName has 200 characters, as generated names come to have.
	longName = "customer-4711-project-relaunch-environment-integration-" +
		"component-message-broker-instance-primary-datacentre-frankfurt-" +
		"rack-17-contract-2019-000831-owner-operations-team-north-" +
		"do-not-delete-before-2031"
)
