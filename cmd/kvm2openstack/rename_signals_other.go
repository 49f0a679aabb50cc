//go:build !unix

package main

import (
	"os"
	"os/signal"

	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// steer lets Ctrl-C hold a run up, until stop is called. There are no signals
// to pause it here.
func steer(control *restart.Control, say func(string)) (stop func()) {
	heard := make(chan os.Signal, 16)
	signal.Notify(heard, os.Interrupt)
	over := make(chan struct{})
	go func() {
		for stops := 0; ; stops++ {
			select {
			case <-heard:
				if stops > 0 {
					control.Cancel()
					say(stopsNow)
					continue
				}
				control.Stop()
				say(stopsSoon)
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
