package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// stopSignals end a run in good order. Whoever began it under nohup wants it
// to go on without its terminal.
func stopSignals() []os.Signal {
	all := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// onlyLooks marks commands that hold no writer.
var onlyLooks = map[string]string{"writes": "nothing"}

// A secondSignal ends a command that only looks, as it would any other program:
// what waits for a dead file system hears nothing of the first. A command that
// writes finishes what is in hand however often it is asked.
type secondSignal struct{ disarm func() bool }

// arm is done before a command runs.
func (s *secondSignal) arm(cmd *cobra.Command, _ []string) {
	if cmd.Annotations["writes"] == onlyLooks["writes"] {
		s.disarm = context.AfterFunc(cmd.Context(), func() { signal.Reset(stopSignals()...) })
	}
}

// over is done after it: the end of its context then means nothing, and signals
// are those of whatever this process does next.
func (s *secondSignal) over() {
	if s.disarm != nil {
		s.disarm()
	}
}
