package report

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/rebuild"
	"github.com/lightcloud/kvm2openstack/importer/usage"
	"github.com/lightcloud/kvm2openstack/nova"
)

// Texts of a host that want to be more than text.
const (
	hostileName        = `<script>alert(1)`
	refusedName        = `</script><img src=x onerror=alert(2)>` // by libvirt, for its slash; told all the same
	hostileDescription = `</script><script>document.body.id="pwned"</script><!--<img src=x onerror=alert(1)>]]>` + "\u2028\u2029\u202e&amp;"
	hostilePath        = `/srv/"><svg onload=alert(1)>/{{.}}/${1}.qcow2`
)

// xmlText is s as it stands in a definition.
var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// made is the moment at which the tests' pages are made.
var made = time.Date(2026, 11, 27, 7, 30, 0, 0, time.UTC)

var testPage = Page{Made: made, Version: "v1.0-test", Networks: cloud.Mapping{{Bridge: "br0", Network: "public", Subnet: "public-v4"}}}

// A shape is what one domain of the tests' fleet looks like.
type shape struct {
	name, description, osinfo string
	path, format              string
	model, bridge             string
	vcpus, mib                int
	extra                     string
}

func (s shape) definition(n int) string {
	return fmt.Sprintf(`<domain type='kvm' id='%d'><name>%s</name><uuid>7d1ac0de-0000-4000-8000-%012d</uuid><description>%s</description>
<metadata><libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"><libosinfo:os id="%s"/></libosinfo:libosinfo></metadata>
<memory unit='MiB'>%d</memory><vcpu>%d</vcpu><os><type arch='x86_64' machine='pc-i440fx-6.2'>hvm</type><boot dev='hd'/></os>
<features><acpi/></features><clock offset='utc'/><devices>
<disk type='file' device='disk'><driver name='qemu' type='%s'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>
<interface type='bridge'><mac address='52:54:00:00:%02x:%02x'/><source bridge='%s'/><model type='%s'/></interface>%s</devices></domain>`,
		n, xmlText.Replace(s.name), n, xmlText.Replace(s.description), xmlText.Replace(s.osinfo), s.mib, s.vcpus,
		s.format, xmlText.Replace(s.path), n>>8&0xff, n&0xff, s.bridge, s.model, s.extra)
}

const (
	debian  = "http://debian.org/debian/11"
	windows = "http://microsoft.com/win/2k19"
	centos5 = "http://centos.org/centos/5.5"
)

// plain is an ordinary domain; n makes it one of its own.
func plain(n int) shape {
	name := fmt.Sprintf("web-%02d", n)
	return shape{name: name, osinfo: debian, path: "/var/lib/libvirt/images/" + name + ".qcow2", format: "qcow2", model: "virtio", bridge: "br0", vcpus: 2, mib: 4096}
}

// variety is a small fleet with something of everything, by host.
func variety() map[string][]shape {
	win := plain(10)
	win.name, win.osinfo = "win-sql", windows
	old := plain(11)
	old.name, old.osinfo = "oldshop", centos5
	nat := plain(12)
	nat.name, nat.bridge, nat.model = "lab-nat", "br9", "e1000"
	both := plain(13)
	both.name, both.bridge, both.osinfo = "hopeless", "br9", centos5
	hostile := plain(14)
	hostile.name, hostile.description, hostile.path = hostileName, hostileDescription, hostilePath
	refused := plain(16)
	refused.name = refusedName
	rtl := plain(15)
	rtl.name, rtl.vcpus, rtl.mib = "خادم-01", 64, 65536
	return map[string][]shape{"kvm01": {plain(1), plain(2), win, old, hostile}, "kvm02": {plain(3), nat, both, rtl, refused}}
}

