package sync

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A deed is what was done about one drift of a domain.
type deed struct {
	UUID    string `json:"uuid"`
	Heal    Remedy `json:"heal"`
	Outcome string `json:"outcome"`
	Healed  bool   `json:"healed"`
	Failed  bool   `json:"failed"`
}

// An act is the healing of one host.
type act struct {
	*Runner
	*Healer
	ledger leased
	host   discover.Host
	found  []Drift // that the round has found, and the policy allows
	now    view    // as it is by now
	again  []Drift // that are there still
	deeds  []deed
}

// act looks at a host once more, and heals what has drifted both times.
func (r *Runner) act(ctx context.Context, p piece) (any, func(*journal.Tx) error, error) {
	a := &act{Runner: r, ledger: leased{r.Journal, p.lease}}
	c, err := r.conclusion(ctx, p.round)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range c.Drifts {
		if d.Host == p.name && r.Policy.allows(d) {
			a.found = append(a.found, d)
		}
	}
	// Rooms and quotas may be another process's by now.
	r.known.nova = &onceRecords{Records: r.Nova}
	if a.now, err = r.look(ctx, p.name); err != nil {
		return nil, nil, err
	}
	a.host = a.now.look.Inventory.Host
	part := Compare(a.now.look)
	if !part.whole() {
		for _, d := range a.found {
			a.note(d, "the host could not be read again: "+cmp.Or(part.Err, part.Stranger), false, true)
		}
		return a.deeds, nil, nil
	}
	a.compare(part)
	if len(a.again) == 0 {
		return a.deeds, nil, nil
	}
	if err := a.open(ctx); err != nil {
		return nil, nil, err
	}
	err = a.heal(ctx)
	return a.deeds, nil, errors.Join(err, a.Close())
}

// compare keeps what has drifted both times.
func (a *act) compare(part Part) {
	still := map[string]bool{}
	for _, d := range part.Drifts {
		if d.Heal != "" {
			still[d.key()] = true
		}
	}
	for _, absent := range part.Absent {
		still[Drift{Code: Vanished, Host: part.Host, UUID: absent.UUID}.key()] = true
	}
	for _, d := range a.found {
		if still[d.key()] {
			a.again = append(a.again, d)
		} else {
			a.note(d, "it has changed meanwhile", false, false)
		}
	}
}

func (a *act) note(d Drift, outcome string, healed, failed bool) {
	a.deeds = append(a.deeds, deed{UUID: d.UUID, Heal: d.Heal, Outcome: outcome, Healed: healed, Failed: failed})
}

// open gets what can write. Another process of the same round may be writing at
// the moment.
func (a *act) open(ctx context.Context) error {
	try := func() (*Healer, error) {
		h, err := a.Runner.Heal(ctx)
		if err != nil && !errors.Is(err, nova.ErrLocked) {
			return nil, backoff.Permanent(err)
		}
		return h, err
	}
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = 5 * time.Second
	h, err := backoff.Retry(ctx, try, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(max(4*a.Policy.Lease, time.Minute)))
	if err != nil {
		return err
	}
	a.Healer = h
	a.Importer.Journal = a.ledger
	return nil
}

// of are the drifts that one remedy heals, each domain once.
func (a *act) of(heal Remedy) (some []Drift) {
	seen := map[string]bool{}
	for _, d := range a.again {
		if d.Heal == heal && !seen[d.UUID] {
			seen[d.UUID] = true
			some = append(some, d)
		}
	}
	return some
}

// here is the domain of a drift, as it is by now.
func (a *act) here(d Drift) (discover.Domain, bool) {
	n := slices.IndexFunc(a.now.look.Inventory.Domains, func(x discover.Domain) bool { return x.UUID == d.UUID })
	if n < 0 {
		return discover.Domain{}, false
	}
	return a.now.look.Inventory.Domains[n], true
}

// heal goes through the remedies. What is finished or taken out first leaves
// less for the rest.
func (a *act) heal(ctx context.Context) error {
	a.Importer.Earlier = map[string]importer.Adoption{}
	for uuid, k := range a.now.look.Known {
		a.Importer.Earlier[uuid] = k.Adoption
	}
	for _, step := range []func(context.Context) error{a.unfinished, a.vanished, a.cures, a.imports} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// took turns what became of domains into deeds.
func (a *act) took(heal func(importer.Result) Remedy, s importer.Summary) {
	for _, r := range s.Results {
		outcome := string(r.Outcome)
		if r.Reason != "" {
			outcome += ": " + r.Reason
		}
		healed := slices.Contains([]importer.Outcome{importer.Healed, importer.Imported, importer.Released, importer.Already}, r.Outcome)
		a.deeds = append(a.deeds, deed{UUID: r.UUID, Heal: heal(r), Outcome: outcome, Healed: healed, Failed: !healed})
		a.Log.Info("dealt with", "host", r.Host, "domain", r.Domain, "uuid", r.UUID, "remedy", heal(r), "outcome", r.Outcome, "err", r.Err)
	}
}

func always(heal Remedy) func(importer.Result) Remedy {
	return func(importer.Result) Remedy { return heal }
}
