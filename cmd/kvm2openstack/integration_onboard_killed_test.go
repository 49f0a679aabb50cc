//go:build integration

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

// killVariable names the point at which a process that onboards ends by SIGKILL:
// a step of which all is done and nothing noted, or disabling, right before a
// service is disabled.
const (
	killVariable = "K2O_ONBOARD_KILL"
	disabling    = "disabling"
	lateVariable = "K2O_ONBOARD_LATE" // the file for which Placement has no inventories
)

// The processes that are killed are this test's own program, see TestMain.
func init() {
	onboarderMade = func(o *onboard.Onboarder) {
		o.Every = 50 * time.Millisecond
		if at := os.Getenv(killVariable); at != "" {
			o.Journal, o.API = killLedger{o.Journal, at}, killAPI{o.API, at}
		}
	}
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

type killLedger struct {
	onboard.Ledger
	at string
}

// Write does not live to note the end of the step. The inventories come once they
// are waited for.
func (l killLedger) Write(ctx context.Context, f func(*journal.Tx) error) error {
	if l.within(ctx) == l.at {
		die()
	}
	err := l.Ledger.Write(ctx, f)
	if l.within(ctx) == "records" {
		_ = os.Remove(os.Getenv(lateVariable)) // one that stays is waited for in vain
	}
	return err
}

// within is the step that was begun last, if it has not ended.
func (l killLedger) within(ctx context.Context) string {
	steps, err := l.Steps(ctx, onboard.Key(newHost))
	if n := len(steps); err == nil && n > 0 && steps[n-1].Ended == nil {
		return steps[n-1].Step
	}
	return ""
}

type killAPI struct {
	onboard.API
	at string
}

func (a killAPI) DisableService(ctx context.Context, uuid, reason string) error {
	if a.at == disabling {
		die()
	}
	return a.API.DisableService(ctx, uuid, reason)
}

// killedAt runs the command in a process of its own, which is killed there.
func (s *site) killedAt(at string, args ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Args = slices.Concat([]string{"kvm2openstack"}, args, []string{"--config", s.config})
	cmd.Env = append(os.Environ(), killVariable+"="+at, lateVariable+"="+s.path("state/late"))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if ctx.Err() != nil || !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		s.t.Fatalf("%v was not killed at %s: %v\n%s", args, at, err, out)
	}
}

// heartbeat is what changes with each report of a nova-compute.
var heartbeat = regexp.MustCompile(`(report_count|last_seen_up)=[^;]*;`)

// whole is all that there is of the host, row by row, but for the rows that Nova
// keeps of what it has deleted.
func (s *site) whole() []string {
	s.t.Helper()
	all := []string{s.hostIs()}
	for _, row := range s.dump() {
		ours := strings.HasPrefix(row, "cell1.services: ") || strings.HasPrefix(row, "cell1.compute_nodes: ")
		if ours && strings.Contains(row, ";host="+newHost+";") && !strings.Contains(row, ";deleted=0;") {
			continue
		}
		all = append(all, heartbeat.ReplaceAllString(row, ""))
	}
	return all
}

// A killing is a way of onboarding that is killed in each of its steps.
type killing struct {
	*site
	apply  []string
	steps  []string
	before []string
}

// common are the steps at the end of both ways, after which an undo takes the
// way back of an onboarding that is complete; importer/onboard tries it after
// each of them, on hosts that are not real.
var common = []string{"start", "records", "map"}

// TestOnboardKilled kills the program in every step of both ways, with all of
// the step done and none of it noted. The same command then goes on, into the
// next step where it is killed again, and to the end when nobody kills it; and
// an undo leads back to what was there, row by row.
func TestOnboardKilled(t *testing.T) {
	s := newOnboardSite(t, "epoxy")
	guests := s.untouched()
	for _, way := range []onboard.Way{onboard.ByFirstStart, onboard.ByRecords} {
		t.Run(string(way), func(t *testing.T) {
			s := s.under(t)
			k := killing{site: s, apply: []string{"onboard", "there", "--way", string(way), "--apply", "--yes"}, steps: way.Steps(), before: s.whole()}
			k.goOn()
			for _, step := range k.steps {
				if !slices.Contains(common, step) {
					k.killIn(step)
					k.back("killed in " + step)
				}
			}
		})
	}
	if diff := cmp.Diff(guests, s.untouched()); diff != "" {
		t.Errorf("guests differ (-before +after):\n%s", diff)
	}
}

// goOn gives the same command until it is not killed.
func (k killing) goOn() {
	k.t.Helper()
	for _, step := range k.steps {
		k.killIn(step)
	}
	k.command(exitClean, k.apply...)
	if diff := cmp.Diff(k.onboardedIs(k.conductorVersion()), k.hostIs()); diff != "" {
		k.t.Fatalf("the same command after kills in %v (-want +got):\n%s", k.steps, diff)
	}
	k.back("killed in each step, and gone on")
}

// back takes it back.
func (k killing) back(after string) {
	k.t.Helper()
	text := k.command(exitClean, "onboard", "there", "--undo", "--yes")
	if diff := cmp.Diff(k.before, k.whole()); diff != "" {
		k.t.Fatalf("%s, then the undo (-before +after):\n%s\n%s", after, diff, text)
	}
}

// killIn kills the command in one step, and has that left to do where it is done
// already as a rule: a first start disables the service, and makes all records.
func (k killing) killIn(step string) {
	k.t.Helper()
	switch {
	case step == "records":
		k.write("state/late", "")
		if k.computeRuns() != "not" {
			k.inventories("0")
		}
	case step == "disable":
		if k.computeRuns() == "not" {
			k.killedAt(disabling, k.apply...)
		}
		k.inventories("1")
		k.exec("cell1", "UPDATE services SET disabled = 0, disabled_reason = NULL WHERE host = ? AND deleted = 0", newHost)
	}
	k.killedAt(step, k.apply...)
}

// inventories waits until Placement has those of the host, or has them not.
func (k killing) inventories(want string) {
	k.t.Helper()
	for end := time.Now().Add(time.Minute); !slices.Equal(k.column(k.databases["placement"], "SELECT inventories FROM providers"), []string{want}); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			k.t.Fatal("nova-compute does not come so far")
		}
	}
}
