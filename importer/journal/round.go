package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm/clause"
)

// ErrOtherRound: a round is under way whose processes do not look at the same.
var ErrOtherRound = errors.New("other processes share a round with another inventory or configuration")

// OpenRound begins a round with these items. A run that holds the lock alone
// gives up what a killed one has left; one that shares it joins the round that
// is under way, and only one with the same digest. A round that nobody has
// worked on for so long is given up, for what it has read is old by now.
func (r *Recorder) OpenRound(ctx context.Context, digest string, items []string, old time.Duration) (round Round, err error) {
	for range 3 { // Somebody else may open one at the same moment.
		if round, err = r.joinRound(ctx, digest, old); err != nil || round.ID != 0 {
			return round, err
		}
		if round, err = r.newRound(ctx, digest, items); err == nil {
			return round, nil
		}
	}
	return round, err
}

// joinRound is the round that is under way, if it can be joined.
func (r *Recorder) joinRound(ctx context.Context, digest string, old time.Duration) (Round, error) {
	var open []Round
	err := r.Write(ctx, func(t *Tx) error {
		if err := t.db.Where("under_way = 1").Find(&open).Error; err != nil || len(open) == 0 {
			return err
		}
		dead, err := t.abandoned(open[0], old)
		if err != nil {
			return err
		}
		if !r.shared || dead {
			open = nil
			return t.db.Model(&Round{}).Where("under_way = 1").
				Updates(map[string]any{"under_way": nil, "ended": r.j.clock(), "outcome": "given up: its processes are gone"}).Error
		}
		return nil
	})
	switch {
	case err != nil || len(open) == 0:
		return Round{}, err
	case open[0].Digest != digest:
		return Round{}, fmt.Errorf("%w (round %d, since %s)", ErrOtherRound, open[0].ID, time.Unix(open[0].Started, 0).UTC().Format(time.DateTime+" MST"))
	}
	return open[0], nil
}

// abandoned: nobody has a lease of it, and it is old. What a clock that was
// ahead has dated says nothing.
func (t *Tx) abandoned(round Round, old time.Duration) (bool, error) {
	var alive int64
	err := t.db.Model(&Lease{}).Where("round = ? AND until BETWEEN ? AND ?", round.ID, t.j.after(-old), t.j.after(old)).Count(&alive).Error
	if err != nil || alive > 0 {
		return false, err
	}
	var young int64
	err = t.db.Model(&Round{}).Where("id = ? AND started BETWEEN ? AND ?", round.ID, t.j.after(-old), t.j.after(clockSlack)).Count(&young).Error
	return young == 0, err
}

// newRound fails when there is an open one. What earlier rounds have worked on
// is forgotten, but for the last one.
func (r *Recorder) newRound(ctx context.Context, digest string, items []string) (Round, error) {
	one := 1
	round := Round{UnderWay: &one, Digest: digest}
	err := r.Write(ctx, func(t *Tx) error {
		var last int64
		if err := t.db.Model(&Round{}).Select("COALESCE(MAX(id), 0)").Scan(&last).Error; err != nil {
			return err
		}
		if err := t.db.Create(&round).Error; err != nil {
			return err
		}
		if err := t.db.Model(&round).Update("started", t.j.clock()).Error; err != nil {
			return err
		}
		if err := t.addItems(round.ID, items); err != nil {
			return err
		}
		return t.db.Where("round < ?", last).Delete(&Lease{}).Error
	})
	if err != nil {
		return Round{}, err
	}
	return round, nil
}

// AddItems adds work to a round. What it has already stays as it is: several
// processes come to the same conclusion.
func (r *Recorder) AddItems(ctx context.Context, round int64, items []string) error {
	return r.Write(ctx, func(t *Tx) error { return t.addItems(round, items) })
}

func (t *Tx) addItems(round int64, items []string) error {
	if len(items) == 0 {
		return nil
	}
	rows := make([]Lease, len(items))
	for i, item := range items {
		rows[i] = Lease{Round: round, Item: item}
	}
	return t.db.Clauses(clause.OnConflict{DoNothing: true}).CreateInBatches(&rows, inList).Error
}

// CloseRound ends a round. It reports false when another process has ended it,
// which then tells the world of it.
func (r *Recorder) CloseRound(ctx context.Context, round int64, success bool, outcome string) (closed bool, err error) {
	err = r.Write(ctx, func(t *Tx) error {
		done := t.db.Model(&Round{}).Where("id = ? AND under_way = 1", round).
			Updates(map[string]any{"under_way": nil, "ended": t.j.clock(), "success": success, "outcome": outcome})
		closed = done.RowsAffected == 1
		return done.Error
	})
	return closed, err
}

// LastSuccess is when a round last came to a good end; the zero time for never.
func (r *Recorder) LastSuccess(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Round
	err := r.j.db.WithContext(ctx).Where("success AND under_way IS NULL").Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return time.Time{}, wrapRead(err, "the last round")
	}
	return time.Unix(rows[0].Ended, 0).UTC(), nil
}

func wrapRead(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read %s from the journal: %w", what, err)
}
