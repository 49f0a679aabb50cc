package main

import (
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"
)

// A host is one hypervisor and its guests.
type host struct {
	Name           string
	Libvirt, QEMU  string
	CPUs           int
	MemoryGiB      int
	MachineVersion string // of the machine types its guests were made with
	Guests         []guest
}

// A guest is one row of the fleet.
type guest struct {
	Name, File  string // File is the name of its definition's file, without .xml
	UUID        string
	OS          system
	VCPUs       int
	MemoryGiB   int
	State       string // running, shutoff, paused, crashed
	Disks       []disk
	NICs        []nicRow
	Bus         string // of its disks
	Q35         bool
	MachineType string // "" follows from Q35 and the host
	Firmware    string // "", uefi, uefi-auto

	Agent, Autostart, Snapshot, ManagedSave bool
	NoACPI, Localtime, LocalVNC, USBDevice  bool
	NovaMade                                bool // Nova itself made it
	Transient                               bool // runs without a definition
	OnPoweroff                              string
	RxDropped, TxDropped                    int
	Damage                                  func([]byte) []byte
}

// A disk is one image of a guest and how it lies on the host.
type disk struct {
	Path    string // "" until named after the guest
	GB      int
	Kind    string // qcow2, raw, lvm, rbd
	Backing string
	Missing bool
	Shared  bool
}

// A nicRow is one network interface of a guest.
type nicRow struct {
	Network string // public, private, nat
	Model   string
	MAC     string
}

// A trait is one word of a row.
type trait func(*guest)

// vm begins a row: a running guest with virtio devices unless it says otherwise.
func vm(name string, os system, traits ...trait) guest {
	g := guest{Name: name, File: name, UUID: id("domain", name), OS: os, State: "running", Bus: "virtio"}
	for _, t := range traits {
		t(&g)
	}
	g.place()
	return g
}

func size(vcpus, memoryGiB, gb int) trait {
	return sized(vcpus, memoryGiB, disk{GB: gb, Kind: "qcow2"})
}
func raw(vcpus, memoryGiB, gb int) trait { return sized(vcpus, memoryGiB, disk{GB: gb, Kind: "raw"}) }
func lvm(vcpus, memoryGiB, gb int) trait { return sized(vcpus, memoryGiB, disk{GB: gb, Kind: "lvm"}) }
func rbd(vcpus, memoryGiB, gb int) trait { return sized(vcpus, memoryGiB, disk{GB: gb, Kind: "rbd"}) }

func sized(vcpus, memoryGiB int, root disk) trait {
	return func(g *guest) {
		g.VCPUs, g.MemoryGiB, g.Disks = vcpus, memoryGiB, append(g.Disks, root)
	}
}

func data(gb int) trait {
	return func(g *guest) { g.Disks = append(g.Disks, disk{GB: gb, Kind: "qcow2"}) }
}

func shared(path string, gb int) trait {
	return func(g *guest) {
		g.Disks = append(g.Disks, disk{Path: path, GB: gb, Kind: "raw", Shared: true})
	}
}

func backing(path string) trait { return func(g *guest) { g.Disks[0].Backing = path } }
func missing(g *guest)          { g.Disks[0].Missing = true }
func bus(b string) trait        { return func(g *guest) { g.Bus = b } }

func nic(network, model string) trait {
	return func(g *guest) {
		g.NICs = append(g.NICs, nicRow{Network: network, Model: model, MAC: mac(g.Name, len(g.NICs))})
	}
}

func public(g *guest)  { nic("public", "virtio")(g) }
func private(g *guest) { nic("private", "virtio")(g) }

// sameMAC gives the guest's first NIC the address that another guest's has.
func sameMAC(_, name string, n int) trait {
	return func(g *guest) { g.NICs[0].MAC = mac(name, n) }
}

func off(g *guest)     { g.State = "shutoff" }
func paused(g *guest)  { g.State = "paused" }
func crashed(g *guest) { g.State = "crashed" }

