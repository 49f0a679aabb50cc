package main

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"
)

//go:embed domain.xml.tmpl
var domainXML string

var domainTemplate = template.Must(template.New("domain.xml").Funcs(template.FuncMap{"xml": escape}).Parse(domainXML))

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder never fails
	return b.String()
}

// A definition is what the template sees: a guest with what libvirt fills in
// when it defines and starts one.
type definition struct {
	guest
	host
	ID          int // of the running domain, 0 when there is none
	Disks       []diskElement
	Interfaces  []interfaceElement
	Controllers []controller

	VideoAddress, BalloonAddress string
	slot                         int
}

type diskElement struct {
	disk
	Type, Format, Target, Alias, Address string
}

type interfaceElement struct {
	nicRow
	Type, Bridge, Tap, PortID, Alias, Address string
}

type controller struct {
	Type, Model, Alias, Address string
	Index                       int
	Inner                       []string
}

// define gives the text of "virsh dumpxml": of the live definition when the
// guest runs, of the persistent one otherwise.
func define(h host, g guest, runningID int) ([]byte, error) {
	d := &definition{guest: g, host: h, ID: runningID, slot: 2}
	d.VideoAddress = "<address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>"
	if g.Q35 {
		d.VideoAddress = "<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>"
		d.slot = 0
	}
	for i, n := range g.NICs {
		d.Interfaces = append(d.Interfaces, d.nic(i, n))
	}
	d.controllers()
	for i, disk := range g.Disks {
		d.Disks = append(d.Disks, d.disk(i, disk))
	}
	d.BalloonAddress = d.pci()
	d.rootPorts()
	var out bytes.Buffer
	if err := domainTemplate.Execute(&out, d); err != nil {
		return nil, fmt.Errorf("definition of %s: %w", g.Name, err)
	}
	out.WriteByte('\n') // virsh ends with an empty line
	return out.Bytes(), nil
}

// pci hands out the next address: a slot of the one bus of i440fx, or a root
// port of its own with q35.
func (d *definition) pci() string {
	d.slot++
	if d.Q35 {
		return fmt.Sprintf("<address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' function='0x0'/>", d.slot)
	}
	return fmt.Sprintf("<address type='pci' domain='0x0000' bus='0x00' slot='0x%02x' function='0x0'/>", d.slot)
}

func (d *definition) nic(i int, n nicRow) interfaceElement {
	bridges := map[string]string{"public": "br0", "private": "br1"}
	kind := "bridge"
	if n.Network == "nat" {
		kind = "network"
	}
	return interfaceElement{
		nicRow: n, Type: kind, Bridge: bridges[n.Network],
		Tap:    fmt.Sprintf("vnet%d", 2*(d.ID-1)+i),
		PortID: id("interface", n.MAC), Alias: fmt.Sprintf("net%d", i), Address: d.pci(),
	}
}

func (d *definition) disk(i int, row disk) diskElement {
	e := diskElement{disk: row, Type: "file", Format: "qcow2", Address: d.diskAddress(i)}
	if row.Kind != "qcow2" {
		e.Format = "raw"
	}
	switch row.Kind {
	case "lvm":
		e.Type = "block"
	case "rbd":
		e.Type = "network"
	}
	e.Target = d.target(i)
	e.Alias = map[string]string{"virtio": "virtio-disk%d", "ide": "ide0-0-%d", "sata": "sata0-0-%d"}[d.Bus]
	e.Alias = fmt.Sprintf(e.Alias, i)
	return e
}

// target is the name of a guest's ith disk.
func (g guest) target(i int) string {
	prefix := map[string]string{"virtio": "vd", "ide": "hd", "sata": "sd"}[g.Bus]
	return prefix + string(rune('a'+i))
}

func (d *definition) diskAddress(i int) string {
	if d.Bus == "virtio" {
		return d.pci()
	}
	return fmt.Sprintf("<address type='drive' controller='0' bus='0' target='0' unit='%d'/>", i)
}

