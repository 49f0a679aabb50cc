package discover

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// arpTable is the kernel's text: a guest, one that did not answer, one with two
// addresses, and what a kernel of another day might print.
const arpTable = `IP address       HW type     Flags       HW address            Mask     Device
10.66.0.11       0x1         0x2         52:54:00:10:00:0b     *        br-legacy
10.66.0.12       0x1         0x0         00:00:00:00:00:00     *        br-legacy
10.66.0.13       0x1         0x2         52:54:00:10:00:0D     *        br-legacy
169.254.7.7      0x1         0x2         52:54:00:10:00:0d     *        br-legacy
10.66.0.113      0x1         0x2         52:54:00:10:00:0d     *        br1
not.an.address   0x1         0x2         52:54:00:10:00:0e     *        br-legacy
short line
`

func TestAddNeighbours(t *testing.T) {
	addr := netip.MustParseAddr
	domains := []Domain{
		{Name: "one", State: StateRunning, Interfaces: []Interface{{MAC: "52:54:00:10:00:0B"}}},
		{Name: "two addresses", State: StatePaused, Interfaces: []Interface{{MAC: "52:54:00:10:00:0d"}}},
		{Name: "off", State: StateShutoff, Interfaces: []Interface{{MAC: "52:54:00:10:00:0b"}}},
		{Name: "damaged line", State: StateRunning, Interfaces: []Interface{{MAC: "52:54:00:10:00:0e"}}},
		{
			Name: "agent knows better", State: StateRunning, Interfaces: []Interface{{MAC: "52:54:00:10:00:0b"}},
			Addresses: []Address{{MAC: "52:54:00:10:00:0b", IP: addr("10.66.0.99"), Source: "agent"}},
		},
	}
	addNeighbours(domains, parseNeighbours(arpTable))
	want := map[string][]Address{
		"one": {{MAC: "52:54:00:10:00:0b", IP: addr("10.66.0.11"), Source: "arp"}},
		"two addresses": {
			{MAC: "52:54:00:10:00:0d", IP: addr("10.66.0.13"), Source: "arp"},
			{MAC: "52:54:00:10:00:0d", IP: addr("10.66.0.113"), Source: "arp"},
		},
		"off":                nil,
		"damaged line":       nil,
		"agent knows better": {{MAC: "52:54:00:10:00:0b", IP: addr("10.66.0.99"), Source: "agent"}},
	}
	for _, d := range domains {
		if diff := cmp.Diff(want[d.Name], d.Addresses, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.Name, diff)
		}
	}
}

// TestNeighboursOfAFolder reads the table of a host's file tree, and finds
// nothing where there is none.
func TestNeighboursOfAFolder(t *testing.T) {
	root := t.TempDir()
	local, err := openLocalTree(root)
	if err != nil {
		t.Fatal(err)
	}
	f := &Files{tree: local, timeout: 5 * time.Second, slots: make(chan struct{}, 1)}
	defer f.Close()
	if _, err := f.neighbours(context.Background()); err == nil || !strings.Contains(err.Error(), neighbourTable) {
		t.Errorf("without a table: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(root, "proc/net"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, neighbourTable), []byte(arpTable), 0o644); err != nil {
		t.Fatal(err)
	}
	table, err := f.neighbours(context.Background())
	if err != nil || len(table["52:54:00:10:00:0d"]) != 3 {
		t.Errorf("table %v, error %v", table, err)
	}
}
