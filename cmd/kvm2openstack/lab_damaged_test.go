//go:build lab

package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
)

// damagedBatch is the clone that the cloud's side of is damaged.
var damagedBatch = batch{"dmg", 80}

// A damage is what somebody does in the cloud to an instance's port, allocation
// or image, and what verify has to say of it, and nothing else; "" for nothing.
type damage struct {
	name, codes, text string
	do, mend          func(d *damaged)
}

// Other hosts' resource providers, one before every other by its UUID and one
// after all.
const (
	firstProvider = "00000000-0000-4000-8000-00000000d0d0"
	lastProvider  = "ffffffff-ffff-4fff-bfff-ffffffffd0d0"
	elsewhere     = "k2o-elsewhere" // and a digit
)

var damages = []damage{
	{"port of somebody else", "V35", "has no port", portWith("device_id", firstProvider), portWith("device_id", "")},
	{"port on another host", "V36", elsewhere, portWith("binding:host_id", elsewhere), portWith("binding:host_id", "k2o-lab")},
	{"port unbound", "V36", "bound to host", portWith("binding:host_id", ""), portWith("binding:host_id", "k2o-lab")},
	{"no allocation", "V37", "no allocation", func(d *damaged) { d.allocate(nil) }, (*damaged).allocateAll},
	{"less allocated", "V37", "1 MEMORY_MB, expected", func(d *damaged) { d.allocate(holdings{d.node: {"VCPU": 1, "MEMORY_MB": 1}}) }, (*damaged).allocateAll},
	{"allocated elsewhere", "V37", lastProvider + ", expected", func(d *damaged) { d.allocate(holdings{lastProvider: d.all}) }, (*damaged).allocateAll},
	{"allocated elsewhere, too", "V37", elsewhere + "f), too", func(d *damaged) { d.allocate(holdings{d.node: d.all, lastProvider: d.all}) }, (*damaged).allocateAll},
	{"first allocated elsewhere, too", "V37", elsewhere + "0), too", func(d *damaged) { d.allocate(holdings{firstProvider: d.all, d.node: d.all}) }, (*damaged).allocateAll},
	{"a device allocated, too", "", "", func(d *damaged) { d.allocate(holdings{d.node: d.all, d.device: {"VCPU": 1}}) }, (*damaged).allocateAll},
	{"image deactivated", "V38", "is deactivated", imageDoes("deactivate"), imageDoes("reactivate")},
	{"image unprotected", "V38", "not protected", imageProtected(false), imageProtected(true)},
	{"image deleted", "V38", "is gone", func(d *damaged) {
		imageProtected(false)(d)
		d.must(call(d.image, http.MethodDelete, "images/"+d.imageID, nil, nil))
	}, nil},
	{"port deleted, too", "V38 V35", "has no port", func(d *damaged) { d.must(call(d.network, http.MethodDelete, "ports/"+d.port, nil, nil)) }, nil},
}

// A damaged is one adopted guest, and the cloud's side of it as it should be.
type damaged struct {
	*lab
	*api
	guest                       *legacy
	port, imageID, node, device string
	project, user               string
	all                         map[string]int // what it has of its node
}

// holdings are amounts of resources by their provider.
type holdings map[string]map[string]int

// TestFullDamaged does to the cloud's side of an adoption what somebody might,
// through the cloud's own APIs. nova-compute stands still meanwhile: it would
// take an interface whose port is gone out of its cache, and out of the guest.
func TestFullDamaged(t *testing.T) {
	l := newLab(t, nil)
	l.must(appendRules(l.config, damagedBatch.rules()))
	before := l.dumpCloud()
	guest := l.clones(damagedBatch, []string{"web01"})[0]
	l.greet()
	l.command(exitClean, "plan", "-O", l.plan, "--only", guest.name)
	t.Cleanup(func() { l.releaseWhatIsLeft() })
	l.command(exitClean, "import", l.plan, "--yes")
	l.script("service.sh", "stop", "nova-compute")
	t.Cleanup(func() { l.script("service.sh", "start", "nova-compute") })
	d := &damaged{lab: l, api: l.newAPI(administrator), guest: guest}
	d.remember()
	removed := d.otherHosts()
	d.finds("nothing", "", "")
	for _, c := range damages {
		c.do(d)
		d.finds(c.name, c.codes, c.text)
		if c.mend != nil {
			c.mend(d)
			d.finds(c.name+", mended", "", "")
		}
	}
	removed()
	l.command(exitClean, "release", l.plan, "--yes")
	d.finds("release", "", "")
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was before the import:\n%s", diff)
	}
}

// remember reads the cloud's side of the guest.
func (d *damaged) remember() {
	d.t.Helper()
	var ports struct{ Ports []struct{ ID string } }
	d.must(call(d.network, http.MethodGet, "ports?device_id="+d.guest.uuid, nil, &ports))
	var has struct {
		Allocations map[string]struct{ Resources map[string]int }
		Project     string `json:"project_id"`
		User        string `json:"user_id"`
	}
	d.must(call(d.placement, http.MethodGet, "allocations/"+d.guest.uuid, nil, &has))
	server, err := d.show(d.guest.uuid)
	d.must(err)
	made, _ := server.Image.(map[string]any)
	d.imageID, _ = made["id"].(string)
	if len(ports.Ports) != 1 || len(has.Allocations) != 1 || d.imageID == "" {
		d.t.Fatalf("the cloud has %+v, %+v and the image %v, want one of each", ports, has, server.Image)
	}
	d.port, d.project, d.user = ports.Ports[0].ID, has.Project, has.User
	for node, a := range has.Allocations {
		d.node, d.all = node, a.Resources
	}
}

