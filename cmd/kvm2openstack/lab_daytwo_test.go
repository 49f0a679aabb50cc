//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// planned: the plan takes all that can be adopted and has a port, an address
// and a size for it.
func (l *lab) planned() {
	l.t.Helper()
	p, err := plan.Load(l.plan)
	l.must(err)
	for _, d := range p.Domains {
		want := plan.Skip
		if adoptable[d.Domain] != "" {
			want = plan.Import
		}
		if d.Decision != want {
			l.t.Errorf("the plan's decision on %s is %s, want %s: %v", d.Domain, d.Decision, want, d.Findings)
		}
		for _, n := range d.NICs {
			if d.Decision == plan.Import && !n.CreatePort {
				l.t.Errorf("the plan makes no port for %s, interface %s", d.Domain, n.MAC)
			}
		}
	}
	if l.t.Failed() {
		l.t.FailNow()
	}
}

// shown: "openstack server show" works on each, for its owner too.
func (l *lab) shown() {
	l.t.Helper()
	var commands []string
	names := slices.Sorted(maps.Keys(adoptable))
	for _, name := range names {
		commands = append(commands, "server show -f json "+l.fleet[name].uuid)
	}
	for _, cloud := range []string{"k2o-lab", "k2o-lab-legacy"} {
		values := l.openstack(cloud, commands...)
		if len(values) != len(names) {
			l.t.Fatalf("server show as %s answered %d times, want %d", cloud, len(values), len(names))
		}
		for i, v := range values {
			var s struct{ ID, Name string }
			l.must(json.Unmarshal(v, &s))
			if s.ID != l.fleet[names[i]].uuid || s.Name != names[i] {
				l.t.Errorf("server show of %s as %s: %s", names[i], cloud, v)
			}
		}
	}
}

// dayTwo does to each running guest what works before its restart.
func (l *lab) dayTwo(boots map[string]string) {
	l.t.Helper()
	var active []string
	for _, name := range slices.Sorted(maps.Keys(adoptable)) {
		if adoptable[name] == "ACTIVE" {
			active = append(active, name)
		}
	}
	l.pauses(active)
	l.consoles(active)
	l.metadata(active)
	l.softReboots(active, boots)
}

// all gives the same command for each of the servers.
func (l *lab) all(names []string, format string) (commands []string) {
	for _, name := range names {
		commands = append(commands, fmt.Sprintf(format, l.fleet[name].uuid))
	}
	return commands
}

// untilStatus waits until the client lists the servers so, without a task.
func (l *lab) untilStatus(names []string, status string) {
	l.t.Helper()
	var last map[string]labServer
	var left string
	ok := func() bool {
		last = l.servers()
		return !slices.ContainsFunc(names, func(name string) bool {
			left = name
			s := last[l.fleet[name].uuid]
			return s.Status != status || s.Task != nil
		})
	}
	for end := time.Now().Add(4 * time.Minute); !ok(); time.Sleep(2 * time.Second) {
		if s := last[l.fleet[left].uuid]; s.Status == "ERROR" || time.Now().After(end) {
			l.t.Fatalf("%s does not become %s: it is %+v", left, status, s)
		}
	}
}

func (l *lab) pauses(names []string) {
	l.t.Helper()
	l.openstack("k2o-lab", l.all(names, "server pause %s")...)
	l.untilStatus(names, "PAUSED")
	for _, name := range names {
		if s := l.virsh("domstate", l.fleet[name].uuid); s != "paused" {
			l.t.Errorf("%s was paused through Nova, and libvirt says %s", name, s)
		}
	}
	l.openstack("k2o-lab", l.all(names, "server unpause %s")...)
	l.untilStatus(names, "ACTIVE")
	for _, name := range names {
		if s := l.virsh("domstate", l.fleet[name].uuid); s != "running" {
			l.t.Errorf("%s was unpaused through Nova, and libvirt says %s", name, s)
		}
	}
}

// consoles: an address that the client can open. It needs a domain with VNC.
func (l *lab) consoles(names []string) {
	l.t.Helper()
	values := l.openstack("k2o-lab", l.all(names, "console url show --novnc -f json %s")...)
	if len(values) != len(names) {
		l.t.Fatalf("%d consoles for %d guests", len(values), len(names))
	}
	for i, v := range values {
		var c struct{ URL string }
		l.must(json.Unmarshal(v, &c))
		if u, err := url.Parse(c.URL); err != nil || !strings.Contains(u.RawQuery, "token") {
			l.t.Errorf("console of %s: %s", names[i], v)
		}
	}
}

// metadata: the administrator can change and unlock, the owner cannot while
// the instance is locked.
func (l *lab) metadata(names []string) {
	l.t.Helper()
	l.openstack("k2o-lab", l.all(names, "server set --property role=legacy %s")...)
	l.openstack("k2o-lab", l.all(names, "server unlock %s")...)
	l.openstack("k2o-lab", l.all(names, "server lock %s")...)
	for i, v := range l.openstack("k2o-lab", l.all(names, "server show -f json -c properties -c locked %s")...) {
		var s struct {
			Properties map[string]string
			Locked     *bool
		}
		l.must(json.Unmarshal(v, &s))
		if s.Properties["role"] != "legacy" || s.Properties[plan.MetadataName] != names[i] {
			l.t.Errorf("properties of %s: %s", names[i], v)
		}
	}
	_, refused := l.openstackTry("k2o-lab-legacy", l.all(names[:1], "server pause %s")...)
	if !strings.Contains(refused, "locked") {
		l.t.Errorf("the owner of %s could pause it although it is locked until its restart: %s", names[0], refused)
	}
}

// softReboots: each guest shuts itself down and is started, once. One that
// ignores ACPI is left out: after two minutes Nova cuts its power and makes
// its domain anew.
func (l *lab) softReboots(names []string, boots map[string]string) {
	l.t.Helper()
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "leg-deaf01" })
	for few := range slices.Chunk(names, 4) { // They boot in emulation, on two processors.
		l.openstack("k2o-lab", l.all(few, "server reboot --soft %s")...)
		l.untilStatus(few, "ACTIVE")
		for _, name := range few {
			g := l.fleet[name]
			var n int
			fmt.Sscan(boots[name], &n)
			l.eventually(2*time.Minute, name+" was booted once more", func() bool {
				return l.state(g.nics[0].address)["boots"] == fmt.Sprint(n+1)
			})
			if now := l.virsh("domname", g.uuid); now != name {
				l.t.Errorf("%s is called %s after a soft reboot: Nova made it anew", name, now)
			}
		}
	}
}
