package check

import (
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// droppedPackets is how many lost packets of one tap are worth a look.
const droppedPackets = 1000

// nicOptionRules: what an interface has beside its place, and how it fares.
var nicOptionRules = []Rule{
	{
		Code: "K2O-341", Severity: Blocked,
		Title:  "Teaming of interfaces",
		Action: "Take the failover pair apart and give the guest one interface on a bridge.",
		Fact:   "libvirt <teaming>; Nova has no word for it, and libvirt refuses it on any model but virtio",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is the %s half of a failover pair, which Nova's first start breaks.", show(n.MAC), show(n.Teaming)), n.Teaming != ""
			})
		},
	},
	{
		Code: "K2O-342", Severity: Info,
		Title:  "Multi-queue interface",
		Action: "Set hw_vif_multiqueue_enabled: \"true\" in the plan's image_properties.",
		Fact:   "nova/virt/libvirt/vif.py: queues follow hw_vif_multiqueue_enabled and the vCPUs",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("The %d queues of interface %s become one after Nova's first start.", n.Queues, show(n.MAC)), n.Queues > 1
			})
		},
	},
	{
		Code: "K2O-343", Severity: Attention,
		Title:  "Network filter",
		Action: "Put what the filter forbids into a security group of the port.",
		Fact:   "nova/virt/libvirt/vif.py writes no <filterref> for Neutron ports; port security takes its place",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("The filter %s of interface %s is gone after Nova's first start.", show(n.Filter), show(n.MAC)).
					do("virsh nwfilter-dumpxml %s, and make a security group of it", sh(n.Filter)), n.Filter != ""
			})
		},
	},
	{
		Code: "K2O-344", Severity: Info,
		Title:  "Bandwidth limit",
		Action: "Give the port a Neutron QoS policy, or the flavor quota:vif_inbound_average and the like.",
		Fact:   "nova/virt/libvirt/designer.py set_vif_bandwidth_config reads the flavor's quota:vif_*",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("The bandwidth limit of interface %s is lost at Nova's first start.", show(n.MAC)), n.Bandwidth
			})
		},
	},
	{
		Code: "K2O-345", Severity: Info,
		Title:  "MTU in the definition",
		Action: "See that the Neutron network's mtu is the same.",
		Fact:   "nova/virt/libvirt/vif.py: the MTU is the Neutron network's",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("The MTU %d of interface %s gives way to the Neutron network's.", n.MTU, show(n.MAC)), n.MTU != 0
			})
		},
	},
	{
		Code: "K2O-346", Severity: Info,
		Title:  "virtio driver options",
		Action: "Nothing, unless the guest needs them (memory encryption does).",
		Fact:   "libvirt <driver iommu ats packed page_per_vq>; Nova writes them for SEV guests only",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("The driver options %s of interface %s are lost at Nova's first start.", list(n.DriverOpts), show(n.MAC)), len(n.DriverOpts) > 0
			})
		},
	},
	{
		Code: "K2O-347", Severity: Attention,
		Title:  "Link is down",
		Action: "Take the interface out of the definition, or set its port's admin_state_up to false.",
		Fact:   "nova/virt/libvirt/config.py writes no <link state>",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("The link of interface %s is switched off today, and up after Nova's first start.", show(n.MAC)).
					do("virsh domif-getlink %s %s; decide before the guest is on two networks", s.virsh(), sh(n.MAC)), n.LinkDown
			})
		},
	},
	{
		Code: "K2O-348", Severity: Attention,
		Title:  "Address of a running guest is not known",
		Action: "Write the guest's addresses into the plan.",
		Fact:   "virDomainInterfaceAddresses (agent, lease, ARP) gave none; a port with a wrong address has its traffic dropped",
		find: func(s subject) []detail {
			return each(s.addressless(true), func(n discover.Interface) (detail, bool) {
				return say("No address of interface %s is known, and its port %s.", show(n.MAC), s.portGets()).
					do("virsh domifaddr %s --source agent, or ip addr inside the guest; then addresses of %s in the plan", s.virsh(), show(n.MAC)), true
			})
		},
	},
	{
		Code: "K2O-349", Severity: Attention,
		Title:  "Address of a guest that is off cannot be asked",
		Action: "Write the guest's addresses into the plan, or start it once and audit again.",
		Fact:   "virDomainInterfaceAddresses answers for running domains only; a port with a wrong address has its traffic dropped",
		find: func(s subject) []detail {
			return each(s.addressless(false), func(n discover.Interface) (detail, bool) {
				return say("The guest is off, so no address of interface %s is known, and its port %s.", show(n.MAC), s.portGets()), true
			})
		},
	},
	{
		Code: "K2O-350", Severity: Attention,
		Title:  "Dropped packets",
		Action: "Find out why before a change to the NIC is blamed for it.",
		Fact:   "drop counters of the tap, virDomainInterfaceStats; vhost or a full queue, and an old virtio driver, show here",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s has dropped %d packets received and %d sent.", show(n.MAC), n.RxDropped, n.TxDropped).
					do("virsh domifstat %s %s, twice; ethtool -S inside the guest", s.virsh(), sh(n.MAC)), n.RxDropped >= droppedPackets || n.TxDropped >= droppedPackets
			})
		},
	},
}

// addressless are the interfaces of which no address is known, if the guest
// runs (or does not) as asked. A port that exists keeps the address it has.
func (s subject) addressless(running bool) []discover.Interface {
	if s.State.Active() != running {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.Interfaces), func(n discover.Interface) bool {
		return s.Ports[strings.ToLower(n.MAC)] || slices.ContainsFunc(s.Addresses, func(a discover.Address) bool {
			return strings.EqualFold(a.MAC, n.MAC) && a.IP.IsValid() && !a.IP.IsLinkLocalUnicast()
		})
	})
}

// portGets is what becomes of a port whose address nobody knows: Neutron gives
// an address to one that is made without a word about it, and the import says
// that it is to have none.
func (s subject) portGets() string {
	if s.Cloud != nil {
		return "is made without one: the instance shows none"
	}
	return "would get any free one"
}
