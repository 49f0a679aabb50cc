package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

func TestCompareFacts(t *testing.T) {
	base := []string{"vcpus 2", "memory 4096 MiB", "timer rtc", "timer pit", "disk vda virtio qcow2 /a", "disk vdb virtio qcow2 /b", "nic 52:54:00:00:00:01 virtio bridge br0", "agent channel"}
	edit := func(f func([]string) []string) []string { return f(append([]string(nil), base...)) }
	tests := []struct {
		name  string
		after []string
		want  []string
	}{
		{"same", base, nil},
		{"value", edit(func(f []string) []string { f[1] = "memory 8192 MiB"; return f }), []string{"memory was 4096 MiB, is 8192 MiB"}},
		{"one of two disks", edit(func(f []string) []string { f[5] = "disk vdb virtio raw /b"; return f }), []string{"disk vdb was virtio qcow2 /b, is virtio raw /b"}},
		{"disk gone", edit(func(f []string) []string { return append(f[:5], f[6:]...) }), []string{"disk vdb is gone: virtio qcow2 /b"}},
		{"disk new", edit(func(f []string) []string { return append(f, "disk vdc scsi raw /c") }), []string{"disk vdc is new: scsi raw /c"}},
		{"NIC replaced", edit(func(f []string) []string { f[6] = "nic 52:54:00:00:00:02 virtio bridge br0"; return f }),
			[]string{"nic 52:54:00:00:00:01 is gone: virtio bridge br0", "nic 52:54:00:00:00:02 is new: virtio bridge br0"}},
		{"one of several of a kind", edit(func(f []string) []string { f[2] = "timer hpet"; return f }), []string{"timer was rtc, is hpet"}},
		{"first of a kind gone", edit(func(f []string) []string { return append(f[:2], f[3:]...) }), []string{"timer is gone: rtc"}},
		{"word alone gone", edit(func(f []string) []string { return f[:7] }), []string{"agent channel is gone"}},
		{"word alone new", edit(func(f []string) []string { return append(f, "no acpi") }), []string{"no acpi is new"}},
		{"two words", edit(func(f []string) []string { return append(f, "memory hotplug 16384 MiB") }), []string{"memory hotplug is new: 16384 MiB"}},
		{"order alone", edit(func(f []string) []string { f[0], f[1] = f[1], f[0]; return f }), nil},
		{"several", edit(func(f []string) []string { f[0], f[1] = "vcpus 4", "memory 1 MiB"; return f }), []string{"vcpus was 2, is 4", "memory was 4096 MiB, is 1 MiB"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, compareFacts(base, test.after)); diff != "" {
				t.Errorf("compareFacts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChanged(t *testing.T) {
	planned := build(t, input(ready(linux(1, "web-1"))))
	tests := []struct {
		name   string
		change func(*discover.Domain)
		want   []string
	}{
		{"nothing", func(d *discover.Domain) {}, nil},
		{"state alone", func(d *discover.Domain) { d.State = discover.StateShutoff }, nil},
		{"memory", func(d *discover.Domain) { d.Digest, d.MemoryKiB, d.MemMaxKiB = "sha256:x", 8<<20, 8<<20 }, []string{"memory was 4096 MiB, is 8192 MiB"}},
		{"disk", func(d *discover.Domain) {
			d.Digest = "sha256:x"
			d.Disks = append([]discover.Disk(nil), d.Disks...)
			d.Disks[0].Path = "/srv/other.qcow2"
		}, []string{"disk vda was virtio qcow2 /srv/images/1.qcow2, is virtio qcow2 /srv/other.qcow2"}},
		{"something else", func(d *discover.Domain) { d.Digest = "sha256:x" }, []string{"definition changed in a part the plan does not list"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Changed(planned, with(linux(1, "web-1"), test.change))); diff != "" {
				t.Errorf("Changed (-want +got):\n%s", diff)
			}
		})
	}
}
