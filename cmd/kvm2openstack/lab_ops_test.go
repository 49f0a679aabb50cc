//go:build lab

package main

import (
	"net/http"
	"os/exec"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// An operation is something that people do with servers day by day. Do ends
// with the server in the state that it was in, unless it says otherwise, and
// counts in d.boots how often the guest was started.
type operation struct {
	name string
	do   func(d *day)
}

// harmless are the operations that leave a domain as it is made.
var harmless = []operation{
	{"show", (*day).shows},
	{"list", (*day).lists},
	{"diagnostics", (*day).diagnostics},
	{"console log", (*day).consoleLog},
	{plan.Screen, (*day).screen},
	{"metadata", (*day).metadataOf},
	{"tags", (*day).tags},
	{"rename", (*day).renames},
	{"lock, unlock", (*day).locks},
	{plan.Groups, (*day).securityGroup},
	{interfaces, (*day).interfaces},
	{"pause, unpause", (*day).pauses},
	{"suspend, resume", (*day).suspends},
	{"soft reboot", (*day).softReboot},
}

const interfaces = "attach, detach interface"

func (d *day) shows() {
	d.t.Helper()
	for _, who := range []*api{d.owner, d.admin} {
		s, err := who.show(d.uuid())
		d.must(err)
		d.looksRight(s)
	}
}

// looksRight compares a server with the plan: what a user sees of it.
func (d *day) looksRight(s shown) {
	d.t.Helper()
	f := d.plan.Flavor
	if s.Name != d.plan.DisplayName || s.Status != d.status || s.Flavor.VCPUs != f.VCPUs || s.Flavor.RAM != f.MemoryMB || s.Flavor.Disk != f.RootGB || s.Flavor.Ephemeral != f.EphemeralGB {
		d.t.Errorf("%s is shown as %+v", d.guest.name, s)
	}
	for _, n := range d.guest.nics {
		found := slices.ContainsFunc(s.Addresses["legacy-net"], func(a struct {
			Addr string
			MAC  string `json:"OS-EXT-IPS-MAC:mac_addr"`
		}) bool {
			return a.Addr == n.address && a.MAC == n.mac
		})
		if !found {
			d.t.Errorf("%s is shown without %s at %s: %+v", d.guest.name, n.mac, n.address, s.Addresses)
		}
	}
}

func (d *day) lists() {
	d.t.Helper()
	var answer struct{ Servers []shown }
	d.must(call(d.owner.compute, http.MethodGet, "servers/detail", nil, &answer))
	i := slices.IndexFunc(answer.Servers, func(s shown) bool { return s.ID == d.uuid() })
	if i < 0 {
		d.t.Fatalf("the owner's list has no %s", d.guest.name)
	}
	d.looksRight(answer.Servers[i])
}

func (d *day) diagnostics() {
	d.t.Helper()
	var answer struct {
		State    string
		NumDisks int `json:"num_disks"`
		NumNICs  int `json:"num_nics"`
	}
	d.must(call(d.admin.compute, http.MethodGet, "servers/"+d.uuid()+"/diagnostics", nil, &answer))
	if answer.State != "running" || answer.NumDisks < len(d.plan.Disks) || answer.NumNICs != len(d.guest.nics) {
		d.t.Errorf("diagnostics of %s: %+v", d.guest.name, answer)
	}
}

// consoleLog: what the guest has written since Nova made its domain. A legacy
// domain has no log that Nova could read, and the answer is an empty one.
func (d *day) consoleLog() {
	d.t.Helper()
	var answer struct{ Output string }
	d.must(call(d.who().compute, http.MethodPost, "servers/"+d.uuid()+"/action", map[string]any{"os-getConsoleOutput": map[string]any{}}, &answer))
	if d.byNova && !strings.Contains(answer.Output, "guest: ready") {
		d.t.Errorf("console log of %s: %q", d.guest.name, answer.Output)
	}
}

// console is the address of the guest's screen.
func (d *day) console() string {
	d.t.Helper()
	var answer struct {
		Console struct{ URL string } `json:"remote_console"`
	}
	d.must(call(d.who().compute, http.MethodPost, "servers/"+d.uuid()+"/remote-consoles",
		map[string]any{"remote_console": map[string]any{"protocol": "vnc", "type": "novnc"}}, &answer))
	return answer.Console.URL
}

// hasScreenPassword: libvirt tells nobody of it who only looks, and so no plan.
func (d *day) hasScreenPassword() bool { return d.shape == "vnc01" && !d.byNova }

// screenRefused: Nova's proxy lets nobody to a screen with a password. What Nova
// has made anew has none. It is noted as the plan of one who has seen the
// password says it.
func (d *day) screenRefused() {
	d.t.Helper()
	out, err := exec.CommandContext(d.t.Context(), "/usr/bin/python3", "../../testdata/lab/screen.py", d.console(), "legacy01").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "lets nobody in") {
		d.t.Errorf("the proxy shows the screen of %s, or says something else: %v\n%s", d.guest.name, err, out)
	}
	seen := *d
	seen.plan.Findings = append(slices.Clone(d.plan.Findings), plan.Finding{Code: "K2O-503"})
	seen.noted(plan.Screen)
}

