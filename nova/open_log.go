package nova

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm/logger"
)

// statementLog shows gorm's statements at debug level with their placeholders.
// The values are rows of customers and stay out of any log.
type statementLog struct{ log *slog.Logger }

// LogMode is gorm's own switch, which slog's level makes superfluous.
func (l statementLog) LogMode(logger.LogLevel) logger.Interface { return l }

// Info, Warn and Error stay silent: gorm reports what it also returns, and its
// texts may hold values.
func (statementLog) Info(context.Context, string, ...any)  {}
func (statementLog) Warn(context.Context, string, ...any)  {}
func (statementLog) Error(context.Context, string, ...any) {}

// ParamsFilter keeps the placeholders (gorm.ParamsFilter).
func (statementLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}

// Trace logs one statement.
func (l statementLog) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), err error) {
	if !l.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	sql, rows := statement()
	l.log.DebugContext(ctx, "statement", "sql", sql, "rows", rows,
		"took", time.Since(begin).Round(time.Millisecond), "failed", err != nil)
}
