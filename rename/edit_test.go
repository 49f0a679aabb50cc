package rename

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// around is a small definition; devices go into <devices>, and the rest before
// it.
func around(rest, devices string) string {
	return "<domain type='kvm'>\n  <name>web-01</name>\n  <uuid>5ef1ba4e-3ba6-4a6e-9cd6-2f1a4a5f6f01</uuid>\n" +
		rest + "  <devices>\n" + devices + "  </devices>\n</domain>\n"
}

const (
	mac1 = "52:54:00:a1:00:01"
	mac2 = "52:54:00:a1:00:02"
	port = "6a49089b-fca4-4a44-b958-dd40a73f1510"
)

// nicOf is an interface of type bridge with whatever else goes into it.
func nicOf(more string) string {
	return "    <interface type='bridge'>\n      <mac address='" + mac1 + "'/>\n      <source bridge='br0'/>\n" + more + "    </interface>\n"
}

func diskOf(more string) string {
	return "    <disk type='file' device='disk'>\n" + more + "      <target dev='vda' bus='virtio'/>\n    </disk>\n"
}

// TestApply is of what must be left alone while its neighbour changes. The
// want is the lines that differ.
func TestApply(t *testing.T) {
	rename := Change{Name: "instance-0000000a"}
	move := Change{Disks: map[string]string{"vda": "/n/disk"}}
	for _, c := range []struct {
		name, definition string
		change           Change
		want             string
	}{
		{"nothing", around("", ""), Change{}, ""},
		{"the name it has", around("", ""), Change{Name: "web-01"}, ""},
		{"names of others", around("  <metadata>\n    <x:name xmlns:x='urn:x'>web-01</x:name>\n    <name xmlns='urn:y'>web-01</name>\n    <name>web-01</name>\n  </metadata>\n", ""), rename,
			"-  <name>web-01</name>\n+  <name>instance-0000000a</name>\n"},
		{"a name among the domain's, not of libvirt", strings.Replace(around("", ""), "  <name>", "  <name xmlns='urn:y'>other</name>\n  <name>", 1), rename,
			"-  <name>web-01</name>\n+  <name>instance-0000000a</name>\n"},
		{"name with entities", strings.Replace(around("", ""), "web-01", "a&amp;b&#x41;", 1), rename,
			"-  <name>a&amp;b&#x41;</name>\n+  <name>instance-0000000a</name>\n"},
		{"name with entities, the one it has", strings.Replace(around("", ""), "web-01", "a&amp;b&#x41;", 1), Change{Name: "a&bA"}, ""},
		{"name in CDATA", strings.Replace(around("", ""), "web-01", "<![CDATA[a<b]]>", 1), rename,
			"-  <name><![CDATA[a<b]]></name>\n+  <name>instance-0000000a</name>\n"},
		{"new name with entities", around("", ""), Change{Name: "a&b<c>'d\""},
			"-  <name>web-01</name>\n+  <name>a&amp;b&lt;c&gt;'d\"</name>\n"},
		{"in a comment", strings.Replace(around("", ""), "  <name>", "  <!-- <name>old</name> -->\n  <name>", 1), rename,
			"-  <name>web-01</name>\n+  <name>instance-0000000a</name>\n"},
		{"space in tags", strings.Replace(around("", ""), "<name>web-01</name>", "<name >web-01</name\n>", 1), rename,
			"-  <name >web-01</name\n+  <name >instance-0000000a</name\n"},
		{"double quotes", around("", diskOf("      <source  file = \"/a'b\"\tindex='1' />\n")), move,
			"-      <source  file = \"/a'b\"\tindex='1' />\n+      <source  file = \"/n/disk\"\tindex='1' />\n"},
		{"quotes in a path", around("", diskOf("      <source file='/a'/>\n")), Change{Disks: map[string]string{"vda": `/n/it's "b" & <c>`}},
			"-      <source file='/a'/>\n+      <source file='/n/it&apos;s \"b\" &amp; &lt;c&gt;'/>\n"},
		{"quotes in a path in double quotes", around("", diskOf("      <source file=\"/a\"/>\n")), Change{Disks: map[string]string{"vda": `/n/it's "b"`}},
			"-      <source file=\"/a\"/>\n+      <source file=\"/n/it's &quot;b&quot;\"/>\n"},
		{"backing files and their sources", around("", diskOf("      <source file='/a'/>\n      <backingStore type='file'>\n        <format type='qcow2'/>\n        <source file='/a'/>\n        <backingStore/>\n      </backingStore>\n")), move,
			"-      <source file='/a'/>\n+      <source file='/n/disk'/>\n"},
		{"what is in the source", around("", diskOf("      <source file='/a'>\n        <seclabel model='dac' relabel='no'/>\n        <encryption format='luks'/>\n      </source>\n")), move,
			"-      <source file='/a'>\n+      <source file='/n/disk'>\n"},
		{"disk without a type", around("", strings.Replace(diskOf("      <source file='/a'/>\n"), " type='file'", "", 1)), move,
			"-      <source file='/a'/>\n+      <source file='/n/disk'/>\n"},
		{"disk of another namespace", around("", "    <disk xmlns='urn:x' type='file'><source file='/x'/><target dev='vda'/></disk>\n"+diskOf("      <source file='/a'/>\n")), move,
			"-      <source file='/a'/>\n+      <source file='/n/disk'/>\n"},
		{"disk outside of the devices", around("  <disk type='file'><source file='/x'/><target dev='vda'/></disk>\n", diskOf("      <source file='/a'/>\n")), move,
			"-      <source file='/a'/>\n+      <source file='/n/disk'/>\n"},
		{"two disks change places", around("", diskOf("      <source file='/a'/>\n")+strings.Replace(diskOf("      <source file='/b'/>\n"), "vda", "vdb", 1)),
			Change{Disks: map[string]string{"vda": "/b", "vdb": "/a"}},
			"-      <source file='/a'/>\n+      <source file='/b'/>\n-      <source file='/b'/>\n+      <source file='/a'/>\n"},
		{"declaration and comments outside", "<?xml version='1.0' encoding='UTF-8'?>\n<!-- WARNING: AUTO-GENERATED -->\n" + around("", "") + "<!-- end -->\n", rename,
			"-  <name>web-01</name>\n+  <name>instance-0000000a</name>\n"},
		{"line ends of Windows", strings.ReplaceAll(around("", ""), "\n", "\r\n"), rename,
			"-  <name>web-01</name>\r\n+  <name>instance-0000000a</name>\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			after, err := Apply(c.definition, c.change)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(c.want, Diff(c.definition, after)); diff != "" {
				t.Errorf("lines that differ (-want +got):\n%s", diff)
			}
		})
	}
}

