package sync

import (
	"slices"

	"github.com/lightcloud/kvm2openstack/importer"
)

// A Code says what kind of drift something is. Codes are never given to
// another kind.
type Code string

// The codes of domains that nobody has adopted, of adopted ones, of their
// records, of hosts, and of the run as a whole.
const (
	NewReady    Code = "D01"
	NewNotReady Code = "D02"

	Vanished   Code = "D03"
	Elsewhere  Code = "D04"
	Twice      Code = "D05"
	Named      Code = "D06"
	Mismatched Code = "D07"

	PowerDiffers     Code = "D10"
	DiskDiffers      Code = "D11"
	SizeDiffers      Code = "D12"
	InterfaceDiffers Code = "D13"
	Redefined        Code = "D14"

	PortGone          Code = "D20"
	PortDiffers       Code = "D21"
	CacheDiffers      Code = "D22"
	AllocationDiffers Code = "D23"
	LockDiffers       Code = "D24"

	DeletedInNova Code = "D30"
	LostInNova    Code = "D31"
	Unjournalled  Code = "D32"
	Older         Code = "D33"
	HalfDone      Code = "D34"

	HostUnread  Code = "D40"
	HostRenamed Code = "D41"
	HostMissing Code = "D42"
	CloudUnread Code = "D43"

	TooMuch   Code = "D50"
	ClockBack Code = "D51"
)

// A Remedy is what heals a drift. Its text is what the configuration calls it.
type Remedy string

// The remedies beside importer.Cures: new ready domains are imported, half
// imports are finished, and what is left of vanished domains is released.
const (
	ByImport  Remedy = "import"
	ByFinish  Remedy = "unfinished"
	ByRelease Remedy = "release"
)

func by(c importer.Cure) Remedy { return Remedy(c) }

// A kind explains a code.
type kind struct {
	code   Code
	title  string
	action string // what a person can do, or what heals it
}

// kinds are all of them, in the order of their codes.
var kinds = []kind{
	{NewReady, "New legacy domain, ready", "kvm2openstack plan and import adopt it; sync --apply does where sync.import matches it"},
	{NewNotReady, "New legacy domain, not ready", "kvm2openstack audit --explain says why, and what to do"},
	{Vanished, "The domain is gone from its host", "define it from the definition in the journal, or release it; sync --apply releases it where the configuration says sync.vanished: release"},
	{Elsewhere, "The domain is on another host", "if it was moved by hand, move it back: Nova looks for it on the recorded host"},
	{Twice, "Two hosts have a domain with this UUID", "find out which of them is the guest, and undefine the other before either is started"},
	{Named, "A renamed domain has its legacy name again", "give it Nova's name again (virsh domrename): Nova finds it by its UUID and names it by its own rule"},
	{Mismatched, "Name and UUID do not belong together", "look at both domains; Nova knows a guest by its UUID, and its next hard reboot takes the name"},
	{PowerDiffers, "Power state differs", "Nova's power sync records it, or acts on it; sync --apply records it first where the guest would be harmed (sync.heal: power)"},
	{DiskDiffers, "A disk differs", "put it back, or release the domain and import it again; sync --apply records disks that grew (sync.heal: sizes)"},
	{SizeDiffers, "Memory or vCPUs differ", "resize the instance, or set the domain back: a hard reboot does; sync --apply records what grew (sync.heal: sizes)"},
	{InterfaceDiffers, "An interface differs", "put it back, or release the domain and import it again: a hard reboot brings the recorded one"},
	{Redefined, "The definition differs otherwise", "plan it again and compare the two plans; a rename would refuse it as it is"},
	{PortGone, "A port is gone", "make it again with the interface's MAC address and address; sync --apply does (sync.heal: ports)"},
	{PortDiffers, "A port is not as recorded", "openstack port set --host HOST PORT binds it anew; sync --apply does (sync.heal: ports)"},
	{CacheDiffers, "Nova's info cache is not as the ports are", "sync --apply writes it anew (sync.heal: info_cache): a hard reboot plugs what is in it"},
	{AllocationDiffers, "The allocation is missing or different", "nova-manage placement heal_allocations; sync --apply does (sync.heal: allocations)"},
	{LockDiffers, "Somebody has changed the lock", "openstack server lock, unless it was meant: snapshot, rescue and resize break a guest that has its legacy name"},
	{DeletedInNova, "The instance was deleted in Nova", "as long as the deleted row is there nova-compute destroys the domain: save what is needed at once; nova-manage db archive_deleted_rows takes the row away"},
	{LostInNova, "Nova has no record of it any more", "if Nova's database was restored, restore a younger dump; else release it, which clears what is left, and import it again"},
	{Unjournalled, "Nova has it as adopted, the journal does not know it", "if the journal was restored, restore a younger one; kvm2openstack verify PLAN looks at it"},
	{Older, "Nova's record is older than it was", "the database was restored from a dump: compare it with the hosts before anything is healed"},
	{HalfDone, "An adoption is half done", "the command that began it goes on (kvm2openstack status names it); sync --apply finishes imports that sync.import matches"},
	{HostUnread, "The host could not be read whole", "kvm2openstack audit --host URI says what is wrong with it"},
	{HostRenamed, "Another host answers under this name", "correct the inventory, or the name server; if the host was renamed on purpose: kvm2openstack sync --accept"},
	{HostMissing, "A host with adopted domains is not in the inventory", "put it back into the inventory, or release its domains"},
	{CloudUnread, "Ports and allocations could not be looked at", "see that Neutron and Placement answer"},
	{TooMuch, "Too much is gone at once, nothing is healed", "look whether the inventory, the network or a database is wrong; if all of it is really gone: kvm2openstack sync --accept"},
	{ClockBack, "The clock was set back, nothing is healed", "set the clock right (timedatectl); if it is right, and was ahead before: kvm2openstack sync --accept"},
}

// Codes are all codes, in their order.
func Codes() []Code {
	all := make([]Code, len(kinds))
	for n, k := range kinds {
		all[n] = k.code
	}
	return all
}

func (c Code) kind() kind {
	if n := slices.IndexFunc(kinds, func(k kind) bool { return k.code == c }); n >= 0 {
		return kinds[n]
	}
	return kind{code: c}
}

// Title is what the code means, on one line.
func (c Code) Title() string { return c.kind().title }

// Action is what to do about it.
func (c Code) Action() string { return c.kind().action }
