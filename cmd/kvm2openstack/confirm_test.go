package main

import (
	"context"
	"io"
	"testing"
)

// A signaller cancels a run as soon as something is printed.
type signaller struct{ cancel func() }

func (s signaller) Write(p []byte) (int, error) {
	s.cancel()
	return len(p), nil
}

// Ctrl-C at the question ends the command before anything is changed, though
// nobody answers.
func TestConfirmIsInterrupted(t *testing.T) {
	master, slave, err := openTerminal(80)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	ctx, cancel := context.WithCancel(t.Context())
	a := &app{streams: streams{in: slave, out: io.Discard, err: signaller{cancel}}}
	if got := a.confirm(ctx, false, "import 3 domains"); exitStatus(got) != exitStopped {
		t.Errorf("ended with status %d, want %d: %v", exitStatus(got), exitStopped, got)
	}
	if _, err := io.WriteString(master, "y\n"); err != nil { // for whoever still reads
		t.Fatal(err)
	}
}
