package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// A detail is what a row unfolds to. Every text of it has gone through Line.
type detail struct {
	Facts    []fact        `json:"facts,omitempty"`
	Findings []findingJSON `json:"findings,omitempty"`
	Evidence []string      `json:"evidence,omitempty"`
	Disks    []diskJSON    `json:"disks,omitempty"`
	NICs     []nicJSON     `json:"nics,omitempty"`
	Rebuild  []rebuildJSON `json:"rebuild,omitempty"`
	Usage    []fact        `json:"usage,omitempty"`
}

// A fact is a word and what it is for this domain.
type fact [2]string

// findingJSON leaves out the action where it is the rule's own.
type findingJSON struct {
	Code   string `json:"code"`
	Text   string `json:"text"`
	Action string `json:"action,omitempty"`
}

type diskJSON struct {
	Target   string `json:"target"`
	Bus      string `json:"bus"`
	Device   string `json:"device"`
	Format   string `json:"format"`
	Source   string `json:"source"`
	Size     string `json:"size"`
	Linkable string `json:"linkable,omitempty"`
	Notes    string `json:"notes,omitempty"`
}

type nicJSON struct {
	MAC       string `json:"mac"`
	Model     string `json:"model"`
	Plug      string `json:"plug"`
	Network   string `json:"network"` // "" = no rule of the configuration is for it
	Addresses string `json:"ips"`
}

// surroundings are what a domain's devices are looked at with.
type surroundings struct {
	networks  cloud.Mapping
	instances map[string]*discover.File // instances_path, by host
}

func newDetail(d audit.Domain, s surroundings) detail {
	out := detail{Facts: facts(d), Usage: usageFacts(d.Usage)}
	for _, f := range d.Findings {
		x := findingJSON{Code: f.Code, Text: Line(f.Text)}
		if f.Action != knownRules[f.Code].Action {
			x.Action = Line(f.Action)
		}
		out.Findings = append(out.Findings, x)
	}
	for _, e := range d.Guest.Evidence {
		out.Evidence = append(out.Evidence, Line(e))
	}
	for _, k := range d.Disks {
		out.Disks = append(out.Disks, newDiskJSON(k, s.instances[d.Host]))
	}
	for _, n := range d.Interfaces {
		out.NICs = append(out.NICs, nicJSON{
			MAC: Line(n.MAC), Model: nicModel(n), Plug: plug(n), Network: networkOf(s.networks, d.Host, n), Addresses: addressesOf(d, n.MAC),
		})
	}
	for _, x := range d.Rebuild {
		out.Rebuild = append(out.Rebuild, newRebuildJSON(x))
	}
	return out
}

func unreadableDetail(u discover.Unreadable) detail {
	d := detail{Facts: []fact{{"Error", Line(u.Err.Error())}}}
	if u.UUID != "" {
		d.Facts = append(d.Facts, fact{"UUID", Line(u.UUID)})
	}
	return d
}

// facts are what the row has no room for.
func facts(d audit.Domain) (out []fact) {
	add := func(word string, parts ...string) {
		var words []string
		for _, p := range parts {
			if p != "" {
				words = append(words, p)
			}
		}
		if len(words) > 0 {
			out = append(out, fact{word, Line(strings.Join(words, ", "))})
		}
	}
	add("Title", d.Title)
	add("Description", d.Description)
	add("UUID", d.UUID)
	_, size, n := diskSum(d)
	add("Size", fmt.Sprintf("%d vCPU", d.VCPUs), inMB(int(d.MemMaxKiB>>10)), fmt.Sprintf("disks: %d, %s", n, size))
	add("State", string(d.State), unless(d.Persistent, "transient"), when(d.Autostart, "autostart"), when(d.ManagedSave, "managed save"),
		when(d.Snapshots, "snapshots"), when(d.Checkpoints, "checkpoints"), when(d.BlockJob, "block job"))
	add("Machine", d.MachineType, d.Arch, d.VirtType)
	add("CPU", cmp.Or(d.CPU.Mode, "hypervisor's default"), d.CPU.Model)
	add("Firmware", firmware(d.Firmware), when(d.Firmware.SecureBoot, "Secure Boot"), d.TPM)
	add("Video", strings.Join(d.Video, " "))
	add("Agent", agent(d))
	add("Devices", append(append(append([]string{}, d.Hostdevs...), d.Filesystems...), d.Others...)...)
	return out
}

func when(yes bool, word string) string {
	if yes {
		return word
	}
	return ""
}

func unless(yes bool, word string) string { return when(!yes, word) }

func firmware(f discover.Firmware) string {
	if f.UEFI {
		return "UEFI"
	}
	return "BIOS"
}

func agent(d audit.Domain) string {
	switch {
	case d.AgentConnected:
		return "connected"
	case d.AgentChannel:
		return "a channel, nobody at its end"
	}
	return "none"
}

func newDiskJSON(k discover.Disk, instances *discover.File) diskJSON {
	out := diskJSON{
		Target: Line(k.Target), Bus: Line(k.Bus), Device: Line(k.Device), Format: diskFormat(k),
		Source: Line(cmp.Or(strings.TrimSpace(k.Protocol+" "+k.Path), "empty")), Size: diskSize((k.CapacityBytes+1<<30-1)>>30, 0),
	}
	if k.CapacityBytes == 0 {
		out.Size = "not known"
	}
	if k.Device == "disk" || k.Device == "lun" {
		out.Linkable = linkable(k, instances)
	}
	var notes []string
	for _, n := range []string{
		when(len(k.Backing) > 0, "backed by "+strings.Join(k.Backing, ", ")), when(k.Shareable, "shareable"), when(k.ReadOnly, "read-only"),
		when(k.Transient, "transient"), when(k.Encrypted, "encrypted"), when(k.Throttled, "throttled"), when(k.File != nil && k.File.Missing, "file is missing"),
	} {
		if n != "" {
			notes = append(notes, n)
		}
	}
	out.Notes = Line(strings.Join(notes, "; "))
	return out
}

// addressesOf are those that were seen at one interface, and how.
func addressesOf(d audit.Domain, mac string) string {
	var out []string
	for _, a := range d.Addresses {
		if strings.EqualFold(a.MAC, mac) {
			out = append(out, fmt.Sprintf("%s (%s)", a.IP, a.Source))
		}
	}
	return Line(strings.Join(out, ", "))
}
