package discover

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHost(t *testing.T) {
	local, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		uri  string
		want Host
	}{
		{"qemu:///system", Host{Name: local}},
		{" qemu:///system?socket=/run/x ", Host{Name: local}},
		{"qemu+ssh://root@kvm01/system", Host{Name: "kvm01"}},
		{"qemu+ssh://kvm01:2222/system?keyfile=/k&known_hosts=/h&socket=/s", Host{Name: "kvm01", KeyFile: "/k", KnownHosts: "/h"}},
		{"qemu+ssh://root@[2001:db8::1]:22/system", Host{Name: "2001:db8::1"}},
		{"qemu+tls://kvm02.example.org/system?pkipath=/pki", Host{Name: "kvm02.example.org", PKIPath: "/pki"}},
		{"qemu+tcp://10.0.0.1:16509/system", Host{Name: "10.0.0.1"}},
		{"dir:///var/dumps/kvm03/", Host{Name: "kvm03"}},
		{"dir:///var/dumps/with%20space", Host{Name: "with space"}},
	} {
		c.want.URI = strings.TrimSpace(c.uri)
		got, err := ParseHost(c.uri)
		if err != nil {
			t.Errorf("ParseHost(%q): %v", c.uri, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("ParseHost(%q):\n%s", c.uri, diff)
		}
	}
}

func TestParseHostRefuses(t *testing.T) {
	for _, c := range []struct{ uri, says string }{
		{"", "is not known"},
		{"kvm01", "is not known"},
		{"xen:///system", "allowed are qemu:///system"},
		{"qemu+libssh2://kvm01/system", "allowed are"},
		{"test:///default", "allowed are"},
		{"qemu:///session", `path "/session" is not /system`},
		{"qemu://kvm01/system", "needs three slashes"},
		{"qemu+ssh:///system", "names no host"},
		{"qemu+ssh://kvm01", `path "" is not /system`},
		{"qemu+ssh://kvm01:0/system", "between 1 and 65535"},
		{"qemu+ssh://kvm01:70000/system", "between 1 and 65535"},
		{"qemu+ssh://kvm01:x/system", "invalid port"},
		{"qemu+ssh://kvm01/system?no_verify=1", `option "no_verify" is unknown`},
		{"qemu+tls://kvm01/system?no_verify=1", `option "no_verify" is unknown`},
		{"qemu+ssh://kvm01/system?socket=", `option "socket" is unknown here, empty`},
		{"qemu+ssh://kvm01/system?socket=/a&socket=/b", "given twice"},
		{"qemu+tls://root@kvm01/system", "only SSH takes a user"},
		{"qemu+ssh://kvm01/system#x", "is not known"},
		{"dir://host/path", "needs three slashes"},
		{"dir:///", "names no folder"},
		{"dir:relative", "is not known"},
		{"qemu+ssh://root:hunter2@kvm01/system", "holds a password"},
		{"qemu+ssh://root:@kvm01/system", "holds a password"},
		{"qemu+ssh://root:hunter2@kvm01:x/system", "cannot be read"},
		{"qemu+ssh://ro%ot:hunter2@kvm01/system", "cannot be read"},
		{"root:hunter2@kvm01", "is not known"},
	} {
		_, err := ParseHost(c.uri)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("ParseHost(%q) = %v, want %q", c.uri, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseHost(%q) repeats the password: %v", c.uri, err)
		}
	}
}

func TestHostCheck(t *testing.T) {
	for _, c := range []struct {
		host Host
		says string
	}{
		{Host{Name: "a", URI: "qemu:///system"}, ""},
		{Host{Name: "a", URI: "qemu+tcp://a/system"}, `insist with "insecure: true"`},
		{Host{Name: "a", URI: "qemu+tcp://a/system", Insecure: true}, ""},
		{Host{Name: "a", URI: "qemu:///system", Files: "sftp://root@b:2222"}, ""},
		{Host{Name: "a", URI: "qemu:///system", Files: "file:///srv/tree"}, ""},
		{Host{Name: "a", URI: "qemu:///system", Files: "sftp://root:hunter2@b"}, "holds a password"},
		{Host{Name: "a", URI: "qemu:///system", Files: "ftp://b"}, "allowed are sftp://"},
		{Host{Name: "a", URI: "qemu:///system", Files: "file://b/x"}, "three slashes"},
		{Host{Name: "a", URI: "qemu:///system", Files: "sftp://b/path"}, "no path"},
		{Host{Name: "a", URI: "qemu:///system", Files: "sftp://b:99999"}, "65535"},
	} {
		err := c.host.Check()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: Check() = %v, want %q", c.host, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Check repeats the password: %v", err)
		}
	}
	if err := (Host{URI: "qemu+tcp://a/system"}).Check(); !errors.Is(err, ErrInsecure) {
		t.Errorf("Check() = %v, want ErrInsecure", err)
	}
}

