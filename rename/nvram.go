package rename

import (
	"cmp"
	"strings"
)

// DefaultNVRAM is where libvirt keeps the EFI variables of a domain whose
// definition does not say where (qemu_domain.c, qemuDomainNVRAMPathFormat). It
// is so for qemu:///system and variables in raw format; the live definition of
// a running domain says what is in use.
func DefaultNVRAM(name string) string { return "/var/lib/libvirt/qemu/nvram/" + name + "_VARS.fd" }

// NVRAM says where a definition, persistent or live, has its EFI variables.
//
// Where implicit is true it has some but does not say where: at each start
// libvirt takes the path from the domain's name. Under another name it would
// make new, empty variables, and the guest would lose its boot entries and
// keys. Then Change.NVRAM has to name the present file. Without variables,
// path is "" and implicit is false.
func NVRAM(definition string) (path string, implicit bool, err error) {
	doc, err := parse(definition)
	if err != nil {
		return "", false, &EditError{Err: err}
	}
	path, implicit, err = nvram(doc)
	if err != nil {
		return "", false, named(doc, err)
	}
	return path, implicit, nil
}

// NVRAMInUse is the file of a domain's EFI variables, "" where it has none. live
// is the path in the live definition, "" where it is off.
func NVRAMInUse(definition, live, name string) (string, error) {
	path, implicit, err := NVRAM(definition)
	if err != nil || path == "" && !implicit {
		return "", err
	}
	return cmp.Or(live, path, DefaultNVRAM(name)), nil
}

func nvram(doc *document) (path string, implicit bool, err error) {
	f, err := readFirmware(doc)
	if err != nil || f.os == nil {
		return "", false, err
	}
	switch {
	case f.file != nil:
		return f.file.value, false, nil
	case f.nvram != nil && strings.TrimSpace(f.nvram.words) != "":
		return f.nvram.words, false, nil
	}
	return "", f.nvram != nil || f.variables(), nil
}

// firmware are the elements of a definition that say what the guest boots with.
type firmware struct {
	os, loader, nvram *element
	file              *attribute // <nvram><source file>, since libvirt 8.5
}

func readFirmware(doc *document) (f firmware, err error) {
	if f.os, err = doc.root.child("os"); f.os == nil || err != nil {
		return f, wrapFirmware(err)
	}
	if len(f.os.all("varstore")) > 0 {
		return f, refused("firmware", ErrRefused, "its variables are in a <varstore>, which this program does not know")
	}
	if f.loader, err = f.os.child("loader"); err != nil {
		return f, wrapFirmware(err)
	}
	if f.nvram, err = f.os.child("nvram"); f.nvram == nil || err != nil {
		return f, wrapFirmware(err)
	}
	if kind := cmp.Or(f.nvram.value("type"), "file"); kind != "file" {
		return f, refused("firmware", ErrRefused, "its variables are on a source of type %s, not in a file; they stay there under any name", printable(kind))
	}
	source, err := f.nvram.child("source")
	if source == nil || err != nil {
		return f, wrapFirmware(err)
	}
	if file, ok := source.attr("file"); ok {
		f.file = &file
	}
	return f, nil
}

func wrapFirmware(err error) error {
	if err == nil {
		return nil
	}
	return refused("firmware", ErrDefinition, "%w; remove all but one with virsh edit", err)
}

// variables reports whether libvirt gives the guest a file for its EFI
// variables: with firmware that it chooses itself, or with a read-only one in
// flash (domain_conf.c, virDomainDefHasOldStyleROUEFI). In writable flash the
// variables are in the loader's own file.
func (f firmware) variables() bool {
	kind, readonly, stateless := "", "", ""
	if f.loader != nil {
		kind, readonly, stateless = f.loader.value("type"), f.loader.value("readonly"), f.loader.value("stateless")
	}
	if stateless == "yes" || kind == "rom" {
		return false
	}
	return f.os.value("firmware") == "efi" || kind == "pflash" && readonly == "yes"
}

// setNVRAM names the file of the EFI variables.
func (e *editor) setNVRAM(c Change) error {
	if c.NVRAM == "" {
		return nil
	}
	f, err := readFirmware(e.doc)
	switch {
	case err != nil:
		return err
	case f.os == nil || f.nvram == nil && !f.variables():
		return refused("firmware", ErrRefused, "it has no EFI variables; leave their path out")
	case f.file != nil:
		e.setValue(*f.file, c.NVRAM)
		return nil
	case f.nvram != nil:
		return e.setWords(f.nvram, "<nvram>", c.NVRAM)
	}
	return e.insertNVRAM(f, c.NVRAM)
}

// insertNVRAM puts the element where libvirt writes it.
func (e *editor) insertNVRAM(f firmware, path string) error {
	for _, name := range []string{"loader", "firmware", "type"} {
		before, err := f.os.child(name)
		if err != nil {
			return wrapFirmware(err)
		}
		if before != nil {
			e.insertAfter(before, "<nvram>"+escape(path, 0)+"</nvram>")
			return nil
		}
	}
	return refused("firmware", ErrDefinition, "its <os> has no <type>")
}
