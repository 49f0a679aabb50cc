package plan

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shortPlan is a plan of one domain, as short as one can be.
const shortPlan = `schema: kvm2openstack.plan/1
made: {at: 2026-08-21T10:00:00Z, instances_path: /var/lib/nova/instances}
hosts:
  - {name: kvm01, uri: "qemu:///system", compute_host: kvm01}
domains:
- domain: web-1
  host: kvm01
  uuid: 1e6ac700-0000-4000-8000-000000000001
  decision: import
  wave: 1
  display_name: web-1
  hostname: web-1
  project_id: 151eac5e92954d2d84227b2fdd4b6efc
  user_id: 5a2845fd6d1a46c2b2b93e27f51829a1
  flavor: {name: m1, vcpus: 2, memory_mb: 4096, root_gb: 40, ephemeral_gb: 0}
  nic_model: virtio
  nics:
  - mac: "52:54:00:10:00:01"
    network_id: fc4c19ff-922d-4e1a-b8cf-f7a9a927135c
    addresses: [10.66.0.1]
  disks:
  - {target: vda, bus: virtio, path: /a, becomes: disk, format: qcow2, size_gb: 40, device: /dev/vda}
  - {target: vdb, bus: virtio, path: /b, becomes: disk.eph0, format: qcow2, size_gb: 1, device: /dev/vdb}
  image_properties:
    hw_machine_type: pc
    hw_video_model: vga
    hw_cdrom_bus: ide
    hw_input_bus: usb
    hw_pointer_model: usbtablet
  lock: keep
  probes:
  - {tcp: 22}
  made_from:
    digest: sha256:0000000000000000000000000000000000000000000000000000000000000000
    facts: [vcpus 2]
`

func TestReadShortPlan(t *testing.T) {
	p, err := Read(strings.NewReader(shortPlan))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Domains) != 1 || p.Domains[0].Disks[1].Becomes != "disk.eph0" || p.Domains[0].Lock != Keep {
		t.Errorf("Read = %+v", p)
	}
}

