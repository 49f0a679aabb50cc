//go:build lab

package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// forget is for the end of a test: nothing of its guests is left in Nova and
// Neutron, whatever happened.
func (r *round) forget() {
	for _, g := range r.guests {
		_ = r.admin.action(g.uuid, "unlock", nil)
		_ = call(r.admin.compute, http.MethodDelete, "servers/"+g.uuid, nil, nil)
		if err := r.admin.gone(g.uuid); err != nil {
			r.t.Errorf("%s: %v", g.name, err)
		}
	}
	r.purge()
	r.leftInCloud()
}

// leftInCloud removes what an adoption has made in the cloud and the delete of
// its instance leaves: the ports, which carry addresses, and what the instances
// of a project share.
func (r *round) leftInCloud() {
	var found struct {
		Ports   []struct{ ID, Description string }
		Flavors []struct{ ID, Name string }
		Images  []struct{ ID, Name string }
	}
	r.ask(r.admin.network, "ports", &found)
	for _, p := range found.Ports {
		if strings.HasPrefix(p.Description, cloud.Mark) {
			r.drop(r.admin.network, "ports/"+p.ID)
		}
	}
	r.ask(r.admin.compute, "flavors?is_public=none", &found)
	for _, f := range found.Flavors {
		if strings.HasPrefix(f.Name, "legacy.") {
			r.drop(r.admin.compute, "flavors/"+f.ID)
		}
	}
	r.ask(r.admin.image, "images?os_hidden=true", &found)
	for _, i := range found.Images {
		if i.Name == cloud.PlaceholderName {
			_, err := images.Update(context.Background(), r.admin.image, i.ID, images.UpdateOpts{images.ReplaceImageProtected{NewProtected: false}}).Extract()
			if err != nil {
				r.t.Error(err)
			}
			r.drop(r.admin.image, "images/"+i.ID)
		}
	}
}

func (r *round) ask(c *gophercloud.ServiceClient, list string, into any) {
	if err := call(c, http.MethodGet, list, nil, into); err != nil {
		r.t.Errorf("%s: %v", list, err)
	}
}

func (r *round) drop(c *gophercloud.ServiceClient, path string) {
	if err := call(c, http.MethodDelete, path, nil, nil); err != nil && !refusedWith(err, http.StatusNotFound) {
		r.t.Errorf("delete %s: %v", path, err)
	}
}

// purge removes the rows of deleted servers for good: the next test's domains
// have the same UUIDs. Both commands end with another status than 0 where they
// had something, or nothing, to do.
func (l *lab) purge() {
	for _, args := range [][]string{{"archive_deleted_rows", "--until-complete", "--all-cells"}, {"purge", "--all", "--all-cells"}} {
		if out, err := asNova("nova-manage", append([]string{"db"}, args...)...).CombinedOutput(); err != nil && strings.Contains(string(out), "Traceback") {
			l.t.Errorf("nova-manage db %v: %v\n%s", args, err, out)
		}
	}
}
