package restart

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// keptBase is where hosts keep what was saved of their domains.
const keptBase = "/var/lib/kvm2openstack"

func keptDir(uuid string) string { return path.Join(keptBase, uuid) }

// A shelf is where one kind of restart has what it needs to go on or back: its
// steps in the journal, and a folder on the domain's host.
type shelf struct{ prefix, folder string }

// The shelf of the restart that gives a domain Nova's name, whose content is
// needed as long as a release is possible, and that of a later one.
var (
	renameShelf = shelf{prefix, ""}
	swapShelf   = shelf{swapPrefix, "nic"}
)

func (s shelf) dir(uuid string) string { return path.Join(keptDir(uuid), s.folder) }

// Files of a domain's folder. The definition stands there once more by itself,
// for a person who needs it at three in the morning: virsh define takes it.
func (s shelf) file(uuid string) string       { return path.Join(s.dir(uuid), "saved.json") }
func (s shelf) definition(uuid string) string { return path.Join(s.dir(uuid), "definition.xml") }
func (s shelf) variables(uuid string) string  { return path.Join(s.dir(uuid), "nvram.fd") }

// kept is all that a restart and its way back need of the time before. It is
// made once, before anything is changed, and never made anew while anything is:
// what a rerun finds by then is some state in between.
type kept struct {
	Saved rename.Saved  `json:"saved"`
	Files []rename.File `json:"files"` // its disks and EFI variables
	// Variables is where its EFI variables are, "" for none. A copy is kept
	// beside this file.
	Variables string     `json:"variables,omitempty"`
	Row       keptRow    `json:"row"`
	NICModel  keptModel  `json:"nic_model"`
	StartBy   StartBy    `json:"start_by"`
	Prove     bool       `json:"prove"`
	Change    keptChange `json:"change"`
	Guest     keptGuest  `json:"guest"`
	// From is the journal's state before a restart of a renamed domain.
	From     journal.State `json:"from,omitempty"`
	Warnings []string      `json:"warnings,omitempty"` // what was said before
}

// keptRow is what Nova's database said of the instance.
type keptRow struct {
	VMState    string `json:"vm_state"`
	PowerState int    `json:"power_state"`
	Locked     bool   `json:"locked"`
}

// keptModel is the model of interfaces in Nova's records.
type keptModel struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

func (m keptModel) changes() bool { return m.Before != m.After }

// keptChange is what is to be different in the definition.
type keptChange struct {
	Disks map[string]string     `json:"disks,omitempty"`
	NICs  map[string]rename.NIC `json:"nics,omitempty"`
	NVRAM string                `json:"nvram,omitempty"`
}

func (c keptChange) under(name string) rename.Change {
	return rename.Change{Name: name, Disks: c.Disks, NICs: c.NICs, NVRAM: c.NVRAM}
}

// keptGuest is what the guest showed before.
type keptGuest struct {
	Agent     bool             `json:"agent"`
	Addresses []rename.Address `json:"addresses,omitempty"`
}

// savedEntry is what the journal has of it. Definitions hold passwords, so
// they are not in it.
type savedEntry struct {
	Path      string       `json:"path"`
	SHA256    string       `json:"sha256"`
	Variables string       `json:"variables,omitempty"` // path of the copy
	State     rename.State `json:"state"`
	Autostart bool         `json:"autostart"`
}

// off: the guest was off and stays so.
func (k *kept) off() bool { return k.Saved.Off() }

// proves: Nova reboots the guest once libvirt has started it.
func (k *kept) proves() bool { return k.Prove && !k.byNova() && !k.off() }

// byNova: Nova starts the guest, and makes its definition for that.
func (k *kept) byNova() bool { return k.StartBy == ByNova && !k.off() }

// remember takes over what an earlier call has saved. Without a step that has
// ended nothing was changed yet, whatever lies on the host.
func (w *walk) remember(ctx context.Context) error {
	var entry savedEntry
	ok, err := w.madeBy(stepSave, &entry)
	if err != nil || !ok {
		return err
	}
	var text []byte
	err = w.insist(ctx, func(ctx context.Context) (err error) {
		text, err = w.files.ReadKept(ctx, entry.Path)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", ErrKept, err)
	case err != nil:
		return err
	case digest(text) != entry.SHA256:
		return fmt.Errorf("%w: %s has been changed: its digest is not the one in the journal", ErrKept, entry.Path)
	}
	w.kept = &kept{}
	if err := json.Unmarshal(text, w.kept); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrKept, entry.Path, err)
	}
	w.handed = w.handedBefore()
	if !w.back { // They are of what was to become different.
		w.result.Warnings = append(w.result.Warnings, w.kept.Warnings...)
	}
	return nil
}

// keep writes what was saved to the host, and makes sure that it can be read
// again. It is in the journal before anything else happens.
func (w *walk) keep(ctx context.Context, k *kept) error {
	text, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return fmt.Errorf("keep what was saved: %w", err)
	}
	uuid := w.job.uuid()
	entry := savedEntry{Path: w.shelf.file(uuid), SHA256: digest(text), State: k.Saved.State, Autostart: k.Saved.Autostart}
	for _, file := range []struct {
		path string
		text []byte
	}{{w.shelf.definition(uuid), []byte(k.Saved.Definition)}, {entry.Path, text}} {
		if err := w.files.WriteKept(ctx, file.path, file.text); err != nil {
			return err
		}
		again, err := w.files.ReadKept(ctx, file.path)
		if err == nil && string(again) != string(file.text) {
			err = fmt.Errorf("%w: %s", ErrKept, file.path)
		}
		if err != nil {
			return err
		}
	}
	if k.Variables != "" {
		entry.Variables = w.shelf.variables(uuid)
		if err := w.files.Copy(ctx, k.Variables, entry.Variables); err != nil {
			return err
		}
	}
	state := journal.StateRenaming
	notes := []func(*journal.Tx) error{w.ended(stepSave, asJSON(entry), nil)}
	if w.shelf == swapShelf {
		state = journal.StateSwapping
		forget := func(tx *journal.Tx) error { return tx.EndUndoAll(swapPrefix, uuid) } // an earlier one
		notes = append([]func(*journal.Tx) error{forget, w.begun(stepSave)}, notes...)
	}
	if err := w.toState(ctx, state, "", notes...); err != nil {
		// The commit may have been carried out all the same, and then the next
		// call relies on what was kept.
		w.state = state
		return err
	}
	w.kept = k
	return nil
}

// forget removes what was saved. It comes last of all, and what it leaves is
// of no use and no harm.
func (w *walk) forget(ctx context.Context) {
	shelves := []shelf{swapShelf}
	if w.shelf == renameShelf {
		shelves = append(shelves, renameShelf) // a folder around the other
	}
	for _, s := range shelves {
		if err := w.files.RemoveKept(ctx, s.dir(w.job.uuid()), "nvram.fd", "definition.xml", "saved.json"); err != nil {
			w.warn("what was saved on the host could not be removed: %v", err)
		}
	}
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
