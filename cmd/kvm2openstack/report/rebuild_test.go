package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/rebuild"
)

func TestRebuilds(t *testing.T) {
	var b strings.Builder
	rebuilds(&b, nil)
	if b.Len() > 0 {
		t.Errorf("nothing to tell is told as %q", b.String())
	}
	rebuilds(&b, []rebuild.Difference{
		{Field: "disk", Device: "sda", Kind: rebuild.Lost, Now: "cdrom", Guest: true},
		{Field: "disk", Device: "fda\x1b[31m", Kind: rebuild.Lost, Now: "floppy", Guest: true},
		{Field: "feature", Device: "pae", Kind: rebuild.Lost, Now: "on", Guest: true},
		{Field: "autostart", Kind: rebuild.Lost, Now: "yes"},
		{Field: "cpu", Kind: rebuild.Changed, Now: "qemu64", Then: "host-model", Guest: true},
		{Field: "smbios", Device: "system/product", Kind: rebuild.Changed, Now: "Standard PC", Then: "OpenStack Nova", Guest: true},
		{Field: "disk.cache", Device: "vda", Kind: rebuild.Changed, Now: "default", Then: "none"},
		{Field: "rng", Device: "0", Kind: rebuild.Added, Then: "virtio", Guest: true},
	})
	want := `  a hard reboot in Nova would
      lose    drive sda (cdrom), fda\x1b[31m (floppy)
      lose    feature pae
      change  CPU model qemu64 -> host-model
      change  SMBIOS system/product Standard PC -> OpenStack Nova
      add     random number generator 0 (virtio)
      and on the host: lose autostart; change cache mode of a disk vda default -> none
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("rebuilds (-want +got):\n%s", diff)
	}
}
