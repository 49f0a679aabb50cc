//go:build lab

package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// A look is all of a guest that must come through.
type look struct {
	name, state, definition, autostart string
	guest                              map[string]string // what it says of itself; nil when it does not run
}

func (l *lab) lookAt(shapes map[string]string) map[string]look {
	l.t.Helper()
	all := map[string]look{}
	for name := range shapes {
		all[name] = l.look(l.fleet[name])
	}
	return all
}

func (l *lab) look(g *legacy) look {
	l.t.Helper()
	k := look{
		name: l.virsh("domname", g.uuid), state: l.virsh("domstate", g.uuid),
		definition: l.virsh("dumpxml", "--inactive", "--security-info", g.uuid),
	}
	for line := range strings.Lines(l.virsh("dominfo", g.uuid)) {
		if value, ok := strings.CutPrefix(line, "Autostart:"); ok {
			k.autostart = strings.TrimSpace(value)
		}
	}
	if k.state == "running" {
		k.guest = l.state(g.nics[0].address)
	}
	return k
}

// passing are the lines of a guest's state that a restart changes.
var passing = []string{"boots", "last_stop"}

// renumbered are those that change when Nova makes the definition anew: its
// SMBIOS says OpenStack, and devices may come to other slots.
var renumbered = []string{"vendor", "product", "machine", "serial", "memory_kib"}

// hardware is what a guest sees, as far as it must stay.
func hardware(guest map[string]string, by string) map[string]string {
	h := inAnyOrder(guest)
	for _, name := range passing {
		delete(h, name)
	}
	if by != "nova" {
		return h
	}
	for _, name := range renumbered {
		delete(h, name)
	}
	without := map[string]string{}
	for name, value := range h {
		without[withoutSlot(name)] = withoutSlot(value)
	}
	return without
}

// inAnyOrder has the disks by what they are: which of two on SATA or IDE the
// guest's kernel finds first, and calls sda, is another at every boot.
func inAnyOrder(guest map[string]string) map[string]string {
	h := map[string]string{}
	for name, value := range guest {
		switch {
		case name == "root":
		case strings.HasPrefix(name, "disk "):
			h["disk "+value] = ""
		default:
			h[name] = value
		}
	}
	return h
}

// withoutSlot leaves out where on the PCI bus a device is.
func withoutSlot(value string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(value), func(f string) bool { return strings.HasPrefix(f, "pci=") }), " ")
}

// onceMore: the guest was shut down in good order and booted, so many times.
func (l *lab) onceMore(name string, was, now look, times int) {
	l.t.Helper()
	n, err := strconv.Atoi(was.guest["boots"])
	l.must(err)
	if now.guest["boots"] != strconv.Itoa(n+times) {
		l.t.Errorf("%s had been booted %d times, and now %s times, want %d", name, n, now.guest["boots"], n+times)
	}
	if now.guest["last_stop"] != "clean" {
		l.t.Errorf("%s was stopped last by a %s", name, now.guest["last_stop"])
	}
}

// same: nothing at all is different.
func (l *lab) same(name string, was, now look) {
	l.t.Helper()
	was.guest, now.guest = inAnyOrder(was.guest), inAnyOrder(now.guest)
	if diff := cmp.Diff(was, now, cmp.AllowUnexported(look{})); diff != "" {
		l.t.Errorf("%s is not as it was (-before +after):\n%s", name, diff)
	}
}
