package plan

import (
	"cmp"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A draft is one domain's entry while it is made.
type draft struct {
	Domain
	found   discover.Domain
	verdict check.Verdict
	rule    Rule
	compute *nova.Compute // nil when Nova does not know the host, or was not asked
}

// domain decides everything about one domain.
func (b *builder) domain(c Candidate) Domain {
	d := &draft{found: c.Domain, verdict: c.Verdict, rule: b.Settings.rule(c.Domain), compute: b.computes[c.Host]}
	d.Domain.Domain, d.Host, d.UUID = c.Name, c.Domain.Host, c.Domain.UUID
	d.Wave, d.Group = cmp.Or(d.rule.Wave, 1), d.rule.Group
	d.Force, d.Probes, d.Metadata = d.rule.Force, d.rule.Probes, d.rule.Metadata
	d.MadeFrom = MadeFrom{Digest: c.Digest, State: string(c.State), Facts: c.Facts(), OS: c.Guest.Family, OSName: c.Guest.Name}
	for _, f := range c.Findings {
		d.Findings = append(d.Findings, Finding{Code: f.Code, Severity: f.Severity, Text: f.Text, Action: f.Action})
	}

	if c.Verdict == check.VerdictManaged {
		d.Findings = append(d.Findings, Finding{Code: infoManaged.code, Severity: infoManaged.severity, Text: "Nova has it already."})
		d.Decision, d.Wave, d.Group = Skip, 0, ""
		return d.Domain
	}
	d.names()
	b.owner(d)
	d.zone(b.Settings.Defaults.AvailabilityZone)
	d.disks()
	b.chooseFlavor(d)
	d.hardware(b.Settings.Defaults.WindowsNIC, b.Release.Major)
	b.image(d)
	b.nics(d)
	d.lock(b.Settings.Defaults.LockUntilRenamed)
	d.decide()
	return d.Domain
}

// names takes the libvirt name as the operator's, in full where Nova can hold
// it. The host name follows from it by Nova's own rules.
func (d *draft) names() {
	d.DisplayName = fitText(cmp.Or(d.rule.DisplayName, d.found.Name), maxName)
	d.Hostname = cmp.Or(d.rule.Hostname, nova.SanitizeHostname(d.DisplayName, "Server-"+d.UUID))
}

// zone is the one that the host is in: an instance recorded in another would
// be bound and moved as if it were there.
func (d *draft) zone(preset string) {
	d.AvailabilityZone = cmp.Or(d.rule.AvailabilityZone, preset)
	if d.compute == nil || d.compute.AvailabilityZone == "" || d.compute.AvailabilityZone == d.AvailabilityZone {
		return
	}
	if d.AvailabilityZone != "" {
		d.find(attentionZone, "Availability zone %s is asked for, but its host is in %s, which is recorded.", d.AvailabilityZone, d.compute.AvailabilityZone)
	}
	d.AvailabilityZone = d.compute.AvailabilityZone
}

// lock keeps rebuild and shelve, which make data disks anew, away from
// instances that have some, for as long as nobody unlocks them on purpose.
func (d *draft) lock(untilRenamed *bool) {
	switch {
	case d.rule.Lock != "":
		d.Lock = d.rule.Lock
	case len(d.Disks) > 1:
		d.Lock = Keep
	case untilRenamed != nil && !*untilRenamed:
		d.Lock = None
	default:
		d.Lock = UntilRenamed
	}
}

// decide comes last, for it rests on all findings.
func (d *draft) decide() {
	slices.SortStableFunc(d.Findings, func(x, y Finding) int { return cmp.Compare(rank(x.Severity), rank(y.Severity)) })
	d.Decision = Import
	if d.verdict == check.VerdictBlocked || d.rule.Decision == Skip || d.blocked() {
		d.Decision = Skip
		return
	}
	for _, p := range entryProblems(d.Domain) {
		d.find(blockedEntry, "Its entry in the plan would be refused: %s.", p)
		d.Decision = Skip
	}
}

func (d *draft) blocked() bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Severity == check.Blocked })
}

func rank(s check.Severity) int {
	return slices.Index([]check.Severity{check.Blocked, check.Attention, check.Info}, s)
}
