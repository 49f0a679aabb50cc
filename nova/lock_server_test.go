//go:build integration

package nova

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServerLockHelper is the other process of TestServerLock: it takes the
// lock, says so, and holds it until it is killed.
func TestServerLockHelper(t *testing.T) {
	address := os.Getenv("K2O_TEST_LOCK_API")
	if address == "" {
		return // not a test of its own
	}
	if idle, err := time.ParseDuration(os.Getenv("K2O_TEST_LOCK_IDLE")); err == nil {
		lockIdle = idle
	}
	c, err := Open(t.Context(), Config{APIDatabase: address})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Writer(t.Context(), fmt.Sprintf("lars@ops1 pid %d since 12:00 */ DROP", os.Getpid())); err != nil {
		t.Fatal(err)
	}
	fmt.Println("locked")
	time.Sleep(time.Hour)
}

func startLockHelper(t *testing.T, f *fixture, more ...string) *exec.Cmd {
	t.Helper()
	helper := exec.Command(os.Args[0], "-test.run=^TestServerLockHelper$", "-test.v")
	helper.Env = append(append(os.Environ(), "K2O_TEST_LOCK_API="+f.config.APIDatabase), more...)
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = helper.Process.Kill(); _ = helper.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "locked" {
	}
	return helper
}

// A process that hangs, or whose machine has lost its power, says nothing more
// and leaves its connection open: the server ends it, and the lock with it.
func TestServerLockOfTheDead(t *testing.T) {
	f := newServerFixture(t, serverDSN(t), "zed")
	helper := startLockHelper(t, f, "K2O_TEST_LOCK_IDLE=2s")
	if err := helper.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var w *Writer
	for deadline := time.Now().Add(2 * time.Minute); w == nil; {
		var err error
		if w, err = f.open().Writer(t.Context(), "second@ops2 pid 2"); err != nil && (!errors.Is(err, ErrLocked) || time.Now().After(deadline)) {
			t.Fatalf("the lock of a process that hangs: %v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// The second process is told who the first is, and gets the lock as soon as
// that one has been killed.
func TestServerLock(t *testing.T) {
	f := newServerFixture(t, serverDSN(t), "zed")
	helper := startLockHelper(t, f)
	begin := time.Now()
	_, err := f.open().Writer(t.Context(), "second@ops2 pid 2")
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) {
		t.Fatalf("error %v, want ErrLocked", err)
	}
	want := fmt.Sprintf("lars@ops1 pid %d since 12:00 __ DROP (connection ", helper.Process.Pid)
	if !strings.HasPrefix(locked.Holder, want) {
		t.Errorf("holder is %q, want it to begin with %q", locked.Holder, want)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("being refused took %s", took)
	}
	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = helper.Wait() // killed, as intended
	w, err := f.open().Writer(t.Context(), "second@ops2 pid 2")
	if err != nil {
		t.Fatalf("after the first was killed: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// A connection that has the lock and is of no use goes back to no pool: nobody
// could take the lock until that is closed.
func TestServerLockNotKept(t *testing.T) {
	f := newServerFixture(t, serverDSN(t), "zed")
	usual := lockIdle
	t.Cleanup(func() { lockIdle = usual })
	lockIdle = 10 * 365 * 24 * time.Hour // more than a server takes
	first := f.open()
	if _, err := first.Writer(t.Context(), "first@ops1 pid 1"); err == nil || errors.Is(err, ErrLocked) {
		t.Fatalf("with a time limit that the server does not take: %v", err)
	}
	lockIdle = usual
	w, err := first.Writer(t.Context(), "first@ops1 pid 1")
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Errorf("the same once more: %v", err)
	}
	if w, err = f.open().Writer(t.Context(), "second@ops2 pid 2"); err != nil {
		t.Fatalf("another while the first is still connected: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// When the connection that holds the lock is gone, nothing more is written.
func TestServerLockLost(t *testing.T) {
	f := newServerFixture(t, serverDSN(t), "zed")
	w := f.writer()
	in := many(2)
	f.adopt(w, in[:1], Recorded)
	id := w.lock.(*serverLock).id
	f.exec(f.api, fmt.Sprintf("KILL CONNECTION %d", id))
	// KILL returns before the connection has ended, and so has its lock.
	for f.count(f.api, fmt.Sprintf("information_schema.processlist WHERE id = %d", id)) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := w.InsertInstances(context.Background(), kvm01.Cell, in[1:]); !errors.Is(err, ErrLockLost) {
		t.Errorf("error %v, want ErrLockLost", err)
	}
	if n := f.count(f.cell, "instances"); n != 1 {
		t.Errorf("%d instances, want 1", n)
	}
}

// Two clouds may have their databases on one server; runs on them do not wait
// for each other.
func TestServerLockIsOneClouds(t *testing.T) {
	first := newServerFixture(t, serverDSN(t), "zed")
	second := newServerFixture(t, serverDSN(t), "zed")
	for _, f := range []*fixture{first, second} {
		w, err := f.open().Writer(t.Context(), "lars@ops1")
		if err != nil {
			t.Fatalf("with another cloud's run under way: %v", err)
		}
		t.Cleanup(func() { _ = w.Close() })
		if err := w.lock.held(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