func TestReadErrors(t *testing.T) {
	tests := []struct {
		name     string
		old, new string // a change to shortPlan
		want     string // the whole error
	}{
		{"schema", "plan/1", "plan/9", `line 1: schema: is "kvm2openstack.plan/9", and this version reads "kvm2openstack.plan/1"; make the plan again`},
		{"no schema", "schema: kvm2openstack.plan/1\n", "", `line 1: schema: is missing; a plan begins with schema: kvm2openstack.plan/1`},
		{"unknown key", "nic_model:", "nic_modle:", `line 16: kvm01/web-1: nic_modle: unknown key; did you mean nic_model?`},
		{"quite unknown key", "hosts:", "colour: red\nhosts:", `line 3: colour: unknown key`},
		{"unknown key in a list", "    addresses:", "    adresses:", `line 20: kvm01/web-1: nics[0].adresses: unknown key; did you mean addresses?`},
		{"unknown key of a host", "uri:", "url:", `line 4: hosts[0].url: unknown key; did you mean uri?`},
		{"key twice", "  wave: 1\n", "  wave: 1\n  wave: 2\n", `line 11: kvm01/web-1: wave: is there twice, first in line 10`},
		{"property twice", "    hw_input_bus: usb\n", "    hw_input_bus: usb\n    hw_input_bus: usb\n", `line 29: kvm01/web-1: image_properties.hw_input_bus: is there twice, first in line 28`},
		{"text for a number", "wave: 1", "wave: first", `line 10: kvm01/web-1: wave: is "first", want a whole number`},
		{"number in quotes", "vcpus: 2", `vcpus: "2"`, `line 15: kvm01/web-1: flavor.vcpus: is "2", want a whole number`},
		{"fraction", "memory_mb: 4096", "memory_mb: 4096.5", `line 15: kvm01/web-1: flavor.memory_mb: is "4096.5", want a whole number`},
		{"number too large", "vcpus: 2", "vcpus: 99999999999999999999", `line 15: kvm01/web-1: flavor.vcpus: is "99999999999999999999", want a whole number`},
		{"text for a truth", "  lock: keep", "  force: perhaps\n  lock: keep", `line 30: kvm01/web-1: force: is "perhaps", want true or false`},
		{"list for a text", "hostname: web-1", "hostname: [web-1]", `line 12: kvm01/web-1: hostname: is a list, want a text`},
		{"text for a list", "addresses: [10.66.0.1]", "addresses: 10.66.0.1", `line 20: kvm01/web-1: nics[0].addresses: is "10.66.0.1", want a list`},
		{"mapping for a list", "  probes:\n  - {tcp: 22}", "  probes: {tcp: 22}", `line 31: kvm01/web-1: probes: is a mapping, want a list`},
		{"text for a mapping", "flavor: {name: m1, vcpus: 2, memory_mb: 4096, root_gb: 40, ephemeral_gb: 0}", "flavor: m1", `line 15: kvm01/web-1: flavor: is "m1", want keys such as name`},
		{"empty item", "  - {tcp: 22}", "  -", `line 32: kvm01/web-1: probes[0]: is empty`},
		{"time", "2026-08-21T10:00:00Z", "yesterday", `line 2: made.at: is "yesterday", want a time such as 2026-08-21T10:00:00Z`},
		{"decision", "decision: import", "decision: maybe", `line 9: kvm01/web-1: decision: "maybe" is not import or skip`},
		{"no decision", "  decision: import\n", "", `line 6: kvm01/web-1: decision: "" is not import or skip`},
		{"group too long", "  wave: 1\n", "  wave: 1\n  group: " + strings.Repeat("x", 65) + "\n", `line 11: kvm01/web-1: group: has 65 characters, 64 fit`},
		{"group on two lines", "  wave: 1\n", "  wave: 1\n  group: \"a\\nb\"\n", `line 11: kvm01/web-1: group: has the control character '\n'`},
		{"lock", "lock: keep", "lock: always", `line 30: kvm01/web-1: lock: "always" is not until_renamed, keep or none`},
		{"nic_model", "nic_model: virtio", "nic_model: e1001", `line 16: kvm01/web-1: nic_model: "e1001" is not one of virtio, e1000, e1000e, rtl8139, ne2k_pci, pcnet, spapr-vlan, igb`},
		{"os_type", "  lock: keep", "  os_type: linux\n  lock: keep", `line 30: kvm01/web-1: os_type: "linux" is not windows or empty`},
		{"uuid", "000000000001\n", "00000000000x\n", `line 8: kvm01/web-1: uuid: "1e6ac700-0000-4000-8000-00000000000x" is not a UUID as libvirt writes it`},
		{"uuid in capitals", "1e6ac700-0000", "1E6AC700-0000", `line 8: kvm01/web-1: uuid: "1E6AC700-0000-4000-8000-000000000001" is not a UUID as libvirt writes it`},
		{"host", "  host: kvm01", "  host: kvm02", `line 7: kvm02/web-1: host: "kvm02" is not among the hosts of the plan`},
		{"mac", `"52:54:00:10:00:01"`, `"52:54:00:10:00"`, `line 18: kvm01/web-1: nics[0].mac: "52:54:00:10:00" is not a MAC address`},
		{"address", "[10.66.0.1]", "[10.66.0.1, 10.66.0.256]", `line 20: kvm01/web-1: nics[0].addresses[1]: "10.66.0.256" is not an address`},
		{"network", "    network_id: fc4c19ff-922d-4e1a-b8cf-f7a9a927135c\n", "    network: public\n", `line 18: kvm01/web-1: nics[0].network_id: is empty; a network is known to Nova by its id`},
		{"port", "    addresses:", "    port: web-1\n    addresses:", `line 20: kvm01/web-1: nics[0].port: "web-1" is not an id`},
		{"port that is there and to be made", "    addresses:", "    port: 95d105a7-3d3e-4e6b-a91a-000000000001\n    create_port: true\n    addresses:", `line 21: kvm01/web-1: nics[0].create_port: is true, and port names one that is there; leave one of them out`},
		{"create_port", "    addresses:", "    create_port: perhaps\n    addresses:", `line 20: kvm01/web-1: nics[0].create_port: is "perhaps", want true or false`},
		{"port security of no port", "    addresses:", "    port_security: true\n    addresses:", `line 20: kvm01/web-1: nics[0].port_security: is for ports that are made, with create_port: true; one that is there keeps its own`},
		{"security groups without effect", "    addresses:", "    create_port: true\n    security_groups: [5e000000-0000-4000-8000-000000000001]\n    addresses:", `line 21: kvm01/web-1: nics[0].security_groups: do nothing without port_security: true`},
		{"security group by name", "    addresses:", "    create_port: true\n    port_security: true\n    security_groups: [web]\n    addresses:", `line 22: kvm01/web-1: nics[0].security_groups: "web" is not an id`},
		{"security group twice", "    addresses:", "    create_port: true\n    port_security: true\n    security_groups: [5e000000-0000-4000-8000-000000000001, 5e000000-0000-4000-8000-000000000001]\n    addresses:", `line 22: kvm01/web-1: nics[0].security_groups: 5e000000-0000-4000-8000-000000000001 is there twice`},
		{"two images", "  lock: keep", "  image_ref: 3d7bfcaf-2fc1-44a1-aa20-a21ca9ebbca4\n  placeholder_image: true\n  lock: keep", `line 31: kvm01/web-1: placeholder_image: is true, and image_ref names another image; leave one of them out`},
		{"extra spec's name", "ephemeral_gb: 0}", "ephemeral_gb: 0, extra_specs: {a/b: c}}", `line 15: kvm01/web-1: flavor.extra_specs: "a/b" is not the name of an extra spec`},
		{"extra spec's value", "ephemeral_gb: 0}", "ephemeral_gb: 0, extra_specs: {a: 🐈}}", `line 15: kvm01/web-1: flavor.extra_specs: "a": has '🐈', which Nova's columns (utf8mb3) cannot hold`},
		{"flavor's name", "name: m1", "name: 🐈", `line 15: kvm01/web-1: flavor.name: has '🐈', which Nova's columns (utf8mb3) cannot hold`},
		{"vcpus 0", "vcpus: 2", "vcpus: 0", `line 15: kvm01/web-1: flavor.vcpus: is 0, want more than 0`},
		{"negative ephemeral", "ephemeral_gb: 0", "ephemeral_gb: -1", `line 15: kvm01/web-1: flavor.ephemeral_gb: is -1, want 0 or more`},
		{"size 0", "size_gb: 1,", "size_gb: 0,", `line 23: kvm01/web-1: disks[1].size_gb: is 0, want more than 0`},
		{"way out of the directory", "becomes: disk.eph0", "becomes: ../x", `line 23: kvm01/web-1: disks[1].becomes: "../x", want disk.eph0: the root disk comes first, then the others by number`},
		{"gap", "disk.eph0", "disk.eph1", `line 23: kvm01/web-1: disks[1].becomes: "disk.eph1", want disk.eph0: the root disk comes first, then the others by number`},
		{"relative path", "path: /b", "path: b", `line 23: kvm01/web-1: disks[1].path: "b" is not an absolute path`},
		{"target", "target: vdb", "target: ../b", `2 problems
line 23: kvm01/web-1: disks[1].target: "../b" is not the name of a disk
line 23: kvm01/web-1: disks[1].device: "/dev/vdb", want /dev/ and the target`},
		{"device", "device: /dev/vdb", "device: /dev/vdc", `line 23: kvm01/web-1: disks[1].device: "/dev/vdc", want /dev/ and the target`},
		{"property value", "hw_video_model: vga", "hw_video_model: vgaa", `line 26: kvm01/web-1: image_properties: hw_video_model: "vgaa" is not one of vga, cirrus, qxl, virtio, vmvga, xen, gop, none, bochs`},
		{"property name", "hw_video_model: vga", "hw_video_model: vga\n    hw_vid_ram: 8", `line 27: kvm01/web-1: image_properties: hw_vid_ram: is not an image property that an adoption may set`},
		{"property said elsewhere", "hw_input_bus: usb", "hw_input_bus: usb\n    hw_vif_model: e1000", `line 29: kvm01/web-1: image_properties: hw_vif_model: "e1000" follows from nic_model, which says "virtio"; leave it out here`},
		{"property left out", "    hw_machine_type: pc\n", "", `line 25: kvm01/web-1: image_properties: hw_machine_type is missing: Nova would register its own default`},
		{"name with an emoji", "display_name: web-1", "display_name: 🐈", `line 11: kvm01/web-1: display_name: has '🐈', which Nova's columns (utf8mb3) cannot hold`},
		{"name too long", "display_name: web-1", "display_name: " + strings.Repeat("x", 256), `line 11: kvm01/web-1: display_name: has 256 characters, 255 fit`},
		{"no name", "display_name: web-1", "display_name:", `line 11: kvm01/web-1: display_name: is empty`},
		{"hostname", "hostname: web-1", "hostname: web 1", `line 12: kvm01/web-1: hostname: "web 1" is no host name`},
		{"project", "151eac5e92954d2d84227b2fdd4b6efc", "my project", `line 13: kvm01/web-1: project_id: "my project" is not an id`},
		{"probe with two", "{tcp: 22}", "{tcp: 22, ping: true}", `line 32: kvm01/web-1: probes[0]: exactly one of tcp, http, ping, arp, command and console is wanted`},
		{"probe port", "{tcp: 22}", "{tcp: 70000}", `line 32: kvm01/web-1: probes[0]: tcp: 70000 is not a port`},
		{"digest", "sha256:0", "md5:0", `line 34: kvm01/web-1: made_from.digest: "md5:00000000000000000000000000000000000000000000000000000000…" is not a digest`},
		{"instances_path", "/var/lib/nova/instances", "/var/lib/../nova", `line 2: made.instances_path: "/var/lib/../nova" is not an absolute path without ..`},
		{"alias", "    hw_cdrom_bus: ide", "    hw_cdrom_bus: *a", "not YAML: yaml: unknown anchor 'a' referenced"},
		{"anchor", "hostname: web-1", "hostname: &a web-1", `line 12: &a: a plan has no anchors`},
		{"tag", "hostname: web-1", "hostname: !x web-1", `line 12: !x: a plan has no tags`},
		{"syntax", "  host: kvm01", "  host: [kvm01", `line 7: not YAML, here or in what begins here: did not find expected ',' or ']'`},
		{"syntax, scanner", "  host: kvm01", "  host: kvm01: x", `line 7: not YAML: mapping values are not allowed in this context`},
		{"indentation", "  wave: 1", " wave: 1", `line 10: not YAML, here or in what begins here: did not find expected key`},
		{"two documents", "domains:", "---\ndomains:", `line 5: a second document begins; a plan is one`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(shortPlan, test.old) {
				t.Fatalf("the plan has no %q to change", test.old)
			}
			_, err := Read(strings.NewReader(strings.Replace(shortPlan, test.old, test.new, 1)))
			if err == nil || err.Error() != test.want {
				t.Errorf("Read = %v\nwant   %s", err, test.want)
			}
		})
	}
}

