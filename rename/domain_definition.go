package rename

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// agentChannel is the name of the port that a guest agent listens on.
const agentChannel = "org.qemu.guest_agent.0"

// facts are the few things of a definition that a restart depends on.
type facts struct {
	Name  string `xml:"name"`
	UUID  string `xml:"uuid"`
	ACPI  *flag  `xml:"features>acpi"`
	Off   string `xml:"on_poweroff"`
	NVRAM struct {
		Path   string `xml:",chardata"`
		Source struct {
			File string `xml:"file,attr"`
		} `xml:"source"` // since libvirt 8.5, with type='file'
	} `xml:"os>nvram"`
	Disks []struct {
		Device string `xml:"device,attr"`
		Target struct {
			Dev string `xml:"dev,attr"`
		} `xml:"target"`
		Source struct {
			File string `xml:"file,attr"`
			Dev  string `xml:"dev,attr"`
		} `xml:"source"`
	} `xml:"devices>disk"`
	Channels []struct {
		Target struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
		} `xml:"target"`
	} `xml:"devices>channel"`
	Serials  []console `xml:"devices>serial"`
	Consoles []console `xml:"devices>console"`
}

type flag struct{}

type console struct {
	Type   string `xml:"type,attr"`
	Source struct {
		Path string `xml:"path,attr"`
	} `xml:"source"`
	Log struct {
		File string `xml:"file,attr"`
	} `xml:"log"`
}

func readFacts(definition string) (facts, error) {
	var f facts
	if err := xml.Unmarshal([]byte(definition), &f); err != nil {
		return f, fmt.Errorf("understand the definition: %w", err)
	}
	if id, err := uuid.Parse(f.UUID); err == nil {
		f.UUID = id.String()
	}
	return f, nil
}

// poweroffRestarts reports whether the domain starts anew when its guest shuts
// down (qemu_process.c, qemuProcessHandleShutdown).
func (f facts) poweroffRestarts() bool { return f.Off == "restart" || f.Off == "rename-restart" }

// agentConnected is of a live definition only: somebody in the guest has opened
// the agent's port.
func (f facts) agentConnected() bool {
	for _, c := range f.Channels {
		if c.Target.Name == agentChannel && c.Target.State == "connected" {
			return true
		}
	}
	return false
}

// nvram is the path of the EFI variables, "" where the definition names none.
func (f facts) nvram() string {
	if f.NVRAM.Source.File != "" {
		return f.NVRAM.Source.File
	}
	return strings.TrimSpace(f.NVRAM.Path)
}

// disks are the paths of what the guest's disks are made of, files and block
// devices, in the definition's order. Discs in drives are not among them.
func (f facts) disks() []string {
	var paths []string
	for _, k := range f.Disks {
		path := k.Source.File + k.Source.Dev // never both
		if path != "" && k.Device != "cdrom" && k.Device != "floppy" {
			paths = append(paths, path)
		}
	}
	return paths
}

// consoleFiles are the files in which the host keeps what the guest writes to
// its serial ports.
func (f facts) consoleFiles() []string {
	var paths []string
	for _, c := range append(f.Serials[:len(f.Serials):len(f.Serials)], f.Consoles...) {
		path := c.Log.File
		if c.Type == "file" {
			path = c.Source.Path
		}
		if path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}