func TestReadInventory(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"lines", "# our hosts\nqemu+ssh://root@kvm01/system\r\n\nqemu+tls://kvm02/system # the old one\n", "kvm01 kvm02"},
		{"strings", "- qemu+ssh://root@kvm01/system\n- qemu+tls://kvm02/system\n", "kvm01 kvm02"},
		{"flow", "[qemu+ssh://kvm01/system]", "kvm01"},
		{"byte order mark", "\xef\xbb\xbfqemu+ssh://kvm01/system", "kvm01"},
	} {
		hosts, err := ReadInventory(write(t, "hosts", []byte(c.text)))
		var names []string
		for _, h := range hosts {
			names = append(names, h.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func TestReadInventoryMapping(t *testing.T) {
	hosts, err := ReadInventory(write(t, "hosts.yaml", []byte(`
# all keys
- uri: qemu+tcp://10.0.0.1/system
  name: kvm01
  compute_host: kvm01.example.org
  files: sftp://root@10.0.0.1
  insecure: true
  key_file: /k
  known_hosts: /h
  pki_path: /p
`)))
	want := []Host{{Name: "kvm01", URI: "qemu+tcp://10.0.0.1/system", ComputeHost: "kvm01.example.org", Files: "sftp://root@10.0.0.1", Insecure: true, KeyFile: "/k", KnownHosts: "/h", PKIPath: "/p"}}
	if diff := cmp.Diff(want, hosts); err != nil || diff != "" {
		t.Errorf("ReadInventory: %v\n%s", err, diff)
	}
}

func TestReadInventoryRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"empty", "# nothing\n", "names no host"},
		{"unknown key", "- uri: qemu+ssh://a/system\n  keyfile: /k\n", `line 2: unknown key "keyfile"`},
		{"repeated key", "- uri: qemu+ssh://a/system\n  uri: qemu+ssh://b/system\n", "already defined at line 1"},
		{"wrong kind", "- uri: qemu+ssh://a/system\n  insecure: perhaps\n", "line 2"},
		{"nested list", "- [a, b]\n", "line 1: a host is a URI or a mapping"},
		{"no uri", "- name: a\n", "line 1: uri is missing"},
		{"bad uri", "- qemu+ssh://a/system\n- nonsense\n", "line 2: "},
		{"bad line", "qemu+ssh://a/system\nnonsense\n", "line 2: "},
		{"bad files", "- uri: qemu+ssh://a/system\n  files: nfs://b\n", "line 1: "},
		{"two keys differ", "- uri: qemu+ssh://a/system?keyfile=/k\n  key_file: /l\n", "key_file and the URI's own option differ"},
		{"twice", "- qemu+ssh://a/system\n- qemu+tls://b/system\n- qemu+tls://a/system\n", "host a is named in line 1 and in line 3"},
		{"twice in lines", "qemu+ssh://a/system\n\nqemu+ssh://root@a/system\n", "line 1 and in line 3"},
		{"damaged YAML", "- uri: [\n", "yaml"},
		{"not text", "\x00\x01\x02", "line 1: "},
	} {
		_, err := ReadInventory(write(t, "hosts", []byte(c.text)))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: ReadInventory = %v, want %q", c.name, err, c.says)
		}
	}
	if _, err := ReadInventory("/nonexistent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ReadInventory = %v", err)
	}
	big := write(t, "big", []byte(strings.Repeat(fmt.Sprintln("# padding"), maxInventory/10+1)))
	if _, err := ReadInventory(big); err == nil || !strings.Contains(err.Error(), "more than 16 MiB") {
		t.Errorf("ReadInventory of a big file = %v", err)
	}
}
