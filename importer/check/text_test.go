package check

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lightcloud/kvm2openstack/discover"
)

func TestShow(t *testing.T) {
	tests := []struct{ of, want string }{
		{"/srv/web.qcow2", "/srv/web.qcow2"},
		{"统一服务器", "统一服务器"},
		{"", `""`},
		{"a b", `"a b"`},
		{"a\nb", `"a\nb"`},
		{"\x1b[31mred", `"\x1b[31mred"`},
		{"web\u202etxt", `"web\u202etxt"`},
		{"\xff", `"\xff"`},
		{strings.Repeat("x", 300), strings.Repeat("x", 200) + "…"},
	}
	for _, test := range tests {
		if got := show(test.of).String(); got != test.want {
			t.Errorf("show(%q) = %s, want %s", test.of, got, test.want)
		}
	}
}

func TestList(t *testing.T) {
	tests := []struct {
		of   []string
		want string
	}{
		{[]string{"vda"}, "vda"},
		{[]string{"vda", "a b"}, `vda, "a b"`},
		{[]string{"1", "2", "3", "4", "5", "6", "7"}, "1, 2, 3, 4, 5 and 2 more"},
	}
	for _, test := range tests {
		if got := list(test.of).String(); got != test.want {
			t.Errorf("list(%q) = %s, want %s", test.of, got, test.want)
		}
	}
	if one, two := Plural(1, "disk"), Plural(2, "disk"); one != "1 disk" || two != "2 disks" {
		t.Errorf("plural gives %q and %q", one, two)
	}
}

func TestShell(t *testing.T) {
	tests := []struct{ of, want string }{
		{"/srv/web.qcow2", "/srv/web.qcow2"},
		{"", "''"},
		{"a b", "'a b'"},
		{"it's; rm -rf /", `'it'\''s; rm -rf /'`},
		{"$(reboot)`reboot`", "'$(reboot)`reboot`'"},
		{"a\nb'c\\", `$'a\012b\'c\\'`},
		{"\xff1", `$'\3771'`},
		{"~root", "'~root'"},
		{"网\u2028", `$'网\342\200\250'`},
	}
	for _, test := range tests {
		got := sh(test.of).String()
		if got != test.want {
			t.Errorf("sh(%q) = %s, want %s", test.of, got, test.want)
		}
		if back := unquote(t, got); back != test.of {
			t.Errorf("a shell reads %s as %q, want %q", got, back, test.of)
		}
	}
}

func FuzzShell(f *testing.F) {
	f.Add("it's\n\\x")
	f.Fuzz(func(t *testing.T, s string) {
		q := sh(s).String()
		if back := unquote(t, q); back != s || !printable(q) {
			t.Errorf("a shell reads %s as %q, want %q", q, back, s)
		}
	})
}

// unquote reads one word as bash does, and fails where it would be more.
func unquote(t *testing.T, word string) string {
	t.Helper()
	var b []byte
	for i := 0; i < len(word); {
		switch {
		case word[i] == '\'':
			end := i + 1 + strings.IndexByte(word[i+1:], '\'')
			b, i = append(b, word[i+1:end]...), end+1
		case strings.HasPrefix(word[i:], "$'"):
			for i += 2; word[i] != '\''; {
				if word[i] != '\\' {
					b, i = append(b, word[i]), i+1
					continue
				}
				if c := word[i+1]; c == '\\' || c == '\'' {
					b, i = append(b, c), i+2
					continue
				}
				b, i = append(b, (word[i+1]-'0')<<6|(word[i+2]-'0')<<3|(word[i+3]-'0')), i+4
			}
			i++
		case word[i] == '\\':
			b, i = append(b, word[i+1]), i+2
		case strings.IndexByte(" \t\n;&|<>()$`\"*?[#~!{}", word[i]) >= 0:
			t.Fatalf("%s has a bare %q", word, word[i])
		default:
			b, i = append(b, word[i]), i+1
		}
	}
	return string(b)
}

// virsh takes digits for a run-time id and a UUID's shape for a UUID.
func TestVirshNamesTheDomain(t *testing.T) {
	tests := []struct{ name, uuid, want string }{
		{"web-1", cleanUUID, "web-1"},
		{"42", cleanUUID, cleanUUID},
		{"--help", cleanUUID, cleanUUID},
		{"a b", cleanUUID, cleanUUID},
		{"f0e6ac70-0000-4000-8000-00000000000c", cleanUUID, cleanUUID},
		{"a b", "", "'a b'"},
	}
	for _, test := range tests {
		s := subject{Domain: discover.Domain{Name: test.name, UUID: test.uuid}}
		if got := s.virsh().String(); got != test.want {
			t.Errorf("virsh(%q) = %s, want %s", test.name, got, test.want)
		}
	}
}

// What a host calls its things must neither break a finding's line nor reach
// the terminal: every rule shows and quotes what it prints, and oneLine has
// nothing left to do.
func TestHostileNames(t *testing.T) {
	for code, fx := range fixtures {
		for _, spared := range [][]string{words, nil} {
			d, f := made(fx.yes)
			spoil(reflect.ValueOf(&d).Elem(), spared)
			spoil(reflect.ValueOf(&f.Host).Elem(), spared)
			f.OwnerProblem += nasty
			if f.Nova != nil {
				spoil(reflect.ValueOf(f.Nova).Elem(), spared)
			}
			neighbour := d
			neighbour.Name += "2"
			f.Fleet = FleetOf(d, neighbour)
			for _, text := range texts(subject{Domain: d, Facts: f}) {
				if !printable(text) || !utf8.ValidString(text) {
					t.Errorf("%s: a rule prints %q", code, text)
				}
			}
		}
	}
}

// texts is all that the rules say before oneLine has looked at it.
func texts(s subject) []string {
	var all []string
	for _, r := range rules {
		for _, d := range r.find(s) {
			all = append(all, d.text.String(), d.action.String())
		}
	}
	return all
}

const nasty = "\n\x1b[2J';reboot;#\u202e\xff"

// words are the fields that libvirt gives from a list of its own; any other
// string is what somebody typed.
var words = []string{"State", "Type", "Device", "Bus", "Format", "Kind", "Protocol", "Mode", "Family", "Confidence", "FS", "NetworkForward"}

func spoil(v reflect.Value, spared []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && !slices.Contains(spared, field.Name) {
				spoil(v.Field(i), spared)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem(), spared)
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i), spared)
		}
	case reflect.String:
		if v.String() != "" {
			v.SetString(v.String() + nasty)
		}
	}
}

func TestOneLine(t *testing.T) {
	for of, want := range map[string]string{"a\nb\x1b\xff网": "a\ufffdb\ufffd\ufffd网", "网 fine": "网 fine"} {
		if got := oneLine(of); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", of, got, want)
		}
	}
}
