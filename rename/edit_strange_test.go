package rename

import "testing"

// TestApplyStrange edits a definition that has everything in it that must not
// be taken for what is meant, and much that libvirt would never write.
func TestApplyStrange(t *testing.T) {
	before := readFile(t, "testdata/definitions/strange.xml")
	after, err := Apply(before, Change{
		Name:  "instance-0000000a",
		Disks: map[string]string{"vda": "/n/disk", "vdc": "/n/it's/disk.eph0"},
		NVRAM: "/var/lib/libvirt/qemu/nvram/web-01_VARS.fd",
		NICs: map[string]NIC{
			mac1: {Model: "e1000e", Bridge: "brq0123456789a", Target: "tap01234567-89"},
			mac2: {Model: "virtio", Bridge: "br-int", Target: "tap01234567-8a", OVSPort: port},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/definitions/strange.diff", Diff(before, after))
}
