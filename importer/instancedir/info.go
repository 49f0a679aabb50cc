package instancedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
)

// infoName is Nova's memory of disk formats, one line of JSON from absolute
// path to format (nova/virt/libvirt/imagebackend.py, resolve_driver_format).
const (
	infoName      = "disk.info"
	infoTemporary = ".disk.info.kvm2openstack"
)

// infos is what disk.info is to say, by the paths as Nova computes them.
func (w Want) infos() map[string]string {
	m := make(map[string]string, len(w.Infos))
	for name, format := range w.Infos {
		m[path.Join(w.Dir(), name)] = format
	}
	return m
}

// readInfo is what disk.info says; found is false when there is none.
func (t *Tree) readInfo(p string) (m map[string]string, found bool, err error) {
	text, err := t.readFile(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %q: %w", p, err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, true, nil // Not ours, whatever it is; the caller leaves it alone.
	}
	return m, true, nil
}

// infoDone reports whether disk.info says what it should. Nova may have added
// disks of its own (a config drive) meanwhile.
func (t *Tree) infoDone(w Want, dir string) (bool, error) {
	if len(w.Infos) == 0 {
		return true, nil
	}
	have, found, err := t.readInfo(path.Join(dir, infoName))
	if err != nil || !found {
		return false, err
	}
	for p, format := range w.infos() {
		if have[p] != format {
			return false, nil
		}
	}
	return true, nil
}

func (t *Tree) makeInfo(w Want, dir string, who *owner) error {
	if done, err := t.infoDone(w, dir); err != nil || done {
		return err
	}
	if err := t.infoFree(w, dir); err != nil {
		return err
	}
	p := path.Join(dir, infoName)
	text, err := json.Marshal(w.infos())
	if err != nil {
		return fmt.Errorf("write %q: %w", w.infoPath(), err)
	}
	if err := t.replace(newFile{p, path.Join(dir, infoTemporary), text, who}); err != nil {
		return fmt.Errorf("write %q: %w", w.infoPath(), err)
	}
	return nil
}

// infoFree says why disk.info cannot be written; nil when it can, or need not.
func (t *Tree) infoFree(w Want, dir string) error {
	if done, err := t.infoDone(w, dir); err != nil || done {
		return err
	}
	_, found, err := t.readInfo(path.Join(dir, infoName))
	if err == nil && found {
		err = fmt.Errorf("%q: %w, and it says something else about the disks", w.infoPath(), ErrOccupied)
	}
	return err
}

// infoOurs reports whether disk.info is as we wrote it.
func (t *Tree) infoOurs(w Want, dir string) (bool, error) {
	have, found, err := t.readInfo(path.Join(dir, infoName))
	return found && len(have) > 0 && maps.Equal(have, w.infos()), err
}
