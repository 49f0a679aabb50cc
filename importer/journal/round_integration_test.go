//go:build integration

package journal

import (
	"errors"
	"testing"
	"time"
)

func TestServerRound(t *testing.T) { roundSuite(t, open(t, schema(t))) }

func startShared(t *testing.T, j *Journal) *Recorder {
	t.Helper()
	r, err := j.StartShared(t.Context(), Run{Command: "kvm2openstack sync --share"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.End(t.Context(), "") })
	return r
}

// Processes that share a run work on one round; any other run is kept out.
func TestServerSharedRun(t *testing.T) {
	location := schema(t)
	a, b := startShared(t, open(t, location)), startShared(t, open(t, location))
	var held *HeldError
	if _, err := open(t, location).Start(t.Context(), Run{Command: "import"}); !errors.As(err, &held) || held.Holder.PID == 0 {
		t.Fatalf("Start beside a shared run = %v, want it refused and named", err)
	}
	one, two := round(t, a, "d", "read/a"), round(t, b, "d", "read/a")
	if one.ID != two.ID {
		t.Errorf("two rounds %d and %d, want the second process to join the first", one.ID, two.ID)
	}
	if _, err := b.OpenRound(t.Context(), "another", nil, old); !errors.Is(err, ErrOtherRound) {
		t.Errorf("OpenRound of another inventory = %v, want %v", err, ErrOtherRound)
	}
	// One that is alone is alone: nobody may share.
	for _, r := range []*Recorder{a, b} {
		if err := r.End(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	alone := start(t, open(t, location))
	if _, err := open(t, location).StartShared(t.Context(), Run{}); !errors.As(err, &held) {
		t.Errorf("StartShared beside a run = %v, want it refused", err)
	}
	if err := alone.End(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	startShared(t, open(t, location))
}

// A run that is alone has threads, too, which ask after its lock at the same
// time.
func TestServerClaimByThreads(t *testing.T) {
	r := start(t, open(t, schema(t)))
	claimAll(t, 16, 100, func(int) *Recorder { return r })
}

func TestServerClaimByProcesses(t *testing.T) {
	location := schema(t)
	recorders := make([]*Recorder, 4)
	for n := range recorders {
		recorders[n] = startShared(t, open(t, location))
		if n%2 == 1 { // Its own clock is of no account.
			set(recorders[n].j, time.Now().Add(10*time.Minute))
		}
	}
	claimAll(t, 8, 60, func(n int) *Recorder { return recorders[n%len(recorders)] })
}

// A process whose clock is wrong neither takes what is another's nor loses
// what is its own.
func TestServerClockIsTheServers(t *testing.T) {
	location := schema(t)
	right := startShared(t, open(t, location))
	for _, off := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		wrong := startShared(t, open(t, location))
		set(wrong.j, time.Now().Add(off))
		in := round(t, right, "d", "read/a")
		l, _ := claim(t, right, in, "read/")
		if other, _ := claim(t, wrong, in, "read/"); other.Item != "" {
			t.Errorf("a process that is %v off took what is another's", off)
		}
		write(t, right, func(tx *Tx) error { return tx.Finish(l, "") })
		if _, err := right.CloseRound(t.Context(), in.ID, true, ""); err != nil {
			t.Fatal(err)
		}
		in = round(t, wrong, "d", "read/a")
		l, _ = claim(t, wrong, in, "read/")
		if other, _ := claim(t, right, in, "read/"); l.Item == "" || other.Item != "" {
			t.Errorf("the lease of a process that is %v off was given away", off)
		}
		now, err := wrong.Now(t.Context())
		if err != nil || time.Since(now).Abs() > time.Minute {
			t.Errorf("Now of a process that is %v off = %v, %v, want the server's", off, now, err)
		}
		write(t, wrong, func(tx *Tx) error { return tx.Finish(l, "") })
		if _, err := wrong.CloseRound(t.Context(), in.ID, true, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// A process whose connection is gone can write no more, and another takes its
// part and, when the time is up, its work.
func TestServerPartIsLost(t *testing.T) {
	location := schema(t)
	r, other := startShared(t, open(t, location)), startShared(t, open(t, location))
	in := round(t, r, "d", "read/a")
	l, _ := claim(t, r, in, "read/")
	var id int64
	if err := r.lock.(*partLock).conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	if err := other.j.db.Exec("KILL CONNECTION ?", id).Error; err != nil {
		t.Fatal(err)
	}
	if err := r.Write(t.Context(), func(tx *Tx) error { return tx.Finish(l, "") }); !errors.Is(err, ErrLockLost) {
		t.Errorf("Finish without its part = %v, want %v", err, ErrLockLost)
	}
	if err := other.j.db.Exec("UPDATE k2o_leases SET until = UNIX_TIMESTAMP() - 1").Error; err != nil {
		t.Fatal(err)
	}
	if taken, _ := claim(t, other, in, "read/"); taken.Item != "read/a" || taken.Tries != 2 {
		t.Errorf("taken over %+v, want read/a at its second try", taken)
	}
}

// The clock of a server that was ahead; here it is the session's that is set.
func TestServerClockWasAhead(t *testing.T) {
	j := open(t, schema(t))
	r := start(t, j)
	pool, err := j.db.DB()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(2) // The lock's, and the one whose clock is set.
	clockWasAhead(t, r, func(at time.Time) {
		if err := j.db.Exec("SET timestamp = ?", at.Unix()).Error; err != nil {
			t.Fatal(err)
		}
	})
}

// A shared round that a clock which was ahead has begun, and whose process is
// gone, is given up like any other.
func TestServerRoundOfAClockAhead(t *testing.T) {
	location := schema(t)
	r := startShared(t, open(t, location))
	in := round(t, r, "d", "read/a")
	claim(t, r, in, "read/")
	for _, q := range []string{"UPDATE k2o_rounds SET started = started + 864000", "UPDATE k2o_leases SET until = until + 864000"} {
		if err := r.j.db.Exec(q).Error; err != nil {
			t.Fatal(err)
		}
	}
	if again := round(t, r, "another", "read/a"); again.ID == in.ID {
		t.Error("a round of the future was joined")
	}
}

// A round that nobody has worked on for long is given up by whoever comes.
func TestServerOldRound(t *testing.T) {
	location := schema(t)
	r := startShared(t, open(t, location))
	in := round(t, r, "d", "read/a")
	claim(t, r, in, "read/")
	if err := r.j.db.Exec("UPDATE k2o_leases SET until = until - 3600").Error; err != nil {
		t.Fatal(err)
	}
	if again := round(t, r, "d", "read/a"); again.ID != in.ID {
		t.Error("a round that is young was given up")
	}
	if err := r.j.db.Exec("UPDATE k2o_rounds SET started = started - 3600").Error; err != nil {
		t.Fatal(err)
	}
	if again := round(t, r, "another", "read/a"); again.ID == in.ID {
		t.Error("an old round was joined")
	}
}
