package onboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/nova"
)

// A madeRecords is what a start of nova-compute has made in Nova.
type madeRecords struct {
	Service string `json:"service"`
	Node    string `json:"node"`
}

// firstStart has nova-compute make its records on an empty libvirt, and disables
// the service as soon as there is one. Whatever comes of it, nothing of it runs
// on when it fails.
func (w *work) firstStart() step {
	return step{
		name: stepFirstStart,
		done: func(ctx context.Context) (bool, error) {
			s, err := w.look(ctx)
			return s.complete(), err
		},
		do: func(ctx context.Context) (string, error) {
			if err := w.unused(ctx, w.ComputeHost); err != nil {
				return "", err // and nothing is stopped
			}
			s, err := w.runFirst(ctx)
			if err != nil {
				stop := w.stopFirst(context.WithoutCancel(ctx))
				return made(s), errors.Join(err, stop)
			}
			return made(s), nil
		},
		undo: func(ctx context.Context, text string) error {
			_, err := w.run(ctx, w.Settings.Stop) // somebody may have started it by hand
			if err = errors.Join(err, w.stopFirst(ctx)); err != nil {
				return err
			}
			return w.forget(ctx, text)
		},
	}
}

// made says what there is, "" for nothing: that takes away nothing from what an
// earlier run has noted.
func made(s standing) string {
	if s.service.UUID == "" && s.node.UUID == "" {
		return ""
	}
	text, err := json.Marshal(madeRecords{s.service.UUID, s.node.UUID})
	if err != nil {
		return "" // two texts can always be written
	}
	return string(text)
}

func (w *work) runFirst(ctx context.Context) (s standing, err error) {
	if _, err := w.run(ctx, w.Settings.Stop); err != nil {
		return s, err
	}
	if err := w.stopFirst(ctx); err != nil { // an earlier one may be left
		return s, err
	}
	if err := w.machine.Give(ctx, FirstStartFile, []byte(FirstStartConf), w.Settings.User); err != nil {
		return s, err
	}
	if _, err := w.machine.Run(ctx, w.Settings.limited(w.host)); err != nil {
		err = fmt.Errorf("give %q on the host: %w", w.Settings.firstStart(w.host), err)
		return s, w.withLog(ctx, err, w.Settings.firstLog())
	}
	s, err = w.until(ctx, "Nova has its records of the first start", w.firstDone)
	return s, w.withLog(ctx, err, w.Settings.firstLog())
}

// firstDone looks whether a first start has made all that it is there for, and
// disables the service as soon as there is one.
func (w *work) firstDone(ctx context.Context, s standing) (bool, error) {
	if s.service.UUID != "" && !s.disabled() {
		if err := w.API.DisableService(ctx, s.service.UUID, DisabledReason); err != nil {
			return true, err // the scheduler could use it meanwhile
		}
	}
	if s.service.UUID != "" && w.Cell != "" && s.service.Cell != w.Cell {
		return true, fmt.Errorf("%w: nova-compute has come up in %s, and that is not the cell that was said (--cell): take it back (--undo), and correct the one or transport_url in its nova.conf", ErrChanged, s.service.CellName)
	}
	if !s.complete() && w.firstEnded(ctx) {
		return true, fmt.Errorf("%w: the first start has ended by itself: %s", ErrSilent, s.missing())
	}
	return s.complete(), nil
}

// stopFirst ends a first start, whether one runs or not.
func (w *work) stopFirst(ctx context.Context) error {
	if _, err := w.run(ctx, w.Settings.FirstStop); err != nil {
		return err
	}
	return w.machine.Remove(ctx, FirstStartFile)
}

// disable keeps the scheduler away. The service's row goes with the service.
func (w *work) disable() step {
	return step{
		name: stepDisable,
		done: func(ctx context.Context) (bool, error) {
			s, err := w.look(ctx)
			return s.disabled(), err
		},
		do: func(ctx context.Context) (string, error) {
			s, err := w.look(ctx)
			if err != nil {
				return "", err
			}
			return "", w.API.DisableService(ctx, s.service.UUID, DisabledReason)
		},
	}
}

// endFirstStart comes before the start on the guests' libvirt.
func (w *work) endFirstStart() step {
	return step{
		name: stepFirstEnd,
		done: func(ctx context.Context) (bool, error) {
			_, err := w.machine.Read(ctx, FirstStartFile, 0, 1)
			return absent(err)
		},
		do: func(ctx context.Context) (string, error) { return "", w.stopFirst(ctx) },
	}
}

// start is the start as it is to be, on the libvirt with the guests. What is in
// the way of it is in nova-compute's log, and nowhere else.
func (w *work) start() step {
	return step{
		name: stepStart,
		done: func(ctx context.Context) (bool, error) {
			s, err := w.look(ctx)
			if err != nil || !s.service.Up || s.service.Reports == 0 {
				return false, err
			}
			return w.running(ctx), nil
		},
		do: func(ctx context.Context) (string, error) {
			before, err := w.look(ctx)
			if err != nil {
				return "", err
			}
			if err := w.spared(ctx); err != nil {
				return "", err
			}
			return "", w.withLog(ctx, w.runNormal(ctx, before.service), w.Settings.Log)
		},
		undo: func(ctx context.Context, _ string) error {
			_, err := w.run(ctx, w.Settings.Stop)
			return err
		},
	}
}

// patience is how many looks one after the other find nova-compute gone until
// it is taken for ended: systemd may be about to start it again.
const patience = 10

// runNormal starts nova-compute, and waits until it has reported.
func (w *work) runNormal(ctx context.Context, before nova.HostService) error {
	if _, err := w.run(ctx, w.Settings.Start); err != nil {
		return err
	}
	gone := 0
	_, err := w.until(ctx, "nova-compute reports", func(ctx context.Context, s standing) (bool, error) {
		_, err := w.run(ctx, w.Settings.Running)
		if err == nil {
			gone = 0
			return s.service.Reports > before.Reports || s.service.Seen.After(before.Seen), nil
		}
		if errors.Is(err, ErrStatus) {
			gone++
		}
		return gone == patience, fmt.Errorf("%w: it has ended by itself", ErrSilent)
	})
	return err
}

// running asks the host. A host that does not answer fails at the next step.
func (w *work) running(ctx context.Context) bool {
	_, err := w.run(ctx, w.Settings.Running)
	return err == nil
}

// identityFile writes the compute_id that the node is to have.
func (w *work) identityFile() step {
	return step{
		name: stepIdentity,
		done: func(ctx context.Context) (bool, error) {
			id, err := w.identityNow(ctx)
			if err == nil && id != "" && !strings.EqualFold(id, w.Identity) {
				err = fmt.Errorf("%w: %s says %s", ErrChanged, w.IdentityFile, id)
			}
			return id != "" || w.HadIdentity, err
		},
		do: func(ctx context.Context) (string, error) {
			return "", w.machine.Give(ctx, w.IdentityFile, []byte(w.Identity), w.Settings.User)
		},
		undo: func(ctx context.Context, _ string) error {
			if id, err := w.identityNow(ctx); err == nil && id == "" {
				return w.machine.Remove(ctx, w.IdentityFile) // a run that was killed leaves it half written, under another name
			}
			return w.removeIdentity(ctx, func(id string) (bool, error) { return strings.EqualFold(id, w.Identity), nil })
		},
	}
}
