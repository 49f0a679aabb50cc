package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"
)

// ErrLeaseLost: the piece of work was not renewed in time, and may be another
// process's by now. Nothing more may be done of it.
var ErrLeaseLost = errors.New("the lease has run out, and another process may have taken the work over")

// claimTries bounds how many pieces a process tries to get at a time: others
// try to get them at the same moment.
const claimTries = 16

// Claim takes one piece of a round whose name begins so, that nobody is at,
// for so long. Left says how many are not done yet, with that one; an empty
// lease with some left says that other processes are at them.
func (r *Recorder) Claim(ctx context.Context, round int64, prefix string, ttl time.Duration) (l Lease, left int, err error) {
	r.claiming.Lock() // Threads of one process would only get in each other's way.
	defer r.claiming.Unlock()
	free, left, err := r.unclaimed(ctx, round, prefix)
	if err != nil {
		return l, left, err
	}
	for _, l := range free {
		mine, err := r.claim(ctx, &l, ttl)
		if err != nil {
			return Lease{}, left, err
		}
		if mine {
			return l, left, nil
		}
	}
	return Lease{}, left, nil
}

// unclaimed are some pieces without an owner, or whose owner's time is up.
func (r *Recorder) unclaimed(ctx context.Context, round int64, prefix string) (free []Lease, left int, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	undone := r.j.db.WithContext(ctx).Model(&Lease{}).Where("round = ? AND done = 0 AND substr(item, 1, ?) = ?", round, len(prefix), prefix)
	var n int64
	if err := undone.Count(&n).Error; err != nil {
		return nil, 0, wrapRead(err, "what is left of the round")
	}
	err = r.j.db.WithContext(ctx).Omit("Result").
		Where("round = ? AND done = 0 AND substr(item, 1, ?) = ? AND until <= ?", round, len(prefix), prefix, r.j.clock()).
		Order("id").Limit(4 * claimTries).Find(&free).Error
	if err != nil {
		return nil, 0, wrapRead(err, "what is left of the round")
	}
	if r.shared { // Not all after the same one.
		rand.Shuffle(len(free), func(a, b int) { free[a], free[b] = free[b], free[a] })
	}
	return free[:min(len(free), claimTries)], int(n), nil
}

// claim is a compare-and-swap: of several processes that try, the server lets
// one have it.
func (r *Recorder) claim(ctx context.Context, l *Lease, ttl time.Duration) (mine bool, err error) {
	err = r.Write(ctx, func(t *Tx) error {
		done := t.db.Model(&Lease{}).Where("id = ? AND done = 0 AND tries = ? AND until <= ?", l.ID, l.Tries, t.j.clock()).
			Updates(map[string]any{"owner": r.owner(), "until": t.j.after(ttl), "tries": l.Tries + 1})
		mine = done.RowsAffected == 1
		return done.Error
	})
	if mine {
		l.Owner, l.Tries = r.owner(), l.Tries+1
	}
	if conflict(err) {
		return false, nil
	}
	return mine, err
}

// conflict: somebody else was quicker, in the words of a server (1213, on
// Galera at COMMIT too; 1205; 1020).
func conflict(err error) bool {
	return err != nil && slices.ContainsFunc([]string{"Error 1213 ", "Error 1205 ", "Error 1020 "}, func(s string) bool { return strings.Contains(err.Error(), s) })
}

// owner tells this run from all others of the journal.
func (r *Recorder) owner() string { return fmt.Sprintf("run %d", r.run.ID) }

// Renew puts the end of a lease off. ErrLeaseLost when it is another's.
func (r *Recorder) Renew(ctx context.Context, l Lease, ttl time.Duration) error {
	return r.Write(ctx, func(t *Tx) error {
		if err := t.Hold(l); err != nil {
			return err
		}
		return t.db.Model(&Lease{}).Where("id = ?", l.ID).Update("until", t.j.after(ttl)).Error
	})
}

// Hold fails with ErrLeaseLost, and the transaction with it, unless the lease
// is still this process's when the transaction ends.
func (t *Tx) Hold(l Lease) error {
	query := t.db
	if query.Name() == "mysql" {
		query = query.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	var held []Lease
	err := query.Select("id").Where("id = ? AND owner = ? AND tries = ? AND done = 0 AND until > ?", l.ID, l.Owner, l.Tries, t.j.clock()).Find(&held).Error
	if err == nil && len(held) == 0 {
		err = fmt.Errorf("%s: %w", l.Item, ErrLeaseLost)
	}
	return err
}

// Finish ends a lease with what came of the work.
func (t *Tx) Finish(l Lease, result string) error {
	if err := t.Hold(l); err != nil {
		return err
	}
	return t.db.Model(&Lease{}).Where("id = ?", l.ID).Updates(map[string]any{"done": t.j.clock(), "result": result}).Error
}

// Results are what came of the pieces whose name begins so, by their names.
func (r *Recorder) Results(ctx context.Context, round int64, prefix string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Lease
	err := r.j.db.WithContext(ctx).Select("item, result").
		Where("round = ? AND done > 0 AND substr(item, 1, ?) = ?", round, len(prefix), prefix).Find(&rows).Error
	if err != nil {
		return nil, wrapRead(err, "what the round has found")
	}
	results := make(map[string]string, len(rows))
	for _, l := range rows {
		results[l.Item] = l.Result
	}
	return results, nil
}

// Leases are all pieces of a round, in their order, without their results: who
// has done what.
func (j *Journal) Leases(ctx context.Context, round int64) ([]Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Lease
	err := j.db.WithContext(ctx).Omit("Result").Where("round = ?", round).Order("id").Find(&rows).Error
	return rows, wrapRead(err, "the work of a round")
}
