package nova

import (
	"fmt"
	"strings"
	"time"
)

// mappingProblem compares where the API database says a host is with where it
// was found.
func (h hostRows) mappingProblem(mapped map[string]int64, c Compute) string {
	id, ok := mapped[c.Host]
	switch {
	case !ok:
		return "no host mapping in the API database: kvm2openstack onboard HOST maps it, its service disabled first where guests are not adopted"
	case id != c.CellID:
		return fmt.Sprintf("the API database maps it to %s, but its service is in %s", h.cellName(id), c.CellName)
	}
	return ""
}

// addUnseen adds the hosts that are mapped but were found in no open cell.
func (h hostRows) addUnseen(mapped map[string]int64, found map[string]*Compute) {
	for host, id := range mapped {
		if found[host] != nil {
			continue
		}
		c := &Compute{Host: host, CellID: id, CellName: h.cellName(id), Problem: "it has neither a nova-compute service nor a node in its cell"}
		for _, one := range h.cells {
			if one.cell.ID == id {
				c.Cell = one.cell.UUID
			}
		}
		for _, closed := range h.closed {
			if closed.ID == id {
				c.Cell, c.Problem = closed.UUID, "its cell cannot be used: "+closed.Reason
			}
		}
		found[host] = c
	}
}

func (h hostRows) cellName(id int64) string {
	for _, one := range h.cells {
		if one.cell.ID == id {
			return one.cell.Name
		}
	}
	for _, c := range h.closed {
		if c.ID == id {
			return c.Name
		}
	}
	return fmt.Sprintf("cell %d", id)
}

// noService is the Problem of a node without a service.
const noService = "no nova-compute service"

// compose joins one cell's services and nodes by host.
func (p cellHosts) compose(now time.Time, major int) map[string]Compute {
	nodes, owners := map[string][]nodeRow{}, map[string][]string{}
	for _, n := range p.nodes {
		nodes[n.Host] = append(nodes[n.Host], n)
		owners[n.Node] = append(owners[n.Node], n.Host)
	}
	found := map[string]Compute{}
	for _, s := range p.services {
		c := p.empty(s.Host)
		c.Version, c.Disabled, c.Up = s.Version, s.Disabled, s.up(now)
		found[s.Host] = c
	}
	for host := range nodes {
		if _, ok := found[host]; !ok && host != "" {
			c := p.empty(host)
			c.Problem = noService
			found[host] = c
		}
	}
	for host, c := range found {
		if len(nodes[host]) > 0 {
			c.take(nodes[host][0], major)
		}
		if c.Problem == "" {
			c.Problem = nodeProblem(host, nodes[host], owners)
		}
		found[host] = c
	}
	return found
}

func (p cellHosts) empty(host string) Compute {
	return Compute{Host: host, Cell: p.cell.UUID, CellID: p.cell.ID, CellName: p.cell.Name}
}

// take copies what the node says of itself.
func (c *Compute) take(n nodeRow, major int) {
	c.Node, c.NodeID, c.UUID, c.HypervisorType = n.Node, n.ID, n.UUID, n.Type
	c.VCPUs, c.VCPUsUsed = n.VCPUs, n.VCPUsUsed
	c.MemoryMB, c.MemoryMBUsed = n.MemoryMB, n.MemoryMBUsed
	c.LocalGB, c.LocalGBUsed = n.LocalGB, n.LocalGBUsed
	c.CPURatio, c.RAMRatio, c.DiskRatio = ratios(n, major)
}

// nodeProblem says why the host's nodes cannot be used: Nova keeps an instance
// by host and node, and both must name one libvirt.
func nodeProblem(host string, nodes []nodeRow, owners map[string][]string) string {
	if len(nodes) == 0 {
		for _, owner := range owners[host] {
			return fmt.Sprintf("no node of its own: the node of this name belongs to host %q", owner)
		}
		return "no node (compute_nodes): nova-compute has not reported yet"
	}
	if len(nodes) > 1 {
		return fmt.Sprintf("%d nodes (%s and others): not a libvirt host, or one that was renamed", len(nodes), nodes[0].Node)
	}
	n := nodes[0]
	if all := owners[n.Node]; len(all) > 1 {
		return fmt.Sprintf("its node %s belongs to several hosts: %s", n.Node, strings.Join(all, ", "))
	}
	if t := strings.ToUpper(n.Type); t != "QEMU" && t != "KVM" {
		return fmt.Sprintf("its hypervisor is %s, not QEMU or KVM", n.Type)
	}
	if n.Node == "" || n.UUID == "" {
		return "its node has no name or no uuid"
	}
	return ""
}

// ratios fills allocation ratios that the node has not stored, which are 0 or
// NULL there, with the initial ones of its release (nova/conf/compute.py:
// 16, 1.5, 1 up to Zed and 4, 1, 1 since).
func ratios(n nodeRow, major int) (cpu, ram, disk float64) {
	cpu, ram, disk = 4, 1, 1
	if major > 0 && major <= 26 {
		cpu, ram = 16, 1.5
	}
	set := func(ratio *float64, stored float64) {
		if stored > 0 {
			*ratio = stored
		}
	}
	set(&cpu, n.CPURatio)
	set(&ram, n.RAMRatio)
	set(&disk, n.DiskRatio)
	return cpu, ram, disk
}
