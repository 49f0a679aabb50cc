package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/ini.v1"

	"github.com/lightcloud/kvm2openstack/importer/rebuild"
)

// libvirtConfig is what [libvirt] of the compute hosts' nova.conf says of the
// guests' hardware, in its own words. It is for foretelling what Nova would
// make of a domain.
type libvirtConfig struct {
	VirtType       string `yaml:"virt_type"`
	CPUMode        string `yaml:"cpu_mode"`
	CPUModels      string `yaml:"cpu_models"`
	DiskCachemodes string `yaml:"disk_cachemodes"`
	NumPCIePorts   string `yaml:"num_pcie_ports"`
}

// read takes what the configuration does not say itself.
func (l *libvirtConfig) read(s *ini.Section) {
	for name, to := range map[string]*string{
		"virt_type": &l.VirtType, "cpu_mode": &l.CPUMode, "cpu_models": &l.CPUModels,
		"disk_cachemodes": &l.DiskCachemodes, "num_pcie_ports": &l.NumPCIePorts,
	} {
		if *to == "" {
			*to = s.Key(name).Value()
		}
	}
}

func (l libvirtConfig) check() error {
	for _, c := range []struct {
		name, value string
		legal       []string
	}{
		{"virt_type", l.VirtType, []string{"", "kvm", "qemu"}},
		{"cpu_mode", l.CPUMode, []string{"", "none", "host-model", "host-passthrough", "maximum", "custom"}},
	} {
		if !slices.Contains(c.legal, c.value) {
			return fmt.Errorf("nova.libvirt.%s: %q is not one of %s", c.name, c.value, strings.Join(c.legal[1:], ", "))
		}
	}
	if n, err := strconv.Atoi(l.NumPCIePorts); l.NumPCIePorts != "" && (err != nil || n < 0 || n > 28) {
		return fmt.Errorf("nova.libvirt.num_pcie_ports: %q is not a number from 0 to 28", l.NumPCIePorts)
	}
	return nil
}

// compute is the same for foretelling.
func (l libvirtConfig) compute() rebuild.Config {
	c := rebuild.Config{VirtType: l.VirtType, CPUMode: l.CPUMode}
	model, _, _ := strings.Cut(l.CPUModels, ",")
	c.CPUModel = strings.TrimSpace(model)
	for mode := range strings.SplitSeq(l.DiskCachemodes, ",") {
		if cache, ok := strings.CutPrefix(strings.TrimSpace(mode), "file="); ok {
			c.FileCache = cache
		}
	}
	c.PCIePorts, _ = strconv.Atoi(l.NumPCIePorts) // check has seen it
	return c
}
