//go:build integration

package rename

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A realLibvirt is a private libvirtd, asked by way of virsh.
type realLibvirt struct {
	t      *testing.T
	socket string
}

func openRealLibvirt(t *testing.T) realLibvirt {
	t.Helper()
	socket := os.Getenv("K2O_TEST_LIBVIRT_SOCKET")
	if socket == "" {
		t.Fatal("K2O_TEST_LIBVIRT_SOCKET is not set; run testdata/services/with.sh go test -tags integration ./rename/")
	}
	return realLibvirt{t, socket}
}

func (r realLibvirt) try(args ...string) (string, error) {
	r.t.Helper()
	out, err := exec.Command("virsh", append([]string{"-q", "-c", "qemu:///system?socket=" + r.socket}, args...)...).CombinedOutput()
	return string(out), err
}

func (r realLibvirt) must(args ...string) string {
	r.t.Helper()
	out, err := r.try(args...)
	if err != nil {
		r.t.Fatalf("virsh %v: %v\n%s", args, err, out)
	}
	return out
}

// define defines a text and says what libvirt makes of it.
func (r realLibvirt) define(text string) (string, error) {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "domain.xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if out, err := r.try("define", file); err != nil {
		return "", errors.New(strings.TrimSpace(out))
	}
	doc, err := parse(text)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.definition(doc.root.all("uuid")[0].words), nil
}

func (r realLibvirt) definition(id string) string {
	r.t.Helper()
	return r.must("dumpxml", "--inactive", "--security-info", id)
}

func (r realLibvirt) remove(id string) {
	r.t.Helper()
	if out, err := r.try("undefine", "--nvram", id); err != nil {
		r.t.Errorf("undefine %s: %v %s", id, err, out)
	}
}

// defineFirst defines a text whose domain is removed when the test ends.
func (r realLibvirt) defineFirst(text string) (id, definition string, err error) {
	r.t.Helper()
	definition, err = r.define(text)
	if err != nil {
		return "", "", err
	}
	doc, err := parse(definition)
	if err != nil {
		r.t.Fatal(err)
	}
	id = doc.root.all("uuid")[0].words
	r.t.Cleanup(func() { r.remove(id) })
	return id, definition, nil
}

// onThisHost makes of a definition one that this host's libvirt accepts: it
// has QEMU's emulation alone, and needs not have the same emulators.
func onThisHost(definition string) string {
	return strings.NewReplacer(
		"<domain type='kvm'", "<domain type='qemu'",
		"/usr/bin/kvm<", "/usr/bin/qemu-system-x86_64<",
		"/usr/libexec/qemu-kvm<", "/usr/bin/qemu-system-x86_64<",
	).Replace(definition)
}

// TestDemoThroughLibvirt takes each definition of the demonstration the way of
// a rename: as libvirt has it, renamed, redefined as edited, and back.
func TestDemoThroughLibvirt(t *testing.T) {
	files, err := filepath.Glob(demoHosts + "/kvm*/*.xml")
	if err != nil || len(files) != 57 {
		t.Fatalf("found %d definitions (%v), want 57", len(files), err)
	}
	done := 0
	for number, file := range files {
		host := filepath.Base(filepath.Dir(file))
		t.Run(host+"/"+filepath.Base(file), func(t *testing.T) {
			r := openRealLibvirt(t)
			id, before, err := r.defineFirst(onThisHost(readFile(t, file)))
			if _, damaged := parse(readFile(t, file)); damaged != nil {
				if err == nil {
					t.Errorf("libvirt takes what this program does not: %v", damaged)
				}
				return
			}
			if err != nil {
				t.Fatalf("libvirt does not take it: %v", err)
			}
			done++
			libvirtWrites, back := thereAndBack(r, id, before, everything(t, before, number+1))
			if libvirtWrites != "" {
				t.Errorf("libvirt writes it otherwise than it was edited:\n%s", libvirtWrites)
			}
			if back != "" {
				t.Errorf("not byte for byte as before:\n%s", back)
			}
		})
	}
	if done != 55 {
		t.Errorf("%d definitions went the way, want all but the two that are damaged", done)
	}
}

// TestStrangeThroughLibvirt takes what libvirt keeps of a definition in which
// everything stands that must not be taken for what is meant.
func TestStrangeThroughLibvirt(t *testing.T) {
	r := openRealLibvirt(t)
	id, before, err := r.defineFirst(onThisHost(readFile(t, "testdata/definitions/strange.xml")))
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{"<x:name>web-01</x:name>", "qemu:arg value='-drive'", "se&lt;cret", "<inbound average='1000'", "/srv/second.img"} {
		if !strings.Contains(before, kept) {
			t.Errorf("libvirt has dropped %s", kept)
		}
	}
	c := everything(t, before, 10)
	c.NVRAM = DefaultNVRAM("web-01")
	libvirtWrites, back := thereAndBack(r, id, before, c)
	if libvirtWrites != "" || back != "" {
		t.Errorf("libvirt writes it otherwise than it was edited:\n%s\nand back:\n%s", libvirtWrites, back)
	}
}

// thereAndBack renames a domain, gives it the edited definition, and undoes
// both, and proves each with CheckDefined. It returns the lines in which libvirt
// writes otherwise than Apply, and those that are not as they were in the end.
func thereAndBack(r realLibvirt, id, before string, c Change) (libvirtWrites, back string) {
	t := r.t
	t.Helper()
	after, err := Apply(before, c)
	if err != nil {
		t.Fatal(err)
	}
	r.must("domrename", id, c.Name)
	defined, err := r.define(after)
	if err != nil {
		t.Fatalf("libvirt does not take the edited definition: %v\n%s", err, Diff(before, after))
	}
	added, err := CheckDefined(before, defined, c)
	if err != nil {
		t.Error(err)
	}
	for _, d := range added {
		t.Logf("added by libvirt: %s", d.Path)
	}
	r.must("domrename", id, nameOf(t, before))
	again, err := r.define(before)
	if err != nil {
		t.Fatalf("libvirt does not take its own definition: %v", err)
	}
	if _, err := CheckDefined(before, again, Change{}); err != nil {
		t.Error(err)
	}
	return Diff(after, defined), Diff(before, again)
}

func nameOf(t testing.TB, definition string) string {
	t.Helper()
	doc, err := parse(definition)
	if err != nil {
		t.Fatal(err)
	}
	return doc.root.all("name")[0].words
}
