package nova

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with testdata/NAME, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

var samples = []struct {
	name string
	in   func() Instance
}{
	{"linux-virtio", linuxVirtio},
	{"windows-e1000", windowsE1000},
	{"two-data-disks", twoDataDisks},
	{"two-ports", twoPorts},
	{"routed-port", routedPort},
	{"no-ports", noPorts},
	{"one-port-unbound", onePortUnbound},
}

func TestRowsGolden(t *testing.T) {
	for _, release := range []string{"victoria", "zed", "epoxy"} {
		c := newFixture(t, release, nil).open()
		for _, s := range samples {
			t.Run(release+"/"+s.name, func(t *testing.T) {
				set, err := Rows(s.in(), noon)
				if err != nil {
					t.Fatal(err)
				}
				limited, err := set.Limit(c.cells[0].has, c.api.has)
				if err != nil {
					t.Fatal(err)
				}
				var text strings.Builder
				if err := limited.Print(&text); err != nil {
					t.Fatal(err)
				}
				golden(t, "rows/"+release+"-"+s.name+".txt", text.String())
			})
		}
	}
}

// Blobs are what Nova parses; each must be JSON in ASCII.
func TestRowsBlobsAreASCIIJSON(t *testing.T) {
	blobs := map[string]bool{"flavor": true, "keypairs": true, "pci_requests": true, "network_info": true, "spec": true}
	for _, s := range samples {
		set, err := Rows(s.in(), noon)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, r := range append(set.Cell, set.API...) {
			for _, c := range r.Columns {
				if !blobs[c.Name] {
					continue
				}
				seen++
				text := c.Value.(string)
				if !json.Valid([]byte(text)) || strings.ContainsFunc(text, func(r rune) bool { return r > 126 }) {
					t.Errorf("%s: %s.%s is not JSON in ASCII: %s", s.name, r.Table, c.Name, text)
				}
			}
		}
		if seen != len(blobs) {
			t.Errorf("%s has %d blobs, want %d", s.name, seen, len(blobs))
		}
	}
}

// A resize reads request_specs and everything else system metadata: the
// properties must be the same in both.
func TestRowsPropertiesAgree(t *testing.T) {
	set, err := Rows(windowsE1000(), noon)
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Data struct {
			Image struct {
				Data struct {
					Properties struct {
						Data map[string]any `json:"nova_object.data"`
					} `json:"properties"`
				} `json:"nova_object.data"`
			} `json:"image"`
		} `json:"nova_object.data"`
	}
	if err := json.Unmarshal([]byte(set.API[0].Get("spec").(string)), &spec); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"hw_machine_type": "pc-i440fx-7.2", "hw_cdrom_bus": "ide", "hw_disk_bus": "ide", "hw_input_bus": "usb",
		"hw_pointer_model": "usbtablet", "hw_video_model": "vga", "hw_vif_model": "e1000",
		"hw_cpu_sockets": 2.0, "hw_qemu_guest_agent": false, "os_type": "windows",
	}
	if diff := cmp.Diff(want, spec.Data.Image.Data.Properties.Data); diff != "" {
		t.Errorf("request_specs (-want +got):\n%s", diff)
	}
	metadata := map[string]any{}
	for _, r := range set.Cell {
		if key, _ := r.Get("key").(string); r.Table == "instance_system_metadata" {
			metadata[key] = r.Get("value")
		}
	}
	for k := range want {
		if metadata["image_"+k] == nil {
			t.Errorf("instance_system_metadata has no image_%s", k)
		}
	}
	if metadata[MarkerKey] != windowsE1000().RequestID {
		t.Errorf("marker is %v, want the request id", metadata[MarkerKey])
	}
}

func TestRowsLimitRefusesAStrangeSchema(t *testing.T) {
	set, err := Rows(linuxVirtio(), noon)
	if err != nil {
		t.Fatal(err)
	}
	lacks := func(column string) func(string, string) bool {
		return func(_, c string) bool { return c != column }
	}
	if _, err := set.Limit(lacks("encrypted"), lacks("")); err != nil {
		t.Errorf("without encrypted, as before 26: %v", err)
	}
	if _, err := set.Limit(lacks("hidden"), lacks("")); err == nil || !strings.Contains(err.Error(), "instances has no column hidden") {
		t.Errorf("without instances.hidden: %v, want an error that names it", err)
	}
}
