package nova

import (
	"strings"
	"testing"
)

// Every release by its heads and its services, and those that only the
// services tell apart.
func TestDetect(t *testing.T) {
	tests := []struct {
		api, cell string
		services  int
		name      string
		major     int
		readOnly  string
	}{
		{"77", "412", 53, "Victoria", 22, ""},
		{"82", "417", 56, "Wallaby", 23, ""},
		{"d67eeaabee36", "8f2f1571d55b", 60, "Xena", 24, ""},
		{"b30f573d3377", "16f1fbcab42b", 61, "Yoga", 25, ""},
		{"b30f573d3377", "ccb0fa1a2252", 64, "Zed", 26, ""},
		{"b30f573d3377", "960aac0e09ea", 66, "2023.1", 27, ""},
		{"cdeec0c85668", "1acf2c98e646", 66, "2023.2", 28, ""},
		{"cdeec0c85668", "13863f4e1612", 67, "2024.1 or 2024.2", 29, ""},
		{"cdeec0c85668", "2903cd72dc14", 68, "2025.1", 31, ""},
		{"cdeec0c85668", "2903cd72dc14", 70, "2025.2", 32, ""},
		{"cdeec0c85668", "2903cd72dc14", 72, "2026.1", 33, ""},
		{"cdeec0c85668", "ab450ba04102", 73, "2026.2", 34, ""},
		{"cdeec0c85668", "2903cd72dc14", 0, "2025.1", 31, ""}, // no services: the oldest
		{"cdeec0c85668", "2903cd72dc14", 69, "2025.1", 31, "service version 69"},
		{"cdeec0c85668", "2903cd72dc14", 67, "2025.1", 31, "service version 67"},
		{"cdeec0c85668", "2903cd72dc14", 71, "2025.2", 32, "service version 71"},
		{"cdeec0c85668", "2903cd72dc14", 73, "2026.1", 33, "service version 73"}, // 2026.2's services before its db sync
		{"b30f573d3377", "960aac0e09ea", 65, "2023.1", 27, "service version 65"},
		{"cdeec0c85668", "1acf2c98e646", 67, "2023.2", 28, "service version 67"},
		{"cdeec0c85668", "13863f4e1612", 66, "2024.1 or 2024.2", 29, "service version 66"},
		{"cdeec0c85668", "ab450ba04102", 74, "2026.2", 34, "service version 74"},
		{"cdeec0c85668", "1b91788ec3a6", 66, "", 0, "revision 1b91788ec3a6 of the cell databases"}, // a sync that stopped half way
		{"b30f573d3377", "2903cd72dc14", 68, "", 0, "API of Yoga, Zed, 2023.1, cells of 2025.1, 2025.2, 2026.1"},
		{"", "ccb0fa1a2252", 64, "", 0, "revision (none) of the API database"},
		{"b30f573d3377", "", 64, "", 0, "revision (none) of the cell databases"},
		{"b30f573d3377+x", "ccb0fa1a2252", 64, "", 0, "revision b30f573d3377+x"},
	}
	for _, tt := range tests {
		e := evidence{api: tt.api, cells: []cellRevision{{"cell1", tt.cell}}}
		if tt.services > 0 {
			e.services = []serviceVersion{{Version: tt.services, Binary: "nova-compute", Host: "kvm01", Count: 1}}
		}
		r := detect(e)
		if r.Name != tt.name || r.Major != tt.major || r.Services != tt.services {
			t.Errorf("%s %s %d: %+v, want %s (%d)", tt.api, tt.cell, tt.services, r, tt.name, tt.major)
		}
		if (tt.readOnly == "") != (r.ReadOnly == "") || !strings.Contains(r.ReadOnly, tt.readOnly) {
			t.Errorf("%s %s %d: ReadOnly %q, want %q", tt.api, tt.cell, tt.services, r.ReadOnly, tt.readOnly)
		}
	}
}

func TestDetectCellsApart(t *testing.T) {
	r := detect(evidence{api: "b30f573d3377", cells: []cellRevision{{"cell1", "ccb0fa1a2252"}, {"cell2", "16f1fbcab42b"}}})
	if want := "cell1 has ccb0fa1a2252, cell2 has 16f1fbcab42b"; !strings.Contains(r.ReadOnly, want) {
		t.Errorf("ReadOnly = %q, want %q in it", r.ReadOnly, want)
	}
}

func TestLosesVariables(t *testing.T) {
	for _, c := range []struct {
		major int
		until string
		loses bool
	}{{0, "", true}, {22, "", true}, {26, "", true}, {30, "", true}, {31, "31.3.0", true}, {32, "32.2.1", true}, {33, "", false}, {34, "", false}} {
		if until, loses := (Release{Major: c.major}).LosesVariables(); until != c.until || loses != c.loses {
			t.Errorf("%d: LosesVariables = %q, %v, want %q, %v", c.major, until, loses, c.until, c.loses)
		}
	}
}
