package main

import "fmt"

// An image is one line of files.json: a file below HOST/root that package
// demo is to make, sparse.
type image struct {
	Host    string `json:"host"`
	Path    string `json:"path"`
	Format  string `json:"format"`
	Bytes   int64  `json:"bytes"` // virtual size; of the file itself when raw
	Backing string `json:"backing,omitempty"`
}

// images lists the files of all hosts.
func images(fleet []host) []image {
	var all []image
	known := make(map[string]bool)
	add := func(i image) {
		if key := i.Host + i.Path; !known[key] {
			known[key] = true
			all = append(all, i)
		}
	}
	for _, h := range fleet {
		for _, g := range h.Guests {
			if g.Firmware == "uefi" {
				add(image{Host: h.Name, Path: g.nvram(), Format: "raw", Bytes: 540672})
			}
			for _, d := range g.Disks {
				if d.Backing != "" {
					add(image{Host: h.Name, Path: d.Backing, Format: "qcow2", Bytes: int64(d.GB) << 30})
				}
				if (d.Kind == "qcow2" || d.Kind == "raw") && !d.Missing {
					add(image{Host: h.Name, Path: d.Path, Format: d.Kind, Bytes: int64(d.GB) << 30, Backing: d.Backing})
				}
			}
		}
	}
	return all
}

// nvram is where the firmware of g keeps its variables.
func (g *guest) nvram() string { return "/var/lib/libvirt/qemu/nvram/" + g.Name + "_VARS.fd" }

// place names the disks of g after it, as its administrator did.
func (g *guest) place() {
	for i := range g.Disks {
		d := &g.Disks[i]
		if d.Path != "" {
			continue
		}
		if g.NovaMade {
			d.Path = "/var/lib/nova/instances/" + g.UUID + "/disk"
			continue
		}
		suffix := ""
		if i > 0 {
			suffix = fmt.Sprintf("-data%d", i)
		}
		switch d.Kind {
		case "lvm":
			d.Path = "/dev/vg0/" + g.Name + suffix
		case "rbd":
			d.Path = "libvirt-pool/" + g.Name + suffix
		case "raw":
			d.Path = "/var/lib/libvirt/images/" + g.Name + suffix + ".img"
		default:
			d.Path = "/var/lib/libvirt/images/" + g.Name + suffix + ".qcow2"
		}
	}
}
