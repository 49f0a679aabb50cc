package sync

import (
	"fmt"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// stop decides whether the world can be believed.
func (c *conclusion) stop() {
	if back := c.Latest.Sub(c.Now); back > clockBack {
		c.halt(ClockBack, fmt.Sprintf("the clock says %s, and a run has noted %s before", stamp(c.Now), stamp(c.Latest)))
	}
	if n := c.count(Older); n > 0 {
		c.halt(Older, fmt.Sprintf("the database was restored: of %s the record is older than it was", check.Plural(n, "instance")))
	}
	c.tooMuch()
}

// halt keeps the first reason; a drift of the run says each.
func (c *conclusion) halt(code Code, text string) {
	if c.out.Stopped == "" {
		c.out.Stopped = text
	}
	c.add(Drift{Code: code, Text: text})
}

func (c *conclusion) count(code Code) (n int) {
	for _, d := range c.out.Drifts {
		if d.Code == code {
			n++
		}
	}
	return n
}

// tooMuch: that a guest is destroyed is a matter of its owner; that a tenth of
// all guests is gone from one run to the next is a wrong inventory, a dead
// network or a database of yesterday. What was gone before does not count, nor
// does what somebody has deleted through Nova, nor one guest alone, which of a
// few is more than any share: it has to be missed often and long enough anyway.
func (c *conclusion) tooMuch() {
	lostNow, deleted := c.uuidsOf(LostInNova), c.uuidsOf(DeletedInNova)
	known, unseen, lost := 0, 0, 0
	for _, k := range c.Known {
		if !importer.Stands(k.State) || c.Sightings[k.UUID].Missing > 0 {
			continue
		}
		known++
		if !c.seen(k.UUID) && !deleted[k.UUID] {
			unseen++
		}
		if lostNow[k.UUID] {
			lost++
		}
	}
	limit, _ := c.Policy.share() // Check has read it.
	if float64(unseen) > limit*float64(known) && (unseen > 1 || limit == 0) && !c.Accept {
		c.halt(TooMuch, fmt.Sprintf("%d of %d known domains (%d %%) were not found on any host, and %s may be gone at once%s",
			unseen, known, 100*unseen/known, c.Policy.StopAbove, c.hint()))
	}
	if float64(lost) > limit*float64(known) {
		c.halt(TooMuch, fmt.Sprintf("%d of %d known domains (%d %%) have no record in Nova any more, and %s may be gone at once: was its database restored?",
			lost, known, 100*lost/known, c.Policy.StopAbove))
	}
}

func (c *conclusion) uuidsOf(code Code) map[string]bool {
	m := map[string]bool{}
	for _, d := range c.out.Drifts {
		if d.Code == code {
			m[d.UUID] = true
		}
	}
	return m
}

// hint says what is likely wrong.
func (c *conclusion) hint() string {
	var parts []string
	if n := len(c.unreadHosts()); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d hosts could not be read", n, len(c.Parts)))
	}
	if n := c.count(HostMissing); n > 0 {
		parts = append(parts, fmt.Sprintf("%s with adopted domains not in the inventory", check.Plural(n, "host")))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// sight decides what is noted of each adoption, and whether a vanished domain
// has been missed often and long enough. While the world is not to be believed
// nothing is noted, so that the next run compares with what was there before.
func (c *conclusion) sight() {
	standing := map[string]bool{}
	recorded := map[string]int64{}
	for _, p := range c.Parts {
		for uuid, at := range p.Recorded {
			recorded[uuid] = max(at, recorded[uuid])
		}
	}
	for _, k := range c.Known {
		if importer.Stands(k.State) {
			standing[k.UUID] = true
			c.sightOne(k, recorded[k.UUID])
		}
	}
	for uuid := range c.Sightings {
		if !standing[uuid] {
			c.out.Forgotten = append(c.out.Forgotten, uuid)
		}
	}
	if c.out.Stopped != "" {
		c.out.Sightings, c.out.Forgotten, c.out.Places = nil, nil, nil
	}
}

func (c *conclusion) sightOne(k journal.Outline, recorded int64) {
	was, noted := c.Sightings[k.UUID]
	is := was
	is.UUID, is.Recorded = k.UUID, max(was.Recorded, recorded)
	switch {
	case c.seen(k.UUID):
		is.Host, is.Missing, is.Since = c.at[strings.ToLower(k.UUID)][0], 0, 0
	case len(c.unreadHosts()) == 0:
		is.Missing++
		if is.Since == 0 {
			is.Since = c.Now.Unix()
		}
		c.enough(k.UUID, is)
	}
	if !noted || is != was {
		c.out.Sightings = append(c.out.Sightings, is)
	}
}

// enough lets a vanished domain be released.
func (c *conclusion) enough(uuid string, s journal.Sighting) {
	long := c.Now.Sub(time.Unix(s.Since, 0)) >= c.Policy.Missed.For
	if s.Missing < c.Policy.Missed.Runs || !long {
		return
	}
	for n := range c.out.Drifts {
		if d := &c.out.Drifts[n]; d.Code == Vanished && d.UUID == uuid {
			d.Heal = ByRelease
		}
	}
}
