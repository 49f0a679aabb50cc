package rename

import (
	"context"
	"errors"
	"fmt"

	"github.com/digitalocean/go-libvirt"
)

// ErrOther is a definition of another domain, or of this one under another name
// than it has: defining it would make a second domain, or be refused.
var ErrOther = errors.New("the definition is not of this domain under its present name")

// A Definition is what a domain's persistent definition shall be.
type Definition struct {
	// Text names the domain's UUID and its present name.
	Text string
	// Fits looks at the definition that is there before it is replaced. An
	// error keeps it. Nil takes any.
	Fits func(present string) error
	// Proves looks at what libvirt made of Text. An error has the definition
	// from before put back. It decides also whether the present definition is
	// the wanted one already, so that there is nothing to do.
	Proves func(defined string) error
}

// Define replaces the domain's persistent definition, while it is off or runs;
// a running one goes on as it is until its next start. If what libvirt made of
// it does not pass want.Proves, the definition from before is there again when
// this returns, unless the error says that not even that could be done.
func (d *Domain) Define(ctx context.Context, want Definition) error {
	if err := d.define(ctx, want); err != nil {
		return fmt.Errorf("define: %w", err)
	}
	return nil
}

func (d *Domain) define(ctx context.Context, want Definition) error {
	present, err := d.Definition(ctx)
	if err != nil {
		return err
	}
	if err := d.isOurs(present, want.Text); err != nil {
		return err
	}
	if want.Proves(present) == nil {
		// That of a domain which somebody undefined while it runs looks as if
		// it were persistent, and is nowhere.
		if persistent, err := d.persistent(ctx); persistent || err != nil {
			return err
		}
	}
	if want.Fits != nil {
		if err := want.Fits(present); err != nil {
			return fmt.Errorf("the definition is not the one this was made for, and stays: %w", err)
		}
	}
	if err := d.put(ctx, want.Text); err != nil {
		return err
	}
	defined, err := d.Definition(ctx)
	if err != nil {
		return err
	}
	wrong := want.Proves(defined)
	if wrong == nil {
		return nil
	}
	if err := d.put(ctx, present); err != nil {
		return fmt.Errorf("libvirt made something else of it: %w; and the definition from before could not be put back: %w", wrong, err)
	}
	return fmt.Errorf("libvirt made something else of it, so the definition from before was put back: %w", wrong)
}

// isOurs compares what two definitions say of whose they are.
func (d *Domain) isOurs(present, text string) error {
	is, err := readFacts(present)
	if err != nil {
		return err
	}
	shall, err := readFacts(text)
	if err != nil {
		return err
	}
	if shall.UUID != d.UUID() || shall.Name != is.Name {
		return fmt.Errorf("%w: %s %q is, %s %q shall be", ErrOther, d.UUID(), is.Name, shall.UUID, shall.Name)
	}
	return nil
}

// put defines text. Without validation: libvirt's own schema refuses some of
// what libvirt itself puts out.
func (d *Domain) put(ctx context.Context, text string) error {
	return try(ctx, d, request{act: "hand the definition to libvirt"}, func(lv calls, _ libvirt.Domain) error {
		_, err := lv.DomainDefineXMLFlags(text, 0)
		return err
	})
}

// Restore brings a domain that is off, or that somebody undefined, back to what
// was saved of it: name, definition and autostart flag. What is as it was is
// left alone.
//
// It ends with the definition read again and compared by same, which may allow
// for what libvirt changes by itself when its own text is defined, such as the
// order of controllers; nil wants every byte. A difference is an error, with the
// saved definition in place as libvirt took it.
func (d *Domain) Restore(ctx context.Context, saved Saved, same func(saved, present string) error) error {
	if saved.UUID != d.UUID() {
		return fmt.Errorf("restore: %w: saved of %s", ErrOther, saved.UUID)
	}
	if same == nil {
		same = identical
	}
	if err := d.restore(ctx, saved, same); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return d.SetAutostart(ctx, saved.Autostart)
}

func (d *Domain) restore(ctx context.Context, saved Saved, same func(saved, present string) error) error {
	name, err := d.Name(ctx)
	if err == nil && name != saved.Name {
		err = d.Rename(ctx, saved.Name)
	}
	if err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	if err == nil { // the domain is there
		if done, err := d.restored(ctx, saved, same); done || err != nil {
			return err
		}
	}
	if err := d.put(ctx, saved.Definition); err != nil {
		return err
	}
	present, err := d.Definition(ctx)
	if err != nil {
		return err
	}
	return same(saved.Definition, present)
}

// restored reports whether the saved definition is in place, as a persistent
// one.
func (d *Domain) restored(ctx context.Context, saved Saved, same func(saved, present string) error) (bool, error) {
	persistent, err := d.persistent(ctx)
	if err != nil || !persistent {
		return false, err
	}
	present, err := d.Definition(ctx)
	return err == nil && same(saved.Definition, present) == nil, err
}

// ErrDiffers is a definition that is not what it was.
var ErrDiffers = errors.New("the definition is not the saved one")

// identical compares byte by byte. Definitions hold passwords, so the error
// says no more than where they part.
func identical(saved, present string) error {
	if saved == present {
		return nil
	}
	line := 1
	for i := range min(len(saved), len(present)) {
		if saved[i] != present[i] {
			break
		}
		if saved[i] == '\n' {
			line++
		}
	}
	return fmt.Errorf("%w, from line %d on", ErrDiffers, line)
}
