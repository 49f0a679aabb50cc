package instancedir

import (
	"fmt"
	"path"
	"strings"

	"github.com/google/uuid"
)

// A Want is how the directory of one instance is to be.
type Want struct {
	UUID          string
	InstancesPath string            // Nova's instances_path on that host
	Owner         string            // user who owns the directory, "nova"
	Links         []Link            // in the order of Nova's block devices
	Infos         map[string]string // name in the directory -> format, for disk.info: "disk": "qcow2"
	Variables     Variables         // of UEFI guests
}

// A Link is one disk with its two names.
type Link struct {
	From string // the legacy path, which the domain uses
	To   string // name in the instance directory: disk, disk.eph0
}

// Dir is the instance directory (nova/virt/libvirt/utils.py, get_instance_path).
func (w Want) Dir() string { return path.Join(w.InstancesPath, w.UUID) }

func (w Want) to(l Link) string { return path.Join(w.Dir(), l.To) }

func (w Want) infoPath() string { return path.Join(w.Dir(), infoName) }

// validate refuses names that would lead anywhere else than where a reader of
// the plan expects.
func (w Want) validate() error {
	if id, err := uuid.Parse(w.UUID); err != nil || id.String() != w.UUID {
		return fmt.Errorf("instance directory %q: %w: it is no canonical UUID", w.UUID, ErrPath)
	}
	if err := plain(w.InstancesPath); err != nil {
		return fmt.Errorf("instances_path: %w", err)
	}
	seen := map[string]bool{}
	for _, l := range w.Links {
		if err := plain(l.From); err != nil {
			return err
		}
		if err := linkName(l.To); err != nil {
			return err
		}
		if seen[l.To] {
			return fmt.Errorf("%q: %w: two disks would have this name", l.To, ErrPath)
		}
		seen[l.To] = true
	}
	return w.Variables.validate()
}

// plain is an absolute path without "..": such a path, typed or tampered with,
// leaves the directory it seems to be in.
func plain(p string) error {
	if !path.IsAbs(p) || strings.ContainsRune(p, 0) {
		return fmt.Errorf("%q: %w: it is not absolute", p, ErrPath)
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return fmt.Errorf("%q: %w: it goes up by \"..\"", p, ErrPath)
		}
	}
	return nil
}

// linkName is a name that Nova gives to local disks.
func linkName(n string) error {
	if n == "disk" || strings.HasPrefix(n, "disk.") && n != infoName && !strings.ContainsAny(n, "/\x00") {
		return nil
	}
	return fmt.Errorf("%q: %w: Nova's names are disk, disk.eph0 and so on", n, ErrPath)
}
