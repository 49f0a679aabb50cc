package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// A folder is one host's, being read.
type folder struct {
	root *os.Root
	inv  *Inventory
	keep bool

	said     hostFile
	networks map[string]networkDefinition
	marks    map[string]map[string]bool // autostart, save, snapshot, checkpoint: by domain name
}

// read goes on after what one damaged file spoils, and returns the errors
// that belong to no domain.
func (f *folder) read(ctx context.Context) error {
	stems, err := f.definitions()
	if err != nil {
		return fmt.Errorf("read folder of %s: %w", f.inv.Host.Name, err)
	}
	errs := []error{f.readHostFile(), f.readMarks(), f.readNetworks()}
	for _, stem := range stems {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, fmt.Errorf("read folder of %s: %w", f.inv.Host.Name, err))...)
		}
		f.readDomain(stem)
	}
	errs = append(errs, f.said.apply(f.inv))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("read folder of %s: %w", f.inv.Host.Name, err)
	}
	return nil
}

// definitions lists the names before .xml and .live.xml, each once, in order.
func (f *folder) definitions() ([]string, error) {
	entries, err := f.list(".")
	if err != nil {
		return nil, err
	}
	var stems []string
	seen := map[string]bool{}
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), ".xml")
		if !ok || e.IsDir() {
			continue
		}
		stem = strings.TrimSuffix(stem, ".live")
		if !seen[stem] {
			seen[stem] = true
			stems = append(stems, stem)
		}
	}
	return stems, nil
}

// readDomain adds one domain, or one that cannot be read.
func (f *folder) readDomain(stem string) {
	d, err := f.domain(stem)
	if err == nil {
		f.inv.Domains = append(f.inv.Domains, d)
		return
	}
	bad := Unreadable{Host: f.inv.Host.Name, Name: stem, Err: err}
	var def *DefinitionError
	if errors.As(err, &def) {
		bad.Name, bad.UUID = orElse(def.Name, stem), def.UUID
	}
	f.inv.Unreadable = append(f.inv.Unreadable, bad)
}

func (f *folder) domain(stem string) (Domain, error) {
	inactive, gone := f.file(stem + ".xml")
	missing := errors.Is(gone, fs.ErrNotExist)
	if gone != nil && !missing {
		return Domain{}, gone
	}
	if !missing && len(inactive) == 0 {
		return Domain{}, &DefinitionError{Name: stem, Err: ErrEmpty}
	}
	live, err := f.file(stem + ".live.xml")
	switch {
	case err == nil && len(live) == 0:
		return Domain{}, &DefinitionError{Name: stem, Err: fmt.Errorf("the live one: %w", ErrEmpty)}
	case errors.Is(err, fs.ErrNotExist) && missing:
		return Domain{}, gone // a link that leads nowhere
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return Domain{}, err
	}
	d, running, err := parse(inactive, live)
	if err != nil {
		return Domain{}, err
	}
	d.Host, d.Persistent, d.State = f.inv.Host.Name, !missing, StateShutoff
	if running {
		d.State = StateRunning
	}
	d.Autostart, d.ManagedSave = f.marks["autostart"][d.Name], f.marks["save"][d.Name]
	d.Snapshots, d.Checkpoints = f.marks["snapshot"][d.Name], f.marks["checkpoint"][d.Name]
	d.setNetworks(f.networks)
	if f.keep {
		d.XML, d.LiveXML = withoutPassword(inactive), withoutPassword(live)
	}
	return d, nil
}

// screenPassword is a <graphics> up to and with its passwd, the one secret that
// "virsh dumpxml --security-info" adds.
var screenPassword = regexp.MustCompile(`(<graphics(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*?)\s+passwd\s*=\s*(?:"[^"]*"|'[^']*')`)

// withoutPassword is what libvirt itself would have given to a reader: what is
// kept of a definition ends in a journal.
func withoutPassword(doc []byte) []byte {
	if !bytes.Contains(doc, []byte("passwd")) {
		return doc
	}
	return screenPassword.ReplaceAll(doc, []byte("$1"))
}

// readMarks reads what libvirt keeps beside the definitions. Only names count
// here: the links in a real autostart folder lead out of it.
func (f *folder) readMarks() error {
	f.marks = map[string]map[string]bool{}
	var errs []error
	for kind, suffix := range map[string]string{"autostart": ".xml", "save": ".save", "snapshot": "", "checkpoint": ""} {
		f.marks[kind] = map[string]bool{}
		entries, err := f.list(kind)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		for _, e := range entries {
			name, ok := strings.CutSuffix(e.Name(), suffix)
			if suffix == "" {
				ok = f.holdsXML(filepath.Join(kind, e.Name()))
			}
			f.marks[kind][name] = ok
		}
	}
	return errors.Join(errs...)
}

func (f *folder) holdsXML(dir string) bool {
	entries, _ := f.list(dir) // no folder, no snapshots: libvirt reads none then either
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".xml") {
			return true
		}
	}
	return false
}

func (f *folder) readNetworks() error {
	f.networks = map[string]networkDefinition{}
	entries, err := f.list("networks")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".xml") {
			continue
		}
		doc, err := f.file(filepath.Join("networks", e.Name()))
		var n networkDefinition
		if err == nil {
			n, err = parseNetwork(doc)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("networks/%s: %w", printable(e.Name()), err))
			continue
		}
		f.networks[n.Name] = n
	}
	return errors.Join(errs...)
}

// list reads a folder, in the order of names.
func (f *folder) list(dir string) ([]fs.DirEntry, error) {
	in, err := f.root.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	entries, err := in.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// file reads one small regular file. Opening without blocking keeps a named
// pipe from holding the audit for ever.
func (f *folder) file(name string) ([]byte, error) {
	in, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", printable(name))
	}
	if info.Size() > maxDefinitionBytes {
		return nil, fmt.Errorf("%s has %d bytes, more than %d: %w", printable(name), info.Size(), maxDefinitionBytes, ErrTooLarge)
	}
	return io.ReadAll(io.LimitReader(in, maxDefinitionBytes+1))
}