// controllers are those that libvirt adds for the machine type and the buses.
func (d *definition) controllers() {
	usb := controller{Type: "usb", Model: "piix3-uhci", Alias: "usb", Address: "<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x2'/>"}
	root := controller{Type: "pci", Model: "pci-root", Alias: "pci.0"}
	if d.Q35 {
		usb.Model, usb.Address = "qemu-xhci", d.pci()
		root.Model, root.Alias = "pcie-root", "pcie.0"
	}
	d.Controllers = append(d.Controllers, usb, root)
	switch {
	case d.Bus == "ide":
		d.Controllers = append(d.Controllers, controller{Type: "ide", Alias: "ide", Address: "<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x1'/>"})
	case d.Q35:
		d.Controllers = append(d.Controllers, controller{Type: "sata", Alias: "ide", Address: "<address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x2'/>"})
	case d.Bus == "sata":
		d.Controllers = append(d.Controllers, controller{Type: "sata", Alias: "sata0", Address: d.pci()})
	}
	if d.Agent {
		d.Controllers = append(d.Controllers, controller{Type: "virtio-serial", Alias: "virtio-serial0", Address: d.pci()})
	}
}

// rootPorts adds the q35 root ports that the handed-out addresses sit on.
func (d *definition) rootPorts() {
	if !d.Q35 {
		return
	}
	for i := 1; i <= d.slot; i++ {
		function := (i - 1) % 8
		address := fmt.Sprintf("<address type='pci' domain='0x0000' bus='0x00' slot='0x%02x' function='0x%x'/>", 2+(i-1)/8, function)
		if function == 0 {
			address = strings.Replace(address, "/>", " multifunction='on'/>", 1)
		}
		d.Controllers = append(d.Controllers, controller{
			Type: "pci", Index: i, Model: "pcie-root-port", Alias: fmt.Sprintf("pci.%d", i), Address: address,
			Inner: []string{"<model name='pcie-root-port'/>", fmt.Sprintf("<target chassis='%d' port='0x%x'/>", i, 0x10+i-1)},
		})
	}
}

// The template asks the rest of these.

func (d *definition) Name() string     { return d.guest.Name }
func (d *definition) Live() bool       { return d.ID > 0 }
func (d *definition) MemoryKiB() int   { return d.guest.MemoryGiB << 20 }
func (d *definition) LocalClock() bool { return d.Localtime || d.OS.Windows }
func (d *definition) NVRAM() string    { return d.nvram() }
func (d *definition) VNCPort() int     { return 5899 + d.ID }
func (d *definition) Secret() string   { return id("secret", "ceph") }

// Alias is the element that names a device of a running domain.
func (d *definition) Alias(name string) string {
	if !d.Live() {
		return ""
	}
	return "\n      <alias name='" + name + "'/>"
}

// Index is the number that a running domain's disk source has.
func (d *definition) Index(i int) string {
	if !d.Live() {
		return ""
	}
	return fmt.Sprintf(" index='%d'", len(d.guest.Disks)-i)
}

func (d *definition) BackingIndex() int { return len(d.guest.Disks) + 1 }

// Since reports whether the host's libvirt is of that major version or later.
func (d *definition) Since(major int) bool {
	have, err := strconv.Atoi(strings.SplitN(d.Libvirt, ".", 2)[0])
	return err == nil && have >= major
}

func (d *definition) Machine() string {
	switch {
	case d.MachineType != "":
		return d.MachineType
	case d.Q35:
		return "pc-q35-" + d.MachineVersion
	}
	return "pc-i440fx-" + d.MachineVersion
}

func (d *definition) Poweroff() string {
	if d.OnPoweroff == "" {
		return "destroy"
	}
	return d.OnPoweroff
}

func (d *definition) Listen() string {
	if d.LocalVNC {
		return "127.0.0.1"
	}
	return "0.0.0.0"
}

// Video is what virt-install chose at the time.
func (d *definition) Video() string {
	switch {
	case d.MachineType != "":
		return "cirrus"
	case d.OS.Windows || d.OS.Libosinfo == "":
		return "vga"
	}
	return "virtio"
}

// ShortName is how libvirt cuts a name for paths: virDomainDefGetShortName
// takes 20 characters.
func (d *definition) ShortName() string {
	name := d.Name()
	if utf8.RuneCountInString(name) <= 20 {
		return name
	}
	return string([]rune(name)[:20])
}
