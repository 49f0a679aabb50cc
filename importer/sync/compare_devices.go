package sync

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// devices compares a domain that has Nova's name with Nova's records.
func (p pair) devices() {
	p.disks()
	p.processors()
	p.interfaces()
}

// volumeSerial is the serial of a volume that Nova has attached: its id.
var volumeSerial = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (p pair) disks() {
	var texts []string
	planned := map[string]bool{}
	for _, k := range p.k.Recalled.Domain.Disks {
		planned[k.Target] = true
		n := slices.IndexFunc(p.now.Disks, func(d discover.Disk) bool { return d.Target == k.Target })
		if n < 0 {
			texts = append(texts, fmt.Sprintf("disk %s is gone", k.Target))
			continue
		}
		has := p.now.Disks[n]
		if want := p.k.diskOf(k.Becomes); has.Path != want && has.Path != k.Path {
			texts = append(texts, fmt.Sprintf("disk %s is %q, expected %q", k.Target, has.Path, want))
		}
		if has.Format != "" && has.Format != k.Format {
			texts = append(texts, fmt.Sprintf("disk %s has format %s, recorded is %s", k.Target, has.Format, k.Format))
		}
	}
	for _, d := range p.now.Disks {
		if !planned[d.Target] && (d.Device == "disk" || d.Device == "lun") && !volumeSerial.MatchString(d.Serial) {
			texts = append(texts, fmt.Sprintf("disk %s (%s) is not in Nova's records", d.Target, d.Path))
		}
	}
	if len(texts) > 0 {
		p.say(DiskDiffers, "", "%s", strings.Join(texts, "; "))
	}
}

// processors compares memory and vCPUs. What the definition has had since it
// was planned is no drift, whatever flavor a rule has given it.
func (p pair) processors() {
	var texts []string
	if int(p.now.VCPUs) != p.rec.VCPUs && !p.asPlanned("vcpus ") {
		texts = append(texts, fmt.Sprintf("it has %d vCPUs, Nova has recorded %d", p.now.VCPUs, p.rec.VCPUs))
	}
	if has := memoryMB(p.now); has != p.rec.MemoryMB && !p.asPlanned("memory ") {
		texts = append(texts, fmt.Sprintf("it has %d MB of memory, Nova has recorded %d", has, p.rec.MemoryMB))
	}
	if len(texts) == 0 {
		return
	}
	var heal Remedy
	if p.grew() {
		heal = by(importer.CureSizes)
	}
	p.say(SizeDiffers, heal, "%s", strings.Join(texts, "; "))
}

// asPlanned: the definition says the same of this as it did when it was planned.
func (p pair) asPlanned(topic string) bool {
	was := factOf(p.k.Recalled.Domain.MadeFrom.Facts, topic)
	return was != "" && was == factOf(p.now.Facts(), topic)
}

func factOf(facts []string, topic string) string {
	n := slices.IndexFunc(facts, func(f string) bool { return strings.HasPrefix(f, topic) })
	if n < 0 {
		return ""
	}
	return facts[n]
}

// interfaces compares MAC addresses with what Nova would plug, which knows of
// those that were attached since, and models with what it would make them.
func (p pair) interfaces() {
	want := map[string]bool{}
	for _, n := range p.rec.Networks {
		want[strings.ToLower(n.MAC)] = true
	}
	if len(want) == 0 {
		return // A cache that lacks what is there is told by its own code.
	}
	var texts []string
	for _, n := range p.now.Interfaces {
		mac := strings.ToLower(n.MAC)
		if !want[mac] {
			texts = append(texts, fmt.Sprintf("interface %s is not in Nova's records", mac))
		}
		delete(want, mac)
		if model := orVirtio(p.rec.NICModel); n.Model != "" && n.Model != model {
			texts = append(texts, fmt.Sprintf("interface %s is %s, recorded is %s", mac, n.Model, model))
		}
	}
	for _, mac := range slices.Sorted(maps.Keys(want)) {
		texts = append(texts, fmt.Sprintf("interface %s is gone", mac))
	}
	if len(texts) > 0 {
		p.say(InterfaceDiffers, "", "%s", strings.Join(texts, "; "))
	}
}

func orVirtio(model string) string {
	if model == "" {
		return "virtio" // nova/virt/libvirt/vif.py, get_vif_model
	}
	return model
}

// inCloud compares ports, info cache and allocation. While Nova is at work with
// an instance they are on their way.
func (p pair) inCloud() {
	if !p.Cloud || p.CloudErr != "" || p.rec.TaskState != "" || p.rec.VMState == "resized" {
		return
	}
	d := p.k.Recalled.Domain
	ports := p.Ports[p.k.UUID]
	codes := map[string]Code{"V35": PortGone, "V36": PortDiffers}
	for _, f := range importer.ComparePorts(d, ports, p.Compute.Host) {
		heal := by(importer.CurePorts)
		if strings.Contains(f.Text, "MAC address") {
			heal = "" // Who gives a port another address means it.
		}
		p.say(codes[f.Code], heal, "%s", f.Text)
	}
	for _, text := range importer.CompareCache(p.rec.Server, p.recordable(d, ports)) {
		p.say(CacheDiffers, by(importer.CureInfoCache), "%s", text)
	}
	d.Flavor.VCPUs, d.Flavor.MemoryMB, d.Flavor.RootGB, d.Flavor.EphemeralGB = p.rec.VCPUs, p.rec.MemoryMB, p.rec.RootGB, p.rec.EphemeralGB
	have, ok := p.Allocations[p.k.UUID]
	have = have.At(p.Compute.UUID)
	for _, f := range importer.CompareAllocation(d, have, ok, p.Compute) {
		heal := by(importer.CureAllocations)
		if ok && (have.Provider != p.Compute.UUID || len(have.Others) > 0) {
			heal = "" // Somebody has moved it, or begun to; or it has a device, and would lose that.
		}
		p.say(AllocationDiffers, heal, "%s", f.Text)
	}
	for _, f := range importer.CompareOthers(have, p.Nodes) {
		p.say(AllocationDiffers, "", "%s", f.Text) // Nobody knows what it is there for.
	}
}

// recordable are those of the ports that an info cache can have.
func (p pair) recordable(d plan.Domain, ports []cloud.Port) (recorded []nova.Port) {
	if p.Networks == nil {
		return nil
	}
	w := plan.World{Host: p.k.Recalled.Host, Compute: p.Compute, Cloud: p.Networks}
	for _, nic := range d.NICs {
		for _, port := range ports {
			if port.ID != nic.Port {
				continue
			}
			if one, err := plan.Port(w, d, nic, port); err == nil && one.VIFType != "" {
				recorded = append(recorded, one)
			}
		}
	}
	return recorded
}
