package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// begin starts the command as a process of its own, which is killed if it is
// still there long after anybody would have given up.
func begin(t *testing.T, name string, args ...string) (cmd *exec.Cmd, said *bytes.Buffer, ended chan error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	cmd, said, ended = exec.CommandContext(ctx, name, args...), &bytes.Buffer{}, make(chan error, 1)
	cmd.Env = append(os.Environ(), "KVM2OPENSTACK_CONFIG=")
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- cmd.Wait() }()
	return cmd, said, ended
}

// A pipe that nobody fills stands for a file on a server that is gone: opening
// it and reading it hear of no context.
func TestSecondSignalEndsWhatHangs(t *testing.T) {
	for _, args := range [][]string{{"audit", "--baseline"}, {"audit", "--inventory"}, {"plan", "-O", "plan.yaml", "--inventory"}, {"explain", "web", "--inventory"}} {
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd, said, ended := begin(t, "kvm2openstack", append(args, pipe)...)
		end := waitForReader(t, pipe, ended)
		defer end.Close()
		for over := false; !over; {
			_ = cmd.Process.Signal(syscall.SIGTERM) // It may have ended. A shell lets its background ignore SIGINT.
			select {
			case <-ended:
				over = true
			case <-time.After(20 * time.Millisecond):
			}
		}
		if state := cmd.ProcessState.Sys().(syscall.WaitStatus); !state.Signaled() || state.Signal() != syscall.SIGTERM {
			t.Errorf("%v ended with %v, want by the second signal; it said %q", args, cmd.ProcessState, said)
		}
	}
}

// waitForReader opens the other end of a pipe as soon as somebody waits for it.
func waitForReader(t *testing.T, pipe string, ended chan error) *os.File {
	t.Helper()
	for {
		if f, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
			return f
		}
		select {
		case err := <-ended:
			t.Fatalf("it ended before it read: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A terminal that is closed ends an audit in good order, and leaves no file
// that nobody asked for; under nohup it goes on.
func TestHangup(t *testing.T) {
	for name, c := range map[string]struct {
		command string
		want    int
	}{
		"at a terminal": {`exec "$@"`, exitStopped}, "under nohup": {`trap "" HUP; exec "$@"`, exitBlocked},
	} {
		if c.want == exitStopped && signal.Ignored(syscall.SIGHUP) {
			continue // The tests themselves were begun under nohup.
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		dir := t.TempDir()
		cmd, said, ended := begin(t, "sh", "-c", c.command, "sh", "kvm2openstack", "audit", "--insecure",
			"--host", "qemu+tcp://"+l.Addr().String()+"/system", "--save", filepath.Join(dir, "last.json"))
		host, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if c.want != exitStopped {
			host.Close() // The audit goes on, and finds that the host has gone.
		}
		<-ended
		host.Close()
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range left {
			if strings.HasPrefix(f.Name(), ".") {
				t.Errorf("%s: %s is left", name, f.Name())
			}
		}
		if got := cmd.ProcessState.ExitCode(); got != c.want {
			t.Errorf("%s: status %d, want %d; it said %q", name, got, c.want, said)
		}
	}
}
