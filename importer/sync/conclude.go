package sync

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// A Fleet is all hosts together, with what the journal knows of them.
type Fleet struct {
	Parts     []Part                      // of every host of the inventory, in its order
	Known     []journal.Outline           // all adoptions
	Sightings map[string]journal.Sighting // by UUID
	Now       time.Time                   // by the journal's clock
	Latest    time.Time                   // the latest that an earlier run has noted
	Policy    Policy
	Accept    bool // what is gone at once is really gone
}

// A Conclusion is what follows from all hosts together.
type Conclusion struct {
	Drifts  []Drift `json:"drifts"`
	Stopped string  `json:"stopped,omitempty"` // why nothing may be healed; "" when it may

	Sightings []journal.Sighting `json:"-"` // to be noted
	Forgotten []string           `json:"-"` // UUIDs that are not adopted any more
	Places    []journal.Place    `json:"-"` // how hosts have answered
}

// clockBack is how far the clock may be behind what was noted before: those
// of a server's nodes differ a little.
const clockBack = time.Minute

// Conclude decides what only all hosts together can tell. It looks at nothing
// but its argument.
func Conclude(f Fleet) Conclusion {
	f.Policy = f.Policy.WithDefaults()
	c := conclusion{Fleet: f, at: map[string][]string{}, macs: map[string][]string{}}
	c.rightHosts()
	c.gather()
	c.twice()
	c.missing()
	c.absent()
	c.cloudUnread()
	c.stop()
	c.duplicateMACs()
	c.sight()
	c.unhealable()
	slices.SortStableFunc(c.out.Drifts, func(a, b Drift) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Code, b.Code), cmp.Compare(a.UUID, b.UUID), cmp.Compare(a.Text, b.Text))
	})
	return c.out
}

type conclusion struct {
	Fleet
	at   map[string][]string // hosts by the UUIDs of their domains
	macs map[string][]string // UUIDs by MAC address
	out  Conclusion
}

func (c *conclusion) add(d Drift) { c.out.Drifts = append(c.out.Drifts, d) }

// rightHosts finds hosts that are one and the same machine: two names of the
// inventory lead to it. Unless an earlier run knows better, none of them is
// believed.
func (c *conclusion) rightHosts() {
	by := map[string][]int{}
	for n, p := range c.Parts {
		if p.Stranger == "" && p.Hostname != "" {
			by[p.Hostname] = append(by[p.Hostname], n)
		}
	}
	for n := range c.Parts {
		p := &c.Parts[n]
		same := by[p.Hostname]
		if p.Stranger != "" || len(same) < 2 {
			continue
		}
		var others []string
		for _, m := range same {
			if m != n {
				others = append(others, c.Parts[m].Host)
			}
		}
		p.Stranger = fmt.Sprintf("%s answers as %q, too", strings.Join(others, ", "), p.Hostname)
		p.Drifts, p.Seen, p.Absent = []Drift{{Code: HostRenamed, Host: p.Host, Text: p.Stranger}}, nil, nil
	}
}

// gather takes over what the hosts have found on their own.
func (c *conclusion) gather() {
	for _, p := range c.Parts {
		c.out.Drifts = append(c.out.Drifts, p.Drifts...)
		if p.Stranger != "" {
			continue
		}
		for uuid := range p.Seen {
			c.at[uuid] = append(c.at[uuid], p.Host)
		}
		for mac, uuid := range p.MACs {
			c.macs[mac] = append(c.macs[mac], uuid)
		}
		if p.Hostname != "" {
			c.out.Places = append(c.out.Places, journal.Place{Name: p.Host, Hostname: p.Hostname, Seen: c.Now.Unix()})
		}
	}
}

// twice tells of a UUID on two hosts: a guest that was copied, or one of which
// a migration has left something behind.
func (c *conclusion) twice() {
	for _, p := range c.Parts {
		for _, uuid := range slices.Sorted(maps.Keys(p.Seen)) {
			hosts := c.at[uuid]
			if len(hosts) > 1 {
				c.add(Drift{Code: Twice, Host: p.Host, Domain: p.Seen[uuid], UUID: uuid, Text: "it is on " + strings.Join(hosts, " and ")})
			}
		}
	}
}