func TestReadNoPlan(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", "is empty"},
		{"comments", "# nothing\n", "is empty"},
		{"list", "- a\n", "line 1: is no plan"},
		{"text", "hello", "line 1: is no plan"},
		{"other YAML", "kind: Pod\n", "line 1: schema: is missing"},
		{"not UTF-8", "schema: \xff\xfe\n", "not YAML"},
		{"binary", "\x00\x01", "not YAML"},
		{"deep", strings.Repeat("[", 20000), "not YAML"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Read(strings.NewReader(test.in)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Read = %v, want an error with %q", err, test.want)
			}
		})
	}
}

// TestReadBomb: nine lines that would be a thousand million strings.
func TestReadBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("schema: kvm2openstack.plan/1\na: &a [x,x,x,x,x,x,x,x,x,x]\n")
	for c := 'b'; c <= 'j'; c++ {
		b.WriteString(string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 10), ",") + "]\n")
	}
	_, err := Read(strings.NewReader(b.String()))
	var problems Problems
	if !errors.As(err, &problems) || !strings.Contains(problems[0].Text, "a plan has no anchors") {
		t.Errorf("Read = %v, want the anchors refused", err)
	}
}

// endless gives spaces for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestReadTooLarge(t *testing.T) {
	if _, err := Read(endless{}); err == nil || err.Error() != "is larger than 64 MiB" {
		t.Errorf("Read = %v, want it refused for its size", err)
	}
}

