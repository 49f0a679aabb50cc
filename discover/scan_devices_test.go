package discover

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A kernelTree is a folder in which a kernel's network devices are shown.
type kernelTree struct {
	t    *testing.T
	root string
	made int
}

// add shows a device: below a card, or virtual, in a master or none, and linked
// to the device of a number (0 to itself).
func (k *kernelTree) add(name, below, master string, linked int) *kernelTree {
	k.t.Helper()
	k.made++
	if linked == 0 {
		linked = k.made
	}
	dir := filepath.Join(k.root, "sys/devices", below, "net", name)
	must := func(err error) {
		k.t.Helper()
		if err != nil {
			k.t.Fatal(err)
		}
	}
	number := func(n int) []byte { return []byte{byte('0' + n/10), byte('0' + n%10), '\n'} }
	must(os.MkdirAll(dir, 0o755))
	must(os.WriteFile(filepath.Join(dir, "ifindex"), number(k.made), 0o444))
	must(os.WriteFile(filepath.Join(dir, "iflink"), number(linked), 0o444))
	if master != "" {
		must(os.Symlink("../"+master, filepath.Join(dir, "master")))
	}
	must(os.MkdirAll(filepath.Join(k.root, netClass), 0o755))
	must(os.Symlink("../../devices/"+below+"/net/"+name, filepath.Join(k.root, netClass, name)))
	return k
}

func (k *kernelTree) file(name, text string) {
	k.t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(k.root, name)), 0o755); err != nil {
		k.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.root, name), []byte(text), 0o444); err != nil {
		k.t.Fatal(err)
	}
}

func (k *kernelTree) files() *Files {
	k.t.Helper()
	local, err := openLocalTree(k.root)
	if err != nil {
		k.t.Fatal(err)
	}
	f := &Files{tree: local, timeout: 5 * time.Second, slots: make(chan struct{}, 1)}
	k.t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestDevices(t *testing.T) {
	const card, virtual = "pci0000:00/0000:00:03.0", "virtual"
	k := &kernelTree{t: t, root: t.TempDir()}
	k.add("lo", virtual, "", 0).
		add("eth0", card, "bond0", 0).
		add("eth1", card, OpenVSwitch, 0).
		add("bond0", virtual, "", 0).
		add("bond0.100", virtual, "br0", 4).
		add("br0", virtual, "", 0).
		add("l-br0", virtual, "br0", 8).
		add("n-br0", virtual, OpenVSwitch, 7).
		add(OpenVSwitch, virtual, "", 0).
		add("vnet0", virtual, "br0", 0).
		add("veth0", virtual, "br0", 2) // of a container: number 2 of its own name space
	k.file("sys/devices/virtual/net/br0/bridge/stp_state", "0\n")
	k.file("sys/class/net/bonding_masters", "bond0\n")
	k.file("proc/net/vlan/config", "VLAN Dev name\t | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\nbond0.100      | 100  | bond0\ngone.7 | 7 | gone\n")
	want := []NetDevice{
		{Name: "bond0"},
		{Name: "bond0.100", Master: "br0", VLAN: 100, Under: "bond0"},
		{Name: "br0", Bridge: true},
		{Name: "eth0", Master: "bond0", Physical: true},
		{Name: "eth1", Master: OpenVSwitch, Physical: true},
		{Name: "l-br0", Master: "br0", Peer: "n-br0"},
		{Name: "lo"},
		{Name: "n-br0", Master: OpenVSwitch, Peer: "l-br0"},
		{Name: OpenVSwitch},
		{Name: "veth0", Master: "br0"},
	}
	guests := []Domain{{Interfaces: []Interface{{Target: "vnet0"}, {}}}}
	if diff := cmp.Diff(want, k.files().devices(t.Context(), guests)); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
}

// A folder without the kernel's own says nothing of devices.
func TestDevicesOfAFolder(t *testing.T) {
	k := &kernelTree{t: t, root: t.TempDir()}
	if found := k.files().devices(t.Context(), nil); found != nil {
		t.Errorf("devices %v", found)
	}
}

// This machine has a loopback, at least.
func TestDevicesHere(t *testing.T) {
	k := &kernelTree{t: t, root: "/"}
	for _, d := range k.files().devices(t.Context(), nil) {
		if d.Name == "lo" {
			if d != (NetDevice{Name: "lo"}) {
				t.Errorf("%+v", d)
			}
			return
		}
	}
	t.Error("it has no lo")
}