// A definition without line breaks has none afterwards.
func TestApplyOnOneLine(t *testing.T) {
	in := "<domain><name>a</name><os firmware='efi'><type>hvm</type></os><devices><interface type='network'><mac address='" + mac1 + "'/><source network='n'/>" +
		"<vlan><tag id='1'/></vlan><model type='virtio'/><driver iommu='on'/></interface></devices></domain>"
	want := "<domain><name>b</name><os firmware='efi'><type>hvm</type><nvram>/v</nvram></os><devices><interface type='bridge'><mac address='" + mac1 + "'/><source bridge='br-int'/>" +
		"<virtualport type='openvswitch'><parameters interfaceid='" + port + "'/></virtualport><target dev='tap1'/><model type='e1000'/></interface></devices></domain>"
	got, err := Apply(in, Change{Name: "b", NVRAM: "/v", NICs: map[string]NIC{mac1: {Model: "e1000", Target: "tap1", Bridge: "br-int", OVSPort: port}}})
	if err != nil || got != want {
		t.Errorf("Apply = %v\n%s, want\n%s", err, got, want)
	}
}

// With spaces between elements, but no lines, nothing is written over lines.
func TestApplyBetweenSpaces(t *testing.T) {
	in := "<domain> <name>a</name> <devices> <interface type='bridge'> <mac address='" + mac1 + "'/> <source bridge='b'/> </interface> </devices> </domain>"
	want := strings.Replace(in, "'b'/>", "'br-int'/> <virtualport type='openvswitch'><parameters interfaceid='"+port+"'/></virtualport>", 1)
	got, err := Apply(in, Change{NICs: map[string]NIC{mac1: {Bridge: "br-int", OVSPort: port}}})
	if err != nil || got != want {
		t.Errorf("Apply = %v\n%s, want\n%s", err, got, want)
	}
}

