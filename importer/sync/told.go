package sync

import (
	"context"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// Untold are the drifts of a round that nobody was told of, and the journal's
// ids of them.
func (r *Runner) Untold(ctx context.Context, result Result) (fresh []Drift, ids []int64, err error) {
	noted, err := r.Journal.Noted(ctx)
	if err != nil {
		return nil, nil, err
	}
	untold := map[string]int64{}
	for _, n := range noted {
		if n.Told == 0 {
			untold[Drift{Code: Code(n.Code), Host: n.Host, UUID: n.UUID}.key()] = n.ID
		}
	}
	for _, d := range result.Drifts {
		if id, is := untold[d.key()]; is {
			delete(untold, d.key())
			fresh, ids = append(fresh, d), append(ids, id)
		}
	}
	return fresh, ids, nil
}

// Told notes that somebody was told of drifts, by the ids that Untold gave.
func (r *Runner) Told(ctx context.Context, ids []int64) error {
	return r.Journal.Write(ctx, func(tx *journal.Tx) error { return tx.SetTold(ids...) })
}
