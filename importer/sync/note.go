package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// conclude is done once in a round, when all hosts are read: it notes what was
// seen, and hands out what is to be healed.
func (r *Runner) conclude(ctx context.Context, p piece) (any, func(*journal.Tx) error, error) {
	parts, err := r.parts(ctx, p.round)
	if err != nil {
		return nil, nil, err
	}
	now, err := r.Journal.Now(ctx)
	if err != nil {
		return nil, nil, err
	}
	latest, err := r.Journal.Latest(ctx, p.round)
	if err != nil {
		return nil, nil, err
	}
	f := Fleet{Parts: parts, Sightings: r.known.sightings, Now: now, Latest: latest, Policy: r.Policy, Accept: r.Accept}
	for _, uuid := range slices.Sorted(maps.Keys(r.known.outlines)) {
		f.Known = append(f.Known, r.known.outlines[uuid])
	}
	c := Conclude(f)
	note, err := r.note(ctx, &c, parts, now)
	if err != nil {
		return nil, nil, err
	}
	if err := r.Journal.AddItems(ctx, p.round, r.acts(c)); err != nil {
		return nil, nil, err
	}
	return c, func(tx *journal.Tx) error {
		return errors.Join(tx.Sight(c.Sightings), tx.Unsight(c.Forgotten...), tx.SetPlaces(c.Places), note(tx))
	}, nil
}

// parts are what all hosts have given, in the order of the inventory.
func (r *Runner) parts(ctx context.Context, round int64) ([]Part, error) {
	texts, err := r.Journal.Results(ctx, round, itemRead)
	if err != nil {
		return nil, err
	}
	parts := make([]Part, 0, len(r.Audit.Hosts))
	for _, h := range r.Audit.Hosts {
		text, there := texts[itemRead+h.Name]
		if !there {
			return nil, fmt.Errorf("host %s was not read", h.Name)
		}
		var p Part
		if err := unpack(text, &p); err != nil {
			return nil, fmt.Errorf("read what was found on %s: %w", h.Name, err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// note compares the drifts with those that are known: it dates them, and
// prepares what is to be noted of new ones, and of those that are over. What
// was known of a host that nobody has read stays known.
func (r *Runner) note(ctx context.Context, c *Conclusion, parts []Part, now time.Time) (func(*journal.Tx) error, error) {
	noted, err := r.Journal.Noted(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]journal.Noted{}
	for _, n := range noted {
		known[Drift{Code: Code(n.Code), Host: n.Host, UUID: n.UUID}.key()] = n
	}
	var fresh []journal.Noted
	still := map[string]bool{}
	for n := range c.Drifts {
		d := &c.Drifts[n]
		key := d.key()
		if was, is := known[key]; is {
			d.Since = time.Unix(was.Since, 0).UTC()
		} else {
			d.Since, d.New = now, true
			if !still[key] {
				fresh = append(fresh, journal.Noted{Code: string(d.Code), Host: d.Host, UUID: d.UUID, Since: now.Unix()})
			}
		}
		still[key] = true
	}
	unread := map[string]bool{}
	for _, p := range parts {
		unread[p.Host] = !p.whole()
	}
	var over []int64
	for key, n := range known {
		if !still[key] && !(unread[n.Host] && n.UUID != "") {
			over = append(over, n.ID)
		}
	}
	return func(tx *journal.Tx) error { return errors.Join(tx.Note(fresh), tx.Unnote(over...)) }, nil
}

// acts are the hosts of which something may be healed.
func (r *Runner) acts(c Conclusion) (items []string) {
	if r.Heal == nil {
		return nil
	}
	hosts := map[string]bool{}
	for _, d := range c.Drifts {
		if r.Policy.allows(d) {
			hosts[d.Host] = true
		}
	}
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		items = append(items, itemAct+host)
	}
	return items
}

// conclusion reads what the round has come to.
func (r *Runner) conclusion(ctx context.Context, round int64) (c Conclusion, err error) {
	texts, err := r.Journal.Results(ctx, round, itemConclude)
	if err != nil {
		return c, err
	}
	if err := unpack(texts[itemConclude], &c); err != nil {
		return c, fmt.Errorf("read what was concluded: %w", err)
	}
	return c, nil
}

// result puts together what the round has found and done.
func (r *Runner) result(ctx context.Context, round int64) (result Result, err error) {
	c, err := r.conclusion(ctx, round)
	if err != nil {
		return result, err
	}
	parts, err := r.parts(ctx, round)
	if err != nil {
		return result, err
	}
	if result.At, err = r.Journal.Now(ctx); err != nil {
		return result, err
	}
	texts, err := r.Journal.Results(ctx, round, itemAct)
	if err != nil {
		return result, err
	}
	result.Drifts, result.Stopped = c.Drifts, c.Stopped
	for item, text := range texts {
		var deeds []deed
		if err := unpack(text, &deeds); err != nil {
			return result, fmt.Errorf("read what was done of %s: %w", item, err)
		}
		result.add(deeds)
	}
	for _, p := range parts {
		h := HostResult{Host: p.Host, Err: p.Err, Verdicts: map[string]int{}, Adopted: p.Adopted, Locked: p.Locked}
		if p.Stranger != "" {
			h.Err = p.Stranger
		}
		for verdict, n := range p.Verdicts {
			h.Verdicts[string(verdict)] += n
		}
		result.Hosts = append(result.Hosts, h)
	}
	return result, nil
}

// add tells the drifts what was done about them.
func (result *Result) add(deeds []deed) {
	for _, done := range deeds {
		for n := range result.Drifts {
			d := &result.Drifts[n]
			if d.UUID == done.UUID && d.Heal == done.Heal {
				d.Outcome, d.Healed = done.Outcome, done.Healed
				if done.Failed {
					result.Failed++
				}
			}
		}
	}
}

// Verdicts are those that a domain can have, in the order in which they are
// told.
var Verdicts = []check.Verdict{check.VerdictReady, check.VerdictAttention, check.VerdictBlocked, check.VerdictManaged, check.VerdictUnreadable}
