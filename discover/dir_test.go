package discover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeHost makes a folder of files, and the host that scanDir reads it as.
func writeHost(t *testing.T, files map[string]string) (string, Host) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, "kvm01", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	hosts, err := HostsFromDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "kvm01"), hosts[0]
}

// named is a small definition. An id makes it one of a running domain.
func named(name string, id int) string {
	root := "<domain type='kvm'>"
	if id > 0 {
		root = fmt.Sprintf("<domain type='kvm' id='%d'>", id)
	}
	return root + "<name>" + name + "</name><uuid>" + fmt.Sprintf("5ef1ba4e-3ba6-4a6e-9cd6-%012x", len(name)+1) + "</uuid><memory>1024</memory>" +
		"<devices><disk><source file='/a'/><target dev='vda'/></disk>" +
		"<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/></interface></devices></domain>"
}

func TestScanDir(t *testing.T) {
	_, h := writeHost(t, map[string]string{
		"a.xml":                named("a", 0),
		"bb.xml":               named("bb", 3),
		"ccc.xml":              named("ccc", 0),
		"ccc.live.xml":         named("ccc", 4),
		"dddd.live.xml":        named("dddd", 5),
		"notes.txt":            "no definition",
		"autostart/bb.xml":     "",
		"save/a.save":          "x",
		"snapshot/a/s1.xml":    "<domainsnapshot/>",
		"snapshot/bb/left.tmp": "",
		"checkpoint/bb/c1.xml": "<domaincheckpoint/>",
		"networks/default.xml": "<network><name>default</name><forward/><bridge name='virbr0'/></network>",
		"host.yaml": `
hostname: kvm01.example.net
cpus: 32
memory_kib: 65536
libvirt: 9.0.0
qemu: 7.2.0
domains:
  bb:
    state: paused
    addresses: [{mac: 52:54:00:00:00:0A, ip: 10.0.0.5, prefix: 24, source: arp}]
    drops: [{mac: 52:54:00:00:00:01, rx: 7, tx: 8}]
    disks: {vda: {capacity_bytes: 9, allocation_bytes: 4}}
    agent_os: {id: mswindows, pretty_name: Windows Server 2019, version: "2019"}
  ccc: {persistent: false}
`,
	})
	inv := scanDir(context.Background(), h, Options{KeepXML: true})
	if inv.Err != nil || len(inv.Unreadable) != 0 || len(inv.Domains) != 4 {
		t.Fatalf("scanDir: %v, unreadable %v, %d domains", inv.Err, inv.Unreadable, len(inv.Domains))
	}
	if inv.Hostname != "kvm01.example.net" || inv.CPUs != 32 || inv.MemoryKiB != 65536 || inv.LibvirtVersion != "9.0.0" || inv.QEMUVersion != "7.2.0" {
		t.Errorf("host.yaml is not taken over: %+v", inv)
	}
	a, bb, ccc, dddd := inv.Domains[0], inv.Domains[1], inv.Domains[2], inv.Domains[3]
	for _, c := range []struct {
		what string
		is   bool
	}{
		{"a is off, saved and has a snapshot", a.State == StateShutoff && a.Persistent && a.ManagedSave && a.Snapshots && !a.Checkpoints && !a.Autostart},
		{"bb is paused, as host.yaml says, starts with the host and has a checkpoint", bb.State == StatePaused && bb.Persistent && bb.Autostart && bb.Checkpoints && !bb.Snapshots},
		{"ccc runs and is transient, as host.yaml says", ccc.State == StateRunning && !ccc.Persistent && ccc.LiveXML != nil},
		{"dddd has only a live definition", dddd.State == StateRunning && !dddd.Persistent},
		{"the host's name is on the domain", a.Host == "kvm01"},
		{"definitions are kept", len(a.XML) > 0 && a.LiveXML == nil},
		{"the network is resolved", a.Interfaces[0].NetworkBridge == "virbr0" && a.Interfaces[0].NetworkForward == "nat"},
		{"drops are taken over", bb.Interfaces[0].RxDropped == 7 && bb.Interfaces[0].TxDropped == 8},
		{"sizes are taken over", bb.Disks[0].CapacityBytes == 9 && bb.Disks[0].AllocationBytes == 4},
		{"the agent is believed", bb.Guest.Family == "windows" && bb.Guest.Confidence == "agent"},
	} {
		if !c.is {
			t.Errorf("not so: %s", c.what)
		}
	}
	want := []Address{{MAC: "52:54:00:00:00:0a", IP: netip.MustParseAddr("10.0.0.5"), Prefix: 24, Source: "arp"}}
	if diff := cmp.Diff(want, bb.Addresses, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if inv := scanDir(context.Background(), h, Options{}); inv.Domains[0].XML != nil {
		t.Error("definitions are kept without Options.KeepXML")
	}
}

// Each damaged file is one unreadable domain with its reason; the rest is read.
func TestScanDirGoesOn(t *testing.T) {
	dir, h := writeHost(t, map[string]string{
		"good.xml":      named("good", 0),
		"twin.xml":      named("good", 0),
		"cut.xml":       named("cut-name", 0)[:120],
		"empty.xml":     "",
		"net.xml":       "<network/>",
		"on.xml":        named("on", 0),
		"on.live.xml":   "",
		"bin.xml":       "\x7fELF",
		"elsewhere.txt": "x",
	})
	big, err := os.Create(filepath.Join(dir, "huge.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Truncate(50 << 20); err != nil {
		t.Fatal(err)
	}
	big.Close()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.xml"), 0o644); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside.xml")
	if err := os.WriteFile(outside, []byte(named("outside", 0)), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"leads-out.xml": outside, "inside.xml": "good.xml", "dangling.xml": "nowhere.xml", "up.xml": "../../x.xml"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}

	inv := scanDir(context.Background(), h, Options{})
	if inv.Err != nil {
		t.Fatal(inv.Err)
	}
	want := map[string]string{
		"cut-name": "ends in the middle", "empty": "empty", "net": "root element is <network>", "on": "empty", "bin": "no XML element",
		"huge": "52428800 bytes", "pipe": "no regular file", "leads-out": "escapes", "dangling": "dangling.xml: no such file", "up": "escapes",
	}
	got := map[string]string{}
	for _, u := range inv.Unreadable {
		got[u.Name] = u.Err.Error()
		if !strings.Contains(u.Err.Error(), want[u.Name]) || u.Host != "kvm01" {
			t.Errorf("%s on %s: %v, want %q", u.Name, u.Host, u.Err, want[u.Name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("unreadable: %q, want those of %q", got, want)
	}
	if len(inv.Domains) != 3 { // good, its twin of the same name and UUID, and the link inside
		t.Errorf("%d domains, want all 3 of the same UUID", len(inv.Domains))
	}
}

// A folder may hold what "virsh dumpxml --security-info" wrote. What is kept of
// a definition has no password, and is otherwise the same.
func TestScanDirKeepsNoPassword(t *testing.T) {
	graphics := func(attributes string) string {
		return strings.Replace(named("a", 0), "</devices>", "<graphics type='vnc'"+attributes+"/><graphics\n\ttype=\"spice\""+attributes+" listen='a>b'/></devices>", 1)
	}
	for _, secret := range []string{" passwd='sesame'", ` passwd = "sesame>'"`, "\n passwd='sesame' passwdValidTo='2030-01-01T00:00:00'"} {
		_, h := writeHost(t, map[string]string{"a.xml": graphics(secret), "a.live.xml": strings.Replace(graphics(secret), "<domain type='kvm'", "<domain type='kvm' id='4'", 1)})
		inv := scanDir(context.Background(), h, Options{KeepXML: true})
		if len(inv.Domains) != 1 {
			t.Fatalf("%q: unreadable %v", secret, inv.Unreadable)
		}
		kept := string(inv.Domains[0].XML)
		if strings.Contains(kept, "sesame") || strings.Contains(string(inv.Domains[0].LiveXML), "sesame") {
			t.Errorf("%q is kept: %s", secret, kept)
		}
		if !strings.Contains(kept, "<graphics type='vnc'") || strings.Count(kept, "<graphics") != 2 || !strings.Contains(kept, " listen='a>b'/></devices>") {
			t.Errorf("%q took more with it: %s", secret, kept)
		}
	}
}

func TestScanDirHostFile(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown key", "host_name: x", "line 1: field host_name not found"},
		{"duplicate key", "cpus: 1\ncpus: 2", "already defined"},
		{"state", "domains: {a: {state: sleeping}}", `"sleeping" is no state`},
		{"domain that is not there", "domains: {b: {state: paused}}", "no domain b"},
		{"address", "domains: {a: {addresses: [{ip: 10.0.0.300}]}}", "10.0.0.300"},
		{"negative", "memory_kib: -1", "host.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, h := writeHost(t, map[string]string{"a.xml": named("a", 0), "host.yaml": c.yaml})
			inv := scanDir(context.Background(), h, Options{})
			if inv.Err == nil || !strings.Contains(inv.Err.Error(), c.want) {
				t.Errorf("scanDir = %v, want %q", inv.Err, c.want)
			}
			if len(inv.Domains) != 1 {
				t.Errorf("%d domains beside a damaged host.yaml, want 1", len(inv.Domains))
			}
		})
	}
}

func TestScanDirBadNetwork(t *testing.T) {
	_, h := writeHost(t, map[string]string{"a.xml": named("a", 0), "networks/default.xml": "<network>"})
	inv := scanDir(context.Background(), h, Options{})
	if inv.Err == nil || !strings.Contains(inv.Err.Error(), "networks/default.xml") {
		t.Errorf("scanDir = %v, want the damaged network named", inv.Err)
	}
	if got := inv.Domains[0].Interfaces[0].NetworkForward; got != "unknown" {
		t.Errorf("forward mode %q of a network that could not be read", got)
	}
}

func TestScanDirEnds(t *testing.T) {
	_, h := writeHost(t, map[string]string{"a.xml": named("a", 0)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if inv := scanDir(ctx, h, Options{}); !errors.Is(inv.Err, context.Canceled) {
		t.Errorf("scanDir after a cancel = %v", inv.Err)
	}
	if inv := scanDir(context.Background(), Host{Name: "x", URI: "dir:///nowhere/at/all"}, Options{}); !errors.Is(inv.Err, os.ErrNotExist) {
		t.Errorf("scanDir of no folder = %v", inv.Err)
	}
	if inv := scanDir(context.Background(), Host{Name: "x", URI: "qemu:///system"}, Options{}); inv.Err == nil {
		t.Error("scanDir of qemu:///system succeeds")
	}
}

func TestHostsFromDir(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"kvm 02/root", "kvm01", ".git"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	hosts, err := HostsFromDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Host{
		{Name: "kvm 02", URI: "dir://" + dir + "/kvm%2002", Files: "file://" + dir + "/kvm%2002/root"},
		{Name: "kvm01", URI: "dir://" + dir + "/kvm01"},
	}
	if diff := cmp.Diff(want, hosts); diff != "" {
		t.Errorf("HostsFromDir (-want +got):\n%s", diff)
	}
	if err := os.Symlink("/", filepath.Join(dir, "kvm03")); err != nil {
		t.Fatal(err)
	}
	if _, err := HostsFromDir(dir); err == nil || !strings.Contains(err.Error(), "kvm03 is a symbolic link") {
		t.Errorf("HostsFromDir with a link = %v", err)
	}
	if _, err := HostsFromDir(t.TempDir()); err == nil || !strings.Contains(err.Error(), "one per host") {
		t.Errorf("HostsFromDir of an empty folder = %v", err)
	}
}

// The bundled data centre is read whole: its broken domains, and no others,
// are unreadable.
func TestScanDirDemo(t *testing.T) {
	hosts, err := HostsFromDir("../testdata/demo/hosts")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		inv := scanDir(context.Background(), h, Options{})
		if inv.Err != nil || len(inv.Domains) == 0 {
			t.Errorf("%s: %d domains, %v", h.Name, len(inv.Domains), inv.Err)
		}
		for _, u := range inv.Unreadable {
			t.Logf("%s: %v", u.Name, u.Err)
		}
	}
}
