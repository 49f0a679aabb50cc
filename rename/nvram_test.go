package rename

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// booting is a definition whose <os> has that inside, each line indented.
func booting(attributes, inside string) string {
	return around("  <os"+attributes+">\n    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n"+inside+"    <boot dev='hd'/>\n  </os>\n", "")
}

const (
	efi     = " firmware='efi'"
	pflash  = "    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>\n"
	varFile = "/var/lib/libvirt/qemu/nvram/web-01_VARS.fd"
)

// TestNVRAM says of each kind of firmware where its variables are, and which
// lines differ once their path is named. What libvirt 9 takes for variables of
// the domain's own was seen there: see TestFirmwareThroughLibvirt.
func TestNVRAM(t *testing.T) {
	const inserted = "+    <nvram>" + varFile + "</nvram>\n"
	for _, c := range []struct {
		name, definition string
		path             string
		implicit         bool
		want             string // lines that differ; "-" where there is nothing to be named
	}{
		{"BIOS", booting("", ""), "", false, "-"},
		{"no <os>", around("", ""), "", false, "-"},
		{"SeaBIOS by name", booting("", "    <loader type='rom'>/usr/share/seabios/bios.bin</loader>\n"), "", false, "-"},
		{"BIOS chosen by libvirt", booting(" firmware='bios'", ""), "", false, "-"},
		{"chosen by libvirt", booting(efi, ""), "", true, inserted},
		{"chosen by libvirt, secure", booting(efi, "    <firmware>\n      <feature enabled='yes' name='secure-boot'/>\n    </firmware>\n    <loader secure='yes'/>\n"), "", true, inserted},
		{"chosen by libvirt, without state", booting(efi, "    <loader stateless='yes'/>\n"), "", false, "-"},
		{"chosen by libvirt, in ROM", booting(efi, "    <loader type='rom'/>\n"), "", false, "-"},
		{"chosen by libvirt, path named", booting(efi, "    <nvram>/v</nvram>\n"), "/v", false, "-    <nvram>/v</nvram>\n" + inserted},
		{"chosen by libvirt, empty", booting(efi, "    <nvram/>\n"), "", true, "-    <nvram/>\n" + inserted},
		{"named", booting("", pflash+"    <nvram template='/t'>/v &amp; w</nvram>\n"), "/v & w", false,
			"-    <nvram template='/t'>/v &amp; w</nvram>\n+    <nvram template='/t'>" + varFile + "</nvram>\n"},
		{"not named", booting("", pflash), "", true, inserted},
		{"only its template", booting("", pflash+"    <nvram template=\"/t\" />\n"), "", true,
			"-    <nvram template=\"/t\" />\n+    <nvram template=\"/t\">" + varFile + "</nvram>\n"},
		{"empty", booting("", pflash+"    <nvram></nvram>\n"), "", true, "-    <nvram></nvram>\n" + inserted},
		{"only white space", booting("", pflash+"    <nvram>\n    </nvram>\n"), "", true, "-    <nvram>\n-    </nvram>\n" + inserted},
		{"in a source", booting("", pflash+"    <nvram type='file' format='qcow2'>\n      <source file=\"/v\"/>\n    </nvram>\n"), "/v", false,
			"-      <source file=\"/v\"/>\n+      <source file=\"" + varFile + "\"/>\n"},
		{"writable flash holds them itself", booting("", "    <loader readonly='no' type='pflash'>/l</loader>\n"), "", false, "-"},
		{"flash of which nothing is said", booting("", "    <loader type='pflash'>/l</loader>\n"), "", false, "-"},
		{"flash of which nothing is said, with a file", booting("", "    <loader type='pflash'>/l</loader>\n    <nvram/>\n"), "", true, "-    <nvram/>\n" + inserted},
		{"flash without state", booting("", "    <loader readonly='yes' type='pflash' stateless='yes'>/l</loader>\n"), "", false, "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, implicit, err := NVRAM(c.definition)
			if path != c.path || implicit != c.implicit || err != nil {
				t.Errorf("NVRAM = %q, %v, %v, want %q, %v", path, implicit, err, c.path, c.implicit)
			}
			after, err := Apply(c.definition, Change{NVRAM: varFile})
			if c.want == "-" {
				if !errors.Is(err, ErrRefused) || !strings.Contains(fmt.Sprint(err), "no EFI variables") {
					t.Errorf("Apply = %v, want ErrRefused", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(c.want, Diff(c.definition, after)); diff != "" {
				t.Errorf("lines that differ (-want +got):\n%s", diff)
			}
			if path, implicit, err := NVRAM(after); path != varFile || implicit || err != nil {
				t.Errorf("NVRAM afterwards = %q, %v, %v", path, implicit, err)
			}
		})
	}
}

func TestNVRAMRefuses(t *testing.T) {
	for _, c := range []struct {
		name, definition string
		is               error
		says             string
	}{
		{"no definition", "", ErrDefinition, "no XML element"},
		{"two <os>", around("<os/><os/>", ""), ErrDefinition, "more than one <os>"},
		{"two loaders", booting(efi, pflash+pflash), ErrDefinition, "more than one <loader>"},
		{"two files", booting(efi, "<nvram/><nvram/>"), ErrDefinition, "more than one <nvram>"},
		{"two sources", booting(efi, "<nvram><source/><source/></nvram>"), ErrDefinition, "more than one <source>"},
		{"block device", booting("", pflash+"<nvram type='block'><source dev='/dev/x'/></nvram>"), ErrRefused, "type block"},
		{"variables of another kind", booting(efi, "<varstore path='/v.json'/>"), ErrRefused, "<varstore>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := NVRAM(c.definition); !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("NVRAM = %v, want %v that says %q", err, c.is, c.says)
			}
			if _, err := Apply(c.definition, Change{NVRAM: varFile}); !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("Apply = %v, want %v that says %q", err, c.is, c.says)
			}
		})
	}
	for path, says := range map[string]string{"v.fd": "absolute", "/a\x00b": "U+0000"} {
		if _, err := Apply(booting(efi, ""), Change{NVRAM: path}); !errors.Is(err, ErrChange) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("Apply(%q) = %v, want ErrChange that says %q", path, err, says)
		}
	}
	if _, err := Apply(booting(efi, "<nvram><x/></nvram>"), Change{NVRAM: varFile}); !errors.Is(err, ErrRefused) {
		t.Errorf("Apply = %v, want ErrRefused: <x> would be lost", err)
	}
	if _, err := Apply(around("<os firmware='efi'/>", ""), Change{NVRAM: varFile}); !errors.Is(err, ErrDefinition) {
		t.Errorf("Apply = %v, want ErrDefinition: an <os> without <type>", err)
	}
}

func TestDefaultNVRAM(t *testing.T) {
	if got := DefaultNVRAM("web-01"); got != varFile {
		t.Errorf("DefaultNVRAM = %q, want %q", got, varFile)
	}
}
