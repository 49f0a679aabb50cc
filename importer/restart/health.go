package restart

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/rename"
)

// health is what the domain has to show after its start.
func (w *walk) health(ctx context.Context) (h rename.Health, closeAll func(), err error) {
	h = rename.Health{Steady: w.opt.Steady, Reboots: w.opt.Reboots}
	if w.kept.Guest.Agent {
		h.Agent = w.opt.Agent
		h.Addresses = w.plannedAddresses()
	}
	closeAll, err = w.addProbes(ctx, &h)
	return h, closeAll, err
}

// plannedAddresses are those of the time before that the plan knows too. Guests
// have others that are new at each boot: those of containers, and the temporary
// ones of IPv6 (RFC 8981).
func (w *walk) plannedAddresses() (found []rename.Address) {
	for _, a := range w.kept.Guest.Addresses {
		for _, nic := range w.job.Plan.NICs {
			if strings.EqualFold(nic.MAC, a.MAC) && slices.Contains(nic.Addresses, a.IP.String()) {
				found = append(found, a)
			}
		}
	}
	return found
}

// checkHealth asks, and keeps the answers. A rerun counts from now on.
func (w *walk) checkHealth(ctx context.Context) error {
	h, closeAll, err := w.health(ctx)
	defer closeAll()
	if err != nil {
		return err
	}
	since := w.started.Issued
	if since.IsZero() {
		since = w.now()
	}
	var report rename.Report
	err = w.insist(ctx, func(ctx context.Context) (err error) {
		report, err = w.domain.CheckHealth(ctx, h, since)
		return err
	})
	if err != nil {
		return err
	}
	w.result.Health = report.Answers
	if err := report.Err(); err != nil {
		return err
	}
	if w.result.Times.Down == 0 && !w.started.Issued.IsZero() && !w.stopped.At.IsZero() { // not of the proof
		w.result.Times.Boot = longest(report.Answers)
		w.result.Times.Down = w.started.Issued.Sub(w.stopped.At) + max(w.result.Times.Boot, w.started.Took)
	}
	w.compareAddresses(ctx)
	return nil
}

// longest is when the last question was answered, 0 where none was asked. The
// first answer is that it runs on, which is waited for in any case.
func longest(answers []rename.Answer) (took time.Duration) {
	for _, a := range answers[min(1, len(answers)):] {
		took = max(took, a.Took)
	}
	return took
}

// compareAddresses says what the guest has no longer, which need not be wrong.
func (w *walk) compareAddresses(ctx context.Context) {
	if len(w.kept.Guest.Addresses) == 0 {
		return
	}
	after, err := w.domain.Addresses(ctx)
	if err != nil {
		w.warn("the guest's addresses could not be compared: %v", err)
		return
	}
	if missing := rename.Missing(w.kept.Guest.Addresses, after); len(missing) > 0 {
		w.warn("the guest had addresses that it has no longer: %v; it has %v", missing, after)
	}
}
