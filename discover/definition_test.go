package discover

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"libvirt.org/go/libvirtxml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden is a record, what a plan would say of it, and its layout.
type golden struct {
	Domain Domain   `json:"domain"`
	Facts  []string `json:"facts"`
	Layout []string `json:"layout"`
}

// TestParseGolden reads every definition in testdata/domains. NAME.live.xml is
// the live definition of NAME.xml.
func TestParseGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/domains/*.xml")
	if err != nil || len(files) < 25 {
		t.Fatalf("found %d definitions (%v), want at least 25", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".live.xml") {
			continue
		}
		stem := strings.TrimSuffix(file, ".xml")
		t.Run(filepath.Base(stem), func(t *testing.T) {
			live, err := os.ReadFile(stem + ".live.xml")
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			d, err := Parse(read(t, file), live)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, stem+".json", golden{d, d.Facts(), strings.Split(d.Layout.String(), "\n")})
		})
	}
}

func compareGolden(t *testing.T, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const someUUID = "5ef1ba4e-3ba6-4a6e-9cd6-2f1a4a5f6f01"

// definition is a small complete one; more goes before the end of <domain>.
func definition(more string) string {
	return "<domain type='kvm'><name>d</name><uuid>" + someUUID + "</uuid><memory>1024</memory>" + more + "</domain>"
}

func TestParseRefuses(t *testing.T) {
	bomb := `<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>`
	for _, c := range []struct {
		name, doc string
		want      string // in the message
		is        error
		domain    string // name that could be read
	}{
		{"nothing", "", "empty", ErrEmpty, ""},
		{"white space", " \n\t", "empty", ErrEmpty, ""},
		{"only a comment", "<!-- x -->", "no XML element", nil, ""},
		{"truncated in a tag", definition("<devices/>")[:110], "ends in the middle", ErrTruncated, "d"},
		{"truncated between tags", "<domain><name>d</name>", "ends in the middle", ErrTruncated, "d"},
		{"50 MB", definition("<description>" + strings.Repeat("x", 50<<20) + "</description>"), "more than 8388608", ErrTooLarge, "d"},
		{"deep", definition(strings.Repeat("<a>", 100000)), "levels", ErrTooLarge, "d"},
		{"deep backing chain", definition("<devices><disk>" + strings.Repeat("<backingStore>", 100000)), "levels", ErrTooLarge, "d"},
		{"many elements", definition("<devices>" + strings.Repeat("<disk/>", 200000) + "</devices>"), "elements", ErrTooLarge, "d"},
		{"entity bomb", bomb + definition("<title>&b;</title>"), "DOCTYPE", ErrDoctype, ""},
		{"external entity", `<!DOCTYPE d SYSTEM "file:///etc/passwd">` + definition(""), "DOCTYPE", ErrDoctype, ""},
		{"undefined entity", definition("<title>&lol;</title>"), "entity", nil, "d"},
		{"latin-1 undeclared", definition("<title>B\xfcro</title>"), "no encoding declared", ErrEncoding, "d"},
		{"unknown encoding", `<?xml version="1.0" encoding="ebcdic-us"?>` + definition(""), `"ebcdic-us"`, ErrEncoding, ""},
		{"UTF-16 with mark", "\xff\xfe<\x00d\x00", "UTF-16", ErrEncoding, ""},
		{"UTF-16 without", "<\x00d\x00o\x00", "UTF-16", ErrEncoding, ""},
		{"no XML", "domain h1 is running", "no XML element", nil, ""},
		{"wrong root", "<network><name>default</name></network>", "root element is <network>", nil, ""},
		{"two roots", definition("") + "<domain/>", "follows the end", nil, "d"},
		{"mismatched tags", definition("<os><type></os></type>"), "closed by", nil, "d"},
		{"mismatched tags nobody reads", definition("<pm><a></pm></a>"), "closed by", nil, "d"},
		{"no name", "<domain><uuid>" + someUUID + "</uuid><memory>1</memory></domain>", "no <name>", nil, ""},
		{"blank name", "<domain><name> </name></domain>", "no <name>", nil, " "},
		{"two names", definition("<name>e</name>"), "more than one <name>", nil, "d"},
		{"slash in name", "<domain><name>../../etc/x</name></domain>", `"../../etc/x" has a slash`, nil, "../../etc/x"},
		{"line break in name", "<domain><name>a\nb</name></domain>", `"a\nb"`, nil, "a\nb"},
		{"dots", "<domain><name>..</name></domain>", "folder", nil, ".."},
		{"no UUID", "<domain><name>d</name><memory>1</memory></domain>", "no <uuid>", nil, "d"},
		{"malformed UUID", "<domain><name>d</name><uuid>5ef1</uuid></domain>", `"5ef1" is no UUID`, nil, "d"},
		{"UUID in braces", "<domain><name>d</name><uuid>{" + someUUID + "}</uuid></domain>", "is no UUID", nil, "d"},
		{"UUID of zeros", "<domain><name>d</name><uuid>00000000-0000-0000-0000-000000000000</uuid></domain>", "is no UUID", nil, "d"},
		{"no memory", "<domain><name>d</name><uuid>" + someUUID + "</uuid></domain>", "no <memory>", nil, "d"},
		{"negative memory", strings.Replace(definition(""), "1024", "-1024", 1), "-1024", nil, "d"},
		{"fractional memory", strings.Replace(definition(""), "1024", "1.5", 1), "1.5", nil, "d"},
		{"absurd memory", strings.Replace(definition(""), "<memory>1024", "<memory unit='EiB'>9", 1), "more memory than can be", nil, "d"},
		{"overflowing memory", strings.Replace(definition(""), "<memory>1024", "<memory unit='E'>18446744073709551615", 1), "more memory than can be", nil, "d"},
		{"unit of nothing", strings.Replace(definition(""), "<memory>", "<memory unit='Mbit'>", 1), `"Mbit" is no unit`, nil, "d"},
		{"no vCPU", definition("<vcpu>0</vcpu>"), "0 of 0 vCPUs", nil, "d"},
		{"negative vCPUs", definition("<vcpu>-2</vcpu>"), "-2", nil, "d"},
		{"more vCPUs than there are", definition("<vcpu current='5'>4</vcpu>"), "5 of 4 vCPUs", nil, "d"},
		{"absurd vCPUs", definition("<vcpu>4000000000</vcpu>"), "vCPUs cannot be", nil, "d"},
		{"malformed MAC", definition("<devices><interface type='bridge'><mac address='52:54'/></interface></devices>"), `"52:54" is no MAC`, nil, "d"},
		{"kind of interface not known", definition("<devices><interface type='warp'><source a='1'/></interface></devices>"), "not known here", nil, "d"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.doc), nil)
			var def *DefinitionError
			if !errors.As(err, &def) {
				t.Fatalf("Parse = %v, want a DefinitionError", err)
			}
			if !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("Parse = %v, want %q (%v)", err, c.want, c.is)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has a line break: %v", err)
			}
			if def.Name != c.domain {
				t.Errorf("salvaged name %q, want %q", def.Name, c.domain)
			}
		})
	}
}

func TestParseTakesNames(t *testing.T) {
	for _, name := range []string{"O'Reilly \"x\"", "财务服务器", "🐧", "a b", strings.Repeat("x", 255), "'; DROP TABLE instances;--", "..a", "-rf"} {
		doc := "<domain type='kvm'><name>" + strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(name) + "</name><uuid>" + someUUID + "</uuid><memory>1</memory></domain>"
		d, err := Parse([]byte(doc), nil)
		if err != nil || d.Name != name {
			t.Errorf("Parse of a domain named %q = %q, %v", name, d.Name, err)
		}
	}
}

func TestParseEncodings(t *testing.T) {
	for _, c := range []struct{ name, doc string }{
		{"byte order mark", "\xef\xbb\xbf" + definition("<title>Büro</title>")},
		{"declared UTF-8", "<?xml version='1.0' encoding='utf-8'?>" + definition("<title>Büro</title>")},
		{"declared latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + definition("<title>B\xfcro</title>")},
	} {
		d, err := Parse([]byte(c.doc), nil)
		if err != nil || d.Title != "Büro" {
			t.Errorf("%s: Parse = %q, %v", c.name, d.Title, err)
		}
	}
}

func TestMemoryUnits(t *testing.T) {
	for _, c := range []struct {
		value uint64
		unit  string
		want  uint64
	}{
		{4194304, "", 4194304}, {4194304, "KiB", 4194304}, {4194304, "k", 4194304}, {1000, "KB", 977},
		{1024, "b", 1}, {1025, "bytes", 2}, {1, "byte", 1}, {2, "M", 2048}, {2, "MiB", 2048}, {2, "mib", 2048},
		{1000, "MB", 976563}, {4, "G", 4 << 20}, {4, "GiB", 4 << 20}, {4, "GB", 3906250}, {1, "T", 1 << 30}, {1, "TiB", 1 << 30},
	} {
		if got, err := kibibytes(c.value, c.unit); err != nil || got != c.want {
			t.Errorf("kibibytes(%d, %q) = %d, %v, want %d", c.value, c.unit, got, err, c.want)
		}
	}
}

func TestVLAN(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		tag       int
		trunk     bool
	}{
		{"absent", "", 0, false},
		{"0", "<vlan><tag id='0'/></vlan>", 0, false},
		{"4095", "<vlan><tag id='4095'/></vlan>", 0, false},
		{"tag", "<vlan><tag id='120'/></vlan>", 120, false},
		{"trunk", "<vlan trunk='yes'><tag id='120'/></vlan>", 0, true},
		{"two tags", "<vlan><tag id='1'/><tag id='2'/></vlan>", 0, true},
		{"native", "<vlan trunk='yes'><tag id='1'/><tag id='2' nativeMode='untagged'/></vlan>", 2, true},
	} {
		d, err := Parse([]byte(definition("<devices><interface type='bridge'><mac address='52:54:00:AB:CD:EF'/>"+c.doc+"</interface></devices>")), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n := d.Interfaces[0]; n.VLAN != c.tag || n.Trunk != c.trunk || n.MAC != "52:54:00:ab:cd:ef" {
			t.Errorf("%s: vlan %d trunk %v mac %s, want %d %v", c.name, n.VLAN, n.Trunk, n.MAC, c.tag, c.trunk)
		}
	}
}

func TestUnknownElements(t *testing.T) {
	d, err := Parse([]byte(definition("<warp/><warp/><devices><dilithium><a/></dilithium><disk><target dev='vda'/></disk></devices>")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"domain/warp", "devices/dilithium"}, d.UnknownXML); diff != "" {
		t.Errorf("UnknownXML (-want +got):\n%s", diff)
	}
	if len(d.Disks) != 1 {
		t.Errorf("%d disks after an unknown element, want 1", len(d.Disks))
	}
}

// Trimming must not leave out what a field is made from: what libvirtxml reads
// of the goldens by itself gives the same record.
func TestTrimLosesNothing(t *testing.T) {
	files, _ := filepath.Glob("testdata/domains/*.xml")
	for _, file := range files {
		doc := read(t, file)
		tree, seen, err := decode(doc, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := convert(tree, seen)
		if err != nil {
			t.Fatal(err)
		}
		if short := trim(doc, false); len(short) >= len(doc) {
			t.Errorf("%s: nothing was trimmed", file)
		}
		var whole libvirtxml.Domain
		if err := whole.Unmarshal(string(doc)); err != nil {
			t.Fatal(err)
		}
		want, err := convert(&whole, seen)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b Address) bool { return a == b })); diff != "" {
			t.Errorf("%s: (-libvirtxml alone +trimmed):\n%s", file, diff)
		}
	}
}

// Where a document is not as plain as libvirt writes it, nothing is trimmed
// and the strict pass judges it.
func TestTrimLeavesAlone(t *testing.T) {
	for _, more := range []string{
		"<!-- x --><pm/>", "<?x?><pm/>", "<title><![CDATA[<pm/>]]></title><pm/>", "<pm>&amp;</pm>", "<pm a='<'/>", "<pm <a/>", "<pm a='/>",
		"<pm><a></pm></a>", "</devices><pm/>", "<pm>\xff</pm>", "<pm a=\"'\" b='/>",
	} {
		doc := []byte(definition(more))
		if got := trim(doc, false); string(got) != string(doc) {
			t.Errorf("trim(%s) = %s", more, got)
		}
	}
	for more, want := range map[string]string{
		"<pm a='>'/> <title> </title>\n":                                               "<title> </title>",
		"<pm> <pm/> </pm ><title>a</title>":                                            "<title>a</title>",
		"<devices> <disk> <alias name='x'/> <source file='/a  b'/> </disk> </devices>": "<devices><disk><source file='/a  b'/></disk></devices>",
	} {
		if got := string(trim([]byte(definition(more)), false)); got != definition(want) {
			t.Errorf("trim(%s) = %s, want %s", more, got, definition(want))
		}
	}
}

func TestDigest(t *testing.T) {
	plain := []byte(definition("<devices><graphics type='vnc' port='-1'/></devices>"))
	digest := func(inactive, live []byte) string {
		t.Helper()
		d, err := Parse(inactive, live)
		if err != nil {
			t.Fatal(err)
		}
		return d.Digest
	}
	base := digest(plain, nil)
	secure := []byte(strings.Replace(string(plain), "port='-1'", "port='-1' passwd='x'", 1))
	if digest(secure, nil) != base {
		t.Error("reading with SECURE changes the digest")
	}
	live := []byte(strings.Replace(string(plain), "type='kvm'", "type='kvm' id='3'", 1))
	if digest(plain, live) != base {
		t.Error("starting the domain changes the digest")
	}
	if digest([]byte(strings.Replace(string(plain), "1024", "2048", 1)), nil) == base {
		t.Error("more memory does not change the digest")
	}
	if digest([]byte(definition("<pm><suspend-to-mem enabled='no'/></pm><devices><graphics type='vnc' port='-1'/></devices>")), nil) == base {
		t.Error("an element that no field is made from does not change the digest")
	}
	live = []byte(strings.Replace(string(live), "</memory>", "</memory><currentMemory>1024</currentMemory>", 1))
	restarted := []byte(strings.NewReplacer("id='3'", "id='4'", "port='-1'", "port='5901'", "<currentMemory>1024", "<currentMemory>512").Replace(string(live)))
	if digest(nil, live) != digest(nil, restarted) || digest(live, nil) != digest(nil, live) {
		t.Error("a transient domain's digest depends on what changes at each start")
	}
	more := []byte(strings.Replace(string(live), "<memory>1024", "<memory>2048", 1))
	if digest(nil, live) == digest(nil, more) {
		t.Error("a transient domain's digest does not depend on its memory")
	}
}

func TestLiveOfAnother(t *testing.T) {
	other := strings.Replace(definition(""), someUUID, "5ef1ba4e-3ba6-4a6e-9cd6-2f1a4a5f6f02", 1)
	_, err := Parse([]byte(definition("")), []byte(other))
	var def *DefinitionError
	if !errors.As(err, &def) || !strings.Contains(err.Error(), "another domain") {
		t.Errorf("Parse with the live definition of another domain = %v", err)
	}
	if _, err := Parse([]byte(definition("")), []byte("<domain")); err == nil {
		t.Error("Parse with a damaged live definition succeeds")
	}
}

func TestFactsArePrintable(t *testing.T) {
	d := Domain{Name: "a\nb\x1b[2J", MachineType: "\u202egnp.exe", Disks: []Disk{{Device: "disk", Path: "/x\n/y"}, {Device: "cd\nrom"}}}
	for _, f := range d.Facts() {
		if strings.ContainsAny(f, "\n\x1b\u202e") {
			t.Errorf("fact %q is not printable", f)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/domains/*.xml")
	for _, file := range files {
		f.Add(read(f, file))
	}
	f.Add([]byte(definition("<devices><disk><backingStore><source/></backingStore><mirror/></disk></devices>")))
	f.Fuzz(func(t *testing.T, doc []byte) {
		d, err := Parse(doc, doc)
		if err != nil {
			var def *DefinitionError
			if !errors.As(err, &def) {
				t.Fatalf("Parse = %v, not a DefinitionError", err)
			}
			return
		}
		if d.Name == "" || d.UUID == "" || d.MemoryKiB == 0 || d.VCPUs == 0 || !strings.HasPrefix(d.Digest, "sha256:") {
			t.Errorf("Parse gives an incomplete record: %+v", d)
		}
		for _, fact := range d.Facts() {
			if strings.ContainsAny(fact, "\n\r\x00") {
				t.Errorf("fact %q is not one line", fact)
			}
		}
	})
}

// vCPUs can be plugged into a running domain and not be in what it is next
// started from, and the other way round.
func TestLiveVCPUs(t *testing.T) {
	for _, c := range []struct {
		name, live string
		want, now  uint
	}{
		{"as defined", "<vcpu>4</vcpu>", 0, 4},
		{"more", "<vcpu>6</vcpu>", 6, 6},
		{"some of them", "<vcpu current='2'>6</vcpu>", 2, 2},
		{"not said", "", 0, 4},
	} {
		inactive := definition("<vcpu current='4'>8</vcpu>")
		live := strings.Replace(definition(c.live), "type='kvm'", "type='kvm' id='3'", 1)
		d, err := Parse([]byte(inactive), []byte(live))
		if err != nil || d.VCPUs != 4 || d.VCPUsLive != c.want || d.RunningVCPUs() != c.now {
			t.Errorf("%s: VCPUs %d, VCPUsLive %d, RunningVCPUs %d, want 4, %d, %d (%v)", c.name, d.VCPUs, d.VCPUsLive, d.RunningVCPUs(), c.want, c.now, err)
		}
	}
}
