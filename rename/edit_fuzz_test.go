package rename

import (
	"errors"
	"path/filepath"
	"testing"
)

// FuzzApply holds the edit to its promises: it never panics, what comes out is
// what was meant, and where nothing had to be dropped the change the other way
// gives the first text back.
func FuzzApply(f *testing.F) {
	files, _ := filepath.Glob(demoHosts + "/kvm0[12]/*.xml")
	more, _ := filepath.Glob("testdata/definitions/*.xml")
	if len(files) < 20 || len(more) == 0 {
		f.Fatalf("found %d and %d definitions", len(files), len(more))
	}
	for i, file := range append(files, more...) {
		f.Add(persistent(readFile(f, file)), "instance-0000000a", "/var/lib/nova/instances/a/disk", "e1000", uint8(i))
	}
	f.Add(around("", diskOf("<source file=\"/a&#x41;\"/>")+nicOf("<target dev='t'/><model type='virtio'/>")), "a'b", "/it's", "e1000e", uint8(7))
	f.Fuzz(func(t *testing.T, definition, name, file, model string, choice uint8) {
		doc, err := parse(definition)
		if err != nil {
			if _, err := Apply(definition, Change{Name: name}); !errors.Is(err, ErrDefinition) {
				t.Errorf("parse = %v, Apply otherwise", err)
			}
			return
		}
		c, back := thereAndBackAgain(doc, Change{Name: name, Disks: map[string]string{"": file}, NICs: map[string]NIC{"": {Model: model}}}, choice)
		after, err := Apply(definition, c)
		if _, failed := errors.AsType[*UnmeantError](err); failed {
			t.Fatalf("Apply does something else than it means to: %v", err)
		}
		if err == nil {
			onceIsEnough(t, after, c)
		}
		if err == nil && back != nil {
			sameAgain(t, definition, after, *back)
		}
	})
}

// onceIsEnough does a change to a definition that has it: a rerun must find
// nothing left to do.
func onceIsEnough(t *testing.T, after string, c Change) {
	t.Helper()
	twice, err := Apply(after, c)
	if err != nil || twice != after {
		t.Errorf("a second time: %v\n%s", err, Diff(after, twice))
	}
}

// sameAgain takes a change back.
func sameAgain(t *testing.T, before, after string, back Change) {
	t.Helper()
	again, err := Apply(after, back)
	if errors.Is(err, ErrChange) {
		return // libvirt would not have let the first text in
	}
	if err != nil {
		t.Fatalf("back: %v", err)
	}
	if found, err := Compare(before, again); err != nil || len(found) > 0 {
		t.Fatalf("back: %v, %v", found, err)
	}
	if again != before && plainly(before) {
		t.Errorf("back, but not the same bytes:\n%s", Diff(before, again))
	}
}

// plainly reports whether every value and text is written as this package
// writes it. Only then can one that was replaced come back as it was.
func plainly(definition string) bool {
	doc, err := parse(definition)
	if err != nil {
		return false
	}
	var plain func(e *element) bool
	plain = func(e *element) bool {
		for _, a := range e.attrs {
			if doc.text[a.start:a.end] != escape(a.value, a.quote) {
				return false
			}
		}
		if len(e.children) == 0 && doc.text[e.open:e.close] != escape(e.words, 0) {
			return false
		}
		for _, c := range e.children {
			if !plain(c) {
				return false
			}
		}
		return true
	}
	return plain(doc.root)
}

// thereAndBackAgain asks for the values of like in every disk and interface of
// a document, as choice says, and makes the change that takes it back: nil
// where something is dropped or put in on the way.
func thereAndBackAgain(doc *document, like Change, choice uint8) (there Change, back *Change) {
	there = Change{Name: like.Name, Disks: map[string]string{}, NICs: map[string]NIC{}}
	back = &Change{Disks: map[string]string{}, NICs: map[string]NIC{}}
	if names := doc.root.all("name"); len(names) > 0 {
		back.Name = names[0].words
	}
	if there.Name == "" {
		back.Name = ""
	}
	devices, err := doc.root.child("devices")
	if err != nil {
		return there, nil
	}
	for _, disk := range devicesOf(devices, "disk") {
		if source, err := fileSource(disk); err == nil && choice&1 != 0 && len(disk.all("target")) == 1 && len(there.Disks) == 0 {
			target := disk.all("target")[0].value("dev")
			there.Disks[target], back.Disks[target] = like.Disks[""], source.value
		}
	}
	for _, nic := range devicesOf(devices, "interface") {
		macs := nic.all("mac")
		if len(macs) != 1 || choice&2 == 0 {
			continue
		}
		mac := canonicalMAC(macs[0].value("address"))
		want, was := like.NICs[""], nicAsItIs(nic)
		if choice&4 != 0 {
			want.Bridge, want.Target = "brq1", "tap1"
		}
		if choice&8 != 0 && want.Bridge != "" {
			want.OVSPort = port
		}
		there.NICs[mac] = want
		if was == nil || (was.OVSPort == "") != (want.OVSPort == "") && want.Bridge != "" {
			back = nil
		}
		if back != nil {
			back.NICs[mac] = *was
		}
		if back == nil {
			break
		}
	}
	return there, back
}

// nicAsItIs is the NIC that leaves an interface as it is, nil where it has what
// no NIC can bring back.
func nicAsItIs(nic *element) *NIC {
	for _, lost := range []string{"driver", "backend", "vlan", "teaming"} {
		if len(nic.all(lost)) > 0 {
			return nil
		}
	}
	was := &NIC{}
	for _, part := range []struct {
		name, attr string
		value      *string
	}{{"source", "bridge", &was.Bridge}, {"target", "dev", &was.Target}, {"model", "type", &was.Model}} {
		found := nic.all(part.name)
		if len(found) != 1 || found[0].value(part.attr) == "" {
			return nil
		}
		*part.value = found[0].value(part.attr)
	}
	if ports := nic.all("virtualport"); len(ports) == 1 {
		id, ok := onlyInterfaceID(ports[0])
		if !ok {
			return nil
		}
		was.OVSPort = id.value
	}
	if nic.value("type") != "bridge" {
		return nil
	}
	return was
}
