package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// TestSteer sends the process real signals while domains are being restarted.
func TestSteer(t *testing.T) {
	said := make(chan string, 10)
	control := &restart.Control{}
	stop := steer(control, func(text string) { said <- text })
	defer stop()
	send := func(s syscall.Signal, want func() bool) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Error(err)
		}
		select {
		case text := <-said:
			if text == "" || !want() {
				t.Errorf("after %v it said %q; paused: %v", s, text, control.Paused())
			}
		case <-time.After(time.Minute):
			t.Errorf("%v was not heard", s)
		}
	}
	runs := func() bool { return !control.Paused() }
	send(syscall.SIGUSR1, control.Paused)
	send(syscall.SIGUSR1, control.Paused)
	send(syscall.SIGUSR2, runs)
	send(syscall.SIGTSTP, control.Paused)
	send(syscall.SIGTSTP, runs)

	tasks := []restart.Task{{Host: "h1", Domain: "a"}, {Host: "h1", Domain: "b"}}
	s := restart.Schedule{Limits: restart.Limits{PerHost: 1}, Control: control}
	results := s.Run(t.Context(), tasks, func(ctx context.Context, n int) restart.Result {
		first := syscall.SIGHUP
		if signal.Ignored(first) { // The tests themselves were begun under nohup.
			first = syscall.SIGTERM
		}
		send(first, runs)
		if ctx.Err() != nil {
			t.Error("the first one cancelled what is in hand")
		}
		send(syscall.SIGTERM, runs)
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), restart.ErrCancelled) {
			t.Errorf("cancelled by %v", context.Cause(ctx))
		}
		return restart.Result{Outcome: restart.Half}
	})
	if results[0].Outcome != restart.Half || results[1].Outcome != restart.NotTried {
		t.Errorf("%+v", results)
	}
}

// The end of a context after its command has run, as at the end of a test, takes
// no signal from what the process does next.
func TestSecondSignalOnlyWhileItRuns(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	second := &secondSignal{}
	looks := &cobra.Command{Annotations: onlyLooks}
	looks.SetContext(ctx)
	second.arm(looks, nil)
	second.over()
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGTERM)
	defer signal.Stop(got)
	cancel()
	done := make(chan struct{})
	context.AfterFunc(ctx, func() { close(done) }) // what was armed before has run, too
	<-done
	time.Sleep(10 * time.Millisecond)
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-got
}

// After a run signals have their usual effect again.
func TestSteerEnds(t *testing.T) {
	steer(&restart.Control{}, func(string) { t.Error("heard after the end") })()
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	defer signal.Stop(got)
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	<-got
}
