package importer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A cloudLook is what Neutron and Placement say of some instances, by UUID.
type cloudLook struct {
	ports       map[string][]cloud.Port
	allocations map[string]cloud.Allocation
	nodes       map[string]string // compute hosts by resource provider; nil where others do not matter
}

func lookInCloud(ctx context.Context, api Lookup, b batch) (l cloudLook, err error) {
	if l.ports, err = portsOf(ctx, api, b); err != nil {
		return l, err
	}
	l.allocations, err = allocationsOf(ctx, api, b)
	return l, err
}

// compare says what of an item's ports and allocation is not as it should be
// on a compute host.
func (l cloudLook) compare(it *item, c nova.Compute) []Finding {
	found := ComparePorts(it.planned, l.ports[it.uuid()], c.Host)
	have, ok := l.allocations[it.uuid()]
	have = have.At(c.UUID)
	found = append(found, CompareAllocation(it.planned, have, ok, c)...)
	return append(found, CompareOthers(have, l.nodes)...)
}

// CompareOthers says on which other compute hosts an instance has an allocation:
// V37. Room there is lost to everybody. Other providers are devices, which an
// instance may have. nodes are the compute hosts by resource provider.
func CompareOthers(a cloud.Allocation, nodes map[string]string) (found []Finding) {
	for _, other := range slices.Sorted(maps.Keys(a.Others)) {
		if host, ok := nodes[other]; ok {
			found = append(found, finding("V37", "it has an allocation on resource provider %s (%s), too", other, host))
		}
	}
	return found
}

// ComparePorts says what of an instance's ports is not as its plan has them, on
// a compute host: V35 and V36.
func ComparePorts(d plan.Domain, ports []cloud.Port, host string) (found []Finding) {
	for _, nic := range d.NICs {
		if wantsPort(nic) {
			found = append(found, comparePort(nic, ports, host)...)
		}
	}
	return found
}

func comparePort(nic plan.NIC, ports []cloud.Port, host string) (found []Finding) {
	p, ok := portFor(nic, ports)
	if !ok {
		return []Finding{finding("V35", "interface %s: Neutron has no port %s of this instance", nic.MAC, nic.Port)}
	}
	if !strings.EqualFold(p.MAC, nic.MAC) {
		found = append(found, finding("V36", "port %s has the MAC address %s, expected %s", p.ID, p.MAC, nic.MAC))
	}
	switch {
	case p.HostID != host:
		found = append(found, finding("V36", "port %s is bound to host %q, expected %q", p.ID, p.HostID, host))
	case slices.Contains(unboundTypes, p.VIFType):
		found = append(found, finding("V36", "port %s is not bound (vif_type %q)", p.ID, p.VIFType))
	}
	return found
}

// CompareAllocation says what of an instance's allocation is not as its plan
// has it, on a compute host: V37. Without ok it has none.
func CompareAllocation(d plan.Domain, have cloud.Allocation, ok bool, c nova.Compute) []Finding {
	want := allocationOf(d, c)
	switch {
	case !ok:
		return []Finding{finding("V37", "Placement has no allocation of it, expected %s", amounts(want))}
	case have.Provider != want.Provider:
		return []Finding{finding("V37", "its allocation is on resource provider %s, expected %s (%s)", have.Provider, want.Provider, c.Host)}
	case !sameAllocation(have, want):
		return []Finding{finding("V37", "its allocation is %s, expected %s", amounts(have), amounts(want))}
	}
	return nil
}

// leftOf says what is left of an adoption that was taken back.
func (l cloudLook) leftOf(it *item) (found []Finding) {
	for _, p := range l.ports[it.uuid()] {
		if p.Ours() {
			found = append(found, finding("V36", "port %s was made for it and is still there", p.ID))
		}
	}
	if a, ok := l.allocations[it.uuid()]; ok {
		found = append(found, finding("V37", "Placement still has an allocation of it: %s", amounts(a)))
	}
	return found
}

func finding(code, format string, args ...any) Finding {
	return Finding{Code: code, Text: fmt.Sprintf(format, args...), Action: actions[code]}
}

