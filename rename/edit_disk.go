package rename

import (
	"cmp"
	"fmt"
)

// setDisks gives disks other files. The format, the bus, the address and
// everything else of a disk stay.
func (e *editor) setDisks(c Change) error {
	if len(c.Disks) == 0 {
		return nil
	}
	devices, err := e.devices()
	if err != nil {
		return err
	}
	for _, target := range sorted(c.Disks) {
		if err := e.setDisk(devices, target, c.Disks[target]); err != nil {
			return err
		}
	}
	return sharedFiles(devices, c.Disks)
}

func (e *editor) setDisk(devices *element, target, file string) error {
	what := "disk " + printable(target)
	disk, err := findDisk(devices, target)
	if err != nil {
		return refused(what, ErrDevice, "%w", err)
	}
	source, err := fileSource(disk)
	if err != nil {
		return refused(what, ErrRefused, "%w", err)
	}
	e.setValue(source, file)
	return nil
}

// findDisk finds a disk by its target device, as vda.
func findDisk(devices *element, target string) (*element, error) {
	var found *element
	for _, disk := range devicesOf(devices, "disk") {
		t, err := disk.child("target")
		if err != nil {
			return nil, err
		}
		if t == nil || t.value("dev") != target {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("two disks have this target; give one of them another with virsh edit")
		}
		found = disk
	}
	if found == nil {
		return nil, fmt.Errorf("no disk has this target any more; plan this domain anew")
	}
	return found, nil
}

// devicesOf are the devices of one kind.
func devicesOf(devices *element, kind string) []*element {
	if devices == nil {
		return nil
	}
	return devices.all(kind)
}

// fileSource finds the attribute with a disk's image file. The <source> of a
// backing file or of a mirror is not the disk's.
func fileSource(disk *element) (attribute, error) {
	if kind := cmp.Or(disk.value("type"), "file"); kind != "file" {
		return attribute{}, fmt.Errorf("it is of type %s, not an image file; copy it into one, or leave its path out of the plan", printable(kind))
	}
	for _, name := range sorted(unsettled) {
		if len(disk.all(name)) > 0 {
			return attribute{}, fmt.Errorf("it has <%s>: %s", name, unsettled[name])
		}
	}
	source, err := disk.child("source")
	if err != nil {
		return attribute{}, err
	}
	if source == nil {
		return attribute{}, fmt.Errorf("it has no <source>: the drive is empty")
	}
	file, ok := source.attr("file")
	if !ok || file.value == "" {
		return attribute{}, fmt.Errorf("its <source> names no file")
	}
	return file, nil
}

// unsettled are elements of a disk whose image is about to become another one.
var unsettled = map[string]string{
	"mirror":    "it is being copied; end the block job with virsh blockjob, then try again",
	"transient": "what the guest writes is thrown away at its end; remove that with virsh edit, then try again",
}

// sharedFiles refuses a change after which two disks would write into one file.
// Two that share one before are their owner's matter.
func sharedFiles(devices *element, changed map[string]string) error {
	users := map[string]string{}
	for _, disk := range devicesOf(devices, "disk") {
		t, _ := disk.child("target")
		source, err := fileSource(disk)
		if t == nil || err != nil {
			continue // it has no file of its own
		}
		target := t.value("dev")
		file, moved := changed[target]
		if !moved {
			file = source.value
		}
		other, taken := users[file]
		if _, otherMoved := changed[other]; taken && (moved || otherMoved) {
			return refused("disk "+printable(target), ErrChange, "disk %s would have the same file, %q", printable(other), file)
		}
		users[file] = target
	}
	return nil
}
