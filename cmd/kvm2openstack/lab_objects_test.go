//go:build lab

package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// TestLabObjects has Nova's own objects load an adopted instance with every
// lazy field, its request spec, disks, interfaces and cache, and compares them
// with those of a server that Nova has made.
func TestLabObjects(t *testing.T) {
	l := newLab(t, nil)
	shapes := []string{"leg-web01", "leg-sata01", "leg-uefi01", "leg-two01"} // one disk, two, firmware of its own, two interfaces
	args := []string{"plan", "-O", l.plan}
	for _, shape := range shapes {
		args = append(args, "--only", shape)
	}
	l.command(exitClean, args...)
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
		l.namesItself(l.fleet[shape], loaded[l.fleet[shape].uuid])
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

// nativeTwin has Nova make a server of the domain's flavor, of an image that says
// the same of the hardware, and with as many interfaces.
func (l *lab) nativeTwin(a *api, d plan.Domain) string {
	l.t.Helper()
	image := l.upload(a, d)
	flavor := l.flavorID(a, d.Flavor.Name)
	var networks []any
	for range d.NICs {
		networks = append(networks, map[string]any{"uuid": l.networkID(a)})
	}
	var answer struct{ Server struct{ ID string } }
	l.must(call(a.compute, http.MethodPost, "servers", map[string]any{"server": map[string]any{
		"name": "twin-" + d.Domain, "imageRef": image, "flavorRef": flavor, "networks": networks,
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
