package plan

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

// BenchmarkPlan makes, writes and reads a plan of 5,000 domains with a port
// each.
func BenchmarkPlan(b *testing.B) {
	in := input()
	for n := range 5000 {
		d := linux(n%250+1, fmt.Sprintf("web-%d", n))
		d.UUID = fmt.Sprintf("1e6ac700-0000-4000-8000-%012d", n)
		address := fmt.Sprintf("52:54:00:11:%02x:%02x", n>>8, n&0xff)
		d.Interfaces = []discover.Interface{{Type: "bridge", Bridge: "br0", MAC: address, Model: "virtio"}}
		p := port(n % 250)
		p.ID, p.MAC, p.DeviceID = fmt.Sprintf("95d105a7-3d3e-4e6b-a91b-%012d", n), address, ""
		in.Cloud.Ports = append(in.Cloud.Ports, p)
		in.Domains = append(in.Domains, ready(d))
	}
	p, err := Build(in)
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	if err := Write(&file, p); err != nil {
		b.Fatal(err)
	}
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Build(in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := Write(&bytes.Buffer{}, p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.ReportMetric(float64(file.Len()), "file-bytes")
		for b.Loop() {
			if _, err := Read(bytes.NewReader(file.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}
