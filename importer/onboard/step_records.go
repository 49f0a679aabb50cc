package onboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/lightcloud/kvm2openstack/nova"
)

// serviceRow writes the one row that a first start would have had Nova write.
func (w *work) serviceRow() step {
	row := nova.NewService{Cell: w.Cell, Host: w.ComputeHost, UUID: w.Service, Version: w.Version, Reason: DisabledReason}
	return step{
		name: stepService,
		done: func(ctx context.Context) (bool, error) {
			s, err := w.look(ctx)
			return s.service.UUID == w.Service, err
		},
		do: func(ctx context.Context) (string, error) { return "", w.Writer.AddService(ctx, row) },
		undo: func(ctx context.Context, _ string) error {
			s, err := w.look(ctx)
			if err != nil {
				return err
			}
			if s.service.UUID != "" && s.service.UUID != w.Service {
				return fmt.Errorf("take service %s out of Nova: %w", s.service.UUID, ErrNotOurs)
			}
			if s.service.Reports > 0 || s.node.UUID != "" {
				return w.deleteService(ctx, s)
			}
			return w.Writer.RemoveService(ctx, row)
		},
	}
}

// recordsThere waits until the normal start has what a host needs.
func (w *work) recordsThere() step {
	return step{
		name: stepRecords,
		done: func(ctx context.Context) (bool, error) {
			s, err := w.look(ctx)
			return s.complete(), err
		},
		do: func(ctx context.Context) (string, error) {
			s, err := w.until(ctx, "Placement has its provider and inventories", func(_ context.Context, s standing) (bool, error) { return s.complete(), nil })
			return made(s), err
		},
	}
}

// A madeMapping is the row that MapHost made.
type madeMapping struct {
	ID int64 `json:"id"` // 0 where it was there
}

// mapped comes last: only now the scheduler finds the host, whose service is
// disabled.
func (w *work) mapped() step {
	return step{
		name: stepMap,
		done: func(ctx context.Context) (bool, error) {
			s, err := w.look(ctx)
			return s.mapped && s.mapping.Cell == s.service.Cell, err
		},
		do: func(ctx context.Context) (string, error) {
			s, err := w.look(ctx)
			if err != nil {
				return "", err
			}
			id, made, err := w.Writer.MapHost(ctx, w.ComputeHost, s.service.Cell)
			if err != nil {
				return "", err // it may have been made
			}
			if !made {
				id = 0
			}
			text, err := json.Marshal(madeMapping{id})
			return string(text), err
		},
		undo: func(ctx context.Context, text string) error {
			id, err := w.mappingMade(ctx, text)
			if err != nil || id == 0 {
				return err // what stays goes with the service, or is why that stays disabled
			}
			return w.Writer.UnmapHost(ctx, w.ComputeHost, id)
		},
	}
}

// mappingMade is the row that a mapping has made. Where a run was killed before
// it could note that, it is the one that was not there before.
func (w *work) mappingMade(ctx context.Context, text string) (int64, error) {
	var m madeMapping
	if text != "" {
		err := json.Unmarshal([]byte(text), &m)
		return m.ID, err
	}
	s, err := w.look(ctx)
	if err != nil || !s.mapped || w.WasMapped {
		return 0, err
	}
	return s.mapping.ID, nil
}

// forget has Nova itself take back what it made at a first start: service, node,
// provider, mapping; and then removes the compute_id that went with them.
func (w *work) forget(ctx context.Context, text string) error {
	var m madeRecords
	if text != "" {
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return fmt.Errorf("read what the journal has of the first start: %w", err)
		}
	}
	s, err := w.look(ctx)
	if err != nil {
		return err
	}
	if s.service.UUID != "" {
		if err := w.ownService(ctx, s, m.Service); err != nil {
			return err
		}
		if err := w.deleteService(ctx, s); err != nil {
			return err
		}
	}
	if w.HadIdentity {
		return nil
	}
	// There was none before, and nova-compute writes it before it has a node.
	return w.removeIdentity(ctx, func(id string) (bool, error) {
		if m.Node != "" {
			return strings.EqualFold(id, m.Node), nil
		}
		other, err := w.others(ctx, id)
		return other == "", err
	})
}

// ownService fails unless the service is the one that was made. Where a run was
// killed before it could note that, it is if this host has its node's identity.
func (w *work) ownService(ctx context.Context, s standing, made string) error {
	if made != "" {
		if strings.EqualFold(made, s.service.UUID) {
			return nil
		}
		return fmt.Errorf("take service %s out of Nova: %w", s.service.UUID, ErrNotOurs)
	}
	id, err := w.identityNow(ctx)
	if err == nil && (id == "" || !strings.EqualFold(id, s.node.UUID)) {
		err = fmt.Errorf("take service %s out of Nova: %w, as far as the journal knows: its node is %s, and %s says %s; onboard the host to the end first, then take that back",
			s.service.UUID, ErrNotOurs, cmp.Or(s.node.UUID, "not there"), w.IdentityFile, cmp.Or(id, "nothing"))
	}
	return err
}

// deleteService asks Nova, which refuses where it has instances.
func (w *work) deleteService(ctx context.Context, s standing) error {
	if err := w.API.DeleteService(ctx, s.service.UUID); err != nil {
		return err
	}
	left, err := w.look(ctx)
	if err == nil && left.service.UUID != "" {
		err = fmt.Errorf("delete service %s: Nova has another one now, %s: something starts nova-compute on the host again and again", s.service.UUID, left.service.UUID)
	}
	return err
}

// absent turns the error of a look at a file into whether it is not there.
func absent(err error) (bool, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}
