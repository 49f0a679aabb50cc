package sync

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// Compare says what of one host has drifted. It looks at nothing but its
// argument.
func Compare(l Look) Part {
	inv := l.Inventory
	c := comparison{Look: l, part: Part{
		Host: inv.Host.Name, Hostname: inv.Hostname, ComputeHost: audit.ComputeHost(inv), CloudErr: l.CloudErr,
		Seen: map[string]string{}, MACs: map[string]string{}, Recorded: map[string]int64{}, Verdicts: map[check.Verdict]int{},
		Seconds: inv.Took.Seconds(),
	}}
	c.readWhole()
	c.rightHost()
	if inv.Err != nil || c.part.Stranger != "" {
		return c.part
	}
	c.see()
	for _, uuid := range slices.Sorted(maps.Keys(l.Known)) {
		c.adopted(l.Known[uuid])
	}
	for _, d := range inv.Domains {
		if k, known := l.Known[d.UUID]; !known || !adopted(k.State) {
			c.stranger(d)
		}
	}
	if !c.part.whole() {
		c.part.Absent = nil
		for n := range c.part.Drifts {
			c.part.Drifts[n].Heal = ""
		}
	}
	return c.part
}

// see notes which domains are here, those that could not be read included.
func (c *comparison) see() {
	for _, d := range c.Inventory.Domains {
		uuid := strings.ToLower(d.UUID)
		c.part.Seen[uuid] = d.Name
		for _, n := range d.Interfaces {
			c.part.MACs[strings.ToLower(n.MAC)] = uuid
		}
	}
	for _, u := range c.Inventory.Unreadable {
		if u.UUID != "" {
			c.part.Seen[strings.ToLower(u.UUID)] = u.Name
		}
	}
	if n := len(c.Inventory.Unreadable); n > 0 {
		c.part.Verdicts[check.VerdictUnreadable] = n
	}
}

// A comparison is Compare for one host.
type comparison struct {
	Look
	part Part
}

// add says that something has drifted. Of one kind a domain has one drift, with
// all that differs, which is healed if all of it can be.
func (c *comparison) add(code Code, d Drift, heal Remedy, format string, args ...any) {
	d.Code, d.Host, d.Heal, d.Text = code, c.part.Host, heal, fmt.Sprintf(format, args...)
	n := slices.IndexFunc(c.part.Drifts, func(x Drift) bool { return x.key() == d.key() })
	if n < 0 {
		c.part.Drifts = append(c.part.Drifts, d)
		return
	}
	was := &c.part.Drifts[n]
	was.Text += "; " + d.Text
	if was.Heal != heal {
		was.Heal = ""
	}
}

// readWhole: nothing is done on a host of which something is not known, and
// nothing counts as missing there. A domain that could not be read may be the
// one that is missed.
func (c *comparison) readWhole() {
	inv := c.Inventory
	switch {
	case inv.Err != nil:
		c.part.Err = inv.Err.Error()
	case len(inv.Unreadable) > 0:
		u := inv.Unreadable[0]
		c.part.Err = fmt.Sprintf("%s could not be read, the first is %q: %v", check.Plural(len(inv.Unreadable), "domain"), u.Name, u.Err)
	default:
		return
	}
	c.add(HostUnread, Drift{}, "", "%s", c.part.Err)
}

// rightHost: an address that leads to another machine makes every domain of one
// host look gone, and those of the other look moved.
func (c *comparison) rightHost() {
	hostname := c.Inventory.Hostname
	if c.part.Err != "" || hostname == "" || c.Answered == "" || c.Answered == hostname {
		return
	}
	c.part.Stranger = fmt.Sprintf("it answers as %q, and as %q before", hostname, c.Answered)
	c.add(HostRenamed, Drift{}, "", "%s", c.part.Stranger)
}

// adopted: there is, or should be, an instance of the domain.
func adopted(s journal.State) bool { return importer.Stands(s) || half(s) }

// half: an adoption that a run has not brought to its end.
func half(s journal.State) bool {
	switch s {
	case journal.StateBegun, journal.StateHalf, journal.StateReleasing, journal.StateRenaming, journal.StateReturning:
		return true
	}
	return false
}

// here is the domain of an adoption on this host.
func (c *comparison) here(uuid string) (discover.Domain, bool) {
	n := slices.IndexFunc(c.Inventory.Domains, func(d discover.Domain) bool { return strings.EqualFold(d.UUID, uuid) })
	if n < 0 {
		return discover.Domain{}, false
	}
	return c.Inventory.Domains[n], true
}

// adopted compares one adoption.
func (c *comparison) adopted(k Known) {
	if !adopted(k.State) {
		return
	}
	uuid := k.UUID
	now, there := c.here(uuid)
	if _, unreadable := c.part.Seen[strings.ToLower(uuid)]; unreadable && !there {
		return
	}
	rec := c.Records[uuid]
	subject := Drift{UUID: uuid, Domain: cmp.Or(now.Name, k.Adoption.Domain)}
	if there {
		c.part.Adopted++
		c.part.Verdicts[check.VerdictManaged]++
	}
	switch {
	case half(k.State):
		c.halfDone(k, subject, there)
		return
	case !c.recorded(k, rec, subject, there):
		return
	}
	if rec.Locked && there {
		c.part.Locked++
	}
	c.part.Recorded[uuid] = rec.Updated.Unix()
	if !there {
		c.absent(k, rec)
		return
	}
	if rec.Host != c.Compute.Host {
		if rec.TaskState == "" { // else Nova is moving it
			c.add(Elsewhere, subject, "", "Nova has it on %q, and its domain is on %s", rec.Host, c.part.Host)
		}
		return
	}
	p := pair{comparison: c, k: k, rec: rec, now: now, subject: subject}
	p.compare()
}

