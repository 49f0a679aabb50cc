package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// ErrLeaseLost: the piece of work was not renewed in time, and may be another
// process's by now. Nothing more may be done of it.
var ErrLeaseLost = errors.New("the lease has run out, and another process may have taken the work over")

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
	var held []Lease
	err := t.locking().Select("id").Where("id = ? AND owner = ? AND tries = ? AND done = 0 AND until > ?", l.ID, l.Owner, l.Tries, t.j.clock()).Find(&held).Error
	if err == nil && len(held) == 0 {
		err = fmt.Errorf("%s: %w", l.Item, ErrLeaseLost)
	}
	return err
}

// locking keeps others from what is read until the transaction ends. A file has
// one transaction at a time anyway.
func (t *Tx) locking() *gorm.DB {
	if t.db.Name() != "mysql" {
		return t.db
	}
	return t.db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
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
