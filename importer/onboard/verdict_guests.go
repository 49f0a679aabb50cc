package onboard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/nova"
)

// GuestIDs are the UUIDs of all domains of hosts that were read.
func GuestIDs(hosts []Host) (uuids []string) {
	for _, h := range hosts {
		uuids = append(uuids, slices.Collect(maps.Keys(h.Guests))...)
	}
	slices.Sort(uuids)
	return slices.Compact(uuids)
}

// isOn: the guest is an instance that Nova has on this host.
func isOn(p nova.Presence, computeHost string) bool {
	return p.Live && !p.Deleted && strings.EqualFold(p.Host, computeHost)
}

// A doom is what nova-compute does to guests as soon as it runs.
type doom struct {
	deleted []string // UUIDs that a deleted row has: _cleanup_running_deleted_instances, whatever the host
	left    []string // a migrations row says that they went elsewhere: _destroy_evacuated_instances, at the start
}

// doomed are guests that nova-compute would destroy (nova/compute/manager.py).
func doomed(h Host, known map[string]nova.Presence) (d doom) {
	for _, id := range slices.Sorted(maps.Keys(h.Guests)) {
		switch p := known[id]; {
		case p.Deleted:
			d.deleted = append(d.deleted, id)
		case p.Migration != "" && !isOn(p, h.ComputeHost()):
			d.left = append(d.left, id)
		}
	}
	return d
}

// guests asks whether nova-compute would destroy some. Import's K2O-614 and
// K2O-617 say the same, but only after nova-compute has run here.
func (j *judging) guests() {
	if j.h.Err != "" {
		return
	}
	d := doomed(j.h, j.c.Presence)
	if len(d.deleted) > 0 {
		j.add(GuestDeleted, Harmful, "nova-compute destroys guests as soon as it runs, for Nova has a deleted instance of their UUID (K2O-614): "+j.h.guestNames(d.deleted),
			"archive Nova's deleted rows before nova-compute runs here; then the same command again", "nova-manage db archive_deleted_rows --until-complete --all-cells")
	}
	if len(d.left) > 0 {
		commands := []string{}
		for _, id := range d.left[:min(len(d.left), mostNamed)] {
			commands = append(commands, "openstack server migration list --server "+check.Shell(id))
		}
		j.add(GuestLeft, Harmful, "nova-compute may destroy guests when it starts, as what an evacuation left behind, for Nova has a migration of their UUID (K2O-617): "+j.h.guestNames(d.left),
			"finish or clear the migration before nova-compute runs here; then the same command again", commands...)
	}
}

// strangers is how many of the host's domains are no instance of Nova's there.
func (c Cloud) strangers(h Host) int {
	n := h.Domains
	for id := range h.Guests {
		if isOn(c.Presence[id], h.ComputeHost()) {
			n--
		}
	}
	return n
}

// uncounted: once the host is mapped the scheduler would take it for empty, for
// Placement does not count guests that are not adopted.
func (c Cloud) uncounted(h Host) bool {
	own, known := c.service(h.ComputeHost())
	return known && !own.Disabled && c.strangers(h) > 0
}

// guestNames lists guests with their UUIDs, the first of many.
func (h Host) guestNames(ids []string) string {
	var words []string
	for _, id := range ids[:min(len(ids), mostNamed)] {
		words = append(words, h.guestName(id)+" ("+id+")")
	}
	text := strings.Join(words, ", ")
	if more := len(ids) - mostNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// guestName is what libvirt calls a guest.
func (h Host) guestName(id string) string {
	said := h.Guests[id]
	return said[:max(strings.LastIndex(said, ", "), 0)]
}

// bases: Nova's image cache knows nothing of guests that are not adopted, and
// removes what they rest on (nova/virt/libvirt/imagecache.py).
func (j *judging) bases() {
	if j.h.Err != "" || j.h.Conf.KeepsBase {
		return
	}
	own := map[string]bool{}
	for id := range j.h.Guests {
		own[j.h.guestName(id)] = isOn(j.c.Presence[id], j.name)
	}
	lost := slices.DeleteFunc(slices.Clone(j.h.Bases), func(d Drive) bool { return own[d.Domain] })
	if len(lost) > 0 {
		j.add(BaseImages, Harmful, fmt.Sprintf("disks of guests that are not adopted rest on images in Nova's cache, %s, and once nova-compute runs it removes images there that no instance uses: %s",
			j.h.Conf.Cache(), named(lost)),
			"set [image_cache] remove_unused_base_images = false in the host's nova.conf until they are adopted; or flatten the disks")
	}
}

// power: at each start nova-compute powers the dedicated CPUs down that none of
// Nova's instances has (nova/virt/libvirt/cpu/api.py), whoever runs on them.
func (j *judging) power() {
	if j.h.Err != "" || !j.h.Conf.PowersDown || j.c.strangers(j.h) == 0 {
		return
	}
	j.add(PowersDown, Harmful, "its nova.conf has [libvirt] cpu_power_management = true: at each start, the one on an empty libvirt too, nova-compute powers down the CPUs of cpu_dedicated_set, on which guests may run that are not adopted",
		"set it to false until they are adopted")
}

// spared asks once more, right before nova-compute sees the guests: a row may
// have been deleted since the host was judged.
func (w *work) spared(ctx context.Context) error {
	known, err := w.Nova.Presence(ctx, GuestIDs([]Host{w.host}))
	if err != nil {
		return fmt.Errorf("ask Nova about the guests: %w", err)
	}
	d := doomed(w.host, known)
	if all := slices.Concat(d.deleted, d.left); len(all) > 0 {
		return fmt.Errorf("%w: %s", ErrDoomed, w.host.guestNames(all))
	}
	return nil
}