// folder writes the fleet as folders of definitions. Each host has 16
// processors and 64 GB, and kvm02 a definition that is damaged.
func folder(t testing.TB, fleet map[string][]shape) []discover.Host {
	t.Helper()
	dir := t.TempDir()
	n := 0
	for _, host := range slices.Sorted(maps.Keys(fleet)) {
		write(t, filepath.Join(dir, host, "host.yaml"), "hostname: "+host+".example.net\ncpus: 16\nmemory_kib: 67108864\nlibvirt: 8.0.0\nqemu: 6.2.0\n")
		for i, s := range fleet[host] {
			n++
			write(t, filepath.Join(dir, host, fmt.Sprintf("d%05d.xml", i)), s.definition(n))
		}
	}
	write(t, filepath.Join(dir, "kvm02", "damaged.xml"), "<domain><name>damaged</name>")
	hosts, err := discover.HostsFromDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return hosts
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read audits the fleet.
func read(t testing.TB, fleet map[string][]shape, with audit.Records) audit.Report {
	t.Helper()
	r, err := audit.Run(context.Background(), audit.Input{
		Hosts: folder(t, fleet), Nova: with, Settings: check.Settings{Networks: testPage.Networks, InstancesPath: "/var/lib/nova/instances", ImagesType: "qcow2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// smallNova is a Nova that knows the tests' hosts and has nothing on them. It
// has less room than the domains want.
type smallNova struct{}

func (smallNova) Release() nova.Release { return nova.Release{Name: "Zed", Major: 26} }
func (smallNova) Computes(context.Context) (out []nova.Compute, err error) {
	for _, host := range []string{"kvm01", "kvm02"} {
		out = append(out, nova.Compute{
			Host: host + ".example.net", Node: host + ".example.net", UUID: host, Up: true, HypervisorType: "QEMU",
			VCPUs: 16, MemoryMB: 65536, LocalGB: 900, CPURatio: 4, RAMRatio: 1, DiskRatio: 1,
		})
	}
	return out, nil
}
func (smallNova) Flavors(context.Context) ([]nova.Flavor, error) { return nil, nil }
func (smallNova) Presence(context.Context, []string) (map[string]nova.Presence, error) {
	return nil, nil
}
func (smallNova) HostnamesInUse(context.Context, []string) (map[string][]string, error) {
	return nil, nil
}
func (smallNova) QuotaLeft(context.Context, []string) (map[string]nova.QuotaLeft, error) {
	return nil, nil
}
func (smallNova) Rooms(context.Context) (map[string]nova.Room, error) {
	room := nova.Room{VCPUs: 60, MemoryMB: 60000, DiskGB: 850, MaxVCPUs: 64, Used: nova.HostUse{VCPUs: 4, MemoryMB: 5024, DiskGB: 50}}
	return map[string]nova.Room{"kvm01.example.net": room, "kvm02.example.net": room}, nil
}

// withMore gives the first domain what other parts of the audit add: what a
// rebuild changes, and what a sample saw.
func withMore(r audit.Report) iter.Seq[audit.Domain] {
	fill := 34.2
	return func(yield func(audit.Domain) bool) {
		first := true
		for d := range r.Domains() {
			if first {
				d.Rebuild = []rebuild.Difference{
					{Field: "video", Kind: rebuild.Changed, Now: "cirrus", Then: "virtio", Guest: true, Why: rebuildFields["video"].Why},
					{Field: "console.log", Kind: rebuild.Added, Then: "console.log", Why: "Nova keeps one"},
					{Field: "a later field", Device: "<b>ich6</b>", Kind: rebuild.Lost, Now: "ich6", Guest: true, Why: "Nova has no word for it"},
				}
				d.Usage = &usage.Usage{
					Seconds: 10, CPU: &usage.CPU{PercentOfOne: 24.6, PercentOfVCPUs: 12.3, VCPUs: 2},
					Memory:     &usage.Memory{Source: "balloon", UsedKiB: 1 << 20, NeededKiB: 1 << 19, GivenKiB: 4 << 20, Percent: 25, Swapping: true},
					Disks:      []usage.Disk{{Target: "vda", Rates: &usage.IO{ReadBytes: 1 << 20, WriteBytes: 1536, ReadRequests: 10, WriteRequests: 3}, FillPercent: &fill}},
					Interfaces: []usage.Interface{{MAC: "52:54:00:00:00:01", RxBytes: 2048, RxPackets: 4, RxDropped: 7}},
					Oversized:  true, Suggestion: &usage.Size{VCPUs: 1, MemoryMB: 1024},
					NotMeasured: []usage.Gap{{What: "disk vdb", Why: "restarted meanwhile"}},
				}
			}
			first = false
			if !yield(d) {
				return
			}
		}
	}
}

// pageText is the page of an audit.
func pageText(t testing.TB, r audit.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := writePage(&b, r, withMore(r), testPage); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
