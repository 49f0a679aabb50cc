package rename

import (
	"errors"
	"strings"
	"testing"
)

func TestDefine(t *testing.T) {
	refuse := errors.New("it has changed since the plan")
	wrong := errors.New("libvirt moved a disk")
	proves := func(want string) func(string) error {
		return func(defined string) error {
			if strings.Contains(defined, want) {
				return nil
			}
			return wrong
		}
	}
	for _, c := range []struct {
		name    string
		text    string // in addition to name and UUID
		fits    error
		proves  func(string) error
		before  func(uint32, int) misdeed
		want    error
		defines int
		after   string // what the definition has in the end
	}{
		{"plain", "<new/>", nil, proves("<new/>"), nil, nil, 1, "<new/>"},
		{"there already", "<old/>", nil, proves("<old/>"), nil, nil, 0, "<old/>"},
		{"not what was planned for", "<new/>", refuse, proves("<new/>"), nil, refuse, 0, "<old/>"},
		{"comes out otherwise", "<new/>", nil, proves("<other/>"), nil, wrong, 2, "<old/>"},
		{"there already, but transient", "<old/>", nil, proves("<old/>"), nil, nil, 1, "<old/>"},
		{"answer lost", "<new/>", nil, proves("<new/>"), on(procDefine, misdeed{after: true}), ErrLost, 1, "<new/>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeDaemon(t)
			d := f.add("web-3", running)
			d.xml = definitionOf(d.name, d.id.String(), "<old/>")
			d.transient = strings.Contains(c.name, "transient")
			f.before = c.before
			o := open(t, f, d)
			w := Definition{Text: definitionOf(d.name, d.id.String(), c.text), Proves: c.proves}
			w.Fits = func(present string) error {
				if !strings.Contains(present, "<old/>") {
					t.Errorf("Fits was shown %q", present)
				}
				return c.fits
			}
			if err := o.Define(soon(t), w); !errors.Is(err, c.want) {
				t.Errorf("Define = %v, want %v", err, c.want)
			}
			if n := f.count(procDefine); n != c.defines {
				t.Errorf("%d definitions, want %d", n, c.defines)
			}
			if !strings.Contains(d.xml, c.after) {
				t.Errorf("the definition is %q, want %q in it", d.xml, c.after)
			}
			if c.want == ErrLost {
				if err := o.Define(soon(t), w); err != nil || f.count(procDefine) != 1 {
					t.Errorf("Define again = %v, after %d definitions", err, f.count(procDefine))
				}
			}
		})
	}
}

// A definition with another UUID would make a second domain on the same disks.
func TestDefineOther(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", shutoff)
	o := open(t, f, d)
	for _, text := range []string{
		definitionOf("web-3", "6f4b0a5e-0000-4000-8000-000000000001", ""),
		definitionOf("instance-0000000a", d.id.String(), ""),
		"not XML",
		"",
	} {
		err := o.Define(soon(t), Definition{Text: text, Proves: func(string) error { return errors.New("no") }})
		if err == nil || f.count(procDefine) != 0 {
			t.Fatalf("Define(%q) = %v after %d definitions", text, err, f.count(procDefine))
		}
	}
}

// If not even the definition from before can be put back, the error says both.
func TestDefineCannotGoBack(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", shutoff)
	o := open(t, f, d)
	wrong := errors.New("libvirt moved a disk")
	f.before = func(proc uint32, n int) misdeed {
		return misdeed{drop: proc == procDefine && n == 1}
	}
	err := o.Define(soon(t), Definition{Text: definitionOf(d.name, d.id.String(), "<new/>"), Proves: func(string) error { return wrong }})
	if !errors.Is(err, wrong) || !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "could not be put back") {
		t.Errorf("Define = %v", err)
	}
}

func TestRestore(t *testing.T) {
	for _, c := range []struct {
		name    string
		now     func(*fakeDaemon, *fakeDomain)
		want    error
		defines int
	}{
		{"nothing to do", func(*fakeDaemon, *fakeDomain) {}, nil, 0},
		{"renamed and changed", func(f *fakeDaemon, d *fakeDomain) {
			d.name = "instance-0000000a"
			d.xml = definitionOf(d.name, d.id.String(), "<new/>")
			d.autostart = false
		}, nil, 1},
		{"undefined", func(f *fakeDaemon, d *fakeDomain) { delete(f.domains, d.id) }, nil, 1},
		{"running under the other name", func(f *fakeDaemon, d *fakeDomain) { d.name, d.state = "instance-0000000a", running }, ErrActive, 0},
		{"running, undefined", func(f *fakeDaemon, d *fakeDomain) { d.state, d.transient = running, true }, nil, 1},
		{"running, changed", func(f *fakeDaemon, d *fakeDomain) {
			d.state = running
			d.xml = definitionOf(d.name, d.id.String(), "<new/>")
		}, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeDaemon(t)
			d := f.add("web-3", shutoff)
			d.autostart = true
			o := open(t, f, d)
			saved, err := o.Save(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			c.now(f, d)
			err = o.Restore(soon(t), saved, nil)
			if !errors.Is(err, c.want) || f.count(procDefine) != c.defines {
				t.Fatalf("Restore = %v after %d definitions", err, f.count(procDefine))
			}
			if is := f.domains[d.id]; err == nil && (is.name != "web-3" || is.xml != saved.Definition || !is.autostart) {
				t.Errorf("the domain is %+v", is)
			}
		})
	}
}

func TestIdentical(t *testing.T) {
	if err := identical("a\nb\nc\n", "a\nb\nc\n"); err != nil {
		t.Error(err)
	}
	for _, c := range []struct{ present, says string }{
		{"a\nb\nX\n", "line 3"}, {"a\nb\nc\nd\n", "line 4"}, {"X\nb\nc\n", "line 1"}, {"", "line 1"},
	} {
		if err := identical("a\nb\nc\n", c.present); !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("identical with %q = %v", c.present, err)
		}
	}
}
