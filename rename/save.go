package rename

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/digitalocean/go-libvirt"
)

// Saved is all that is needed to bring a domain back to what it was, and what
// decides whether it may be restarted at all. It can be kept as JSON.
type Saved struct {
	UUID  string `json:"uuid"`
	Name  string `json:"name"`
	State State  `json:"state"`
	// Elsewhere is why a domain that is off must not be started: its guest was
	// saved or migrated, and goes on at another time or place. "" otherwise.
	Elsewhere string `json:"elsewhere,omitempty"`

	Persistent  bool `json:"persistent"`
	Autostart   bool `json:"autostart"`
	ManagedSave bool `json:"managed_save"`
	// Names of libvirt's records of the disks' past.
	Snapshots   []string `json:"snapshots,omitempty"`
	Checkpoints []string `json:"checkpoints,omitempty"`

	// Definition is the persistent definition, byte by byte as libvirt gives it
	// with INACTIVE and SECURE: the only text the domain may be defined from.
	// It holds the passwords of consoles, so it is for a file that only root
	// reads, and never for a log.
	Definition string `json:"definition"`
	// Live is the running definition without passwords, "" when off. It names
	// what libvirt added at the start: the path of the EFI variables, the taps.
	Live string `json:"live,omitempty"`

	// NVRAM is the path of the EFI variables in use, "" where there are none or
	// a domain that is off leaves their path to libvirt.
	NVRAM string `json:"nvram,omitempty"`
	// Disks are the paths of its disks, without discs in drives.
	Disks []string `json:"disks"`
	// Consoles are the files in which the host keeps what the guest writes.
	Consoles []string `json:"consoles,omitempty"`
	// Agent says that a guest agent has its port open.
	Agent bool `json:"agent"`
}

// LogValue leaves the definitions out.
func (s Saved) LogValue() slog.Value {
	return slog.GroupValue(slog.String("uuid", s.UUID), slog.String("name", s.Name), slog.String("state", string(s.State)))
}

// String leaves the definitions out.
func (s Saved) String() string { return s.LogValue().String() }

// Off reports whether the domain had no process when it was looked at.
func (s Saved) Off() bool { return s.State == StateShutoff }

// Save reads everything of the domain that a restart could lose. It changes
// nothing.
func (d *Domain) Save(ctx context.Context) (Saved, error) {
	l, err := d.find(ctx)
	if err != nil {
		return Saved{}, err
	}
	s := Saved{UUID: d.UUID(), Name: l.Name}
	var reason int32
	if s.State, reason, err = d.state(ctx); err != nil {
		return Saved{}, err
	}
	if r := shutoffReasons[reason]; s.Off() && (r == reasonSaved || r == reasonMigrated) {
		s.Elsewhere = r
	}
	if err := d.saveDefinitions(ctx, &s); err != nil {
		return Saved{}, err
	}
	if err := d.saveFlags(ctx, &s); err != nil {
		return Saved{}, err
	}
	if err := d.savePast(ctx, &s); err != nil {
		return Saved{}, err
	}
	return s, nil
}

func (d *Domain) saveDefinitions(ctx context.Context, s *Saved) (err error) {
	if s.Definition, err = d.Definition(ctx); err != nil {
		return err
	}
	if !s.Off() {
		if s.Live, err = d.live(ctx); err != nil {
			return err
		}
	}
	return s.understand()
}

// Definition is the domain's persistent definition with INACTIVE and SECURE,
// byte by byte. It holds passwords.
func (d *Domain) Definition(ctx context.Context) (string, error) {
	return d.xml(ctx, "read the definition", libvirt.DomainXMLInactive|libvirt.DomainXMLSecure)
}

func (d *Domain) live(ctx context.Context) (string, error) {
	return d.xml(ctx, "read the live definition", 0)
}

func (d *Domain) xml(ctx context.Context, act string, flags libvirt.DomainXMLFlags) (string, error) {
	return do(ctx, d, request{act: act}, func(lv calls, l libvirt.Domain) (string, error) {
		return lv.DomainGetXMLDesc(l, flags)
	})
}

// understand fills what the definitions tell. A running domain's live one knows
// more: what libvirt makes up at the start is not in the other.
func (s *Saved) understand() error {
	text := s.Definition
	if s.Live != "" {
		text = s.Live
	}
	f, err := readFacts(text)
	if err != nil {
		return err
	}
	s.NVRAM, s.Disks, s.Consoles, s.Agent = f.nvram(), f.disks(), f.consoleFiles(), f.agentConnected()
	return nil
}

// persistent reports whether there is a definition of the domain besides that
// of its process.
func (d *Domain) persistent(ctx context.Context) (bool, error) {
	n, err := do(ctx, d, request{act: "ask whether the domain is persistent"}, calls.DomainIsPersistent)
	return n != 0, err
}

func (d *Domain) saveFlags(ctx context.Context, s *Saved) (err error) {
	if s.Persistent, err = d.persistent(ctx); err != nil {
		return err
	}
	for _, flag := range []struct {
		act  string
		to   *bool
		read func(calls, libvirt.Domain) (int32, error)
	}{
		{"ask for the autostart flag", &s.Autostart, calls.DomainGetAutostart},
		{"ask for a managed save image", &s.ManagedSave, func(lv calls, l libvirt.Domain) (int32, error) {
			return lv.DomainHasManagedSaveImage(l, 0)
		}},
	} {
		n, err := do(ctx, d, request{act: flag.act}, flag.read)
		if err != nil {
			return err
		}
		*flag.to = n != 0
	}
	return nil
}

func (d *Domain) savePast(ctx context.Context, s *Saved) error {
	snapshots, err := do(ctx, d, request{act: "list the snapshots"}, func(lv calls, l libvirt.Domain) ([]libvirt.DomainSnapshot, error) {
		found, _, err := lv.DomainListAllSnapshots(l, 1, 0)
		return found, err
	})
	if err != nil {
		return err
	}
	for _, one := range snapshots {
		s.Snapshots = append(s.Snapshots, one.Name)
	}
	checkpoints, err := do(ctx, d, request{act: "list the checkpoints"}, func(lv calls, l libvirt.Domain) ([]libvirt.DomainCheckpoint, error) {
		found, _, err := lv.DomainListAllCheckpoints(l, 1, 0)
		return found, err
	})
	if errors.Is(err, libvirt.ErrUnsupported) {
		return nil // libvirt before 5.6 knows none
	}
	for _, one := range checkpoints {
		s.Checkpoints = append(s.Checkpoints, one.Name)
	}
	return err
}

// Restartable says why the domain must not be stopped, or could not be renamed
// once it is off, nil if it can. It looks at nothing but s.
func (s Saved) Restartable() error {
	switch {
	case !s.Persistent:
		return ErrTransient
	case s.ManagedSave:
		return ErrManagedSave
	case s.Elsewhere == reasonMigrated: // A save image that was removed is no obstacle.
		return fmt.Errorf("%w (reason: %s)", ErrElsewhere, s.Elsewhere)
	case len(s.Snapshots)+len(s.Checkpoints) > 0:
		return fmt.Errorf("%w (snapshots %q, checkpoints %q)", ErrSnapshots, s.Snapshots, s.Checkpoints)
	}
	return nil
}
