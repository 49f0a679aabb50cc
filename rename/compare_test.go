package rename

import (
	"errors"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	const two = "<disk type='file'><source file='/a'/><target dev='vda'/></disk><disk type='file'><source file='/b'/><target dev='vdb'/></disk>"
	for _, c := range []struct {
		name, before, after string
		want                []Difference
	}{
		{"nothing", "<a b='1'>x</a>", "<a b='1'>x</a>", nil},
		{"quotes, entities, layout, comments", "<a b='1&amp;2' c='&#x41;'><d>x&lt;y</d></a>", "\n<a\n c=\"A\" b=\"1&#38;2\" >\n  <!-- x -->\n<d><![CDATA[x<y]]></d></a>", nil},
		{"layout around text", "<a>x</a>", "<a>\n  x\n</a>", nil},
		{"layout between elements", "<a><b/><c/></a>", "<a> <b/> <c/></a>", nil},
		{"white space in text", "<a>/x y</a>", "<a>/x  y</a>", []Difference{{Changed, "a", "/x y", "/x  y"}}},
		{"white space before text", "<a>x</a>", "<a> x</a>", []Difference{{Changed, "a", "x", " x"}}},
		{"white space in a value", "<a b='x'/>", "<a b='x '/>", []Difference{{Changed, "a/@b", "x", "x "}}},
		{"empty or alone", "<a></a>", "<a/>", nil},
		{"where a prefix is declared", "<x:a xmlns:x='urn:x' x:b='1'/>", "<y:a xmlns:y='urn:x' y:b='1'/>", nil},
		{"another namespace", "<x:a xmlns:x='urn:x'/>", "<x:a xmlns:x='urn:y'/>", []Difference{{Lost, "{urn:x}a", "", ""}, {Added, "{urn:y}a", "", ""}}},
		{"text", "<a>x</a>", "<a>y</a>", []Difference{{Changed, "a", "x", "y"}}},
		{"value", "<a b='x'/>", "<a b='y'/>", []Difference{{Changed, "a/@b", "x", "y"}}},
		{"lost attribute", "<a b='x'/>", "<a/>", []Difference{{Lost, "a/@b", "x", ""}}},
		{"added attribute", "<a/>", "<a b='x'/>", []Difference{{Added, "a/@b", "", "x"}}},
		{"lost element, told once", "<a><b c='1'><d>x</d></b></a>", "<a/>", []Difference{{Lost, "a/b", "", ""}}},
		{"added element, told once", "<a/>", "<a><b c='1'><d>x</d></b></a>", []Difference{{Added, "a/b", "", ""}}},
		{"lost beside its like", "<a><b/><bc/></a>", "<a/>", []Difference{{Lost, "a/b", "", ""}, {Lost, "a/bc", "", ""}}},
		{"moved to another element", "<a><c/></a><b/>", "<a/><b><c/></b>", []Difference{{Lost, "a/c", "", ""}, {Added, "b/c", "", ""}}},
		{"order of boot devices", "<os><boot dev='hd'/><boot dev='network'/></os>", "<os><boot dev='network'/><boot dev='hd'/></os>",
			[]Difference{{Changed, "os/boot/@dev", "hd", "network"}, {Changed, "os/boot[2]/@dev", "network", "hd"}}},
		{"order of other elements", "<a/><b/>", "<b/><a/>", nil},
		{"order of disks", "<devices>" + two + "</devices>", "<devices><disk type='file'><target dev='vdb'/><source file='/b'/></disk><disk type='file'><source file='/a'/><target dev='vda'/></disk></devices>", nil},
		{"files of two disks", "<devices>" + two + "</devices>", "<devices>" + strings.NewReplacer("/a", "/b", "/b", "/a").Replace(two) + "</devices>",
			[]Difference{{Changed, "devices/disk[target=vda]/source/@file", "/a", "/b"}, {Changed, "devices/disk[target=vdb]/source/@file", "/b", "/a"}}},
		{"interface", "<devices><interface><mac address='52:54:00:A1:00:01'/><model type='virtio'/></interface></devices>", "<devices><interface><mac address='52:54:00:A1:00:01'/><model type='e1000'/></interface></devices>",
			[]Difference{{Changed, "devices/interface[mac=52:54:00:a1:00:01]/model/@type", "virtio", "e1000"}}},
		{"one interface of two with one address", "<devices><interface><mac address='" + mac1 + "'/></interface><interface><mac address='" + mac1 + "'/></interface></devices>", "<devices><interface><mac address='" + mac1 + "'/></interface></devices>",
			[]Difference{{Lost, "devices/interface[mac=" + mac1 + "][2]", "", ""}}},
		{"order of controllers", "<devices><controller type='usb' index='0'/><controller type='pci' index='1'/><controller type='pci' index='0'/></devices>",
			"<devices><controller type='pci' index='0'/><controller type='pci' index='1'/><controller type='usb' index='0'/></devices>", nil},
		{"order of the parts of a controller", "<devices><controller type='usb' index='0' model='ich9-uhci1'/><controller type='usb' index='0' model='ich9-ehci1'/></devices>",
			"<devices><controller type='usb' index='0' model='ich9-ehci1'/><controller type='usb' index='0' model='ich9-uhci1'/></devices>", nil},
		{"model of a controller", "<devices><controller type='usb' index='0'/></devices>", "<devices><controller type='usb' index='0' model='qemu-xhci'/></devices>",
			[]Difference{{Added, "devices/controller[type=usb,index=0]/@model", "", "qemu-xhci"}}},
		{"content that looks like a path", "<devices><disk><target dev='a]/source/@file'/></disk></devices>", "<devices><disk><target dev='a'/><source file='x'/></disk></devices>",
			[]Difference{{Lost, `devices/disk[target=a\]\/source\/@file]`, "", ""}, {Added, "devices/disk[target=a]", "", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Compare("<domain>"+c.before+"</domain>", "<domain>"+c.after+"</domain>")
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompareRefuses(t *testing.T) {
	if _, err := Compare("x", "<domain/>"); !errors.Is(err, ErrDefinition) || !strings.Contains(err.Error(), "from before") {
		t.Errorf("Compare = %v", err)
	}
	if _, err := Compare("<domain/>", "x"); !errors.Is(err, ErrDefinition) || !strings.Contains(err.Error(), "from after") {
		t.Errorf("Compare = %v", err)
	}
}

// The root's own attributes count, and a live definition can be compared.
func TestCompareRoot(t *testing.T) {
	got, err := Compare("<domain type='kvm'/>", "<domain type='qemu' id='3'/>")
	want := []Difference{{Changed, "@type", "kvm", "qemu"}, {Added, "@id", "", "3"}}
	if diff := gocmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Compare = %v (-want +got):\n%s", err, diff)
	}
}

// TestCheck damages what Apply made, as a mistake in it or a libvirt that drops
// something would.
func TestCheck(t *testing.T) {
	before := around("  <os>\n    <boot dev='hd'/>\n  </os>\n",
		diskOf("      <source file='/a'/>\n      <serial>x</serial>\n")+nicOf("      <model type='virtio'/>\n      <driver queues='4'/>\n      <link state='down'/>\n"))
	change := Change{Name: "b", Disks: map[string]string{"vda": "/n/disk"}, NICs: map[string]NIC{mac1: {Model: "e1000", Target: "tap1"}}}
	after, err := Apply(before, change)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, old, now string
		says           string // of Check
		defined        bool   // whether it is wrong when libvirt gives it back, too
	}{
		{"nothing", "", "", "", false},
		{"name not changed", "<name>b<", "<name>web-01<", `name is changed from "b" to "web-01"`, true},
		{"disk not changed", "/n/disk", "/a", `devices/disk[target=vda]/source/@file is changed from "/n/disk" to "/a"`, true},
		{"model not changed", "e1000", "virtio", "devices/interface[mac=" + mac1 + "]/model/@type is changed", true},
		{"driver there again", "<link", "<driver queues='4'/><link", "devices/interface[mac=" + mac1 + "]/driver is added", false},
		{"tap lost", "<target dev='tap1'/>", "", "devices/interface[mac=" + mac1 + "]/target is lost", true},
		{"something else lost", "<serial>x</serial>", "", "devices/disk[target=vda]/serial is lost", true},
		{"something else changed", "down", "up", `devices/interface[mac=` + mac1 + `]/link/@state is changed from "down" to "up"`, true},
		{"address added", "<link", "<address type='pci'/><link", "devices/interface[mac=" + mac1 + "]/address is added", false},
		{"device lost", "<link state='down'/>\n    </interface>", "</interface>", "link is lost", true},
		{"UUID changed", "5ef1ba4e", "6ef1ba4e", "uuid is changed", true},
		{"disk lost", "dev='vda'", "dev='vdb'", "devices/disk[target=vda] is lost; devices/disk[target=vdb] is added", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(after, c.old) {
				t.Fatalf("%q is not in\n%s", c.old, after)
			}
			damaged := strings.Replace(after, c.old, c.now, 1)
			err := Check(before, damaged, change)
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, ErrUnmeant) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), `"web-01"`) {
				t.Errorf("Check = %v, want one that says %q", err, c.says)
			}
			added, err := CheckDefined(before, damaged, change)
			if errors.Is(err, ErrUnmeant) != c.defined || !c.defined && (err != nil || len(added) != 1) {
				t.Errorf("CheckDefined = %v, %v, want an error: %v", added, err, c.defined)
			}
		})
	}
}

