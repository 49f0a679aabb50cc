//go:build lab

package openstack

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// TestLabServer starts and reboots an instance of Nova's own. Its disk has
// nothing on it, so that nobody has to wait for a guest.
func TestLabServer(t *testing.T) {
	p := newLabProject(t)
	id := p.newServer()
	p.until(id, "ACTIVE", func(s cloud.Server) bool { return s.Active() })
	if err := p.Start(t.Context(), id); err != nil {
		t.Errorf("Start of an active one = %v", err)
	}
	before := p.lastRequest(id)
	for range 2 { // The second one comes while the first is under way, or reboots it once more.
		if err := p.HardReboot(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	s := p.until(id, "rebooted", func(s cloud.Server) bool { return s.Active() })
	if s.Host != labHost || s.Power != 1 || s.InstanceName == "" || s.Fault != "" {
		t.Errorf("it is %+v", s)
	}
	if p.lastRequest(id) == before {
		t.Error("Nova has noted no reboot")
	}
	p.call(p.compute, "POST", "servers/"+id+"/action", map[string]any{"os-stop": nil}, nil)
	p.until(id, "shut off", func(s cloud.Server) bool { return s.VMState == vmStopped && s.Task == "" })
	for range 2 {
		if err := p.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	p.until(id, "started", func(s cloud.Server) bool { return s.Active() })
	p.call(p.compute, "POST", "servers/"+id+"/action", map[string]any{"pause": nil}, nil)
	p.until(id, "paused", func(s cloud.Server) bool { return s.VMState == "paused" && s.Task == "" })
	if err := p.Start(t.Context(), id); !errors.Is(err, cloud.ErrBusy) {
		t.Errorf("Start of a paused one = %v, want %v", err, cloud.ErrBusy)
	}
}

func (p *labProject) lastRequest(id string) string {
	p.t.Helper()
	last, err := p.lastAction(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return last.RequestID
}

// until waits for an instance.
func (p *labProject) until(id, what string, is func(cloud.Server) bool) cloud.Server {
	p.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		s, err := p.Server(p.t.Context(), id)
		if err != nil {
			p.t.Fatal(err)
		}
		if is(s) {
			return s
		}
		if time.Now().After(end) || s.VMState == "error" {
			p.t.Fatalf("it is not %s but %+v", what, s)
		}
	}
}

// newServer makes an instance without a network, from an image of nothing.
func (p *labProject) newServer() (id string) {
	p.t.Helper()
	image, _, err := p.EnsurePlaceholder(p.t.Context(), p.id)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := p.DeletePlaceholder(context.Background(), image); err != nil {
			p.t.Error(err)
		}
	})
	// Nobody in it hears the power button.
	impatient := images.UpdateOpts{images.UpdateImageProperty{Op: images.AddOp, Name: "os_shutdown_timeout", Value: "1"}}
	if _, err := images.Update(p.t.Context(), p.image, image, impatient).Extract(); err != nil {
		p.t.Fatal(err)
	}
	flavor := p.create(p.compute, "flavors", "flavor", map[string]any{"name": "test-" + image[:8], "vcpus": 1, "ram": 64, "disk": 1})
	var answer struct{ Server struct{ ID string } }
	p.call(p.member.compute, "POST", "servers", map[string]any{"server": map[string]any{
		"name": "test", "imageRef": image, "flavorRef": flavor, "networks": "none",
	}}, &answer)
	id = answer.Server.ID
	p.t.Cleanup(func() { p.deleteServer(id) })
	return id
}

// deleteServer deletes an instance and waits until it is gone.
func (p *labProject) deleteServer(id string) {
	p.call(p.compute, "DELETE", "servers/"+id, nil, nil)
	for range 60 {
		if _, err := p.Server(context.Background(), id); errors.Is(err, cloud.ErrNotFound) {
			return
		}
		time.Sleep(time.Second)
	}
	p.t.Errorf("instance %s is still there", id)
}