// halfDone: the adoption's own command goes on with it, or an import does.
func (c *comparison) halfDone(k Known, subject Drift, there bool) {
	var heal Remedy
	if there && (k.State == journal.StateBegun || k.State == journal.StateHalf) {
		heal = ByFinish
	}
	c.add(HalfDone, subject, heal, "it is %s: %s", k.State, cmp.Or(k.Reason, "a run ended before it was complete"))
}

// recorded says whether there is a row to compare with.
func (c *comparison) recorded(k Known, rec Record, subject Drift, there bool) bool {
	switch {
	case rec.Live && rec.Stage != nova.Foreign:
		return !c.older(k, rec, subject)
	case rec.Stage == nova.Removed && there:
		c.add(DeletedInNova, subject, "", "its row in Nova is marked as deleted, and its domain is %s", nowOf(c, k.UUID))
	case rec.Stage == nova.Removed:
		c.add(DeletedInNova, subject, "", "its row in Nova is marked as deleted, and its domain is gone: nothing is left to do but to release it")
	case rec.Stage == nova.Foreign:
		c.add(LostInNova, subject, "", "Nova has rows with its UUID that this program has not written")
	default:
		c.add(LostInNova, subject, "", "Nova has no row of %s any more", cmp.Or(k.InstanceName, "it"))
	}
	return false
}

func nowOf(c *comparison, uuid string) discover.State {
	d, _ := c.here(uuid)
	return d.State
}

// older: no row gets an earlier date, and none gets another id, unless its
// database was put back to what it was before.
func (c *comparison) older(k Known, rec Record, subject Drift) bool {
	seen := c.Recorded[k.UUID]
	switch {
	case k.InstanceName != "" && rec.InstanceName != "" && k.InstanceName != rec.InstanceName:
		c.add(Older, subject, "", "it is %s in Nova, and was %s when it was imported", rec.InstanceName, k.InstanceName)
	case !seen.IsZero() && !rec.Updated.IsZero() && rec.Updated.Add(clockSkew).Before(seen):
		c.add(Older, subject, "", "Nova's row was changed last on %s, and an earlier run has seen a change of %s", stamp(rec.Updated), stamp(seen))
	default:
		return false
	}
	return true
}

// absent notes an adopted domain that is not here, if it should be.
func (c *comparison) absent(k Known, rec Record) {
	if rec.Host != c.Compute.Host || rec.Host == "" {
		return // Nova has it on another host, which is compared there.
	}
	a := Absent{UUID: k.UUID, Domain: k.Adoption.Domain, Why: "Nova has it on " + rec.Host}
	for _, d := range c.Inventory.Domains {
		if d.Name == k.Adoption.Domain || rec.InstanceName != "" && d.Name == rec.InstanceName {
			a.Namesake = d.UUID
		}
	}
	c.part.Absent = append(c.part.Absent, a)
}

// stranger is a domain that nobody has adopted.
func (c *comparison) stranger(d discover.Domain) {
	subject := Drift{UUID: d.UUID, Domain: d.Name}
	rec := c.Records[d.UUID]
	if rec.Live && (rec.Stage == nova.Finished || rec.Stage == nova.Recorded || rec.Stage == nova.Mapped) {
		c.part.Verdicts[check.VerdictManaged]++
		if !c.Released[d.UUID] {
			c.add(Unjournalled, subject, "", "Nova has it as adopted (%s), and the journal does not know it", rec.DisplayName)
		}
		return
	}
	j := c.Judged[d.UUID]
	c.part.Verdicts[cmp.Or(j.Verdict, check.VerdictManaged)]++
	why, failed := c.Failed[d.UUID]
	switch {
	case j.Verdict == "" || j.Verdict == check.VerdictManaged:
	case failed:
		c.add(NewNotReady, subject, "", "its import failed and was taken back: %s", why)
	case c.Released[d.UUID]: // Somebody has given it back on purpose.
	case j.Verdict == check.VerdictReady:
		c.add(NewReady, subject, ByImport, "%s", stateText(d))
	default:
		c.add(NewNotReady, subject, "", "%s: %s", j.Verdict, j.Why)
	}
}

func stateText(d discover.Domain) string {
	return fmt.Sprintf("%s, %d vCPU, %d MiB", d.State, d.VCPUs, max(d.MemMaxKiB, d.MemoryKiB)>>10)
}

// legacyName and novaName are the names that an adopted domain may have.
func (k Known) legacyName() string { return k.Recalled.Domain.Domain }

func (k Known) diskOf(becomes string) string { return path.Join(k.InstancesPath, k.UUID, becomes) }
