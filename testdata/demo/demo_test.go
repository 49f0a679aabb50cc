package demo

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGenerated compares what is committed with what the table gives.
func TestGenerated(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "./generate", "-o", dir).CombinedOutput(); err != nil {
		t.Fatalf("go run ./generate: %v\n%s", err, out)
	}
	for _, name := range []string{"cloud.json", "files.json"} {
		same(t, os.DirFS("."), os.DirFS(dir), name)
	}
	have, want := list(t, os.DirFS("hosts")), list(t, os.DirFS(filepath.Join(dir, "hosts")))
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatalf("files of hosts differ from the table; run go generate (-table +hosts):\n%s", diff)
	}
	for _, name := range want {
		same(t, os.DirFS("hosts"), os.DirFS(filepath.Join(dir, "hosts")), name)
	}
}

func list(t *testing.T, in fs.FS) (names []string) {
	t.Helper()
	err := fs.WalkDir(in, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func same(t *testing.T, have, want fs.FS, name string) {
	t.Helper()
	a, errA := fs.ReadFile(have, name)
	b, errB := fs.ReadFile(want, name)
	if errA != nil || errB != nil {
		t.Fatalf("read %s: %v, %v", name, errA, errB)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("%s differs from the table; run go generate", name)
	}
}

func TestUnpack(t *testing.T) {
	dir := t.TempDir()
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	if got, want := list(t, os.DirFS(filepath.Join(dir, "hosts", "kvm01"))), list(t, os.DirFS("hosts/kvm01")); !subset(want, got) {
		t.Errorf("kvm01 has %q, want at least %q", got, want)
	}
	config, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(config, []byte("@DIR@")) || !bytes.Contains(config, []byte("dir://"+dir+"/hosts/kvm04\"")) {
		t.Errorf("config.yaml does not name the hosts below %s:\n%s", dir, config)
	}
	for _, host := range Hosts() {
		if info, err := os.Stat(filepath.Join(dir, "hosts", host, "root/var/lib/nova/instances")); err != nil || !info.IsDir() {
			t.Errorf("%s has no instances_path: %v", host, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "hosts/kvm03/root/var/lib/libvirt/images/lost-disk.qcow2")); err == nil {
		t.Error("the disk that is to be missing is there")
	}
}

func subset(of, all []string) bool {
	return !slices.ContainsFunc(of, func(s string) bool { return !slices.Contains(all, s) })
}

// TestImages reads the fields back at the offsets of QEMU's
// docs/interop/qcow2.txt, not through the struct that wrote them.
func TestImages(t *testing.T) {
	dir := t.TempDir()
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	all, err := images()
	if err != nil {
		t.Fatal(err)
	}
	formats := map[string]int{}
	for _, i := range all {
		formats[i.Format]++
		text, err := readHead(filepath.Join(dir, "hosts", i.Host, "root", i.Path))
		if err != nil {
			t.Fatal(err)
		}
		if i.Format == "raw" {
			continue
		}
		if !bytes.HasPrefix(text, []byte("QFI\xfb\x00\x00\x00\x03")) {
			t.Errorf("%s: no qcow2 of version 3", i.Path)
		}
		if size := binary.BigEndian.Uint64(text[24:]); size != uint64(i.Bytes) {
			t.Errorf("%s: virtual size %d, want %d", i.Path, size, i.Bytes)
		}
		at, length := binary.BigEndian.Uint64(text[8:]), binary.BigEndian.Uint32(text[16:])
		if backing := string(text[at : at+uint64(length)]); length > 0 && backing != i.Backing || length == 0 && i.Backing != "" {
			t.Errorf("%s: backing file %q, want %q", i.Path, backing, i.Backing)
		}
	}
	if formats["qcow2"] < 40 || formats["raw"] < 3 {
		t.Errorf("images by format: %v, want at least 40 qcow2 and 3 raw", formats)
	}
}

func readHead(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	head := make([]byte, 4096)
	_, err = f.Read(head)
	return head, err
}

// A rerun of the demonstration must not cut the hard links of the run before.
func TestUnpackKeepsImages(t *testing.T) {
	dir := t.TempDir()
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	disk := filepath.Join(dir, "hosts/kvm01/root/var/lib/libvirt/images/h1.qcow2")
	before, err := os.Stat(disk)
	if err != nil {
		t.Fatal(err)
	}
	if err := Unpack(dir); err != nil {
		t.Fatalf("a second time: %v", err)
	}
	after, err := os.Stat(disk)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("h1.qcow2 is another file after a second Unpack")
	}
}

var macOf = regexp.MustCompile(`<mac address='([0-9a-f:]+)'/>\s*<source bridge=`)

// TestPorts holds cloud.json and the definitions together: every bridged
// interface has exactly one port, and no two ports share an id, a MAC or an
// address.
func TestPorts(t *testing.T) {
	text, err := files.ReadFile("cloud.json")
	if err != nil {
		t.Fatal(err)
	}
	var cloud struct {
		Ports []struct {
			ID       string
			MAC      string `json:"mac_address"`
			FixedIPs []struct {
				IP string `json:"ip_address"`
			} `json:"fixed_ips"`
		}
	}
	if err := json.Unmarshal(text, &cloud); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range cloud.Ports {
		for _, key := range []string{p.ID, p.MAC, p.FixedIPs[0].IP} {
			if seen[key] {
				t.Errorf("%s occurs twice in the ports", key)
			}
			seen[key] = true
		}
	}
	for name, text := range definitions(t) {
		for _, m := range macOf.FindAllStringSubmatch(text, -1) {
			if !seen[m[1]] {
				t.Errorf("%s: no port has its %s", name, m[1])
			}
		}
	}
}

// definitions are those that can be read, by file name.
func definitions(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(files, "hosts/*/*.xml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(strings.TrimSpace(string(text)), "</domain>") {
			all[name] = string(text)
		}
	}
	if len(names) < 50 || len(names)-len(all) != 2 {
		t.Fatalf("%d definitions of which %d are whole, want 50 and more and two damaged ones", len(names), len(all))
	}
	return all
}
