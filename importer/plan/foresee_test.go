package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/rebuild"
)

// TestRebuild foretells for the definitions of the tests and of the lab what
// Nova would make of them. Each difference stands with the releases that have
// it: the oldest, one between, and the newest.
func TestRebuild(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../discover/testdata/domains/*.xml", "../../testdata/lab/fleet/*.xml"} {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			t.Fatalf("%s: %v, %d files", pattern, err, len(some))
		}
		files = append(files, some...)
	}
	var b strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := discover.Parse(text, nil)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		fmt.Fprintf(&b, "%s\n%s", strings.TrimPrefix(file, "../../"), foretold(d, 22, 26, 34))
	}
	golden(t, "rebuild.txt", b.String())
}

// foretold has one line a difference.
func foretold(d discover.Domain, majors ...int) string {
	var lines []string
	in := map[string][]string{}
	for _, major := range majors {
		for _, x := range rebuild.Differences(d, Foresee(d, Settings{}, major).Hardware(nil), rebuild.Config{Major: major}) {
			line := strings.TrimRight(fmt.Sprintf("%s %s %s", x.Kind, x.Field, x.Device), " ") + fmt.Sprintf(": %q -> %q", x.Now, x.Then)
			if !x.Guest {
				line += " (the host's)"
			}
			if in[line] == nil {
				lines = append(lines, line)
			}
			in[line] = append(in[line], fmt.Sprint(major))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "  %-8s  %s\n", strings.Join(in[line], " "), line)
	}
	return b.String()
}

// TestForeseeAsPlanned: the audit foretells from the same hardware as the plan
// will record.
func TestForeseeAsPlanned(t *testing.T) {
	in := input(ready(linux(1, "web")), ready(windows(2, "ad")), ready(with(linux(3, "odd"), func(d *discover.Domain) {
		d.VCPUs, d.VCPUsMax, d.MemMaxKiB = 3, 3, 5000000
		d.Interfaces = append(d.Interfaces, discover.Interface{Type: "bridge", Bridge: "br0", MAC: mac(9), Model: "e1000"})
		d.Disks = append(d.Disks, discover.Disk{Target: "sdb", Bus: "scsi", Device: "disk", Path: "/x", CapacityBytes: 3 * gib})
	})))
	in.Settings.Rules = []Rule{{Match: Match{Name: "ad"}, NICModel: "e1000", ImageProperties: map[string]string{"hw_watchdog_action": "reset"}}}
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range p.Domains {
		at := slices.IndexFunc(in.Domains, func(c Candidate) bool { return c.Domain.UUID == d.UUID })
		foreseen := Foresee(in.Domains[at].Domain, in.Settings, in.Release.Major).Hardware(in.Cloud)
		if diff := cmp.Diff(d.Hardware(in.Cloud), foreseen, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: the audit foresees other hardware (-planned +foreseen):\n%s", d.Domain, diff)
		}
	}
}

func TestHardwareMTU(t *testing.T) {
	d := Domain{NICs: []NIC{{MAC: "a", Network: "public"}, {MAC: "b", Network: "x", NetworkID: privateID}, {MAC: "c"}}}
	s := &cloud.Snapshot{Networks: []cloud.Network{{ID: publicID, Name: "public", MTU: 1500}, {ID: privateID, Name: "private", MTU: 1450}}}
	for i, want := range []int{1500, 1450, 0} {
		if got := d.Hardware(s).Ports[i].MTU; got != want {
			t.Errorf("MTU of interface %d is %d, want %d", i, got, want)
		}
		if got := d.Hardware(nil).Ports[i].MTU; got != 0 {
			t.Errorf("without the cloud the MTU of interface %d is %d", i, got)
		}
	}
}