func agent(g *guest)       { g.Agent = true }
func autostart(g *guest)   { g.Autostart = true }
func snapshot(g *guest)    { g.Snapshot = true }
func managedSave(g *guest) { g.ManagedSave = true }
func noACPI(g *guest)      { g.NoACPI = true }
func localtime(g *guest)   { g.Localtime = true }
func localVNC(g *guest)    { g.LocalVNC = true }
func novaMade(g *guest)    { g.NovaMade = true }
func transient(g *guest)   { g.Transient = true }
func usbDevice(g *guest)   { g.USBDevice = true }
func q35(g *guest)         { g.Q35 = true }
func uefi(g *guest)        { g.Firmware = "uefi" }
func uefiAuto(g *guest)    { g.Firmware = "uefi-auto" }

func machine(t string) trait              { return func(g *guest) { g.MachineType = t } }
func onPoweroff(a string) trait           { return func(g *guest) { g.OnPoweroff = a } }
func withUUID(u string) trait             { return func(g *guest) { g.UUID = u } }
func file(name string) trait              { return func(g *guest) { g.File = name } }
func dropped(rx, tx int) trait            { return func(g *guest) { g.RxDropped, g.TxDropped = rx, tx } }
func damaged(f func([]byte) []byte) trait { return func(g *guest) { g.Damage = f } }

// truncate is what a full disk leaves of a file.
func truncate(b []byte) []byte { return b[:len(b)*2/3] }

// shellOutput is what "virsh dumpxml NAME > NAME.xml 2>&1" leaves when it fails.
func shellOutput([]byte) []byte {
	return []byte("error: failed to connect to the hypervisor\n" +
		"error: Failed to connect socket to '/var/run/libvirt/libvirt-sock': Connection refused\n")
}

// A system is what runs inside, and what its definition shows of it.
type system struct {
	Libosinfo string // "" when nobody told virt-install
	Windows   bool   // Hyper-V features, clock on local time
	Agent     agentFacts
}

var (
	debian10   = linux("http://debian.org/debian/10", "debian", "Debian GNU/Linux 10 (buster)", "10")
	debian11   = linux("http://debian.org/debian/11", "debian", "Debian GNU/Linux 11 (bullseye)", "11")
	debian12   = linux("http://debian.org/debian/12", "debian", "Debian GNU/Linux 12 (bookworm)", "12")
	ubuntu2004 = linux("http://ubuntu.com/ubuntu/20.04", "ubuntu", "Ubuntu 20.04.6 LTS", "20.04")
	ubuntu2204 = linux("http://ubuntu.com/ubuntu/22.04", "ubuntu", "Ubuntu 22.04.5 LTS", "22.04")
	centos55   = linux("http://centos.org/centos/5.5", "centos", "CentOS release 5.5 (Final)", "5.5")
	centos7    = linux("http://centos.org/centos/7.0", "centos", "CentOS Linux 7 (Core)", "7")
	win2008r2  = windows("http://microsoft.com/win/2k8r2", "Windows Server 2008 R2 Standard", "2008r2")
	win2012r2  = windows("http://microsoft.com/win/2k12r2", "Windows Server 2012 R2 Standard", "2012r2")
	win2019    = windows("http://microsoft.com/win/2k19", "Windows Server 2019 Standard", "2019")
	winUnnamed = system{Windows: true}
	unknown    = system{}
)

func linux(libosinfo, id, pretty, version string) system {
	return system{Libosinfo: libosinfo, Agent: agentFacts{id, pretty, version}}
}

func windows(libosinfo, pretty, version string) system {
	return system{Libosinfo: libosinfo, Windows: true, Agent: agentFacts{"mswindows", pretty, version}}
}

// id is a UUID that looks random and depends on nothing but its arguments.
func id(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	u := uuid.UUID(sum[:16])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// mac is the address of a guest's nth NIC, in the range that QEMU uses.
func mac(name string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "mac\x00%s\x00%d", name, n))
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", sum[0], sum[1], sum[2])
}