// What is asked of a device that is not there, or there twice, is not done.
func TestCheckMissesDevice(t *testing.T) {
	nic := nicOf("<model type='e1000'/>")
	for name, definition := range map[string]string{"none": around("", ""), "two": around("", nic+nic)} {
		if err := Check(definition, definition, Change{NICs: map[string]NIC{mac1: {Model: "e1000"}}}); !errors.Is(err, ErrDevice) {
			t.Errorf("%s: Check = %v, want ErrDevice", name, err)
		}
		if _, err := CheckDefined(definition, definition, Change{Disks: map[string]string{"vda": "/x"}}); !errors.Is(err, ErrDevice) {
			t.Errorf("%s: CheckDefined = %v, want ErrDevice", name, err)
		}
	}
	if err := Check("<domain/>", "<domain/>", Change{Name: "a/b"}); !errors.Is(err, ErrChange) {
		t.Errorf("Check = %v, want ErrChange", err)
	}
}

// Definitions hold passwords; errors are logged.
func TestUnmeantErrorKeepsSecrets(t *testing.T) {
	const with = "<domain xmlns:q='urn:q'><name>d</name><metadata><m>hunter2</m></metadata><sysinfo><oemStrings><entry>hunter2</entry></oemStrings></sysinfo>" +
		"<os><cmdline>token=hunter2</cmdline></os><devices><graphics type='vnc' passwd='hunter2'/><disk><source><cookies><cookie name='c'>hunter2</cookie></cookies></source></disk><q:x>hunter2</q:x></devices><q:commandline><q:arg value='hunter2'/></q:commandline></domain>"
	for i := range strings.Count(with, "hunter2") {
		parts := strings.SplitAfter(with, "hunter2")
		parts[i] = strings.TrimSuffix(parts[i], "2") + "3"
		err := Check(with, strings.Join(parts, ""), Change{})
		if !errors.Is(err, ErrUnmeant) || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), " is changed") {
			t.Errorf("Check = %v", err)
		}
	}
}

// An error of a hundred differences names a few.
func TestUnmeantErrorIsShort(t *testing.T) {
	many := "<domain><name>d</name>" + strings.Repeat("<a/>", 100) + "</domain>"
	err := Check(many, "<domain><name>d</name></domain>", Change{})
	if err == nil || !strings.Contains(err.Error(), "a is lost; a[2] is lost") || !strings.HasSuffix(err.Error(), "; and 95 more") {
		t.Errorf("Check = %v", err)
	}
	if unmeant, ok := errors.AsType[*UnmeantError](err); !ok || len(unmeant.Differences) != 100 {
		t.Errorf("Check = %T", err)
	}
}
