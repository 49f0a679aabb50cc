//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A screen is what screen.py saw.
type screen struct {
	Name                   string
	Width, Height, Colours int
}

func (l *lab) screenOf(args []string) (seen screen) {
	l.t.Helper()
	l.must(json.Unmarshal([]byte(l.output("/usr/bin/python3", args...)), &seen))
	return seen
}

// securityGroup gives the server another group and takes it away: its port has
// it meanwhile, and traffic goes on.
func (d *day) securityGroup() {
	d.t.Helper()
	who := d.owner
	var made struct {
		Group struct{ ID string } `json:"security_group"`
	}
	name := "day-two-" + d.guest.name
	d.must(call(who.network, http.MethodPost, "security-groups", map[string]any{"security_group": map[string]any{"name": name}}, &made))
	defer func() { d.must(call(who.network, http.MethodDelete, "security-groups/"+made.Group.ID, nil, nil)) }()
	err := d.who().action(d.uuid(), "addSecurityGroup", map[string]any{"name": made.Group.ID})
	if effect, _ := d.limited(plan.Groups); effect != "" {
		if !refusedWith(err, http.StatusBadRequest) {
			d.t.Errorf("%s has ports without port security, and a group for it: %v", d.guest.name, err)
		}
		return
	}
	d.must(err)
	if groups := d.groups(); !strings.Contains(groups, made.Group.ID) {
		d.t.Errorf("the port of %s has the groups %s, want %s among them", d.guest.name, groups, made.Group.ID)
	}
	d.must(d.who().action(d.uuid(), "removeSecurityGroup", map[string]any{"name": made.Group.ID}))
	if groups := d.groups(); strings.Contains(groups, made.Group.ID) {
		d.t.Errorf("the port of %s still has the group: %s", d.guest.name, groups)
	}
}

// A port is one of Neutron's.
type port struct {
	ID      string
	MAC     string   `json:"mac_address"`
	Device  string   `json:"device_id"`
	Host    string   `json:"binding:host_id"`
	Groups  []string `json:"security_groups"`
	Status  string
	Network string `json:"network_id"`
}

func (d *day) ports() []port {
	d.t.Helper()
	var answer struct{ Ports []port }
	d.must(call(d.admin.network, http.MethodGet, "ports?device_id="+d.uuid(), nil, &answer))
	return answer.Ports
}

func (d *day) groups() string {
	d.t.Helper()
	var all []string
	for _, p := range d.ports() {
		all = append(all, p.Groups...)
	}
	return fmt.Sprint(all)
}

// spare is a MAC address that no other guest has: the guest takes the address
// that goes with it, and Neutron's port has the same. It is none of its pool's.
func (d *day) spare() (mac, address string) {
	n := 180 + slices.Index(shapes, d.shape)
	return fmt.Sprintf("52:54:00:10:00:%02x", n), fmt.Sprintf("10.66.0.%d", n)
}

// newPort makes a port of the spare address, which is gone at the latest when
// the test ends.
func (d *day) newPort() (id, mac, address string) {
	d.t.Helper()
	mac, address = d.spare()
	var made struct{ Port struct{ ID string } }
	// Only an administrator may choose an address on a network of somebody else's.
	d.must(call(d.admin.network, http.MethodPost, "ports", map[string]any{"port": map[string]any{
		"network_id": d.networkID(d.owner), "project_id": d.plan.ProjectID, "name": "spare-" + d.guest.name,
		"mac_address": mac, "fixed_ips": []any{map[string]any{"ip_address": address}}, "port_security_enabled": false,
	}}, &made))
	d.t.Cleanup(func() { _ = call(d.admin.network, http.MethodDelete, "ports/"+made.Port.ID, nil, nil) })
	return made.Port.ID, mac, address
}

// interfaces gives the guest a second interface, which it has to see and to
// answer on if it runs, and takes it away again. A paused guest has to run for
// that: it does not let go of a device, and Nova gives up after some minutes.
func (d *day) interfaces() {
	d.t.Helper()
	id, mac, address := d.newPort()
	d.must(call(d.who().compute, http.MethodPost, "servers/"+d.uuid()+"/os-interface",
		map[string]any{"interfaceAttachment": map[string]any{"port_id": id}}, nil))
	d.eventually(5*time.Minute, d.guest.name+" has the new interface", func() bool {
		return strings.Contains(d.virsh("dumpxml", d.uuid()), mac)
	})
	if d.status == "PAUSED" {
		d.do("ACTIVE", "unpause", nil)
		defer func() { d.do("PAUSED", "pause", nil) }()
	}
	if d.status == "ACTIVE" {
		d.eventuallyState("sees the new interface", func(g map[string]string) bool { return strings.Contains(fmt.Sprint(g), mac) })
		d.eventually(5*time.Minute, d.guest.name+" answers at "+address, func() bool {
			return exec.Command("ping", "-n", "-c", "1", "-W", "2", address).Run() == nil
		})
	}
	d.must(call(d.who().compute, http.MethodDelete, "servers/"+d.uuid()+"/os-interface/"+id, nil, nil))
	d.eventually(5*time.Minute, "the interface of "+d.guest.name+" is gone", func() bool {
		return !strings.Contains(d.virsh("dumpxml", d.uuid()), mac)
	})
	if d.status == "ACTIVE" {
		d.eventuallyState("no longer sees the interface", func(g map[string]string) bool { return !strings.Contains(fmt.Sprint(g), mac) })
	}
	d.eventually(5*time.Minute, "Nova has given the port of "+d.guest.name+" back", func() bool {
		var p struct {
			Port struct {
				DeviceID string `json:"device_id"`
			}
		}
		d.must(call(d.admin.network, http.MethodGet, "ports/"+id, nil, &p))
		return p.Port.DeviceID == ""
	})
	d.must(call(d.admin.network, http.MethodDelete, "ports/"+id, nil, nil)) // It outlives its interface, as one of the owner's own does.
}