func TestReadReportsAll(t *testing.T) {
	in := strings.NewReplacer("nic_model: virtio", "nic_model: e1001", "vcpus: 2", "vcpus: -2", "lock: keep", "lock: x").Replace(shortPlan)
	_, err := Read(strings.NewReader(in))
	want := `3 problems
line 15: kvm01/web-1: flavor.vcpus: is -2, want more than 0
line 16: kvm01/web-1: nic_model: "e1001" is not one of virtio, e1000, e1000e, rtl8139, ne2k_pci, pcnet, spapr-vlan, igb
line 30: kvm01/web-1: lock: "x" is not until_renamed, keep or none`
	if err == nil || err.Error() != want {
		t.Errorf("Read = %v\nwant   %s", err, want)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	in := strings.Replace(shortPlan, "  probes:\n", "  probes:\n"+strings.Repeat("  - {ping: perhaps}\n", 200), 1)
	_, err := Read(strings.NewReader(in))
	if err == nil || !strings.HasPrefix(err.Error(), "200 problems\n") || !strings.HasSuffix(err.Error(), "\nand 150 more") {
		t.Errorf("Read = %v, want the first 50 of 200", err)
	}
}

func TestReadUUIDTwice(t *testing.T) {
	entry := shortPlan[strings.Index(shortPlan, "- domain"):]
	second := strings.Replace(entry, "web-1", "web-2", 1)
	skip := func(s string) string { return strings.Replace(s, "decision: import", "decision: skip", 1) }
	head := strings.TrimSuffix(shortPlan, entry)
	want := "line 38: kvm01/web-2: uuid: 1e6ac700-0000-4000-8000-000000000001 is there twice, first in line 8"
	for name, test := range map[string]struct{ in, want string }{
		"both":        {head + entry + second, want},
		"second":      {head + skip(entry) + second, want},
		"first":       {head + entry + skip(second), want},
		"none of two": {head + skip(entry) + skip(second), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if _, err := Read(strings.NewReader(test.in)); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("Read = %q, want %q", got, test.want)
			}
		})
	}
}