// inCloud compares the cloud's side of a group of domains.
func (v verification) inCloud(ctx context.Context, items batch, said map[string][]Finding) {
	for _, it := range items {
		if f, bad := v.image(it); bad {
			said[it.uuid()] = append(said[it.uuid()], f)
		}
	}
	if v.Cloud == nil {
		return // Verify has said so.
	}
	look, err := lookInCloud(ctx, v.Cloud, items)
	if err != nil {
		v.show(finding("V39", "ports and allocations of %d domains were not looked at: %v", len(items), err))
		return
	}
	look.nodes = nodesOf(v.known.computes)
	for _, it := range items {
		found := look.leftOf
		if !it.gone() {
			found = func(it *item) []Finding {
				return append(look.compare(it, v.computeOf(it)), v.cache(it, look.ports[it.uuid()])...)
			}
		}
		said[it.uuid()] = append(said[it.uuid()], found(it)...)
	}
}

// cache compares the info cache with the ports that are in it: V40. Which ones
// it lacks says V7. While Nova is at work with an instance it is on its way.
func (v verification) cache(it *item, ports []cloud.Port) (found []Finding) {
	row, ok := v.rows[it.uuid()]
	if !ok || row.NetworksProblem != "" || row.TaskState != "" || row.VMState == "resized" || v.Snapshot == nil {
		return nil
	}
	w := plan.World{Host: it.place, Compute: v.computeOf(it), Cloud: v.Snapshot}
	var cached []nova.Port
	for _, nic := range it.planned.NICs {
		p, has := portFor(nic, ports)
		if !has || !slices.ContainsFunc(row.Networks, func(n nova.ServerNetwork) bool { return n.PortID == p.ID }) {
			continue
		}
		if one, err := plan.Port(w, it.planned, nic, p); err == nil && one.VIFType != "" { // What is wrong with it, V36 says.
			cached = append(cached, one)
		}
	}
	for _, text := range CompareCache(row, cached) {
		found = append(found, finding("V40", "info cache: %s", text))
	}
	return found
}

// nodesOf are the compute hosts by their resource providers.
func nodesOf(computes map[string]nova.Compute) map[string]string {
	nodes := make(map[string]string, len(computes))
	for _, c := range computes {
		nodes[c.UUID] = c.Host
	}
	return nodes
}

// computeOf is where Nova has the instance now, which V8 compares with the plan.
func (v verification) computeOf(it *item) nova.Compute {
	if c, ok := v.known.computes[v.rows[it.uuid()].Host]; ok {
		return c
	}
	return it.compute
}

// image looks at the placeholder image, where images were read.
func (v verification) image(it *item) (Finding, bool) {
	if it.gone() || !it.planned.Placeholder || it.planned.ImageRef == "" || v.Snapshot == nil || v.Snapshot.Images == nil {
		return Finding{}, false
	}
	image, err := v.Snapshot.Image(it.planned.ImageRef)
	switch {
	case err != nil:
		return finding("V38", "the placeholder image %s is gone", it.planned.ImageRef), true
	case image.Status != "active":
		return finding("V38", "the placeholder image %s is %s, expected active", image.ID, image.Status), true
	case !image.Protected:
		return finding("V38", "the placeholder image %s can be deleted: it is not protected any more", image.ID), true
	}
	return Finding{}, false
}

// sayUnchecked says once what cannot be looked at without the cloud's APIs. For
// adoptions that were made with them that is a finding.
func sayUnchecked(r Readers, domains []plan.Domain, show func(Finding)) {
	if r.Cloud != nil {
		return
	}
	made := 0
	for _, d := range domains {
		if s, err := readSnippet(r.Earlier[d.UUID]); err == nil && s.Cloud && underWay(r.Earlier[d.UUID]) {
			made++
		}
	}
	const what = "ports in Neutron, allocations in Placement and images in Glance were not looked at"
	switch {
	case made > 0:
		show(finding("V39", "%s: the configuration names no cloud, and %d of these domains were imported with one", what, made))
	case r.Note != nil:
		r.Note(what + ": the configuration names no cloud")
	}
}
