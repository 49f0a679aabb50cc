package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

func TestLimits(t *testing.T) {
	root, data := Disk{Target: "vda", Becomes: rootName}, Disk{Target: "vdb", Becomes: "disk.eph0"}
	zed := Plan{Made: Made{Nova: "Zed (26)"}}
	for _, c := range []struct {
		name string
		d    Domain
		want []string // beside those that every domain has until its restart
	}{
		{"plain", Domain{Disks: []Disk{root}, ImageRef: "i", NICs: []NIC{{CreatePort: true, PortSecurity: true}}}, nil},
		{"placeholder", Domain{Disks: []Disk{root}, Placeholder: true}, []string{"rebuild: installs the placeholder"}},
		{"data disk", Domain{Disks: []Disk{root, data}, ImageRef: "i"}, []string{"snapshot: is of the root disk alone, without vdb", "shelve, rebuild: makes vdb anew, empty"}},
		{"open port", Domain{ImageRef: "i", NICs: []NIC{{CreatePort: true, PortSecurity: true}, {CreatePort: true}}}, []string{"another security group: is refused"}},
		{"port that is there", Domain{ImageRef: "i", NICs: []NIC{{Port: "p"}}}, nil},
		{"UEFI", Domain{ImageRef: "i", ImageProperties: map[string]string{"hw_firmware_type": "uefi"}},
			[]string{"hard reboot, start: keeps the UEFI variables at the first start by Nova, and makes them anew"}},
		{"UEFI, placeholder", Domain{Placeholder: true, ImageProperties: map[string]string{"hw_firmware_type": "uefi"}},
			[]string{"rebuild: fails with the guest off", "hard reboot, start: keeps the UEFI variables at the first start by Nova, and makes them anew"}},
		{"UEFI, placeholder, data disk", Domain{Disks: []Disk{root, data}, Placeholder: true, ImageProperties: map[string]string{"hw_firmware_type": "uefi"}},
			[]string{"rebuild: fails with the guest off", "snapshot: is of the root disk alone", "shelve: makes vdb anew, empty", "hard reboot, start: keeps the UEFI variables at the first start by Nova, and makes them anew"}},
		{"no image", Domain{}, []string{"resize: ends in ERROR"}},
	} {
		lines := zed.limitLines(c.d)
		if lines[0] != "until its restart no snapshot, no rescue, no resize, no shelve" {
			t.Errorf("%s: the first line is %q", c.name, lines[0])
		}
		var begun []string
		for i, line := range lines[1:] {
			if i < len(c.want) && strings.HasPrefix(line, c.want[i]) && strings.Contains(line, "nova/") {
				line = c.want[i]
			}
			begun = append(begun, line)
		}
		if diff := cmp.Diff(c.want, begun); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// What Nova does with UEFI depends on the release.
func TestLimitsOfReleases(t *testing.T) {
	d := Domain{Placeholder: true, Disks: []Disk{{Target: "vda", Becomes: rootName}, {Target: "vdb"}}, ImageProperties: map[string]string{"hw_firmware_type": "uefi"}}
	for release, want := range map[string][]string{
		"":            {"rebuild: fails", "snapshot: is of the root", "shelve: makes vdb", "hard reboot, start: keeps the UEFI"},
		"Zed (26)":    {"rebuild: fails", "snapshot: is of the root", "shelve: makes vdb", "hard reboot, start: keeps the UEFI"},
		"2025.1 (31)": {"rebuild: installs", "snapshot: is of the root", "shelve, rebuild: makes vdb", "hard reboot, start: keeps the UEFI"},
		"2025.2 (32)": {"rebuild: installs", "snapshot: is of the root", "shelve, rebuild: makes vdb", "hard reboot, start: keeps the UEFI"},
		"2026.1 (33)": {"rebuild: installs", "snapshot: is of the root", "shelve, rebuild: makes vdb"},
		"unknown (x)": {"rebuild: fails", "snapshot: is of the root", "shelve: makes vdb", "hard reboot, start: keeps the UEFI"},
	} {
		lines := Plan{Made: Made{Nova: release}}.limitLines(d)[1:]
		if !slices.EqualFunc(lines, want, strings.HasPrefix) {
			t.Errorf("limits with %q are %q, want those that begin with %q", release, lines, want)
		}
	}
}

// A guest that does not run cannot run on.
func TestLimitOfSnapshot(t *testing.T) {
	for state, want := range map[string]string{"running": "fails; the guest runs on", "": "fails; the guest runs on", "paused": asItIs, "shutoff": asItIs} {
		l := (Plan{}).Limits(Domain{MadeFrom: MadeFrom{State: state}})[0]
		if l.Operation != Snapshot || !l.UntilRestart || !strings.HasPrefix(l.Effect, want) {
			t.Errorf("of a guest that is %q the plan says of a snapshot: %+v, want %q", state, l, want)
		}
	}
}

// A screen with a password is Nova's after the restart alone.
func TestLimitOfScreen(t *testing.T) {
	d := Domain{Findings: []Finding{{Code: screenPassword}}}
	if got := (Plan{}).limitLines(d)[0]; !strings.HasSuffix(got, ", no noVNC") {
		t.Errorf("the first line is %q", got)
	}
	if r, ok := check.Find(screenPassword); !ok || !strings.Contains(r.Title, "password") {
		t.Errorf("%s is another check: %q", screenPassword, r.Title)
	}
}

// Whatever a host calls its disks, a limit stays a comment of one line.
func TestLimitLinesAreComments(t *testing.T) {
	for _, s := range hostile {
		d := Domain{Disks: []Disk{{Target: "vda", Becomes: rootName}, {Target: s, Becomes: "disk.eph0"}}}
		if lines := (Plan{}).limitLines(d); slices.ContainsFunc(lines, func(l string) bool { return strings.ContainsAny(l, "\n\r\u0085\u2028\u2029\x00\x1b\u202e") }) {
			t.Errorf("limits of a disk %q are %q", s, lines)
		}
	}
}
