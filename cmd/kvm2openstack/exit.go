package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
)

// The exit statuses, as --help and README name them.
const (
	exitClean     = 0
	exitAttention = 1   // a warning, or drift was found
	exitBlocked   = 2   // blocked or refused; nothing was changed by what was refused
	exitUndone    = 3   // something failed and was rolled back
	exitPerson    = 4   // something is half done and needs a person
	exitUsage     = 64  // the command line or the configuration is wrong
	exitStopped   = 130 // ended by Ctrl-C or SIGTERM while it only looked, or asked; what a shell says of a command that SIGINT ended
	exitPipe      = 141 // whoever read the output left; what a shell says of a command that SIGPIPE ended
	exitCrash     = 255
)

const exitHelp = `Exit status:
  0    clean
  1    attention: a warning, or drift was found
  2    blocked or refused
  3    something failed and was rolled back
  4    something needs a person
  64   the command line or the configuration is wrong
  130  interrupted while it only looked, or asked: nothing was written
  141  whoever read the output left before its end (as in | head)
  255  crash`

// A statusError ends the command with a status of its own. Its text, if it
// has one, is printed as an error.
type statusError struct {
	status int
	err    error
}

func (e statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e statusError) Unwrap() error { return e.err }

// status ends a command that has already said all there is to say.
func status(code int) error {
	if code == exitClean {
		return nil
	}
	return statusError{status: code}
}

// usage marks what the operator typed or configured as the cause.
func usage(err error) error { return statusError{status: exitUsage, err: err} }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// refused marks an error as a refusal: nothing was changed.
func refused(err error) error { return statusError{status: exitBlocked, err: err} }

// stopped is the end of a command that was interrupted while it held no
// writer: there is nothing half done, and nobody has to look.
func stopped(err error) error {
	if !errors.Is(err, context.Canceled) {
		return err
	}
	return statusError{exitStopped, fmt.Errorf("interrupted, nothing was written: %w", err)}
}

// exitStatus is the status for err.
func exitStatus(err error) int {
	var s statusError
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &s):
		return s.status
	case errors.Is(err, context.Canceled):
		return exitPerson
	}
	return exitBlocked
}

// run is the whole command. A panic is a defect of ours: it is printed with
// its stack and ends with a status of its own, so that a script can tell it
// from a refusal.
func run(ctx context.Context, args []string, std streams) (code int) {
	out := &printer{to: std.out}
	std.out = out
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(std.err, "kvm2openstack: crash: %v\n%s\nThis is a defect of kvm2openstack. Finished steps are in the journal; running the same command again goes on from there.\n", p, debug.Stack())
			code = exitCrash
		}
	}()
	root := newRoot(std)
	root.SetArgs(args)
	second := &secondSignal{}
	root.PersistentPreRun = second.arm
	defer second.over()
	err := root.ExecuteContext(ctx)
	if out.err == nil {
		complain(std.err, err)
		return exitStatus(err)
	}
	if errors.Is(err, out.err) {
		err = nil // out tells it itself
	}
	complain(std.err, err)
	return out.status(exitStatus(err), std.err)
}

// complain prints err with what the operator can do about it.
func complain(w io.Writer, err error) {
	var s statusError
	if err == nil || errors.As(err, &s) && s.err == nil {
		return
	}
	fmt.Fprintf(w, "kvm2openstack: %v\n", err)
	if a := advice(err); a != "" {
		fmt.Fprintf(w, "try: %s\n", a)
	}
}
