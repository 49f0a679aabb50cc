package restart

import (
	"context"
	"errors"
	"time"
)

func (w *walk) startDone(context.Context) (bool, error) {
	return w.named() && (w.here.active() || w.paused()), nil
}

func (w *walk) start(ctx context.Context) error {
	w.markConsoles(ctx)
	err := w.startDomain(ctx, false, min(startPatience, w.opt.Patience))
	if err == nil && !w.stopped.At.IsZero() {
		w.result.Times.Gap, w.result.Times.Start = w.started.Gap(w.stopped), w.started.Took
	}
	return err
}

// startPatience is how long libvirt is asked again to start a domain before it
// goes back. One that was cut off just before may need it: libvirt 9.0 ends the
// new process when it comes to the end of the old one too late (qemu_driver.c,
// processMonitorEOFEvent; seen in one of a hundred such starts). It costs a
// moment where the reason is another.
const startPatience = 2 * time.Second

func (w *walk) warnOfStart(err error) {
	w.warn("libvirt did not start it at the first attempt: %v", err)
}

func (w *walk) startDomain(ctx context.Context, paused bool, patience time.Duration) error {
	deadline := w.now().Add(patience)
	for wait := min(patience/8, time.Second); ; wait *= 2 {
		err := w.insist(ctx, func(ctx context.Context) (err error) {
			w.started, err = w.domain.Start(ctx, paused)
			return err
		})
		if err == nil || errors.Is(err, ErrAway) || w.now().Add(wait).After(deadline) {
			return err
		}
		w.warnOfStart(err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}
