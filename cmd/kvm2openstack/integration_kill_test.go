//go:build integration

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killsWanted is how often a running command has to be killed at least, and
// momentsWanted how many different things the killed imports have to leave.
const killsWanted, momentsWanted = 8, 3

// TestKilled kills imports and releases at random moments. Whatever they left,
// the guests are as they were, the same command again completes it, and the
// release afterwards leaves nothing.
func TestKilled(t *testing.T) {
	for name, host := range transports(t) {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, host)
			s.command(exitAttention, "plan", "-O", s.plan)
			before := s.snapshot()
			began := time.Now()
			s.finish("import", warned())
			window := time.Since(began)
			complete := s.progress()
			s.finish("release", exitClean)
			before.nothingChanged("release")

			kills, left := 0, map[string]int{}
			for began = time.Now(); kills < killsWanted || len(left) < momentsWanted; {
				if time.Since(began) > 90*time.Second {
					t.Fatalf("only %d kills in time, which left %v", kills, left)
				}
				for range 2 {
					moment := rand.N(window)
					kills += s.kill("import", moment)
					before.guestsUnchanged("a killed import")
					left[s.progress()]++
					if s.progress() == complete {
						window = max(moment, 50*time.Millisecond) // of the rest, a run only waits for its locks
						break
					}
				}
				s.finish("import", exitClean, warned())
				s.imported("the import after a kill")
				s.command(exitClean, "verify", s.plan)
				kills += s.kill("release", rand.N(window))
				before.guestsUnchanged("a killed release")
				s.finish("release", exitClean)
				before.nothingChanged("the release after a kill")
			}
			t.Logf("%d kills in %v; what the killed imports left: %v", kills, time.Since(began), left)
		})
	}
}

// progress is how far a killed import came.
func (s *site) progress() string {
	count := func(database, query string) int { return len(s.rows(s.databases[database], query)) }
	return fmt.Sprintf("%d rows, %d mapped, %d files, %d final", count("cell1", "SELECT id FROM instances"),
		count("api", "SELECT id FROM instance_mappings"), len(s.made()), count("cell1", "SELECT id FROM instances WHERE host IS NOT NULL"))
}

// start runs the real command in a process of its own.
func (s *site) start(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "kvm2openstack", command, s.plan, "--yes", "--config", s.config)
	cmd.Env = append(cmd.Environ(), "KVM2OPENSTACK_CONFIG=")
	return cmd
}

// kill ends the command after a while with a kill -9, and is 1 if it was still
// running.
func (s *site) kill(command string, moment time.Duration) int {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), moment)
	defer cancel()
	err := s.start(ctx, command).Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return 1
		}
	}
	return 0
}

// finish runs the command to its end.
func (s *site) finish(command string, statuses ...int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := s.start(ctx, command)
	out, err := cmd.CombinedOutput()
	for _, status := range statuses {
		if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == status {
			return
		}
	}
	s.t.Fatalf("%s after a kill: %v, want one of %v:\n%s", command, err, statuses, strings.TrimSpace(string(out)))
}
