package discover

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A hostFile is host.yaml: what no definition tells.
type hostFile struct {
	Hostname  string                `yaml:"hostname"`
	CPUs      int                   `yaml:"cpus"`
	MemoryKiB uint64                `yaml:"memory_kib"`
	Libvirt   string                `yaml:"libvirt"`
	QEMU      string                `yaml:"qemu"`
	Domains   map[string]domainFile `yaml:"domains"`
}

type domainFile struct {
	State      State  `yaml:"state"`
	Persistent *bool  `yaml:"persistent"`
	Tainted    string `yaml:"tainted"`
	Addresses  []struct {
		MAC    string     `yaml:"mac"`
		IP     netip.Addr `yaml:"ip"`
		Prefix int        `yaml:"prefix"`
		Source string     `yaml:"source"`
	} `yaml:"addresses"`
	Drops []struct {
		MAC string `yaml:"mac"`
		RX  uint64 `yaml:"rx"`
		TX  uint64 `yaml:"tx"`
	} `yaml:"drops"`
	Disks map[string]struct {
		CapacityBytes   uint64 `yaml:"capacity_bytes"`
		AllocationBytes uint64 `yaml:"allocation_bytes"`
	} `yaml:"disks"`
	AgentOS struct {
		ID         string `yaml:"id"`
		PrettyName string `yaml:"pretty_name"`
		Version    string `yaml:"version"`
	} `yaml:"agent_os"`
}

var states = map[State]bool{
	StateNone: true, StateRunning: true, StateBlocked: true, StatePaused: true,
	StateShutdown: true, StateShutoff: true, StateCrashed: true, StatePMSuspended: true,
}

// readHostFile reads host.yaml if there is one. An unknown key is an error:
// a misspelt one would be a fact that is not there.
func (f *folder) readHostFile() error {
	text, err := f.file("host.yaml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var said hostFile
	in := yaml.NewDecoder(bytes.NewReader(text))
	in.KnownFields(true)
	if err := in.Decode(&said); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("host.yaml: %w", err)
	}
	f.said = said
	f.inv.Hostname = orElse(said.Hostname, f.inv.Hostname)
	f.inv.CPUs, f.inv.MemoryKiB = said.CPUs, said.MemoryKiB
	f.inv.LibvirtVersion, f.inv.QEMUVersion = said.Libvirt, said.QEMU
	return nil
}

// apply adds to the domains what host.yaml says of them. A name that no domain
// has is an error, for what was meant for another domain is missing there.
func (h hostFile) apply(inv *Inventory) error {
	used := map[string]bool{}
	for _, u := range inv.Unreadable {
		used[u.Name] = true
	}
	var errs []error
	for i := range inv.Domains {
		d := &inv.Domains[i]
		said, ok := h.Domains[d.Name]
		if !ok {
			continue
		}
		used[d.Name] = true
		if err := said.apply(d); err != nil {
			errs = append(errs, fmt.Errorf("host.yaml: domain %s: %w", printable(d.Name), err))
		}
	}
	for name := range h.Domains {
		if !used[name] {
			errs = append(errs, fmt.Errorf("host.yaml: there is no domain %s", printable(name)))
		}
	}
	sort.Slice(errs, func(i, j int) bool { return errs[i].Error() < errs[j].Error() })
	return errors.Join(errs...)
}

func (s domainFile) apply(d *Domain) error {
	if s.State != "" {
		if !states[s.State] {
			return fmt.Errorf("%q is no state of a domain", s.State)
		}
		d.State = s.State
	}
	if s.Persistent != nil {
		d.Persistent = *s.Persistent
	}
	d.Tainted = s.Tainted
	for _, a := range s.Addresses {
		d.Addresses = append(d.Addresses, Address{MAC: strings.ToLower(a.MAC), IP: a.IP, Prefix: a.Prefix, Source: a.Source})
	}
	for _, drop := range s.Drops {
		for i := range d.Interfaces {
			if d.Interfaces[i].MAC == strings.ToLower(drop.MAC) {
				d.Interfaces[i].RxDropped, d.Interfaces[i].TxDropped = drop.RX, drop.TX
			}
		}
	}
	for i := range d.Disks {
		k := &d.Disks[i]
		if size, ok := s.Disks[k.Target]; ok {
			k.setSizes(size.CapacityBytes, size.AllocationBytes)
		}
	}
	if s.AgentOS.ID != "" || s.AgentOS.PrettyName != "" {
		d.Guest = DetectGuestWithAgent(*d, AgentOS(s.AgentOS))
	}
	return nil
}
