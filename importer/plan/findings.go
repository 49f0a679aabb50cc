package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// A concern is what only planning can find: that the cloud has no place for a
// domain that is itself fine. Its code is never given to another.
type concern struct {
	code     string
	severity check.Severity
	title    string // what is found, for the list of concerns
	action   string // what to do where the case itself gives nothing more exact
	fact     string // the source it rests on
}

// The concerns of planning, K2O-900 and on. CONCERNS.md lists them.
var (
	infoManaged = concern{"K2O-900", check.Info, "Managed by Nova", "", "instances row with deleted = 0 and a host"}

	blockedProject = concern{"K2O-901", check.Blocked, "Project not clear",
		"Name a project in defaults or in a rule; without the cloud's own answers give its id.", "instances.project_id is Keystone's id; ports are found by it"}
	blockedUser = concern{"K2O-902", check.Blocked, "User not clear",
		"Name a user in defaults or in a rule; without the cloud's own answers give its id.", "instances.user_id is Keystone's id"}
	attentionZone = concern{"K2O-903", check.Attention, "Host in another availability zone",
		"Move the host to that zone's aggregate, or leave availability_zone out.", "aggregate_metadata availability_zone of the host; binding a port writes the instance's"}
	blockedImage = concern{"K2O-904", check.Blocked, "Placeholder image that the project cannot use",
		"Correct placeholder_image or image_ref; none leaves it out, and resize fails then.", "Glance answers 404 for an image that a project cannot see, and a resize reads it"}
	infoImage = concern{"K2O-905", check.Info, "No image",
		"Leave out placeholder_image: none, if the project is to resize it; the import then makes an image of 1 MiB.", "with an empty image_ref a resize ends in ImageNotFound and ERROR (tried on Zed)"}

	blockedFlavor = concern{"K2O-911", check.Blocked, "Flavor that a rule names does not do",
		"Name a flavor that Nova has, and that is large enough.", "a resize refuses a flavor that is smaller than the disk"}
	attentionFlavor = concern{"K2O-912", check.Attention, "Flavor that a rule names changes the machine",
		"Name a flavor of the domain's own size, or leave flavor out.", "nova/virt/libvirt/driver.py _get_guest_config: vCPUs, memory and hw:* come from the flavor"}
	attentionNew = concern{"K2O-913", check.Attention, "Flavor has to be made",
		"Make the flavor before the import.", "without the cloud's APIs nothing makes it"}
	infoNew = concern{"K2O-914", check.Info, "Flavor is made by the import",
		"Nothing; name a flavor by a rule if it is to have another.", "Nova's API, private to the project"}

	blockedDisk = concern{"K2O-921", check.Blocked, "Disk that is not known well enough",
		"Look at the disk: its file may be missing or unreadable.", "root_gb and volume_size are its virtual size, rounded up"}
	infoNIC = concern{"K2O-931", check.Info, "Another model of interface",
		"Set nic_model in the plan, or windows_nic: keep in the configuration, if it is to stay.", "windows_nic: e1000 in the configuration"}

	blockedNetwork = concern{"K2O-941", check.Blocked, "Network or subnet not clear",
		"Correct the networks section of the configuration.", "the first rule of networks: that matches the interface"}
	attentionNetwork = concern{"K2O-942", check.Attention, "Network that the project may not see",
		"Share the network with the project, or give the instance to the network's project.", "a file of Neutron's answers does not always tell with whom a network is shared"}
	blockedPort = concern{"K2O-943", check.Blocked, "Port that the instance cannot have",
		"Give the interface another MAC address, or the port to the instance.", "nova/network/neutron.py finds ports by project and device; an unbound one in the info cache makes the instance ERROR when nova-compute starts"}
	attentionAddress = concern{"K2O-944", check.Attention, "Address that the port does not have",
		"Give the port the address, or allow it.", "with port security Neutron drops frames from any other address"}
	attentionPort = concern{"K2O-945", check.Attention, "No port",
		"Make the port before the import.", "heal_instance_info_cache finds it later, before 31.0.0"}
	blockedNotVisible = concern{"K2O-946", check.Blocked, "Network that the project cannot see",
		"Share the network with the project, or give the instance to the network's project.", "Neutron's networks are their project's, shared, or shared by an RBAC policy"}
	blockedAddress = concern{"K2O-947", check.Blocked, "Address that a new port cannot have",
		"Find out who has the address, or name the guest's by a rule.", "Neutron refuses a port whose address is in none of its subnets, or another port's"}
	infoAddress = concern{"K2O-948", check.Info, "No address known",
		"Name its addresses by a rule.", "a port without addresses is made, and Nova shows none"}
	blockedGroup = concern{"K2O-949", check.Blocked, "Security group not clear",
		"Correct security_groups: names and ids of the instance's own project are meant.", "Neutron's security groups belong to a project; each has its own default"}

	blockedCache = concern{"K2O-950", check.Blocked, "Empty info cache",
		"Name the cloud in the configuration, for the import to make the ports; or create them, and give the plan what Neutron knows.",
		"nova/virt/libvirt/driver.py plugs what instance_info_caches has; heal_instance_info_cache fills an empty one before 31.0.0 only, one instance a minute and never without ports"}

	blockedRoom = concern{"K2O-951", check.Blocked, "No room on the host",
		"Raise the host's allocation ratio, or leave others out.", "placement/objects/allocation.py _check_capacity_exceeded: (total - reserved) * allocation_ratio, max_unit, min_unit, step_size"}
	blockedQuota = concern{"K2O-952", check.Blocked, "No room in the project's quota",
		"Raise the project's quota, or leave others out.", "Nova's os-quota-sets and Neutron's quotas; Nova does not refuse the import, but Neutron refuses its ports, and users can create and resize nothing"}

	blockedEntry = concern{"K2O-990", check.Blocked, "Entry that would not load",
		"Correct the definition, or give another value by a rule.", "the import refuses a plan that it cannot read"}
)

// concerns are all of them, in order of code.
var concerns = []concern{
	infoManaged,
	blockedProject, blockedUser, attentionZone, blockedImage, infoImage,
	blockedFlavor, attentionFlavor, attentionNew, infoNew,
	blockedDisk, infoNIC,
	blockedNetwork, attentionNetwork, blockedPort, attentionAddress, attentionPort, blockedNotVisible, blockedAddress, infoAddress, blockedGroup, blockedCache,
	blockedRoom, blockedQuota,
	blockedEntry,
}

// Concerns returns what only planning can find, in order of code.
func Concerns() []check.Rule {
	var out []check.Rule
	for _, c := range concerns {
		out = append(out, check.Rule{Code: c.code, Severity: c.severity, Title: c.title, Action: c.action, Fact: c.fact})
	}
	return out
}

// find notes a concern. A domain that the rules have blocked gets none: the
// plan is made anew once that is mended, and until then they would hide what
// must be done first.
func (d *draft) find(c concern, format string, args ...any) {
	d.findDo(c, c.action, format, args...)
}

// findDo is find with what to do about just this case.
func (d *draft) findDo(c concern, action, format string, args ...any) {
	if d.verdict == check.VerdictBlocked {
		return
	}
	d.Findings = append(d.Findings, Finding{Code: c.code, Severity: c.severity, Text: fmt.Sprintf(format, args...), Action: action})
}

// has reports whether there is a finding of that code.
func (d *draft) has(code string) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Code == code })
}

// quoted makes a host's own string fit for one line of text.
func quoted(s string) string {
	if s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.IsSpace(r) || strings.ContainsRune("\"'`\\", r)
	}) {
		return s
	}
	return strconv.Quote(s)
}