// otherHosts makes the resource providers of two more compute hosts, of which Nova
// has a row each and nothing else, and one of a device.
func (d *damaged) otherHosts() (removed func()) {
	d.t.Helper()
	d.device = "dddddddd-dddd-4ddd-8ddd-ddddddddd0d0"
	cell := d.database("nova_cell1")
	providers := []string{firstProvider, lastProvider, d.device}
	removed = func() {
		for _, p := range providers {
			_ = call(d.placement, http.MethodDelete, "resource_providers/"+p, nil, nil) // may be gone
			_, err := cell.Exec("DELETE FROM compute_nodes WHERE uuid = ?", p)
			d.must(err)
		}
	}
	d.t.Cleanup(func() { d.allocate(nil); removed() }) // should the test end early
	for _, p := range providers {
		d.must(call(d.placement, http.MethodPost, "resource_providers", map[string]any{"name": elsewhere + "-" + p[:1], "uuid": p}, nil))
		room := map[string]any{}
		for class := range d.all {
			room[class] = map[string]any{"total": 100000}
		}
		d.must(call(d.placement, http.MethodPut, "resource_providers/"+p+"/inventories",
			map[string]any{"resource_provider_generation": 0, "inventories": room}, nil))
	}
	_, err := cell.Exec(`INSERT INTO compute_nodes (uuid, host, hypervisor_hostname, created_at, updated_at, deleted, mapped,
		vcpus, memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used, hypervisor_type, hypervisor_version, cpu_info)
		SELECT p.uuid, CONCAT(?, LEFT(p.uuid, 1)), p.uuid, created_at, updated_at, deleted, mapped,
		vcpus, memory_mb, local_gb, 0, 0, 0, hypervisor_type, hypervisor_version, cpu_info
		FROM compute_nodes, (SELECT ? AS uuid UNION SELECT ?) p WHERE deleted = 0 AND compute_nodes.uuid = ?`, elsewhere, firstProvider, lastProvider, d.node)
	d.must(err)
	return removed
}

// finds: verify says that, in this order, and nothing else.
func (d *damaged) finds(what, codes, text string) {
	d.t.Helper()
	want := exitAttention
	if codes == "" {
		want = exitClean
	}
	status, said := d.try("verify", d.plan, "-o", "json")
	var answer struct {
		Looked   int `json:"looked_at"`
		Findings []struct{ Domain, Code, Text, Action string }
	}
	if err := json.Unmarshal([]byte(said), &answer); err != nil {
		d.t.Fatalf("verify after %s: %v\n%s", what, err, said)
	}
	var found []string
	for _, f := range answer.Findings {
		found = append(found, f.Code)
		if f.Domain != d.guest.name || f.Action == "" {
			d.t.Errorf("verify after %s says of %s, not of %s: %+v", what, f.Domain, d.guest.name, f)
		}
	}
	if status != want || answer.Looked != 1 || strings.Join(found, " ") != codes || !strings.Contains(said, text) {
		d.t.Errorf("verify after %s ended with status %d, want %d, %q and %q:\n%s", what, status, want, codes, text, said)
	}
}

// portWith gives a field of the port another value; the device "" is the guest.
func portWith(field, value string) func(*damaged) {
	return func(d *damaged) {
		d.t.Helper()
		if field == "device_id" && value == "" {
			value = d.guest.uuid
		}
		d.must(call(d.network, http.MethodPut, "ports/"+d.port, map[string]any{"port": map[string]any{field: value}}, nil))
	}
}

func (d *damaged) allocateAll() { d.allocate(holdings{d.node: d.all}) }

// allocate replaces what the guest has; of nothing it has none any more.
func (d *damaged) allocate(h holdings) {
	d.t.Helper()
	path := "allocations/" + d.guest.uuid
	if len(h) == 0 {
		if err := call(d.placement, http.MethodDelete, path, nil, nil); !refusedWith(err, http.StatusNotFound) {
			d.must(err)
		}
		return
	}
	var now struct {
		Generation *int `json:"consumer_generation"`
	}
	d.must(call(d.placement, http.MethodGet, path, nil, &now))
	want := map[string]any{}
	for _, p := range slices.Sorted(maps.Keys(h)) {
		want[p] = map[string]any{"resources": h[p]}
	}
	d.must(call(d.placement, http.MethodPut, path, map[string]any{"allocations": want, "consumer_type": "INSTANCE",
		"consumer_generation": now.Generation, "project_id": d.project, "user_id": d.user}, nil))
}

func imageDoes(action string) func(*damaged) {
	return func(d *damaged) {
		d.t.Helper()
		d.must(call(d.image, http.MethodPost, "images/"+d.imageID+"/actions/"+action, nil, nil))
	}
}

func imageProtected(protected bool) func(*damaged) {
	return func(d *damaged) {
		d.t.Helper()
		_, err := images.Update(d.t.Context(), d.image, d.imageID, images.UpdateOpts{images.ReplaceImageProtected{NewProtected: protected}}).Extract()
		d.must(err)
	}
}
