package rename

import (
	stdflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = stdflag.Bool("update", false, "rewrite the golden files")

const demoHosts = "../testdata/demo/hosts"

// TestApplyDemo edits every definition of the demonstration in every way that
// it can be edited, and shows the lines that differ.
func TestApplyDemo(t *testing.T) {
	hosts, err := filepath.Glob(demoHosts + "/kvm*")
	if err != nil || len(hosts) != 4 {
		t.Fatalf("found %d hosts (%v), want 4", len(hosts), err)
	}
	count := 0
	for _, host := range hosts {
		files, err := filepath.Glob(host + "/*.xml")
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, file := range files {
			count++
			fmt.Fprintf(&got, "=== %s\n%s\n", filepath.Base(file), editOne(t, persistent(readFile(t, file)), count))
		}
		golden(t, "testdata/demo/"+filepath.Base(host)+".diff", got.String())
	}
	if count != 57 {
		t.Errorf("edited %d definitions, want 57", count)
	}
}

// editOne returns the differing lines, or why there are none.
func editOne(t *testing.T, definition string, number int) string {
	t.Helper()
	c := everything(t, definition, number)
	after, err := Apply(definition, c)
	if err != nil {
		return "! " + err.Error() + "\n"
	}
	if err := Check(definition, after, c); err != nil {
		t.Error(err)
	}
	if err := Check(definition, after, Change{Name: c.Name}); err == nil && len(c.Disks)+len(c.NICs) > 0 {
		t.Errorf("%s: Check takes more than it was told", c.Name)
	}
	return Diff(definition, after)
}

// persistent makes of a definition that a running domain gave one that Apply
// takes. What libvirt itself does on the way is for the tests with a libvirt.
func persistent(definition string) string {
	return regexp.MustCompile(`(<domain[^>]*) id='\d+'`).ReplaceAllString(definition, "$1")
}

// everything is a Change of all that can be changed in a definition: virtio
// becomes what Windows has a driver for, everything else becomes virtio.
func everything(t testing.TB, definition string, number int) Change {
	t.Helper()
	doc, err := parse(definition)
	if err != nil {
		return Change{Name: "damaged"}
	}
	c := Change{Name: fmt.Sprintf("instance-%08x", number), Disks: map[string]string{}, NICs: map[string]NIC{}}
	if path, implicit, err := NVRAM(definition); err == nil && (implicit || path != "") {
		c.NVRAM = DefaultNVRAM(c.Name)
	}
	machine, err := doc.root.deep("os", "type")
	if err != nil || machine == nil {
		t.Fatalf("no machine type: %v", err)
	}
	devices, err := doc.root.child("devices")
	if err != nil {
		t.Fatal(err)
	}
	for _, disk := range devicesOf(devices, "disk") {
		if target, _ := disk.child("target"); target != nil && disk.value("type") == "file" && disk.value("device") == "disk" {
			c.Disks[target.value("dev")] = "/var/lib/nova/instances/" + c.Name + "/" + novaDisk(len(c.Disks))
		}
	}
	for _, nic := range devicesOf(devices, "interface") {
		if mac, _ := nic.child("mac"); mac != nil {
			c.NICs[mac.value("address")] = otherNIC(nic, machine.value("machine"), definition)
		}
	}
	return c
}

func novaDisk(n int) string {
	if n == 0 {
		return "disk"
	}
	return fmt.Sprintf("disk.eph%d", n-1)
}

func otherNIC(nic *element, machine, definition string) NIC {
	mac := strings.ReplaceAll(nic.all("mac")[0].value("address"), ":", "")
	n := NIC{Model: "virtio", Target: "tap" + mac, Bridge: "brq" + mac[:11]}
	if models := nic.all("model"); len(models) > 0 && isVirtio(models[0].value("type")) {
		n.Model = ModelFor(machine, "windows", libosinfo(definition))
	}
	if len(nic.all("virtualport")) > 0 {
		n.Bridge, n.OVSPort = "br-int", "0e6f8b4c-0000-4000-8000-"+mac
	}
	return n
}

func libosinfo(definition string) string {
	_, after, _ := strings.Cut(definition, `<libosinfo:os id="`)
	id, _, _ := strings.Cut(after, `"`)
	return id
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(readFile(t, file), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func readFile(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
