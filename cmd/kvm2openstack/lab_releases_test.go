//go:build lab

package main

import (
	"regexp"
	"testing"
)

// A labRelease is what a lab's release changes of what the tests expect. What
// it changes of the lab itself is in testdata/lab/releases.
type labRelease struct {
	name     string         // as README.md has it
	major    int            // of Nova
	noise    *regexp.Regexp // of nova-compute, which is not about Nova
	aside    *regexp.Regexp // that the cloud's client says of itself
	switched bool           // guests are plugged into Open vSwitch
	reach    string         // the rule that speaks of the fleet's way to Neutron
	alone    bool           // where the lab is no other Debian can be made
	ends     int            // the status with which the client ends when it has read all commands
}

var labReleases = map[string]labRelease{
	"zed":   {name: "Zed", major: 26},
	"epoxy": {name: "2025.1", major: 31, noise: forked, aside: unsure, switched: true, reach: "K2O-337", alone: true, ends: 1},
}

// forked is what Python 3.13 writes under eventlet when nova-compute runs a
// command: an assertion in the child, which goes on to be that command.
var forked = regexp.MustCompile(`Exception ignored in: <function _after_fork[^\n]*\nTraceback[^\n]*\n`)

// unsure is what the client of 2025.1 says of every microversion, and then uses it.
var unsure = regexp.MustCompile(`compute version 2\.96 is not in supported versions: 2, 2\.1\n?`)

// release is that of the lab that the test runs in.
func release(t *testing.T) labRelease {
	t.Helper()
	name := labEnv(t, "K2O_LAB_RELEASE")
	r, ok := labReleases[name]
	if !ok {
		t.Fatalf("the tests know no release %s", name)
	}
	return r
}

// computeLog is what nova-compute has logged since the mark was taken that may
// be about an instance.
func (l *lab) computeLog(m logMark) string {
	l.t.Helper()
	text := withoutEmptyDrives(l.logged(m))
	if noise := release(l.t).noise; noise != nil {
		text = noise.ReplaceAllString(text, "")
	}
	return text
}
