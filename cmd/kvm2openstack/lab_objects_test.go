//go:build lab

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// ours are the fields in which an adopted instance differs from a server that
// Nova made of the same flavor and of an image with the same properties, and
// why. Everything else has to be equal.
var ours = []struct{ field, why string }{
	{`\.(id|uuid|instance_uuid)$`, "each row and server has its own"},
	{`\.(created_at|updated_at|launched_at|start_time|finish_time)$`, "when it was made"},
	{`^instance\.(name|display_name|display_description|hostname|reservation_id)$`, "each has its own"},
	{`ec2_ids\.(instance_id|ami_id)$`, "made of the row's number"},
	{`^actions\[0\]\.request_id$`, "each request has its own"},
	{`network.*\.(id|address|devname|ovs_interfaceid)$`, "each port has its own"},
	{`^vifs\[0\]\.address$`, "each port has its own"},
	{`\.image_ref$|\.image_id$|image_base_image_ref$`, "the placeholder image, and the image that the other was made of"},
	{`^request_spec\.image\.(checksum|name|owner|size|status)$`,
		"a new server's request has all of its image; what Nova reads back from system metadata, for a resize of an old one, has none of this either"},
	{`^request_spec\.flavor\.description$`, "a text for people; in instance_extra Nova leaves it out of its own, too"},
	{`^request_spec\.security_groups(\.|\[).*$`, "what the request for a new server said; Neutron's port has the groups"},

	{`^instance\.metadata(\.legacy_(name|host|digest))?$`, "where it came from"},
	{`^instance\.system_metadata\.kvm2openstack$`, "the marker that makes a release sure of what is ours"},
	{`^instance\.system_metadata\.boot_roles$`, "roles of the token that made a server; nobody made this one"},
	{`^instance\.(locked|locked_by)$`, "locked by the administrator until it is renamed"},
	{`preserve_on_delete$`, "true, so that a port outlives its instance: it carries the guest's address"},
	{`^instance\.vcpu_model(\..*)?$`, "Nova records it whenever it makes a domain"},
}

// passingFields differ at some moments and not at others.
var passingFields = []struct{ field, why string }{
	{`network.*\.details\.bound_drivers\.0$`, "a note of Neutron's to itself, which Nova's own refresh of a cache adds"},
	{`network.*\.active$`, "Neutron sees a tap a little after it is there"},
	{`services\[0\]\.(report_count|last_seen_up)$`, "counts while the test runs"},
}

// TestLabObjects has Nova's own objects load an adopted instance with every
// lazy field, its request spec, disks, interfaces and cache, and compares them
// with those of a server that Nova has made.
func TestLabObjects(t *testing.T) {
	l := newLab(t, nil)
	shapes := []string{"leg-web01", "leg-sata01"}
	l.command(exitClean, "plan", "-O", l.plan, "--only", shapes[0], "--only", shapes[1])
	t.Cleanup(func() { l.releaseWhatIsLeft() })
	l.command(exitClean, "import", l.plan, "--yes")
	p, err := plan.Load(l.plan)
	l.must(err)
	a := l.newAPI(owner)
	made := map[string]string{} // by the shape
	for _, d := range p.Domains {
		made[d.Domain] = l.nativeTwin(a, d)
	}
	for _, shape := range shapes {
		_, err := a.settled(made[shape], "ACTIVE")
		l.must(err)
	}
	var uuids []string
	for _, shape := range shapes {
		uuids = append(uuids, l.fleet[shape].uuid, made[shape])
	}
	loaded := l.objects(uuids...)
	for _, shape := range shapes {
		l.compareObjects(shape, loaded[made[shape]], loaded[l.fleet[shape].uuid])
	}
	l.everyReasonIsNeeded(loaded, shapes, made)
	for _, shape := range shapes { // The flavors go with the release.
		l.must(call(a.compute, http.MethodDelete, "servers/"+made[shape], nil, nil))
		l.must(a.gone(made[shape]))
	}
	l.command(exitClean, "release", l.plan, "--yes")
}

// objects runs testdata/lab/objects.py as nova, which can read its
// configuration but not this folder.
func (l *lab) objects(uuids ...string) map[string]map[string]any {
	l.t.Helper()
	script, err := os.Open("../../testdata/lab/objects.py")
	l.must(err)
	defer script.Close()
	cmd := asNova("python3", append([]string{"-"}, uuids...)...)
	cmd.Stdin = script
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		errors.As(err, &failed)
		l.t.Fatalf("Nova's objects do not load: %v\n%s", err, failed.Stderr)
	}
	var loaded map[string]map[string]any
	l.must(json.Unmarshal(out, &loaded))
	return loaded
}

// nativeTwin has Nova make a server of the domain's flavor and of an image that
// says the same of the hardware.
func (l *lab) nativeTwin(a *api, d plan.Domain) string {
	l.t.Helper()
	image := l.upload(a, d)
	flavor := l.flavorID(a, d.Flavor.Name)
	network := l.networkID(a)
	var answer struct{ Server struct{ ID string } }
	l.must(call(a.compute, http.MethodPost, "servers", map[string]any{"server": map[string]any{
		"name": "twin-" + d.Domain, "imageRef": image, "flavorRef": flavor, "networks": []any{map[string]any{"uuid": network}},
	}}, &answer))
	l.t.Cleanup(func() { _ = call(a.compute, http.MethodDelete, "servers/"+answer.Server.ID, nil, nil) })
	return answer.Server.ID
}

// upload makes an image of the lab's guest with the properties of a plan.
func (l *lab) upload(a *api, d plan.Domain) string {
	l.t.Helper()
	image, err := images.Create(l.t.Context(), a.image, images.CreateOpts{
		Name: "twin-" + d.Domain, DiskFormat: "qcow2", ContainerFormat: "bare", MinDisk: 1, Properties: d.Properties(),
	}).Extract()
	l.must(err)
	l.t.Cleanup(func() { _ = call(a.image, http.MethodDelete, "images/"+image.ID, nil, nil) })
	content, err := os.Open("/var/lib/k2o-lab/guest.qcow2")
	l.must(err)
	defer content.Close()
	l.must(imagedata.Upload(l.t.Context(), a.image, image.ID, content).ExtractErr())
	return image.ID
}

func (l *lab) flavorID(a *api, name string) string {
	l.t.Helper()
	var answer struct{ Flavors []struct{ ID, Name string } }
	l.must(call(a.compute, http.MethodGet, "flavors", nil, &answer))
	for _, f := range answer.Flavors {
		if f.Name == name {
			return f.ID
		}
	}
	l.t.Fatalf("the owner sees no flavor %s", name)
	return ""
}

func (l *lab) networkID(a *api) string {
	l.t.Helper()
	var answer struct{ Networks []struct{ ID, Name string } }
	l.must(call(a.network, http.MethodGet, "networks", nil, &answer))
	for _, n := range answer.Networks {
		if n.Name == "legacy-net" {
			return n.ID
		}
	}
	l.t.Fatal("the owner sees no network legacy-net")
	return ""
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

func differing(a, b map[string]any) (fields []string) {
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
