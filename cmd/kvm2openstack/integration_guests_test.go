//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
)

// A guest is one real domain.
type guest struct {
	name, uuid string
	state      string // as virsh says it
	disks      []disk
	nic        string // MAC address on the bridge, "" for none
	address    string // of its port
}

type disk struct{ path, format string }

// Those that tests name, in the order of defineGuests.
const running, off, two = 0, 2, 3

// virsh asks the private daemon.
func virsh(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("virsh", append([]string{"-q", "-c", "qemu:///system?socket=" + env(t, "K2O_TEST_LIBVIRT_SOCKET")}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("virsh %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// evil is a name that breaks whatever is put together from text.
const evil = `o'hara"; DROP TABLE instances; -- 生产数据库 %s $(touch k2o) ` + "`id` <&>"

// defineGuests makes one domain of each kind. They have no operating system:
// what counts is the process and what libvirt says of it.
func (s *site) defineGuests() {
	mark := uuid.NewString()[:8] // domains of two sites may be on the daemon at a time
	s.guests = []*guest{
		{name: "running-" + mark, state: "running", disks: []disk{{"running.qcow2", "qcow2"}}},
		{name: "paused-" + mark, state: "paused", disks: []disk{{"paused.qcow2", "qcow2"}}},
		{name: "off-" + mark, state: "shut off", disks: []disk{{"off.qcow2", "qcow2"}}, nic: "52:54:00:aa:00:01", address: "192.0.2.12"},
		{name: "two-" + mark, state: "running", disks: []disk{{"two root.qcow2", "qcow2"}, {"two data.qcow2", "qcow2"}}},
		{name: evil + mark, state: "running", disks: []disk{{`it's "a" $(touch k2o) 生产.qcow2`, "qcow2"}}},
		{name: "raw-" + mark, state: "shut off", disks: []disk{{"raw.img", "raw"}}},
	}
	s.must(os.Mkdir(s.path("images"), 0o755))
	for _, g := range s.guests {
		g.uuid = uuid.NewString()
		for i := range g.disks {
			s.makeDisk(&g.disks[i], i)
		}
		s.define(g)
	}
}

// makeDisk makes an image with something in it.
func (s *site) makeDisk(d *disk, n int) {
	s.t.Helper()
	d.path = filepath.Join(s.dir, "images", d.path)
	out, err := exec.Command("qemu-img", "create", "-q", "-f", d.format, d.path, fmt.Sprintf("%dG", n+1)).CombinedOutput()
	if err != nil {
		s.t.Fatalf("qemu-img: %v %s", err, out)
	}
}

func (s *site) define(g *guest) {
	s.t.Helper()
	s.write("domain.xml", g.xml())
	virsh(s.t, "define", s.path("domain.xml"))
	s.t.Cleanup(func() {
		if g.state != "shut off" {
			virsh(s.t, "destroy", g.uuid)
		}
		virsh(s.t, "undefine", g.uuid)
	})
	if g.state != "shut off" {
		virsh(s.t, "start", g.uuid)
	}
	if g.state == "paused" {
		virsh(s.t, "suspend", g.uuid)
	}
}

func (g *guest) xml() string {
	esc := func(s string) string {
		var b bytes.Buffer
		xml.EscapeText(&b, []byte(s))
		return b.String()
	}
	var devices strings.Builder
	for i, d := range g.disks {
		fmt.Fprintf(&devices, "<disk type='file' device='disk'><driver name='qemu' type='%s'/><source file='%s'/><target dev='vd%c' bus='virtio'/></disk>\n",
			d.format, esc(d.path), 'a'+i)
	}
	if g.nic != "" {
		fmt.Fprintf(&devices, "<interface type='bridge'><mac address='%s'/><source bridge='k2obr0'/><model type='virtio'/></interface>\n", g.nic)
	}
	return fmt.Sprintf(`<domain type='qemu'><name>%s</name><uuid>%s</uuid><memory unit='MiB'>16</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>%s</devices></domain>`, esc(g.name), g.uuid, devices.String())
}

// adopted are the guests that an import takes.
func (s *site) adopted() []*guest { return s.guests[:len(s.guests)-1] }

// cloud is what the APIs of Keystone and Neutron would answer.
func (s *site) cloud() string {
	const project, network, subnet = "6c1f7c1d7f3a4a0ea2d1f0b9c8e7a651", "9a775d59-7bd2-43cd-a6b6-7e2dfe69e71e", "92dbf044-e0e6-4dc0-a5e5-3c2fe62e7349"
	type object = map[string]any
	var ports []object
	for i, g := range s.guests {
		if g.nic != "" {
			ports = append(ports, object{"id": fmt.Sprintf("7eef0c15-5f82-4632-a559-b3f8faadc%03d", i), "mac_address": g.nic, "network_id": network,
				"project_id": project, "device_id": g.uuid, "device_owner": "compute:nova", "binding:host_id": computeHost, "binding:vif_type": "bridge",
				"binding:vnic_type": "normal", "binding:vif_details": object{"bridge_name": "k2obr0"}, "status": "ACTIVE",
				"fixed_ips": []object{{"subnet_id": subnet, "ip_address": g.address}}})
		}
	}
	text, err := json.Marshal(object{
		"projects": []object{{"id": project, "name": "legacy", "domain_id": "default"}},
		"users":    []object{{"id": "f2a6d4c8b0e14793a5c7e9f1b3d5f708", "name": "admin", "domain_id": "default"}},
		"networks": []object{{"id": network, "name": "net0", "project_id": project, "shared": true, "mtu": 1500, "provider:network_type": "flat", "provider:physical_network": "physnet0"}},
		"subnets": []object{{"id": subnet, "name": "net0-v4", "network_id": network, "cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.1", "enable_dhcp": true,
			"allocation_pools": []object{{"start": "192.0.2.2", "end": "192.0.2.250"}}}},
		"ports": ports,
	})
	s.must(err)
	return string(text)
}

// untouched is all of the guests that an import must leave as it is: process,
// state, definitions as libvirt gives them and as they lie on disk, the disks'
// size, owner, mode and time.
func (s *site) untouched() map[string]string {
	s.t.Helper()
	run := filepath.Dir(env(s.t, "K2O_TEST_LIBVIRT_SOCKET"))
	etc := filepath.Join(filepath.Dir(filepath.Dir(run)), "etc")
	m := map[string]string{}
	for _, g := range s.guests {
		m[g.name+" state"] = virsh(s.t, "domstate", g.uuid)
		m[g.name+" live"] = virsh(s.t, "dumpxml", "--security-info", g.uuid)
		m[g.name+" persistent"] = virsh(s.t, "dumpxml", "--inactive", "--security-info", g.uuid)
		text, err := os.ReadFile(filepath.Join(etc, "qemu", g.name+".xml"))
		s.must(err)
		m[g.name+" file"] = string(text)
		if g.state != "shut off" {
			m[g.name+" process"] = s.process(g.uuid)
		}
		for _, d := range g.disks {
			st := s.stat(d.path)
			m[g.name+" "+d.path] = fmt.Sprint(st.Ino, st.Size, st.Uid, st.Gid, st.Mode, st.Mtim)
		}
	}
	return m
}

// process is QEMU's number and when it was started, which tells it from
// another that was given its number.
func (s *site) process(uuid string) string {
	s.t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	s.must(err)
	for _, file := range found {
		if text, _ := os.ReadFile(file); !bytes.Contains(text, []byte("\x00-uuid\x00"+uuid+"\x00")) {
			continue // another, or one that has ended since
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(file), "stat"))
		s.must(err)
		_, after, _ := bytes.Cut(stat, []byte(") "))
		return filepath.Dir(file) + " since " + strings.Fields(string(after))[19]
	}
	s.t.Fatalf("no QEMU runs %s", uuid)
	return ""
}

func (s *site) stat(path string) *syscall.Stat_t {
	s.t.Helper()
	info, err := os.Lstat(path)
	s.must(err)
	return info.Sys().(*syscall.Stat_t)
}

// made are all files and folders below instances_path.
func (s *site) made() (paths []string) {
	s.t.Helper()
	root := s.path("instances")
	s.must(filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if p != root {
			paths = append(paths, strings.TrimPrefix(p, root+"/"))
		}
		return err
	}))
	return paths
}
