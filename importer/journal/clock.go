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

// Latest is the latest time that a run of sync has noted. One that lies in the
// future says that the clock was set back since.
func (r *Recorder) Latest(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var latest int64
	err := r.j.db.WithContext(ctx).Raw("SELECT COALESCE(MAX(t), 0) FROM (SELECT MAX(started) AS t FROM " + Round{}.TableName() +
		" UNION ALL SELECT MAX(ended) FROM " + Round{}.TableName() + " UNION ALL SELECT MAX(seen) FROM " + Place{}.TableName() + ") AS times").Scan(&latest).Error
	if err != nil {
		return time.Time{}, fmt.Errorf("read from journal %s when sync ran last: %w", r.j.label, err)
	}
	return time.Unix(latest, 0).UTC(), nil
}
