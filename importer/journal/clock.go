package journal

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// clock is the time by which leases and sightings go, in seconds since 1970.
// With a journal on a server it is the server's, whatever the clocks of the
// processes say; a file has only this machine's.
func (j *Journal) clock() clause.Expr {
	if j.db.Name() == "mysql" {
		return gorm.Expr("UNIX_TIMESTAMP()")
	}
	return gorm.Expr("?", j.now().Unix())
}

// After is so long after now, by the same clock.
func (j *Journal) after(d time.Duration) clause.Expr {
	return gorm.Expr("? + ?", j.clock(), int64(d.Round(time.Second).Seconds()))
}

// now is this machine's clock. It dates what is for people to read.
func (j *Journal) now() time.Time {
	if j.Clock != nil {
		return j.Clock().UTC()
	}
	return time.Now().UTC()
}

// Now is the time by the journal's clock.
func (r *Recorder) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var seconds int64
	if err := r.j.db.WithContext(ctx).Raw("SELECT ?", r.j.clock()).Scan(&seconds).Error; err != nil {
		return time.Time{}, fmt.Errorf("ask journal %s for the time: %w", r.j.label, err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// Latest is the latest time that sync has noted before this round. One that
// lies in the future says that the clock was set back since.
func (r *Recorder) Latest(ctx context.Context, round int64) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	db := r.j.db.WithContext(ctx)
	var times [3]int64
	for n, query := range []*gorm.DB{
		db.Model(&Round{}).Select("COALESCE(MAX(started), 0)").Where("id < ?", round),
		db.Model(&Round{}).Select("COALESCE(MAX(ended), 0)").Where("id < ?", round),
		db.Model(&Place{}).Select("COALESCE(MAX(seen), 0)"),
	} {
		if err := query.Scan(&times[n]).Error; err != nil {
			return time.Time{}, wrapRead(err, "when sync ran last")
		}
	}
	return time.Unix(max(times[0], times[1], times[2]), 0).UTC(), nil
}

// SetBack dates what was noted of times that have not come yet as of now: the
// clock was ahead then, and is right by now. What is missing since then is
// missing since now, and what Nova's rows said of their age is forgotten. It
// returns how many dates those were.
func (r *Recorder) SetBack(ctx context.Context) (n int64, err error) {
	err = r.Write(ctx, func(t *Tx) error {
		n = 0
		for _, date := range []struct {
			of     any
			column string
			value  any
		}{
			{&Round{}, "started", r.j.clock()}, {&Round{}, "ended", r.j.clock()}, {&Place{}, "seen", r.j.clock()},
			{&Noted{}, "since", r.j.clock()}, {&Sighting{}, "since", r.j.clock()}, {&Sighting{}, "recorded", 0},
		} {
			done := t.db.Model(date.of).Where(clause.Gt{Column: date.column, Value: r.j.clock()}).Update(date.column, date.value)
			if done.Error != nil {
				return done.Error
			}
			n += done.RowsAffected
		}
		return nil
	})
	return n, err
}
