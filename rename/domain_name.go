package rename

import (
	"context"
	"errors"
	"fmt"

	"github.com/digitalocean/go-libvirt"
)

// Rename gives the domain a new name (virDomainRename). It must be off and
// without a managed save image; libvirt before 6.10 wants it without snapshots
// and checkpoints too. Its definition, autostart flag and records are at no
// moment gone, even if the daemon is killed in the middle. Files named after
// the domain keep their names: EFI variables without a path of their own in the
// definition would be made anew from the template at the next start, so they
// get one before this.
//
// A domain that has the name already is left alone. ErrNameTaken says that
// another one has it, and which.
func (d *Domain) Rename(ctx context.Context, to string) error {
	err := d.rename(ctx, to)
	if err == nil {
		return nil
	}
	// Nothing was asked before, for that would be downtime. Now it is found out
	// whether the name is there all the same, or what stands in the way.
	present, looked := d.Name(ctx)
	switch {
	case looked != nil:
		return fmt.Errorf("rename to %q: %w (then: %w)", to, err, looked)
	case present == to:
		return nil
	}
	return fmt.Errorf("rename %q to %q: %w", present, to, d.obstacle(ctx, to, err))
}

func (d *Domain) rename(ctx context.Context, to string) error {
	return try(ctx, d, request{act: "ask libvirt"}, func(lv calls, l libvirt.Domain) error {
		_, err := lv.DomainRename(l, libvirt.OptString{to}, 0)
		return err
	})
}

// obstacle adds to libvirt's refusal what can be found out about it.
func (d *Domain) obstacle(ctx context.Context, to string, refusal error) error {
	other, err := do(ctx, d, request{act: "look up the name"}, func(lv calls, _ libvirt.Domain) (libvirt.Domain, error) {
		return lv.DomainLookupByName(to)
	})
	if err == nil && other.UUID != d.id {
		return fmt.Errorf("%w: %s (%w)", ErrNameTaken, canonical(other.UUID), refusal)
	}
	s := Saved{}
	if s.State, err = d.State(ctx); err != nil {
		return refusal
	}
	if !s.Off() {
		return fmt.Errorf("%w (state %s, %w)", ErrActive, s.State, refusal)
	}
	if d.saveFlags(ctx, &s) != nil || d.savePast(ctx, &s) != nil {
		return refusal
	}
	if obstacle := s.Restartable(); obstacle != nil {
		return fmt.Errorf("%w (%w)", obstacle, refusal)
	}
	return refusal
}

// FreeName returns ErrNameTaken if another domain of the host has the name, to
// be asked before a domain is stopped for it.
func (d *Domain) FreeName(ctx context.Context, name string) error {
	other, err := do(ctx, d, request{act: "look up the name"}, func(lv calls, _ libvirt.Domain) (libvirt.Domain, error) {
		return lv.DomainLookupByName(name)
	})
	switch {
	case errors.Is(err, ErrGone), err == nil && other.UUID == d.id:
		return nil
	case err == nil:
		err = fmt.Errorf("%w: %s", ErrNameTaken, canonical(other.UUID))
	}
	return fmt.Errorf("name %q: %w", name, err)
}
