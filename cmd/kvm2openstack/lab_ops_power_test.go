//go:build lab

package main

import "time"

// pauses a guest that runs, and has a paused one run for a while.
func (d *day) pauses() {
	d.t.Helper()
	if d.status == "PAUSED" {
		d.do("ACTIVE", "unpause", nil)
		d.seen("unpause")
		d.do("PAUSED", "pause", nil)
		return
	}
	d.do("PAUSED", "pause", nil)
	if s := d.virsh("domstate", d.uuid()); s != "paused" {
		d.t.Errorf("%s was paused and is %s", d.guest.name, s)
	}
	d.do("ACTIVE", "unpause", nil)
}

func (d *day) suspends() {
	d.t.Helper()
	d.do("SUSPENDED", "suspend", nil)
	if s := d.virsh("domstate", d.uuid()); s != "shut off" {
		d.t.Errorf("%s was suspended and is %s", d.guest.name, s)
	}
	d.do("ACTIVE", "resume", nil)
}

// softReboot: the guest shuts itself down. One that is deaf is rebooted hard
// after a while, and made anew.
func (d *day) softReboot() {
	d.t.Helper()
	deaf := d.shape == "deaf01"
	d.reboot("SOFT")
	d.byNova = d.byNova || deaf
	d.stopped(!deaf)
}

func (d *day) hardReboot() {
	d.t.Helper()
	d.reboot("HARD")
	d.byNova = true
}

func (d *day) reboot(kind string) {
	d.t.Helper()
	d.boots++
	d.do("ACTIVE", "reboot", map[string]any{"type": kind})
}

// stopped: how the guest was stopped last, by its own word.
func (d *day) stopped(clean bool) {
	d.t.Helper()
	want := map[bool]string{true: "clean", false: "power-cut"}[clean]
	if got := d.booted()["last_stop"]; got != want {
		d.t.Errorf("%s was stopped by a %s, want %s", d.guest.name, got, want)
	}
}

// stopStart: Nova's start makes the domain anew.
func (d *day) stopStart() {
	d.t.Helper()
	d.do("SHUTOFF", "os-stop", nil)
	d.starts()
	d.stopped(d.shape != "deaf01")
}

func (d *day) starts() {
	d.t.Helper()
	d.boots++
	d.do("ACTIVE", "os-start", nil)
	d.byNova = true
}

// eventuallyState waits until the guest says something of the kind.
func (d *day) eventuallyState(what string, is func(map[string]string) bool) {
	d.t.Helper()
	d.eventually(5*time.Minute, d.guest.name+" "+what, func() bool { return is(d.state(d.address())) })
}
