package rebuild

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite FIELDS.md")

// FIELDS.md is what people look fields up in; it is Fields itself.
func TestFieldsFile(t *testing.T) {
	want := markdown(Fields())
	if *update {
		if err := os.WriteFile("FIELDS.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("FIELDS.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("FIELDS.md is not what the fields say; go test ./importer/rebuild -update rewrites it:\n%s", diff)
	}
}

const preface = `# What Nova would rebuild

At every hard reboot or start Nova undefines a domain and makes its definition anew, from its records and from the
nova.conf of its host. An audit foretells that definition for every domain that Nova does not have yet, from the
records that a plan would make, and lists in what it differs from the present one. Each difference is of one of the
fields below; the test of the lab holds them against what a real Nova makes.

Addresses are those that libvirt gives devices without one, on i440fx and q35 machines (PCI, and drives on their
controllers). Where a definition is silent, its value is what libvirt and QEMU make of that.

**Not foretold**: the name, and the paths of disks, sockets and logs; bridges, taps and VLANs (the mapping of networks
has those); what is at a console's other end; the files of firmware and emulator; the version in SMBIOS (Nova's own);
option ROMs; power management; ports on USB and virtio-serial; the password of a display, which an audit cannot read
(Nova's has none); places on other machine types.

**Taken from nova.conf**, where the configuration names it or repeats it under nova.libvirt: virt_type, cpu_mode, the
first of cpu_models, num_pcie_ports, and disk_cachemodes for files. **Taken to be Nova's defaults**: a VNC display and
no SPICE, no serial proxy, statistics of the balloon, sysinfo_serial unique, no cpu_model_extra_flags, and OpenStack's
name in SMBIOS (/etc/nova/release may say another). Without databases the newest release is assumed.

This file is made by ` + "`go test ./importer/rebuild -update`" + `.

| field | of | the guest notices | what decides it |
|---|---|---|---|
`

func markdown(fields []Field) string {
	var b strings.Builder
	b.WriteString(preface)
	for _, f := range fields {
		notices := "no"
		if f.Guest {
			notices = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, cell(f.Title), notices, cell(f.Why))
	}
	return b.String()
}

// cell keeps a text from being taken for markup.
func cell(s string) string {
	return strings.NewReplacer(`\`, `\\`, `|`, `\|`, `<`, `\<`, `*`, `\*`, `_`, `\_`).Replace(s)
}
