//go:build lab

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLabPackage runs the service of the package against a real cloud: the
// .deb's own program, by the units that it writes for a host that looks at
// itself, at last by the systemd of a bare Debian where the package is installed
// and removed again, if the lab is where one can be made. It only looks, and finds what was adopted.
func TestLabPackage(t *testing.T) {
	l := newLab(t, nil)
	root := l.unpack()
	l.output(root+"/usr/bin/kvm2openstack", "install-timer", "--local", "--every", "1h", "--into", l.dir,
		"--program", root+"/usr/bin/kvm2openstack", "--config", l.config)
	before := l.dumpCloud()
	if out := l.service(); knowsWeb01.MatchString(out) {
		t.Errorf("the service tells of an adoption before there is one:\n%s", out)
	}
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Fatalf("the service changed the cloud:\n%s", diff)
	}

	t.Cleanup(func() { l.releaseWhatIsLeft() })
	l.command(exitClean, "plan", "-O", l.plan, "--only", "leg-web01")
	l.command(exitClean, "import", l.plan, "--yes")
	imported := l.dumpCloud()
	const healed = "nova_cell1.instance_info_caches" // by nova-compute, in turn
	services := map[string]func() string{"hand": l.service, "systemd": l.installedService}
	if release(t).alone {
		delete(services, "systemd")
	}
	for by, service := range services {
		if out := service(); !knowsWeb01.MatchString(out) {
			t.Errorf("the service, run by %s, says nothing of what was adopted:\n%s", by, out)
		}
	}
	if diff := imported.without(healed).diff(l.dumpCloud().without(healed)); diff != "" {
		t.Errorf("the service changed the cloud:\n%s", diff)
	}
	l.command(exitClean, "release", l.plan, "--yes")
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was:\n%s", diff)
	}
}

// unpack makes the package and gives the folder with its files.
func (l *lab) unpack() string {
	l.t.Helper()
	top := filepath.Join("..", "..")
	l.output("make", "-C", top, "package")
	debs, err := filepath.Glob(filepath.Join(top, "bin", "kvm2openstack_*.deb"))
	if err != nil || len(debs) != 1 {
		l.t.Fatalf("make package made %q, want one .deb", debs)
	}
	root := filepath.Join(l.dir, "root")
	l.output("dpkg-deb", "-x", debs[0], root)
	return root
}

// installedService has the package installed beside the cloud, its service run
// there by systemd, and the package removed.
func (l *lab) installedService() string {
	l.t.Helper()
	cmd := exec.CommandContext(l.t.Context(), filepath.Join("..", "..", ".packaging", "lab.sh"), l.config, filepath.Join(l.dir, "kvm2openstack.db"))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		l.t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, &said)
	}
	return string(out)
}

// knowsWeb01 is how the metrics tell that it was adopted.
var knowsWeb01 = regexp.MustCompile(`(?m)^kvm2openstack_adopted_domains\{.*\} 1$`)

var execStart = regexp.MustCompile(`(?m)^ExecStart=(.*)$`)

// service does what systemd would: the command of the unit, in a folder of its
// own. It gives what was printed, and the metrics, which go where the test can
// remove them.
func (l *lab) service() string {
	l.t.Helper()
	unit, err := os.ReadFile(filepath.Join(l.dir, "kvm2openstack-sync.service"))
	l.must(err)
	line := execStart.FindStringSubmatch(string(unit))
	if line == nil {
		l.t.Fatalf("no ExecStart in\n%s", unit)
	}
	metrics := filepath.Join(l.dir, "sync.prom")
	args := strings.Fields(strings.ReplaceAll(line[1], "/run/kvm2openstack/sync.prom", metrics))
	if len(args) < 2 || args[1] != "sync" {
		l.t.Fatalf("the service runs %v, and no sync", args)
	}
	l.must(os.RemoveAll(metrics)) // of the service before
	var out bytes.Buffer
	cmd := exec.CommandContext(l.t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = l.t.TempDir(), &out, &out
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == exitAttention) {
		l.t.Fatalf("%v: %v\n%s", args, err, &out)
	}
	text, err := os.ReadFile(metrics)
	l.must(err)
	out.Write(text)
	l.t.Logf("%v ended with status %d:\n%s", args, cmd.ProcessState.ExitCode(), &out)
	return out.String()
}
