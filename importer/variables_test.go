package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/rename"
)

// nvram is a file of EFI variables on the host of domain 1, which has some.
func (w *world) nvram(name string) string {
	return filepath.Join(w.root, w.plan.Domains[1].Host, rename.DefaultNVRAM(name))
}

// verifies is what Verify finds, as code and text.
func (w *world) verifies() (found []string) {
	w.t.Helper()
	s := w.start(nil)
	defer s.close(w.t)
	readers := Readers{Nova: w.nova, Hosts: w.hosts, Earlier: s.Earlier}
	_, err := Verify(w.t.Context(), w.plan, readers, func(f Finding) { found = append(found, f.Code+" "+f.Text) })
	w.must(err)
	return found
}

// instanceName is domain 1's in Nova.
func (w *world) instanceName() string {
	w.t.Helper()
	names, err := w.nova.InstanceNames(w.t.Context(), []string{uuidOf(1)})
	w.must(err)
	return names[uuidOf(1)]
}

// A file that is there under the instance's name becomes nobody's variables: the
// domain that it would be given to is left as it was, and no other.
func TestVariablesOfAnother(t *testing.T) {
	w := newWorld(t, 1)
	for _, id := range []string{"instance-00000001", "instance-00000002", "instance-00000003"} {
		w.must(os.WriteFile(w.nvram(id), []byte("of another guest"), 0o600))
	}
	before := w.files()
	s, err := w.imports(nil)
	if err != nil || s.Count(Imported) != 2 || s.Count(RolledBack) != 1 {
		t.Fatalf("Import = %v, %v, want one rolled back", s, err)
	}
	for _, r := range s.Results {
		if r.Outcome == RolledBack && (r.UUID != uuidOf(1) || !strings.Contains(r.Reason, "_VARS.fd") || !strings.Contains(r.Reason, "move them away")) {
			t.Errorf("rolled back: %+v", r)
		}
	}
	if _, err := w.releases(nil); err != nil || w.files() != before {
		t.Errorf("Release = %v, and the files are not as before:\n%s", err, w.files())
	}
}

// Between import and rename Nova may make the domain anew: the undefine takes the
// legacy name, and what is left is the guest's.
func TestVariablesAfterNova(t *testing.T) {
	w := newWorld(t, 1)
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
		t.Fatalf("Import = %v, %v", s, err)
	}
	if found := w.verifies(); len(found) > 0 {
		t.Errorf("Verify after the import found %q", found)
	}
	linked := w.nvram(w.instanceName())
	w.must(os.Rename(linked, linked+".away"))
	if found := strings.Join(w.verifies(), "\n"); !strings.Contains(found, "V25 EFI variables ") || !strings.Contains(found, "the link is missing") {
		t.Errorf("Verify without the link found %q", found)
	}
	w.must(os.Rename(linked+".away", linked))
	w.must(os.Remove(w.nvram("guest-1")))
	if found := strings.Join(w.verifies(), "\n"); !strings.Contains(found, "V25 EFI variables ") || !strings.Contains(found, "the legacy name is gone") {
		t.Errorf("Verify of a legacy domain without its file found %q", found)
	}
	w.domain(1).Name = w.instanceName()
	if found := w.verifies(); len(found) > 0 {
		t.Errorf("Verify after Nova's first start found %q", found)
	}
	for range 2 {
		s, err := w.releases(nil)
		if err != nil || outcomesOf(s)["guest-1"] != Refused {
			t.Errorf("Release = %v, %v, want the domain that Nova has made refused", s, err)
		}
		if text, err := os.ReadFile(linked); err != nil || string(text) != "variables of guest-1" {
			t.Errorf("its only variables are %q, %v", text, err)
		}
	}
}

// A release of a legacy domain whose file somebody has removed leaves the last
// name, and says so.
func TestReleaseLeavesLastVariables(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	linked := w.nvram(w.instanceName())
	w.must(os.Remove(w.nvram("guest-1")))
	s, err := w.releases(nil)
	if err != nil || s.Count(Released) != 3 || s.Warnings() != 1 || !strings.Contains(s.Results[1].Warnings[0], linked[len(w.root)+len("/kvm02"):]+" stays: ") {
		t.Errorf("Release = %+v, %v, want the file to stay and be told", s, err)
	}
	if text, err := os.ReadFile(linked); err != nil || string(text) != "variables of guest-1" {
		t.Errorf("the last name holds %q, %v", text, err)
	}
}

// An import of before variables were linked is released without a word of them.
func TestReleaseWithoutVariables(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	linked := w.nvram(w.instanceName())
	w.must(os.WriteFile(linked+".new", []byte("a copy of a later rename"), 0o600))
	w.must(os.Rename(linked+".new", linked))
	s, err := w.do(nil, func(s session) (Summary, error) {
		for uuid, a := range s.Earlier {
			a.Plan = strings.Replace(a.Plan, "variables: ", "unknown: ", 1)
			s.Earlier[uuid] = a
		}
		return s.Release(t.Context(), w.plan, plan.Filter{})
	})
	if err != nil || s.Count(Released) != 3 || s.Warnings() != 0 {
		t.Errorf("Release = %+v, %v", s, err)
	}
	if w.journalStates()[uuidOf(1)] != journal.StateReleased {
		t.Errorf("the journal says %v", w.journalStates())
	}
}

// What forbids the second name is told by the preview and by the import, and
// forbids nothing else.
func TestVariablesTold(t *testing.T) {
	for what, change := range map[string]func(w *world){
		"never ran": func(w *world) { w.must(os.Remove(w.nvram("guest-1"))) },
		"qcow2": func(w *world) {
			w.domain(1).XML = []byte("<domain><name>guest-1</name><os><type>hvm</type><nvram format='qcow2'>/n/guest-1.qcow2</nvram></os></domain>")
		},
		"type block": func(w *world) {
			w.domain(1).XML = []byte("<domain><name>guest-1</name><os><type>hvm</type><nvram type='block'><source dev='/dev/x'/></nvram></os></domain>")
		},
	} {
		w := newWorld(t, 1)
		change(w)
		told := 0
		_, err := Preview(t.Context(), w.plan, Readers{Nova: w.nova, Hosts: w.hosts}, func(v Previewed) error {
			if strings.Contains(strings.Join(v.Result.Warnings, "\n"), what) && v.Plan.UUID == uuidOf(1) {
				told++
			}
			return nil
		})
		if err != nil || told != 1 {
			t.Errorf("%s: Preview = %v, told %d times", what, err, told)
		}
		s, err := w.imports(nil)
		if err != nil || s.Count(Imported) != 3 || s.Warnings() != 1 || !strings.Contains(s.Results[1].Warnings[0], what) {
			t.Errorf("%s: Import = %+v, %v, want it told", what, s, err)
		}
		if _, err := os.Lstat(w.nvram(w.instanceName())); !os.IsNotExist(err) {
			t.Errorf("%s: there is a second name: %v", what, err)
		}
	}
}