// missing tells of adopted domains whose host nobody looks at.
func (c *conclusion) missing() {
	inventory := map[string]bool{}
	for _, p := range c.Parts {
		inventory[p.Host], inventory[p.ComputeHost] = true, true
	}
	unseen := map[string]int{}
	for _, k := range c.Known {
		if importer.Stands(k.State) && !c.seen(k.UUID) && !inventory[k.Host] && !inventory[k.ComputeHost] {
			unseen[k.Host]++
		}
	}
	for _, host := range slices.Sorted(maps.Keys(unseen)) {
		c.add(Drift{Code: HostMissing, Host: host, Text: fmt.Sprintf("it has %d adopted domains", unseen[host])})
	}
}

func (c *conclusion) seen(uuid string) bool { return len(c.at[strings.ToLower(uuid)]) > 0 }

// unreadHosts are those of which nobody knows what they have.
func (c *conclusion) unreadHosts() (names []string) {
	for _, p := range c.Parts {
		if !p.whole() {
			names = append(names, p.Host)
		}
	}
	return names
}

// absent tells of domains that are gone from where Nova has them. On another
// host they are told there.
func (c *conclusion) absent() {
	for _, p := range c.Parts {
		for _, a := range p.Absent {
			if c.seen(a.UUID) {
				continue
			}
			d := Drift{Code: Vanished, Host: p.Host, Domain: a.Domain, UUID: a.UUID, Text: c.absentText(a)}
			if a.Namesake != "" {
				d.Code = Mismatched
				d.Text = fmt.Sprintf("its UUID is gone, and domain %s has its name: it was defined anew without its UUID", a.Namesake)
			}
			c.add(d)
		}
	}
}

func (c *conclusion) absentText(a Absent) string {
	text := "no host has it; " + a.Why
	if s := c.Sightings[a.UUID]; s.Missing > 0 {
		text += fmt.Sprintf(", missed by %s before, since %s", check.Plural(s.Missing, "run"), stamp(time.Unix(s.Since, 0)))
	}
	if unread := c.unreadHosts(); len(unread) > 0 {
		text += fmt.Sprintf("; it may be on %s, which could not be read", strings.Join(first(unread, 3), ", "))
	}
	return text
}

func first(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(slices.Clone(list[:n]), fmt.Sprintf("… (%d more)", len(list)-n))
}

// cloudUnread is said once, however many hosts it is about.
func (c *conclusion) cloudUnread() {
	var hosts int
	var why string
	for _, p := range c.Parts {
		if p.CloudErr != "" {
			hosts, why = hosts+1, p.CloudErr
		}
	}
	if hosts > 0 {
		c.add(Drift{Code: CloudUnread, Text: fmt.Sprintf("of %s: %s", check.Plural(hosts, "host"), why)})
	}
}

// duplicateMACs: Neutron gives a MAC address to one port of a network only, and
// the rules of the audit see one host only.
func (c *conclusion) duplicateMACs() {
	why := map[string]string{}
	for mac, users := range c.macs {
		for n, uuid := range users {
			if len(users) > 1 {
				why[uuid] = fmt.Sprintf("its MAC address %s is that of domain %s, too", mac, users[(n+1)%len(users)])
			}
		}
	}
	for n := range c.out.Drifts {
		d := &c.out.Drifts[n]
		if text := why[strings.ToLower(d.UUID)]; d.Code == NewReady && text != "" {
			d.Code, d.Heal, d.Text = NewNotReady, "", text
		}
	}
}

// unhealable takes the remedy from what must not be touched.
func (c *conclusion) unhealable() {
	doubtful := map[string]bool{}
	for _, d := range c.out.Drifts {
		switch d.Code {
		case Twice, Elsewhere, Older, LostInNova, DeletedInNova, Unjournalled:
			doubtful[strings.ToLower(d.UUID)] = true
		}
	}
	for n := range c.out.Drifts {
		d := &c.out.Drifts[n]
		if c.out.Stopped != "" || doubtful[strings.ToLower(d.UUID)] {
			d.Heal = ""
		}
		if d.Code == NewReady && doubtful[strings.ToLower(d.UUID)] {
			d.Code = NewNotReady
		}
	}
}
