package journal

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A claimant is a thread that waits for a piece of work.
type claimant struct {
	claimOf
	served bool
	lease  Lease // without an item: nothing is free
	left   int
}

// A claimOf is what a thread claims. Threads that claim of the same are served
// together.
type claimOf struct {
	round  int64
	prefix string
	ttl    time.Duration
}

// Claim takes one piece of a round whose name begins so, that nobody is at,
// for so long. An empty lease says that none is free, and left how many are
// not done yet: other processes are at them.
//
// Threads wait for one that claims already, and the next of them claims for all
// that wait, in one commit: one by one each would wait for a disk as often as
// there are others. No piece is claimed for a thread that has not come yet.
func (r *Recorder) Claim(ctx context.Context, round int64, prefix string, ttl time.Duration) (l Lease, left int, err error) {
	me := &claimant{claimOf: claimOf{round, prefix, ttl}}
	r.queue(me)
	r.claiming.Lock()
	defer r.claiming.Unlock()
	if !me.served {
		err = r.serve(ctx, me)
	}
	return me.lease, me.left, err
}

// serve claims for this thread and for all that wait for the same. Its error is
// this thread's alone, for it may be that only this one was told to stop: each
// of the others then tries for itself.
func (r *Recorder) serve(ctx context.Context, me *claimant) error {
	all := r.unqueue(me)
	leases, left, err := r.claimSome(ctx, me.claimOf, len(all))
	if err != nil {
		r.queue(all[1:]...)
		return err
	}
	if n := len(leases); n > 0 && n < len(all) { // The rest looks again.
		r.queue(all[n:]...)
		all = all[:n]
	}
	for n, c := range all {
		c.served, c.left = true, left
		if n < len(leases) {
			c.lease = leases[n]
		}
	}
	return nil
}

func (r *Recorder) queue(claims ...*claimant) {
	r.queueing.Lock()
	defer r.queueing.Unlock()
	r.claims = append(r.claims, claims...)
}

// unqueue takes out those that claim of the same, with this one in front.
func (r *Recorder) unqueue(me *claimant) []*claimant {
	r.queueing.Lock()
	defer r.queueing.Unlock()
	all := []*claimant{me}
	r.claims = slices.DeleteFunc(r.claims, func(c *claimant) bool {
		if c != me && c.claimOf == me.claimOf {
			all = append(all, c)
		}
		return c.claimOf == me.claimOf
	})
	return all
}

// claimTries bounds how often a process tries to get pieces at a time: others
// try to get them at the same moment.
const claimTries = 16

// claimSome takes up to n pieces. None with some left: other processes are at
// all of them.
func (r *Recorder) claimSome(ctx context.Context, of claimOf, n int) (mine []Lease, left int, err error) {
	for range claimTries {
		free, err := r.unclaimed(ctx, of, n)
		if err != nil {
			return nil, 0, err
		}
		if len(free) == 0 {
			break
		}
		if mine, err = r.take(ctx, free, of.ttl); err != nil || len(mine) > 0 {
			return mine, 0, err
		}
	}
	left, err = r.undone(ctx, of)
	return nil, left, err
}

// undone counts the pieces that are not done.
func (r *Recorder) undone(ctx context.Context, of claimOf) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var left int64
	err := r.j.db.WithContext(ctx).Model(&Lease{}).
		Where("round = ? AND done = 0 AND substr(item, 1, ?) = ?", of.round, len(of.prefix), of.prefix).Count(&left).Error
	return int(left), wrapRead(err, "what is left of the round")
}

// unclaimed are up to n pieces without an owner, or whose owner's time is up.
func (r *Recorder) unclaimed(ctx context.Context, of claimOf, n int) (free []Lease, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	most := n
	if r.shared {
		most = 4 * max(n, claimTries)
	}
	err = r.j.db.WithContext(ctx).Omit("Result").
		Where("round = ? AND done = 0 AND substr(item, 1, ?) = ?", of.round, len(of.prefix), of.prefix).Where(r.j.free(of.ttl)).
		Order("id").Limit(most).Find(&free).Error
	if err != nil {
		return nil, wrapRead(err, "what is left of the round")
	}
	if r.shared { // Not all processes after the same ones.
		rand.Shuffle(len(free), func(a, b int) { free[a], free[b] = free[b], free[a] })
	}
	return free[:min(len(free), n)], nil
}

// clockSlack is how far the clocks of a server's nodes may be apart.
const clockSlack = time.Minute

// free: the owner's time is up, or was given by a clock that was ahead: no
// lease lasts longer than one that begins now.
func (j *Journal) free(ttl time.Duration) clause.Expr {
	return gorm.Expr("(until <= ? OR until > ?)", j.clock(), j.after(ttl+clockSlack))
}

// take gets those that are still free: of several processes that try, the server
// lets one have each.
func (r *Recorder) take(ctx context.Context, free []Lease, ttl time.Duration) (mine []Lease, err error) {
	err = r.Write(ctx, func(t *Tx) error {
		mine = nil
		err := t.locking().Omit("Result").Where("id IN ? AND done = 0", idsOf(free)).Where(t.j.free(ttl)).Order("id").Find(&mine).Error
		if err != nil || len(mine) == 0 {
			return err
		}
		for n := range mine {
			mine[n].Owner, mine[n].Tries = r.owner(), mine[n].Tries+1
		}
		return t.db.Model(&Lease{}).Where("id IN ?", idsOf(mine)).
			Updates(map[string]any{"owner": r.owner(), "until": t.j.after(ttl), "tries": gorm.Expr("tries + 1")}).Error
	})
	if conflict(err) {
		return nil, nil
	}
	return mine, err
}

// idsOf leases in their order, in which every process locks them.
func idsOf(leases []Lease) (ids []int64) {
	for _, l := range leases {
		ids = append(ids, l.ID)
	}
	slices.Sort(ids)
	return ids
}

// conflict: somebody else was quicker, in the words of a server (1213, on
// Galera at COMMIT too; 1205; 1020).
func conflict(err error) bool {
	return err != nil && slices.ContainsFunc([]string{"Error 1213 ", "Error 1205 ", "Error 1020 "}, func(s string) bool { return strings.Contains(err.Error(), s) })
}