func TestReadSkipsWhatIsSkipped(t *testing.T) {
	in := strings.NewReplacer("decision: import", "decision: skip", "size_gb: 40", "size_gb: 0", "nic_model: virtio", "nic_model:").Replace(shortPlan)
	if _, err := Read(strings.NewReader(in)); err != nil {
		t.Errorf("Read = %v, want no error: a domain may be skipped for just that", err)
	}
}

// TestEdited: what a person changes is what is read, and writing keeps it.
func TestEdited(t *testing.T) {
	in := strings.NewReplacer("nic_model: virtio", "nic_model: e1000", "wave: 1", "wave: 3", "display_name: web-1", "display_name: 'The web: #1'").Replace(shortPlan)
	p, err := Read(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	again, err := Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again); diff != "" {
		t.Errorf("written and read (-first +second):\n%s", diff)
	}
	d := again.Domains[0]
	if d.Properties()["hw_vif_model"] != "e1000" || d.Wave != 3 || d.DisplayName != "The web: #1" {
		t.Errorf("the edits are lost: %+v", d)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.yaml")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load = %v, want not exist", err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(shortPlan, "wave: 1", "wave: x", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path)
	want := "read plan " + path + `: line 10: kvm01/web-1: wave: is "x", want a whole number`
	if err == nil || err.Error() != want {
		t.Errorf("Load = %v, want %s", err, want)
	}
}