// screen looks at the guest's screen as a browser would.
func (d *day) screen() {
	d.t.Helper()
	seen := d.screenOf([]string{"../../testdata/lab/screen.py", d.console()})
	colours := 2
	if strings.HasPrefix(d.shape, "uefi") {
		colours = 1 // The guest has no driver for that screen, and writes to its serial port alone.
	}
	if seen.Width < 300 || seen.Height < 200 || seen.Colours < colours || !strings.Contains(seen.Name, d.virsh("domname", d.uuid())) {
		d.t.Errorf("the screen of %s is %+v", d.guest.name, seen)
	}
}

func (d *day) metadataOf() {
	d.t.Helper()
	who := d.who().compute
	d.must(call(who, http.MethodPost, "servers/"+d.uuid()+"/metadata", map[string]any{"metadata": map[string]any{"role": "day two"}}, nil))
	s, err := d.who().show(d.uuid())
	d.must(err)
	if s.Metadata["role"] != "day two" || s.Metadata["legacy_name"] != d.guest.name {
		d.t.Errorf("metadata of %s is %v", d.guest.name, s.Metadata)
	}
	d.must(call(who, http.MethodDelete, "servers/"+d.uuid()+"/metadata/role", nil, nil))
}

func (d *day) tags() {
	d.t.Helper()
	who := d.who()
	d.must(call(who.compute, http.MethodPut, "servers/"+d.uuid()+"/tags/day-two", nil, nil))
	s, err := who.show(d.uuid())
	d.must(err)
	if !slices.Equal(s.Tags, []string{"day-two"}) {
		d.t.Errorf("tags of %s are %q", d.guest.name, s.Tags)
	}
	d.must(call(who.compute, http.MethodDelete, "servers/"+d.uuid()+"/tags/day-two", nil, nil))
}

// renames changes the name that people see, and back. The domain keeps its own.
func (d *day) renames() {
	d.t.Helper()
	domain := d.virsh("domname", d.uuid())
	for _, name := range []string{"day two, 第二天", d.plan.DisplayName} {
		d.must(call(d.who().compute, http.MethodPut, "servers/"+d.uuid(), map[string]any{"server": map[string]any{"name": name}}, nil))
		s, err := d.who().show(d.uuid())
		d.must(err)
		if s.Name != name || d.virsh("domname", d.uuid()) != domain {
			d.t.Errorf("%s is shown as %q and called %s", d.guest.name, s.Name, d.virsh("domname", d.uuid()))
		}
	}
}

// locks leaves the lock as it was.
func (d *day) locks() {
	d.t.Helper()
	s, err := d.admin.show(d.uuid())
	d.must(err)
	order := []string{"lock", "unlock"}
	if s.Locked {
		order = []string{"unlock", "lock"}
	}
	for _, action := range order {
		d.must(d.who().action(d.uuid(), action, nil))
		s, err := d.admin.show(d.uuid())
		d.must(err)
		if s.Locked != (action == "lock") {
			d.t.Errorf("after %s %s is locked: %v", action, d.guest.name, s.Locked)
		}
	}
}
