package plan

import (
	"cmp"
	"fmt"
	"slices"
)

// A batch gives the domains that are to be imported their part of what their
// host and their project have left, in the order of the plan. Those for which
// too little is left are skipped, with the reason; smaller ones after them may
// still fit.
type batch struct {
	*builder
	rooms  map[string]*room  // by host of the plan
	shares map[string]*share // by project id
	short  []shortage
}

// A shortage is a domain that does not fit.
type shortage struct {
	domain      *Domain
	room, quota []need
}

// fitIn does that for a plan. It needs the APIs' own answers: what Nova's
// databases say of room is for the audit, which only warns.
func (b *builder) fitIn(p *Plan) {
	if !b.live() {
		return
	}
	t := batch{builder: b, rooms: b.rooms(p.Hosts), shares: map[string]*share{}}
	for _, q := range b.Cloud.Quotas {
		t.shares[q.ProjectID] = &share{Quota: q, taken: quotaNeed{}, wanted: quotaNeed{}}
	}
	t.each(p.Domains, t.want)
	t.each(p.Domains, t.give)
	for _, s := range t.short {
		t.tell(s)
	}
}

// each goes through the domains that are to be imported.
func (t *batch) each(domains []Domain, do func(*Domain)) {
	for n := range domains {
		if domains[n].Decision == Import {
			do(&domains[n])
		}
	}
}

// want adds up what all of them take.
func (t *batch) want(d *Domain) {
	if r := t.rooms[d.Host]; r != nil {
		add(r.wanted, t.more(*d))
		r.planned++
		d.drop("K2O-652") // the audit's word on the host's room is from Nova's databases
	}
	if s := t.shares[d.ProjectID]; s != nil {
		add(s.wanted, quotaNeedOf(*d))
		s.planned++
		s.name = cmp.Or(d.Project, d.ProjectID)
		d.drop("K2O-651") // likewise on the quota
	}
}

// give takes d's part from its host and its project, if both have it.
func (t *batch) give(d *Domain) {
	r, s := t.rooms[d.Host], t.shares[d.ProjectID]
	lack := shortage{domain: d}
	if r == nil && t.Cloud.Providers != nil && t.computes[d.Host] != nil {
		t.noProvider(d)
		return
	}
	if r != nil {
		lack.room = r.missing(Resources(*d), t.more(*d))
	}
	if s != nil {
		lack.quota = s.missing(quotaNeedOf(*d))
	}
	if len(lack.room)+len(lack.quota) > 0 {
		t.short = append(t.short, lack)
		return
	}
	if r != nil {
		add(r.taken, t.more(*d))
		r.fit++
	}
	if s != nil {
		add(s.taken, quotaNeedOf(*d))
		s.fit++
	}
}

// noProvider: without one there is nothing to allocate of, and the scheduler
// does not know the host.
func (t *batch) noProvider(d *Domain) {
	uuid := t.computes[d.Host].UUID
	d.skip(Finding{
		Code: blockedRoom.code, Severity: blockedRoom.severity,
		Text:   fmt.Sprintf("Placement has no resource provider %s, which is that of %s: nothing can be allocated.", uuid, d.Host),
		Action: "Start nova-compute on the host, which makes it, and look for it: openstack resource provider show " + uuid,
	})
}

// tell skips a domain that does not fit.
func (t *batch) tell(s shortage) {
	var findings []Finding
	if len(s.room) > 0 {
		findings = append(findings, t.rooms[s.domain.Host].blocked(s.room))
	}
	if len(s.quota) > 0 {
		findings = append(findings, t.shares[s.domain.ProjectID].blocked(s.quota))
	}
	s.domain.skip(findings...)
}

// skip leaves the domain alone, for the reasons found last.
func (d *Domain) skip(blocked ...Finding) {
	d.Decision = Skip
	d.Findings = append(blocked, d.Findings...) // what blocks comes first
}

// drop takes out the findings of a code.
func (d *Domain) drop(code string) {
	d.Findings = slices.DeleteFunc(d.Findings, func(f Finding) bool { return f.Code == code })
}

func add[M ~map[string]int](to, of M) {
	for name, n := range of {
		to[name] += n
	}
}
