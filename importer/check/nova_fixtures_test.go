package check

import (
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// live makes the clean domain one that Nova has, on a host or half-written.
func live(f *Facts, host string) {
	f.Nova.Presence = nova.Presence{Live: true, Mapping: true, RequestSpec: true, Cell: "cell1", Host: host, Name: "web-1", TaskState: "migrating"}
}

func compute(change func(*nova.Compute)) tweak {
	return func(_ *discover.Domain, f *Facts) { change(f.Nova.Compute) }
}

func present(p nova.Presence) tweak {
	return func(_ *discover.Domain, f *Facts) { f.Nova.Presence = p }
}

func named(name string) tweak { return func(d *discover.Domain, _ *Facts) { d.Name = name } }

func uuid(u string) tweak { return func(d *discover.Domain, _ *Facts) { d.UUID = u } }

func portless(_ *discover.Domain, f *Facts) { f.Ports = nil }

var novaFixtures = map[string]fixture{
	"K2O-601": {
		func(_ *discover.Domain, f *Facts) {
			f.Nova.Release = nova.Release{ReadOnly: "revision 1234 is not known"}
		},
		func(_ *discover.Domain, f *Facts) { f.Nova = nil },
	},
	"K2O-602": {func(_ *discover.Domain, f *Facts) { f.Nova.Compute = nil }, func(_ *discover.Domain, f *Facts) { f.Nova = nil }},
	"K2O-603": {compute(func(c *nova.Compute) { c.Problem = "two compute nodes" }), compute(func(c *nova.Compute) { c.Up = false })},
	"K2O-604": {compute(func(c *nova.Compute) { c.Up = false }), compute(func(c *nova.Compute) { c.Disabled = true })},
	"K2O-605": {compute(func(c *nova.Compute) { c.Disabled = true }), compute(func(c *nova.Compute) { c.Up = false })},
	"K2O-606": {compute(func(c *nova.Compute) { c.HypervisorType = "ironic" }), compute(func(c *nova.Compute) { c.HypervisorType = "" })},
	"K2O-607": {compute(func(c *nova.Compute) { c.Node = "kvm07" }), compute(func(c *nova.Compute) { c.Host = "compute-a" })},
	"K2O-608": {func(_ *discover.Domain, f *Facts) { f.OwnerProblem = "no project legacy" }, func(_ *discover.Domain, f *Facts) { f.Nova = nil }},
	"K2O-609": {inCloud(func(s *cloud.Snapshot) { s.Providers[0].UUID = "c1" }), inCloud(func(s *cloud.Snapshot) { s.Providers = nil })},

	"K2O-611": {func(_ *discover.Domain, f *Facts) { live(f, "kvm01") }, func(_ *discover.Domain, f *Facts) { live(f, "") }},
	"K2O-612": {func(_ *discover.Domain, f *Facts) { live(f, "") }, func(_ *discover.Domain, f *Facts) { live(f, "kvm02") }},
	"K2O-613": {func(_ *discover.Domain, f *Facts) { live(f, "kvm02") }, func(_ *discover.Domain, f *Facts) { live(f, "") }},
	"K2O-614": {present(nova.Presence{Deleted: true, Mapping: true}), present(nova.Presence{Shadow: true})},
	"K2O-615": {present(nova.Presence{Shadow: true}), present(nova.Presence{Deleted: true})},
	"K2O-616": {present(nova.Presence{BuildRequest: true}), present(nova.Presence{RequestSpec: true})},
	"K2O-617": {present(nova.Presence{Migration: "error"}), present(nova.Presence{Shadow: true})},
	"K2O-618": {present(nova.Presence{Mapping: true}), present(nova.Presence{Mapping: true, Deleted: true})},
	"K2O-619": {present(nova.Presence{RequestSpec: true}), present(nova.Presence{RequestSpec: true, Mapping: true})},
	"K2O-620": {
		func(d *discover.Domain, _ *Facts) { d.MetadataNova = true },
		func(d *discover.Domain, f *Facts) { d.MetadataNova = true; f.Nova = nil },
	},
	"K2O-621": {both(portless, release(31)), both(inCloud(nil), release(31))},
	"K2O-622": {both(portless, release(26)), inCloud(nil)},
	"K2O-623": {uuid("web-1"), uuid(strings.ToUpper(cleanUUID))},
	"K2O-624": {uuid("ffffffff-ffff-ffff-ffff-ffffffffffff"), uuid("00000000-0000-0000-0000-000000000001")},
	"K2O-625": {portOf("compute:nova", "other", "kvm02"), portOf("compute:nova", cleanUUID, "kvm02")},

	"K2O-631": {named("web\xff1"), named("统一-1")},
	"K2O-632": {named("web-😀"), named("统一-1")},
	"K2O-633": {named(strings.Repeat("网", 256)), named(strings.Repeat("网", 255))},
	"K2O-634": {named("web\n1"), named("web 1")},
	"K2O-635": {named("../web"), named("web..1")},
	"K2O-636": {named("统一"), named("统一-1")},
	"K2O-637": {func(_ *discover.Domain, f *Facts) { f.Nova.HostnameTaken = []string{"web.1 (cell1)"} }, named("web-2")},
	"K2O-638": {named("instance-0000002a"), named("instance-2a")},

	"K2O-651": {func(_ *discover.Domain, f *Facts) { f.Nova.Quota.Cores = 1 }, func(_ *discover.Domain, f *Facts) { f.Nova.Quota.Cores, f.Nova.Quota.UnlimitedCores = 1, true }},
	"K2O-652": {func(_ *discover.Domain, f *Facts) { f.Nova.Room.DiskGB = 9 }, func(_ *discover.Domain, f *Facts) { f.Nova.Room = nil }},
	"K2O-653": {func(d *discover.Domain, _ *Facts) { d.VCPUs = 17 }, func(d *discover.Domain, _ *Facts) { d.VCPUs = 16 }},

	"K2O-701": {neighbour(func(o *discover.Domain) { o.Host, o.UUID = "kvm02", strings.ToUpper(cleanUUID) }), neighbour(func(*discover.Domain) {})},
	"K2O-702": {
		neighbour(func(o *discover.Domain) { o.Interfaces = []discover.Interface{cleanNIC(strings.ToUpper(cleanMAC))} }),
		neighbour(func(o *discover.Domain) { o.Interfaces = []discover.Interface{cleanNIC("52:54:00:10:00:0c")} }),
	},
	"K2O-703": {neighbour(func(o *discover.Domain) { o.Name = "web_1" }), neighbour(func(o *discover.Domain) { o.Name = "web1" })},
	"K2O-704": {neighbour(func(o *discover.Domain) { o.Host, o.Name = "kvm02", "web-1" }), neighbour(func(*discover.Domain) {})},
}
