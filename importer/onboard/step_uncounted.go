package onboard

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
)

// A wasService is how a service was that was only disabled.
type wasService struct {
	Disabled bool   `json:"disabled"` // by nova-compute itself
	Reason   string `json:"reason,omitempty"`
}

// disableUncounted disables the service of a host that Nova knows, and that has
// guests which are not adopted: one whose guests are all Nova's stays enabled.
func (w *work) disableUncounted() step {
	s := w.disable()
	disabled := s.done
	s.done = func(ctx context.Context) (bool, error) {
		if is, err := disabled(ctx); is || err != nil {
			return is, err
		}
		uncounted, err := w.uncounted(ctx)
		return !uncounted, err
	}
	s.do = func(ctx context.Context) (string, error) {
		s, err := w.look(ctx)
		if err != nil {
			return "", err
		}
		was, err := json.Marshal(wasService{s.service.Disabled, s.service.Reason})
		if err != nil {
			return "", err // a flag and a text can always be written
		}
		return string(was), w.API.DisableService(ctx, s.service.UUID, DisabledReason)
	}
	s.undo = w.enableAgain
	return s
}

// enableAgain gives a service back as it was, unless somebody else has disabled
// it meanwhile, or the scheduler could fill the host up.
func (w *work) enableAgain(ctx context.Context, text string) error {
	var was wasService // of a run that was killed: enabled, and nova-compute itself disables it again
	if text != "" {
		if err := json.Unmarshal([]byte(text), &was); err != nil {
			return fmt.Errorf("read what the journal has of the service: %w", err)
		}
	}
	s, err := w.look(ctx)
	if err != nil || s.service.UUID == "" || !s.service.Disabled {
		return err
	}
	switch {
	case s.service.Reason != DisabledReason:
		w.leave("its service stays disabled: somebody else has done that meanwhile (%s)", cmp.Or(s.service.Reason, "no reason is said"))
		return nil
	case s.mapped && !w.WasMapped:
		w.leave("its service stays disabled, for somebody has mapped the host to %s: enabled, the scheduler would take it for empty. If that is meant: %s", s.mapping.CellName, EnableCommand(w.ComputeHost))
		return nil
	case was.Disabled:
		return w.API.DisableService(ctx, s.service.UUID, was.Reason)
	}
	return w.API.EnableService(ctx, s.service.UUID)
}
