package openstack

import (
	"context"
	"time"
)

// A budget is what is left of the time that one call has, with all its pages
// and repetitions. Only what the service takes of it is spent, and pauses
// before a repetition: not the time until it is the call's turn, which a
// deadline would count. One call is one goroutine's.
type budget struct{ left time.Duration }

type budgetKey struct{}

func withBudget(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, budgetKey{}, &budget{d})
}

// budgetOf is that of the call which ctx is for, or else one of d.
func budgetOf(ctx context.Context, d time.Duration) *budget {
	if b, ok := ctx.Value(budgetKey{}).(*budget); ok {
		return b
	}
	return &budget{d}
}

// pays spends d, if there is as much.
func (b *budget) pays(d time.Duration) bool {
	if b.left < d {
		return false
	}
	b.left -= d
	return true
}
