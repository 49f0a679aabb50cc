//go:build integration

package rename

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const code = "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"

func efiGuest(name, attributes, inside string) (definition string) {
	return guestWith(name, "<os"+attributes+"><type arch='x86_64' machine='q35'>hvm</type>"+inside+"</os>", "")
}

// onHost is where a file below libvirt's /var/lib is seen from outside of the
// private daemon's name space.
func (r realLibvirt) onHost(path string) string {
	r.t.Helper()
	below, ok := strings.CutPrefix(path, "/var/lib/libvirt/")
	if !ok {
		r.t.Fatalf("%s is not below /var/lib/libvirt", path)
	}
	return filepath.Join(filepath.Dir(r.socket), "../../lib", below)
}

// startsWith starts a domain, leaves it paused, and says which file it has its
// EFI variables in.
func (r realLibvirt) startsWith(id string) (path string) {
	r.t.Helper()
	r.must("start", "--paused", id)
	live := r.must("dumpxml", id)
	r.must("destroy", id)
	path, implicit, err := NVRAM(live)
	if err != nil || implicit {
		r.t.Fatalf("NVRAM of the live definition: %q, %v, %v", path, implicit, err)
	}
	return path
}

// TestFirmwareThroughLibvirt has libvirt judge what NVRAM says: a domain has
// variables exactly where its live definition names a file, and that is
// DefaultNVRAM where the persistent one names none.
func TestFirmwareThroughLibvirt(t *testing.T) {
	r := openRealLibvirt(t)
	const other = "/var/lib/libvirt/qemu/nvram/other.fd"
	for _, c := range []struct{ name, attributes, inside, path string }{
		{"bios", "", "", ""},
		{"rom", "", "<loader type='rom'>/usr/share/seabios/bios.bin</loader>", ""},
		{"efi", " firmware='efi'", "", DefaultNVRAM("efi")},
		{"efi-empty", " firmware='efi'", "<nvram/>", DefaultNVRAM("efi-empty")},
		{"efi-named", " firmware='efi'", "<nvram>" + other + "</nvram>", other},
		{"efi-source", " firmware='efi'", "<nvram type='file'><source file='" + other + "'/></nvram>", other},
		{"flash", "", code, DefaultNVRAM("flash")},
		{"flash-template", "", code + "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/>", DefaultNVRAM("flash-template")},
		{"flash-source", "", code + "<nvram type='file' template='/usr/share/OVMF/OVMF_VARS_4M.fd'><source file='" + other + "'/></nvram>", other},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := realLibvirt{t, r.socket}
			id, definition, err := r.defineFirst(efiGuest(c.name, c.attributes, c.inside))
			if err != nil {
				t.Fatal(err)
			}
			path, implicit, err := NVRAM(definition)
			if err != nil {
				t.Fatal(err)
			}
			if implicit {
				path = DefaultNVRAM(c.name)
			}
			if live := r.startsWith(id); live != c.path || path != c.path {
				t.Errorf("NVRAM says %q (implicit: %v), and it started with %q, want %q", path, implicit, live, c.path)
			}
		})
	}
}

// TestVariablesSurviveRename leaves a mark in a domain's EFI variables. Under
// its new name the domain starts with the marked file, if that was named.
// Otherwise it gets empty ones, which is what Change.NVRAM is for.
func TestVariablesSurviveRename(t *testing.T) {
	r := openRealLibvirt(t)
	const name, newName = "efi-legacy", "instance-000000ef"
	id, before, err := r.defineFirst(efiGuest(name, " firmware='efi'", ""))
	if err != nil {
		t.Fatal(err)
	}
	file := r.startsWith(id)
	if file != DefaultNVRAM(name) {
		t.Fatalf("it started with %s, want %s", file, DefaultNVRAM(name))
	}
	mark := []byte("variables of the guest")
	r.mark(file, mark)

	r.must("domrename", id, newName)
	if _, implicit, err := NVRAM(before); implicit != (r.startsWith(id) == DefaultNVRAM(newName)) || err != nil {
		t.Errorf("implicit is %v (%v), and under the new name it starts with %s", implicit, err, r.startsWith(id))
	}
	if r.marked(DefaultNVRAM(newName), mark) {
		t.Error("the variables came along by themselves: nothing has to be named")
	}

	after, err := Apply(before, Change{Name: newName, NVRAM: file})
	if err != nil {
		t.Fatal(err)
	}
	defined, err := r.define(after)
	if err != nil {
		t.Fatal(err)
	}
	if defined != after {
		t.Errorf("libvirt writes it otherwise than it was edited:\n%s", Diff(after, defined))
	}
	if got := r.startsWith(id); got != file || !r.marked(file, mark) {
		t.Errorf("it started with %s, want %s with its mark", got, file)
	}
	if err := os.Remove(r.onHost(DefaultNVRAM(newName))); err != nil {
		t.Error(err)
	}
}

// mark overwrites the end of a file, and keeps its size.
func (r realLibvirt) mark(file string, mark []byte) {
	r.t.Helper()
	b, err := os.ReadFile(r.onHost(file))
	if err != nil {
		r.t.Fatal(err)
	}
	copy(b[len(b)-len(mark):], mark)
	if err := os.WriteFile(r.onHost(file), b, fs.FileMode(0o600)); err != nil {
		r.t.Fatal(err)
	}
}

func (r realLibvirt) marked(file string, mark []byte) bool {
	r.t.Helper()
	b, err := os.ReadFile(r.onHost(file))
	if err != nil {
		r.t.Fatal(err)
	}
	return bytes.HasSuffix(b, mark)
}
