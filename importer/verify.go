package importer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Finding is something that does not agree between records, domain and disks.
// Codes V1 to V25 are the invariants of Nova's records; from V30 on they are
// this program's own.
type Finding struct {
	Host   string `json:"host"`
	Domain string `json:"domain"`
	UUID   string `json:"uuid"`
	Code   string `json:"code"`
	Text   string `json:"text"`
	Action string `json:"action"`
}

// Verify compares what the plan's domains are in Nova, in libvirt and on disk,
// and reports by show what does not agree; it returns how many domains it
// looked at. Released domains must have left no trace. Without Earlier every
// domain counts as imported; without Cloud, and an image without Snapshot, the
// rest of the cloud is not looked at, which is said once.
//
//	V1 to V22  Nova's records, see nova.Cloud.Verify
//	V21        another domain has the instance's name
//	V25        the disks at instances_path are not those of the domain
//	V30        the host could not be read
//	V31        the domain is not on its host
//	V32        libvirt's state and Nova's do not agree
//	V33        the adoption is not complete
//	V34        the domain has a managed save, snapshot or checkpoint
//	V35        an interface has no port in Neutron
//	V36        a port has another MAC address, or is not bound to the instance's host
//	V37        Placement's allocation is missing, or is not what the plan says
//	V38        the placeholder image is gone, or can be deleted
//	V39        ports, allocations and images could not be looked at
//	V40        Nova's info cache has of a port what Neutron has not, or lacks what it has
func Verify(ctx context.Context, p plan.Plan, r Readers, show func(Finding)) (looked int, err error) {
	known, err := readKnown(ctx, r.Nova)
	if err != nil {
		return 0, fmt.Errorf("verify: %w", err)
	}
	domains := chosen(p, plan.Filter{})
	sayUnchecked(r, domains, show)
	for _, g := range groups(p, domains) {
		found, unread := readHosts(ctx, r.Hosts, r.reachAll(g))
		if err := ctx.Err(); err != nil {
			return looked, fmt.Errorf("verify: %w", err)
		}
		v := verification{Readers: r, known: known, found: found, unread: unread, show: show}
		if err := v.group(ctx, g.items); err != nil {
			return looked, fmt.Errorf("verify: %w", err)
		}
		looked += len(g.items)
	}
	return looked, nil
}

// A verification is Verify for one group of hosts.
type verification struct {
	Readers
	known  known
	found  map[string]discover.Domain // by host and UUID
	unread map[string]error
	show   func(Finding)
	names  map[string]string // instance names by UUID
	rows   map[string]nova.Server
}

func (v verification) group(ctx context.Context, items batch) error {
	var err error
	if v.names, err = v.Nova.InstanceNames(ctx, items.uuids()); err != nil {
		return err
	}
	violations, err := v.Nova.Verify(ctx, v.expected(items))
	if err != nil {
		return err
	}
	if v.rows, err = v.servers(ctx, items); err != nil {
		return err
	}
	said := v.byUUID(violations)
	v.files(ctx, items, said)
	v.inCloud(ctx, items, said)
	for _, it := range items {
		for _, f := range append(said[it.uuid()], v.domain(it)...) {
			f.Host, f.Domain, f.UUID = it.planned.Host, it.planned.Domain, it.uuid()
			v.show(f)
		}
	}
	return nil
}

// expected is how the instances should be in Nova's databases.
func (v verification) expected(items batch) []nova.Expect {
	expected := make([]nova.Expect, len(items))
	for i, it := range items {
		it.remember(v.Earlier[it.uuid()])
		it.compute = v.known.computes[it.place.ComputeHost]
		if it.gone() {
			expected[i] = nova.Expect{UUID: it.uuid(), Absent: true}
			continue
		}
		expected[i] = expectOf(it.recorded(), it.compute, v.known.flavors)
		if it.planned.Lock == plan.UntilRenamed && v.regenerated(it) {
			expected[i].Locked = nil // Its lock has ended with its legacy name.
		}
	}
	return expected
}

// recorded is the plan with what a restart has recorded since: its interfaces
// may have another model than the plan gives them.
func (it *item) recorded() plan.Domain {
	d := it.planned
	switch it.earlier.State {
	case journal.StateRenamed, journal.StateFinalized:
		if s, err := readSnippet(it.earlier); err == nil && s.Domain.UUID == d.UUID {
			d.NICModel = s.Domain.NICModel
		}
	}
	return d
}

// gone: the domain was released, or taken back after a failure.
func (it *item) gone() bool {
	return it.earlier.State == journal.StateReleased || it.earlier.State == journal.StateFailed
}

func (v verification) servers(ctx context.Context, items batch) (map[string]nova.Server, error) {
	all, err := v.Nova.Servers(ctx, items.uuids())
	if err != nil {
		return nil, fmt.Errorf("read instances: %w", err)
	}
	m := make(map[string]nova.Server, len(all))
	for _, s := range all {
		m[s.UUID] = s
	}
	return m, nil
}

func (v verification) byUUID(violations []nova.Violation) map[string][]Finding {
	said := map[string][]Finding{}
	for _, x := range violations {
		said[x.UUID] = append(said[x.UUID], Finding{
			Code: x.Code, Text: fmt.Sprintf("%s: expected %s, found %s", x.What, x.Expected, x.Found), Action: actions[x.Code],
		})
	}
	return said
}

// domain compares libvirt's side of one adoption.
func (v verification) domain(it *item) (findings []Finding) {
	add := func(code, format string, args ...any) {
		findings = append(findings, Finding{Code: code, Text: fmt.Sprintf(format, args...), Action: actions[code]})
	}
	if it.gone() {
		return nil
	}
	switch s := it.earlier.State; s {
	case "", journal.StateImported, journal.StateRenamed, journal.StateFinalized:
	default:
		add("V33", "the adoption is %s: %s", s, orSay(it.earlier.Reason, "a run ended before it was complete"))
	}
	if err := v.unread[it.host.Name]; err != nil {
		add("V30", "%v", err)
		return findings
	}
	d, ok := v.found[it.host.Name+"\x00"+it.uuid()]
	if !ok {
		add("V31", "libvirt on %s has no domain with this UUID", it.host.Name)
		return findings
	}
	if row, ok := v.rows[it.uuid()]; ok && row.TaskState == "" {
		if want := PowerOf(d.State); want != row.PowerState || !Agree(row.VMState, d.State) {
			add("V32", "libvirt says %s, Nova says vm_state %s and power state %s", d.State, row.VMState, row.PowerText())
		}
	}
	if why := unfit(d); why != "" {
		add("V34", "%s", why)
	}
	for _, other := range v.sameName(it, d) {
		add("V21", "domain %s on %s has this instance's name %s", other, it.host.Name, v.names[it.uuid()])
	}
	return findings
}

// sameName are the UUIDs of other domains of the host that have the
// instance's name: Nova's first regeneration would fail on them, after it has
// undefined this one.
func (v verification) sameName(it *item, d discover.Domain) (uuids []string) {
	name := v.names[it.uuid()]
	if name == "" || d.Name == name {
		return nil
	}
	for key, other := range v.found {
		if strings.HasPrefix(key, it.host.Name+"\x00") && other.Name == name && other.UUID != it.uuid() {
			uuids = append(uuids, other.UUID)
		}
	}
	slices.Sort(uuids)
	return uuids
}
