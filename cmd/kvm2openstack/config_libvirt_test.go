package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/rebuild"
)

func TestLibvirtConfig(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "nova.conf")
	if err := os.WriteFile(conf, []byte("[api_database]\nconnection = mysql://a/b\n[libvirt]\nvirt_type = qemu\ncpu_mode = custom\ncpu_models = Westmere, Haswell\n"+
		"disk_cachemodes = block=none,file=writethrough\nnum_pcie_ports = 16\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		want       rebuild.Config
		problem    string
	}{
		{"nothing", "nova: {}", rebuild.Config{}, ""},
		{"nova.conf", "nova: {nova_conf: nova.conf}", rebuild.Config{VirtType: "qemu", CPUMode: "custom", CPUModel: "Westmere", FileCache: "writethrough", PCIePorts: 16}, ""},
		{"our own goes first", "nova: {nova_conf: nova.conf, libvirt: {cpu_mode: none, num_pcie_ports: 0}}",
			rebuild.Config{VirtType: "qemu", CPUMode: "none", CPUModel: "Westmere", FileCache: "writethrough"}, ""},
		{"no such type", "nova: {libvirt: {virt_type: xen}}", rebuild.Config{}, `nova.libvirt.virt_type: "xen" is not one of kvm, qemu`},
		{"no such mode", "nova: {libvirt: {cpu_mode: fast}}", rebuild.Config{}, "nova.libvirt.cpu_mode"},
		{"no number", "nova: {libvirt: {num_pcie_ports: many}}", rebuild.Config{}, "nova.libvirt.num_pcie_ports"},
	} {
		file := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readConfig(file)
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: the error is %v, want %s", c.name, err, c.problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got.Nova.Libvirt.compute() != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got.Nova.Libvirt.compute(), c.want)
		}
	}
}
