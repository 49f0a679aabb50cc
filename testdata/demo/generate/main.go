package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

func main() {
	log.SetFlags(0)
	dir := flag.String("o", ".", "folder to write into")
	flag.Parse()
	if err := generate(*dir); err != nil {
		log.Fatalf("generate: %v", err)
	}
}

// generate writes everything anew; what an earlier table gave is removed.
func generate(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, "hosts")); err != nil {
		return err
	}
	for _, h := range fleet {
		if err := h.write(filepath.Join(dir, "hosts", h.Name)); err != nil {
			return fmt.Errorf("host %s: %w", h.Name, err)
		}
	}
	if err := writeJSON(filepath.Join(dir, "files.json"), images(fleet)); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, "cloud.json"), cloudOf(fleet))
}

// write gives a host's folder: what "tar" of /etc/libvirt/qemu with a dump of
// each domain leaves.
func (h host) write(dir string) error {
	running := 0
	for _, g := range h.Guests {
		live := 0
		if g.State == "running" || g.State == "paused" {
			running++
			live = running
		}
		text, err := define(h, g, live)
		if err != nil {
			return err
		}
		if g.Damage != nil {
			text = g.Damage(text)
		}
		if err := g.write(dir, text); err != nil {
			return err
		}
	}
	if err := writeFile(filepath.Join(dir, "networks", "default.xml"), []byte(defaultNetwork(h.Name))); err != nil {
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "# What \"virsh nodeinfo\", \"virsh version\" and \"virsh domifaddr\" said on %s.\n", h.Name)
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(factsOf(h)); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "host.yaml"), text.Bytes())
}

// write gives a guest's definition and the files that libvirt keeps beside it.
func (g guest) write(dir string, definition []byte) error {
	if err := writeFile(filepath.Join(dir, g.File+".xml"), definition); err != nil {
		return err
	}
	if g.Autostart {
		if err := writeFile(filepath.Join(dir, "autostart", g.File+".xml"), definition); err != nil {
			return err
		}
	}
	if g.ManagedSave {
		// Only the magic of a save file: the memory itself would be 4 GiB.
		if err := writeFile(filepath.Join(dir, "save", g.File+".save"), []byte("LibvirtQemudSave")); err != nil {
			return err
		}
	}
	if g.Snapshot {
		return writeFile(filepath.Join(dir, "snapshot", g.File, "s1.xml"), []byte(snapshotXML(g)))
	}
	return nil
}

func snapshotXML(g guest) string {
	return `<domainsnapshot>
  <name>before-upgrade</name>
  <description>before the upgrade to buster</description>
  <state>running</state>
  <creationTime>1571212800</creationTime>
  <memory snapshot='internal'/>
  <disks>
    <disk name='vda' snapshot='internal'/>
  </disks>
  <domain>
    <uuid>` + g.UUID + `</uuid>
  </domain>
</domainsnapshot>
`
}

func defaultNetwork(host string) string {
	return `<network>
  <name>default</name>
  <uuid>` + id("network default", host) + `</uuid>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='on' delay='0'/>
  <mac address='` + mac("virbr0 "+host, 0) + `'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='192.168.122.2' end='192.168.122.254'/>
    </dhcp>
  </ip>
</network>
`
}

func writeFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func writeJSON(path string, v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return writeFile(path, text.Bytes())
}
