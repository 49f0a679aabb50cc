package report

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/nova"
)

// TestPreviewWithCloud: everything that an import makes through the APIs is
// said before.
func TestPreviewWithCloud(t *testing.T) {
	ip := []cloud.PortIP{{SubnetID: "s", Address: netip.MustParseAddr("203.0.113.9")}}
	v := importer.Previewed{
		Result: importer.Result{Host: "kvm01", Domain: "web\x1b[31m", Outcome: importer.Imported},
		Flavor: &cloud.NewFlavor{Name: "legacy.1c96m1d", ProjectID: "p1", VCPUs: 1, MemoryMB: 96, RootGB: 1, ExtraSpecs: map[string]string{"b": "2", "a": "1"}},
		Image:  true,
		Ports:  []cloud.NewPort{{MAC: "52:54:00:00:00:01", NetworkID: "n1", FixedIPs: ip}, {MAC: "52:54:00:00:00:02", NetworkID: "n1", PortSecurity: true}},
		Bound:  []cloud.Port{{ID: "port-3", MAC: "52:54:00:00:00:03", FixedIPs: ip}},
		Dir:    instancedir.Want{Variables: instancedir.Variables{From: "/n/web\x1b_VARS.fd", Dir: "/nvram"}},
		Final:  nova.Final{Host: nova.Compute{Host: "compute7"}},

		Allocation: &cloud.Allocation{Provider: "rp1", Resources: map[string]int{"VCPU": 1, "DISK_GB": 1, "MEMORY_MB": 96}},
	}
	var out strings.Builder
	if err := Preview(&out, v); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"nova: make flavor legacy.1c96m1d, private to project p1: 1 vCPU, 96 MiB, 1 GB, ephemeral 0 GB, a=1 b=2\n",
		"glance: make the placeholder image",
		"neutron: make port 52:54:00:00:00:01 on network n1 with 203.0.113.9, port security off\n",
		"neutron: make port 52:54:00:00:00:02 on network n1 without an address, port security on\n",
		"neutron: take port port-3 (52:54:00:00:00:03) with 203.0.113.9\n",
		"neutron: bind 3 of its ports to host compute7",
		"host: link /n/web\\x1b_VARS.fd -> /nvram, under the instance's name (EFI variables, one file, two names)\n",
		"placement: allocate DISK_GB 1, MEMORY_MB 96, VCPU 1 of rp1\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not say %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a control character of a name reached the terminal")
	}
}
