package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	// The scripts run this very binary under the command's name.
	if filepath.Base(os.Args[0]) != "kvm2openstack" && os.Getenv("K2O_TEST_MYSQL") == "" {
		fmt.Fprintln(os.Stderr, "these tests need nothing; make test adds those against real libvirtd, sshd, TLS and MariaDB")
	}
	testscript.Main(m, map[string]func(){"kvm2openstack": main})
}

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// What the person who runs the tests has configured must not matter.
			env.Setenv("KVM2OPENSTACK_CONFIG", "")
			env.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: scriptCommands,
		Condition: func(name string) (bool, error) {
			if name != "smalldisk" {
				return false, fmt.Errorf("no such condition: %s", name)
			}
			return smallDisk(), nil
		},
	})
}

// smallDisk reports whether scripts can mount a file system of their own.
func smallDisk() bool {
	dir, err := os.MkdirTemp("", "smalldisk")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	return exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", dir).Run() == nil
}

// checkStatus runs a command and compares its exit status:
// status 64 kvm2openstack audit --host nonsense
func checkStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("%v ended with status %d, want %s", args[1:], got, args[0])
	}
}
