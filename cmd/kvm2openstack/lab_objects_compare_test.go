//go:build lab

package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// ours are the fields in which an adopted instance differs from a server that
// Nova made of the same flavor and of an image with the same properties, and
// why. Everything else has to be equal, once the names of their own things are
// put aside: see alike.
var ours = []struct{ field, why string }{
	{`^(instance|mapping|request_spec|(actions|bdms|vifs)\[\d+\])\.id$`, "each row has its own number"},
	{`^bdms\[\d+\]\.uuid$`, "each row has its own"},
	{`^(instance|instance\.info_cache|mapping|(actions|bdms|vifs)\[\d+\])\.(created_at|updated_at)$`, "when it was made"},
	{`^instance\.launched_at$|^actions\[0\]\.(start_time|finish_time)$`, "when it was made"},
	{`^instance\.(name|display_name|display_description|hostname|reservation_id)$`, "each has its own"},
	{`^instance\.ec2_ids\.(instance_id|ami_id)$`, "made of the row's number"},
	{`^actions\[0\]\.request_id$`, "each request has its own"},
	{`^request_spec\.image\.(checksum|created_at|updated_at|name|owner|size|status)$`,
		"a new server's request has all of its image; what Nova reads back from system metadata, for a resize of an old one, has none of this either"},
	{`^request_spec\.pci_requests\.instance_uuid$`, "a new server's request is older than its UUID; from its first resize on it says it, too (nova/compute/api.py)"},
	{`^request_spec\.flavor\.description$`, "a text for people; in instance_extra Nova leaves it out of its own, too"},
	{`^request_spec\.security_groups(\.length|\[0\]\.name)$`, "what the request for a new server said; Neutron's port has the groups"},

	{`^instance\.metadata(\.legacy_(name|host|digest))?$`, "where it came from"},
	{`^instance\.system_metadata\.kvm2openstack$`, "the marker that makes a release sure of what is ours"},
	{`^instance\.system_metadata\.boot_roles$`, "roles of the token that made a server; nobody made this one"},
	{`^instance\.(locked|locked_by)$`, "locked by the administrator until it is renamed"},
	{vif + `\.preserve_on_delete$`, "true, so that a port outlives its instance: it carries the guest's address"},
	{`^instance\.vcpu_model(\..*)?$`, "Nova records it whenever it makes a domain"},
}

// vif is an interface in Nova's cache.
const vif = `^(network|instance\.info_cache\.network_info)\[\d+\]`

// passingFields differ at some moments and not at others.
var passingFields = []struct{ field, why string }{
	{vif + `\.details\.bound_drivers\.0$`, "a note of Neutron's to itself, which Nova's own refresh of a cache adds"},
	{vif + `\.active$`, "Neutron sees a tap a little after it is there"},
	{`^instance\.services\[0\]\.(report_count|last_seen_up|updated_at)$`, "counts while the test runs"},
}

// own are the fields with the names of what a server has for itself. Wherever
// else such a name stands, the other server has to have its own there.
var own = regexp.MustCompile(`^instance\.(uuid|image_ref)$|^network\[\d+\]\.(id|address|network\.subnets\[0\]\.ips\[0\]\.address)$`)

// alike is the object with the field's name in place of each name of its own.
func alike(object map[string]any) map[string]any {
	names := map[any]string{}
	for field, value := range object {
		if text, ok := value.(string); ok && own.MatchString(field) {
			names[text] = "its " + field
			names["tap"+text[:min(11, len(text))]] = "the tap of its " + field
		}
	}
	same := maps.Clone(object)
	for field, value := range same {
		if text, ok := value.(string); ok && names[text] != "" {
			same[field] = names[text]
		}
	}
	return same
}

// namesItself: the names of an adopted instance's own things are the guest's.
func (l *lab) namesItself(g *legacy, object map[string]any) {
	l.t.Helper()
	want := map[string]any{"instance.uuid": g.uuid, "instance.display_name": g.name, "instance.hostname": g.name, "network.length": float64(len(g.nics))}
	for i, n := range g.nics {
		want[fmt.Sprintf("network[%d].address", i)] = n.mac
		want[fmt.Sprintf("network[%d].network.subnets[0].ips[0].address", i)] = n.address
	}
	for field, value := range want {
		if object[field] != value {
			l.t.Errorf("%s: %s is %v, want %v", g.name, field, valueOf(object, field), value)
		}
	}
}

// compareObjects reports every field in which the two differ without a reason.
func (l *lab) compareObjects(shape string, made, adopted map[string]any) {
	l.t.Helper()
	if len(made) < 250 || len(adopted) < 250 {
		l.t.Fatalf("%s: %d fields of a server that Nova made and %d of ours: this test does not see them", shape, len(made), len(adopted))
	}
	for _, field := range differing(made, adopted) {
		if reasonFor(field) == "" {
			l.t.Errorf("%s: %s is %v, and %v in a server that Nova made", shape, field, valueOf(adopted, field), valueOf(made, field))
		}
	}
}

// differing are the fields that two servers do not have alike.
func differing(a, b map[string]any) (fields []string) {
	a, b = alike(a), alike(b)
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, field := range slices.Sorted(maps.Keys(all)) {
		if valueOf(a, field) != valueOf(b, field) {
			fields = append(fields, field)
		}
	}
	return fields
}

func valueOf(object map[string]any, field string) string {
	v, ok := object[field]
	if !ok {
		return "absent"
	}
	return fmt.Sprintf("%#v", v)
}

func reasonFor(field string) string {
	for _, o := range slices.Concat(ours, passingFields) {
		if regexp.MustCompile(o.field).MatchString(field) {
			return o.why
		}
	}
	return ""
}

// everyReasonIsNeeded keeps the list from allowing what no longer happens.
func (l *lab) everyReasonIsNeeded(loaded map[string]map[string]any, shapes []string, made map[string]string) {
	l.t.Helper()
	var fields []string
	for _, shape := range shapes {
		fields = append(fields, differing(loaded[made[shape]], loaded[l.fleet[shape].uuid])...)
	}
	for _, o := range ours {
		if !slices.ContainsFunc(fields, regexp.MustCompile(o.field).MatchString) {
			l.t.Errorf("no field like %s differs any more (%s)", o.field, o.why)
		}
	}
	l.t.Logf("%d fields differ for a reason", len(fields))
}
