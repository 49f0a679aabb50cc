package main

import (
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/install"
)

// TestTimerCommand: what the units call is a command with flags that exist.
func TestTimerCommand(t *testing.T) {
	for _, apply := range []bool{false, true} {
		timer := install.Timer{Program: "/usr/bin/kvm2openstack", Config: "/etc/kvm2openstack/config.yaml", User: "kvm2openstack", At: "02:17", Apply: apply}
		files, err := timer.Files()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{install.Service, install.Cron} {
			_, line, _ := strings.Cut(files[name], timer.Program+" ")
			line, _, _ = strings.Cut(line, "\n")
			cmd, rest, err := newRoot(streams{}).Find(strings.Fields(line))
			if err != nil || cmd.Name() != "sync" {
				t.Fatalf("%s calls %q: %v, want sync", name, line, err)
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s calls %q: %v", name, line, err)
			}
			if cmd.Flags().NArg() > 0 {
				t.Errorf("%s calls %q with arguments %v", name, line, cmd.Flags().Args())
			}
		}
	}
}
