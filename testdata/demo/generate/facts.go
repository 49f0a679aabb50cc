package main

import (
	"net/netip"
	"reflect"
)

// hostFacts is host.yaml: what a folder of definitions cannot say. The keys
// are those that package discover reads.
type hostFacts struct {
	Hostname  string                  `yaml:"hostname"`
	CPUs      int                     `yaml:"cpus"`
	MemoryKiB int                     `yaml:"memory_kib"`
	Libvirt   string                  `yaml:"libvirt"`
	QEMU      string                  `yaml:"qemu"`
	Domains   map[string]*domainFacts `yaml:"domains,omitempty"`
}

type domainFacts struct {
	State      string                `yaml:"state,omitempty"`
	Persistent *bool                 `yaml:"persistent,omitempty"`
	Addresses  []addressFacts        `yaml:"addresses,omitempty"`
	Drops      []dropFacts           `yaml:"drops,omitempty"`
	Disks      map[string]*sizeFacts `yaml:"disks,omitempty"`
	AgentOS    *agentFacts           `yaml:"agent_os,omitempty"`
}

type sizeFacts struct {
	CapacityBytes int64 `yaml:"capacity_bytes"`
}

type agentFacts struct {
	ID         string `yaml:"id"`
	PrettyName string `yaml:"pretty_name"`
	Version    string `yaml:"version"`
}

type addressFacts struct {
	MAC    string `yaml:"mac"`
	IP     string `yaml:"ip"`
	Prefix int    `yaml:"prefix"`
	Source string `yaml:"source"`
}

type dropFacts struct {
	MAC string `yaml:"mac"`
	RX  int    `yaml:"rx"`
	TX  int    `yaml:"tx"`
}

func factsOf(h host) hostFacts {
	f := hostFacts{
		Hostname: h.Name + ".example.net", CPUs: h.CPUs, MemoryKiB: h.MemoryGiB << 20,
		Libvirt: h.Libvirt, QEMU: h.QEMU, Domains: make(map[string]*domainFacts),
	}
	for _, g := range h.Guests {
		if d := g.facts(); d != nil {
			f.Domains[g.Name] = d
		}
	}
	return f
}

// facts are what the live host would add to a definition, nil when nothing.
func (g guest) facts() *domainFacts {
	var d domainFacts
	if g.State == "paused" || g.State == "crashed" {
		d.State = g.State
	}
	for _, n := range g.NICs {
		if g.State != "running" {
			break
		}
		if a := addresses[n.MAC]; a.IsValid() {
			d.Addresses = append(d.Addresses, addressFacts{n.MAC, a.Addr().String(), a.Bits(), g.source(n)})
		}
		if g.RxDropped+g.TxDropped > 0 {
			d.Drops = append(d.Drops, dropFacts{n.MAC, g.RxDropped, g.TxDropped})
		}
	}
	if g.Agent && g.State == "running" {
		d.AgentOS = &g.OS.Agent
	}
	if g.Transient {
		d.Persistent = new(bool)
	}
	d.Disks = g.sizes()
	if reflect.ValueOf(d).IsZero() {
		return nil
	}
	return &d
}

// sizes are those of disks that are no files, as "virsh domblkinfo" gives them.
func (g guest) sizes() map[string]*sizeFacts {
	sizes := make(map[string]*sizeFacts)
	for i, d := range g.Disks {
		if d.Kind == "lvm" {
			sizes[g.target(i)] = &sizeFacts{int64(d.GB) << 30}
		}
	}
	if len(sizes) == 0 {
		return nil
	}
	return sizes
}

// source is how the host knows an address.
func (g guest) source(n nicRow) string {
	switch {
	case g.Agent:
		return "agent"
	case n.Network == "nat":
		return "lease"
	}
	return "arp"
}

// addresses are those of the fleet, by MAC. They are dealt out in the order of
// the table, so that neighbours have neighbouring addresses.
var addresses = deal(fleet)

func deal(fleet []host) map[string]netip.Prefix {
	next := map[string]netip.Addr{
		"public":  netip.MustParseAddr("203.0.113.10"),
		"private": netip.MustParseAddr("10.20.0.10"),
		"nat":     netip.MustParseAddr("192.168.122.50"),
	}
	bits := map[string]int{"public": 24, "private": 22, "nat": 24}
	dealt := make(map[string]netip.Prefix)
	for _, h := range fleet {
		for _, g := range h.Guests {
			for _, n := range g.NICs {
				if _, taken := dealt[n.MAC]; taken {
					continue
				}
				next[n.Network] = next[n.Network].Next()
				dealt[n.MAC] = netip.PrefixFrom(next[n.Network], bits[n.Network])
			}
		}
	}
	return dealt
}
