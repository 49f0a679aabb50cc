package nova

import (
	"errors"
	"log/slog"
	"time"

	"gorm.io/gorm"
)

// statementLog is a gorm plugin that logs every statement at debug level with
// its placeholders. The values are rows of customers and stay out of any log.
//
// It is no gorm logger, because those get some statements with the values
// already filled in (DB.Scan records them that way, whatever the logger says).
type statementLog struct{ log *slog.Logger }

// Name implements gorm.Plugin.
func (statementLog) Name() string { return "kvm2openstack:statements" }

const beganKey = "kvm2openstack:began"

// registrar is a place in one of gorm's chains.
type registrar interface {
	Register(name string, fn func(*gorm.DB)) error
}

// Initialize implements gorm.Plugin.
func (l statementLog) Initialize(db *gorm.DB) error {
	c := db.Callback()
	begin := []registrar{
		c.Query().Before("*"), c.Row().Before("*"), c.Raw().Before("*"),
		c.Create().Before("*"), c.Update().Before("*"), c.Delete().Before("*"),
	}
	end := []registrar{
		c.Query().After("*"), c.Row().After("*"), c.Raw().After("*"),
		c.Create().After("*"), c.Update().After("*"), c.Delete().After("*"),
	}
	for i := range begin {
		if err := errors.Join(begin[i].Register(l.Name()+":begin", l.begin), end[i].Register(l.Name()+":end", l.end)); err != nil {
			return err
		}
	}
	return nil
}

func (l statementLog) begin(tx *gorm.DB) {
	if l.log.Enabled(tx.Statement.Context, slog.LevelDebug) {
		tx.InstanceSet(beganKey, time.Now())
	}
}

// end logs one statement.
func (l statementLog) end(tx *gorm.DB) {
	ctx := tx.Statement.Context
	if !l.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	var took time.Duration
	if began, ok := tx.InstanceGet(beganKey); ok {
		took = time.Since(began.(time.Time)).Round(time.Millisecond)
	}
	l.log.DebugContext(ctx, "statement", "sql", tx.Statement.SQL.String(), "rows", tx.RowsAffected, "took", took, "failed", tx.Error != nil)
}
