package check

import (
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
)

// forwarded are the ways in which a libvirt network hands its interfaces on
// to a device instead of a bridge.
var forwarded = []string{"private", "vepa", "passthrough"}

// nicKindRules: how an interface is made.
var nicKindRules = []Rule{
	{
		Code: "K2O-301", Severity: Info,
		Title:  "No interface",
		Action: "Nothing.",
		Fact:   "instance_info_caches.network_info may be empty for a server without ports",
		find: func(s subject) []detail {
			return when(len(s.Interfaces) == 0, say("It has no network interface and gets no port."))
		},
	},
	{
		Code: "K2O-302", Severity: Blocked,
		Title:  "Interface passed through (SR-IOV)",
		Action: "Give the guest an interface on a bridge.",
		Fact:   "nova/virt/libvirt/designer.py: hostdev interfaces come with a Neutron port of vnic_type direct and a PCI claim",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is a host device handed to the guest, which the import cannot claim from Nova.", show(n.MAC)),
					n.Type == "hostdev" || n.Type == "network" && n.NetworkForward == "hostdev"
			})
		},
	},
	{
		Code: "K2O-303", Severity: Blocked,
		Title:  "vhost-user interface",
		Action: "Give the guest an interface on a bridge.",
		Fact:   "nova/virt/libvirt/vif.py vhostuser needs a port with vif_type vhostuser and shared hugepages",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s goes through a vhost-user socket, which Nova's first start does not bring back.", show(n.MAC)), n.Type == "vhostuser"
			})
		},
	},
	{
		Code: "K2O-304", Severity: Blocked,
		Title:  "vDPA interface",
		Action: "Give the guest an interface on a bridge.",
		Fact:   "nova/network/model.py VNIC_TYPE_VDPA needs a PCI claim",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is a vDPA device, which the import cannot claim from Nova.", show(n.MAC)), n.Type == "vdpa"
			})
		},
	},
	{
		Code: "K2O-305", Severity: Blocked,
		Title:  "macvtap interface",
		Action: "Put the host's device into a bridge and plug the guest there.",
		Fact:   "Neutron's bridge and OVS ports are not macvtap (vnic_type macvtap needs SR-IOV)",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is macvtap on %s, which no bridge or OVS port of Neutron's continues.", show(n.MAC), show(n.SourceDev+n.Network)).
						do("make a bridge over the device and virsh edit %s: <interface type='bridge'>", s.virsh()),
					n.Type == "direct" || n.Type == "network" && slices.Contains(forwarded, n.NetworkForward)
			})
		},
	},
	{
		Code: "K2O-306", Severity: Blocked,
		Title:  "User-mode interface",
		Action: "Give the guest an interface on a bridge and an address there.",
		Fact:   "libvirt <interface type='user'> is QEMU's own NAT; Neutron has nothing like it",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is QEMU's own NAT: its address exists in no network.", show(n.MAC)), n.Type == "user"
			})
		},
	},
	{
		Code: "K2O-307", Severity: Blocked,
		Title:  "Bare tap interface",
		Action: "Give the guest an interface on a bridge.",
		Fact:   "libvirt <interface type='ethernet'> leaves the wiring to a script or to another controller, which the definition does not show",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is a bare tap %s that something outside libvirt wires up.", show(n.MAC), show(n.Target)), n.Type == "ethernet"
			})
		},
	},
	{
		Code: "K2O-308", Severity: Blocked,
		Title:  "Interface of a type that Nova does not have",
		Action: "Give the guest an interface on a bridge.",
		Fact:   "nova/virt/libvirt/vif.py get_config",
		find: func(s subject) []detail {
			known := []string{"bridge", "network", "hostdev", "vhostuser", "vdpa", "direct", "user", "ethernet"}
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is of type %s, which Nova's first start does not bring back.", show(n.MAC), show(n.Type)), !slices.Contains(known, n.Type)
			})
		},
	},
	{
		Code: "K2O-309", Severity: Blocked,
		Title:  "NIC model that cannot be recorded",
		Action: "Change the model to virtio, e1000e or e1000, whichever the guest has a driver for, and start it once.",
		Fact:   "nova/virt/libvirt/vif.py SUPPORTED_VIF_MODELS of 22.0.0, and igb from 31.0.0; any other ends the first start after the undefine",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is a %s, and would come back as another model, for which the guest needs a driver.", show(n.MAC), show(n.Model)).
					do("%svirsh edit %s: <model type='e1000'/> for %s", s.whenOff(), s.virsh(), sh(n.MAC)), !s.knownModel(n.Model)
			})
		},
	},
	{
		Code: "K2O-310", Severity: Attention,
		Title:  "Two NIC models",
		Action: "Choose in the plan the one nic_model that the guest has a driver for.",
		Fact:   "nova/virt/libvirt/vif.py: one image_hw_vif_model for all interfaces of a server",
		find: func(s subject) []detail {
			var models []string
			for _, n := range s.Interfaces {
				if !slices.Contains(models, n.Model) {
					models = append(models, n.Model)
				}
			}
			return when(len(models) > 1, say("Its interfaces are of several models (%s), and after Nova's first start all are of one.", list(models)))
		},
	},
	{
		Code: "K2O-311", Severity: Attention,
		Title:  "NIC model not given",
		Action: "Set nic_model in the plan to what the guest sees today.",
		Fact:   "libvirt chooses rtl8139 (or e1000) for x86 where the definition says nothing; Nova chooses virtio",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("The definition gives interface %s no model, and Nova's default is not libvirt's.", show(n.MAC)).
					do("inside the guest: lspci | grep -i ethernet; then nic_model in the plan"), n.Model == "" && !passedThrough(n)
			})
		},
	},
	{
		Code: "K2O-312", Severity: Info,
		Title:  "Transitional virtio NIC",
		Action: "Nothing; the guest's virtio driver serves both.",
		Fact:   "nova/network/model.py VIF_MODEL_VIRTIO is the only virtio model",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is %s and becomes plain virtio.", show(n.MAC), show(n.Model)), slices.Contains(transitional, n.Model)
			})
		},
	},
}

var transitional = []string{"virtio-transitional", "virtio-non-transitional"}

// passedThrough reports whether the guest sees the host's device itself, so
// that a model means nothing.
func passedThrough(n discover.Interface) bool {
	return n.Type == "hostdev" || n.Type == "network" && n.NetworkForward == "hostdev"
}

// knownModel reports whether Nova has a word for the model.
func (s subject) knownModel(model string) bool {
	if model == "igb" {
		return s.major() >= 31
	}
	return model == "" || slices.Contains(transitional, model) ||
		slices.Contains([]string{"virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "spapr-vlan"}, model)
}
