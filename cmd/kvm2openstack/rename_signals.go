package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// steer lets signals hold a run up, until stop is called. say is told what was
// asked for.
//
// SIGTSTP must not have its own effect: a process that is stopped by Ctrl-Z
// leaves guests off that it has just shut down.
func steer(control *restart.Control, say func(string)) (stop func()) {
	heard := make(chan os.Signal, 16)
	signal.Notify(heard, append(stopSignals(), syscall.SIGTSTP, syscall.SIGUSR1, syscall.SIGUSR2)...)
	over := make(chan struct{})
	go func() {
		stops := 0
		for {
			select {
			case s := <-heard:
				if isStop(s) {
					stops++
				}
				say(obey(control, s, stops))
			case <-over:
				return
			}
		}
	}()
	return func() {
		signal.Stop(heard)
		close(over)
	}
}

func isStop(s os.Signal) bool {
	return s == syscall.SIGINT || s == syscall.SIGTERM || s == syscall.SIGHUP
}

// obey does what a signal asks for, and says it.
func obey(control *restart.Control, s os.Signal, stops int) string {
	switch {
	case isStop(s) && stops > 1:
		control.Cancel()
		return stopsNow
	case isStop(s):
		control.Stop()
		return stopsSoon
	case s == syscall.SIGUSR1:
		control.Pause()
	case s == syscall.SIGUSR2:
		control.Resume()
	case s == syscall.SIGTSTP:
		control.Toggle()
	}
	if control.Paused() {
		return "paused: nothing new is begun, and what is in hand is finished; Ctrl-Z or SIGUSR2 goes on"
	}
	return "going on"
}