func TestApplyRefuses(t *testing.T) {
	disk := diskOf("      <source file='/a'/>\n")
	move := Change{Disks: map[string]string{"vda": "/n/disk"}}
	rename := Change{Name: "b"}
	deep := strings.Repeat("<a>", 400) + strings.Repeat("</a>", 400)
	for _, c := range []struct {
		name, definition string
		change           Change
		is               error
		says             string
	}{
		{"nothing", "", rename, ErrDefinition, "no XML element"},
		{"no XML", "error: no domain\n", rename, ErrDefinition, "text outside"},
		{"DOCTYPE", "<!DOCTYPE domain [<!ENTITY n 'x'>]>" + around("", ""), rename, ErrDefinition, "DOCTYPE"},
		{"entity of nobody", around("<title>&n;</title>", ""), rename, ErrDefinition, "entity"},
		{"another encoding", "<?xml version='1.0' encoding='ISO-8859-1'?>" + around("", ""), rename, ErrDefinition, "ISO-8859-1"},
		{"no UTF-8", around("<title>B\xfcro</title>", ""), rename, ErrDefinition, "not UTF-8"},
		{"too large", around("<title>"+strings.Repeat("x", 9<<20)+"</title>", ""), rename, ErrDefinition, "bytes"},
		{"too deep", around(deep, ""), rename, ErrDefinition, "levels"},
		{"truncated", around("", "")[:60], rename, ErrDefinition, "unexpected EOF"},
		{"a snapshot", "<domainsnapshot><name>s</name>" + around("", "") + "</domainsnapshot>", rename, ErrDefinition, "<domainsnapshot>, not <domain>"},
		{"a namespace of its own", strings.Replace(around("", ""), "<domain", "<domain xmlns='urn:x'", 1), rename, ErrDefinition, "root element"},
		{"two roots", around("", "") + "<domain/>", rename, ErrDefinition, "follows the end"},
		{"text after the root", around("", "") + "x", rename, ErrDefinition, "text outside"},
		{"one attribute twice", around("<a b='1' b='2'/>", ""), rename, ErrDefinition, "twice"},
		{"live", strings.Replace(around("", ""), "<domain", "<domain id='4'", 1), rename, ErrLive, "VIR_DOMAIN_XML_INACTIVE"},
		{"no name", "<domain><devices/></domain>", rename, ErrDefinition, "no <name>"},
		{"two names", around("<name>c</name>", ""), Change{}, ErrDefinition, "more than one <name>"},
		{"comment in the name", strings.Replace(around("", ""), "web-01", "web<!-- x -->-01", 1), rename, ErrRefused, "more in it than text"},
		{"two <devices>", around("<devices/>", disk), move, ErrDefinition, "more than one <devices>"},

		{"slash in the name", around("", ""), Change{Name: "a/b"}, ErrChange, "name of a file"},
		{"space before the name", around("", ""), Change{Name: " a"}, ErrChange, "white space"},
		{"line break in the name", around("", ""), Change{Name: "a\nb"}, ErrChange, "U+000A"},
		{"name of no encoding", around("", ""), Change{Name: "a\xff"}, ErrChange, "UTF-8"},
		{"relative path", around("", disk), Change{Disks: map[string]string{"vda": "disk"}}, ErrChange, "absolute"},
		{"path upwards", around("", disk), Change{Disks: map[string]string{"vda": "/a/../b"}}, ErrChange, "shortest"},
		{"path that ends in a slash", around("", disk), Change{Disks: map[string]string{"vda": "/a/"}}, ErrChange, "shortest"},

		{"no such disk", around("", disk), Change{Disks: map[string]string{"vdb": "/n"}}, ErrDevice, "disk vdb: "},
		{"no devices", "<domain><name>web-01</name></domain>", move, ErrDevice, "disk vda: "},
		{"two disks with that target", around("", disk+disk), move, ErrDevice, "two disks"},
		{"two targets", around("", diskOf("<source file='/a'/><target dev='vda'/>")), move, ErrDevice, "more than one <target>"},
		{"two sources", around("", diskOf("<source file='/a'/><source file='/b'/>")), move, ErrRefused, "more than one <source>"},
		{"empty drive", around("", diskOf("")), move, ErrRefused, "no <source>"},
		{"source without a file", around("", diskOf("<source startupPolicy='optional'/>")), move, ErrRefused, "names no file"},
		{"source with an empty file", around("", diskOf("<source file=''/>")), move, ErrRefused, "names no file"},
		{"block device", around("", strings.Replace(diskOf("<source dev='/dev/vg/x'/>"), "'file'", "'block'", 1)), move, ErrRefused, "type block"},
		{"network", around("", strings.Replace(diskOf("<source protocol='rbd'/>"), "'file'", "'network'", 1)), move, ErrRefused, "type network"},
		{"volume", around("", strings.Replace(diskOf("<source pool='p' volume='v'/>"), "'file'", "'volume'", 1)), move, ErrRefused, "type volume"},
		{"block job", around("", diskOf("<source file='/a'/><mirror type='file'/>")), move, ErrRefused, "<mirror>"},
		{"transient", around("", diskOf("<source file='/a'/><transient/>")), move, ErrRefused, "<transient>"},
		{"the file of another disk", around("", disk+strings.ReplaceAll(disk, "vda", "vdb")), Change{Disks: map[string]string{"vdb": "/a"}}, ErrChange, "disk vda would have the same file"},
		{"the file of a later disk", around("", disk+strings.NewReplacer("vda", "vdb", "/a", "/b").Replace(disk)), Change{Disks: map[string]string{"vda": "/b"}}, ErrChange, "disk vda would have the same file"},
		{"one file for two", around("", disk+strings.ReplaceAll(disk, "vda", "vdb")), Change{Disks: map[string]string{"vdb": "/n", "vda": "/n"}}, ErrChange, "the same file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			after, err := Apply(c.definition, c.change)
			if !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Fatalf("Apply = %v, want %v that says %q", err, c.is, c.says)
			}
			if _, ok := errors.AsType[*EditError](err); !ok || after != "" {
				t.Errorf("Apply = %q, %T", after, err)
			}
			if c.is != ErrDefinition && !strings.Contains(err.Error(), `"web-01"`) && !strings.Contains(c.definition, "<!--") {
				t.Errorf("Apply = %v, which does not name the domain", err)
			}
		})
	}
}

// Two that shared a file before are their owner's matter.
func TestApplyLeavesSharedFile(t *testing.T) {
	disk := diskOf("      <source file='/a'/>\n")
	three := around("", disk+strings.ReplaceAll(disk, "vda", "vdb")+strings.NewReplacer("vda", "vdc", "/a", "/c").Replace(disk))
	if _, err := Apply(three, Change{Disks: map[string]string{"vdc": "/n"}}); err != nil {
		t.Error(err)
	}
}
