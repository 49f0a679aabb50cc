// Command kvm2openstack takes KVM guests that run under plain libvirt and puts
// them under OpenStack Nova in place: audit, plan, import, verify, release.
//
// This package is the only place that talks to a person. It reads flags and
// configuration, opens what the other packages need, and prints.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	// Reading hosts makes ten times more garbage than records. The tool runs on
	// bastions with little memory, where a second of work is the lesser cost.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
	os.Exit(mainStatus())
}

// mainStatus is main with its exit status, so that tests can run the command
// inside their own process.
func mainStatus() int {
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals()...)
	defer stop()
	// Unasked, the runtime would end the process when a reader of its output
	// goes away, in the middle of whatever it is doing.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}
