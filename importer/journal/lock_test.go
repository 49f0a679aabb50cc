package journal

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// childEnv makes the test binary a process that takes the lock and waits.
const childEnv = "K2O_JOURNAL_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		holdForever(path)
	}
	os.Exit(m.Run())
}

func holdForever(path string) {
	j, err := Open(context.Background(), path)
	if err != nil {
		os.Exit(3)
	}
	if _, err := j.Start(context.Background(), Run{Command: "kvm2openstack import first.yaml"}); err != nil {
		os.Exit(4)
	}
	os.Stdout.WriteString("held\n")
	time.Sleep(time.Minute)
	os.Exit(5)
}

func TestSecondRunIsToldOfTheFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("child said %q, %v", line, err)
	}

	j := open(t, path)
	_, err = j.Start(t.Context(), Run{Command: "second"})
	var held *HeldError
	if !errors.Is(err, ErrHeld) || !errors.As(err, &held) {
		t.Fatalf("Start of a second run = %v, want %v", err, ErrHeld)
	}
	if held.Holder.PID != child.Process.Pid || !strings.Contains(err.Error(), "import first.yaml") ||
		time.Since(held.Holder.Since) > time.Minute {
		t.Errorf("Start of a second run = %v, want the first one's process, time and command", err)
	}
	// Whoever only looks needs no lock.
	if _, err := j.Adoptions(t.Context()); err != nil {
		t.Errorf("Adoptions during a run = %v", err)
	}

	// A holder that dies frees the lock by itself.
	_ = child.Process.Kill()
	_ = child.Wait()
	r, err := j.Start(t.Context(), Run{Command: "second"})
	if err != nil {
		t.Fatalf("Start after the first run died = %v", err)
	}
	if err := r.End(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Start(t.Context(), Run{Command: "third"}); err != nil {
		t.Errorf("Start after the second run ended = %v", err)
	}
}

func TestHolderUnknown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j := open(t, path)
	start(t, j)
	if err := os.WriteFile(path+".lock", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, path).Start(t.Context(), Run{}); !errors.Is(err, ErrHeld) {
		t.Errorf("Start with an unreadable holder = %v, want %v", err, ErrHeld)
	}
}
