package rename

import (
	"errors"
	"strings"
	"testing"
)

func TestRename(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(*fakeDaemon, *fakeDomain)
		want error // nil for none
		says string
	}{
		{"plain", func(*fakeDaemon, *fakeDomain) {}, nil, ""},
		{"has the name", func(f *fakeDaemon, d *fakeDomain) { d.name = "instance-0000000a" }, nil, ""},
		{"taken", func(f *fakeDaemon, d *fakeDomain) { f.add("instance-0000000a", running) }, ErrNameTaken, "already exists"},
		{"running", func(f *fakeDaemon, d *fakeDomain) { d.state = running }, ErrActive, "state running"},
		{"transient", func(f *fakeDaemon, d *fakeDomain) { d.transient = true }, ErrTransient, `rename "web-3" to "instance-0000000a"`},
		{"managed save", func(f *fakeDaemon, d *fakeDomain) { d.managedSave = true }, ErrManagedSave, "can't be renamed"},
		{"gone", func(f *fakeDaemon, d *fakeDomain) { delete(f.domains, d.id) }, ErrGone, "no domain"},
		{"answer lost", func(f *fakeDaemon, d *fakeDomain) { f.before = on(procRename, misdeed{after: true}) }, nil, ""},
		{"request lost", func(f *fakeDaemon, d *fakeDomain) { f.before = on(procRename, misdeed{drop: true}) }, ErrLost, "rename"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeDaemon(t)
			d := f.add("web-3", shutoff)
			c.with(f, d)
			o := open(t, f, d)
			err := o.Rename(soon(t), "instance-0000000a")
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("Rename = %v, want %v", err, c.want)
			}
			if (d.name == "instance-0000000a") != (c.want == nil) {
				t.Errorf("the domain's name is %q", d.name)
			}
			if c.want == ErrLost { // once more is enough
				if err := o.Rename(soon(t), "instance-0000000a"); err != nil {
					t.Errorf("Rename again: %v", err)
				}
			}
		})
	}
}

// The name is the operation that counts as downtime: one request, no more.
func TestRenameAsksOnce(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", shutoff)
	o := open(t, f, d)
	if err := o.Rename(soon(t), "instance-0000000a"); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, proc := range []uint32{procAuthList, procOpen} {
		delete(f.asked, proc)
	}
	if len(f.asked) != 1 || f.asked[procRename] != 1 {
		t.Errorf("requests %v", f.asked)
	}
}

func TestFreeName(t *testing.T) {
	f := newFakeDaemon(t)
	o := open(t, f, f.add("web-3", running))
	other := f.add("instance-0000000a", running)
	for name, want := range map[string]error{"web-3": nil, "instance-0000000b": nil, "instance-0000000a": ErrNameTaken} {
		err := o.FreeName(soon(t), name)
		if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), other.id.String()) {
			t.Errorf("FreeName(%s) = %v, want %v", name, err, want)
		}
	}
}
