package restart

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// tasksOf reads tasks as "host/name wave group", with a star behind the name of
// one that was begun before.
func tasksOf(t *testing.T, lines ...string) (tasks []Task) {
	t.Helper()
	for _, line := range lines {
		words := append(strings.Fields(line), []string{"", "1", ""}[len(strings.Fields(line)):]...)
		wave, err := strconv.Atoi(words[1])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		host, name, _ := strings.Cut(words[0], "/")
		name, begun := strings.CutSuffix(name, "*")
		tasks = append(tasks, Task{Host: host, Domain: name, UUID: name, Wave: wave, Group: words[2], Begun: begun})
	}
	return tasks
}

// A rehearsal runs a schedule in which every restart takes ten minutes, unless
// its name is among took, and writes down when each began and ended.
type rehearsal struct {
	took     map[string]time.Duration
	off      map[string]bool // guests that are off, and are not restarted
	outcomes map[string]Outcome
	during   func(name string, c *Control) // called in the middle of a restart
}

// run returns lines such as "00:10 + web", and the results by name.
func (r rehearsal) run(t *testing.T, l Limits, at time.Duration, tasks []Task) (lines []string, results map[string]Outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(at)
		midnight := time.Now().Truncate(24 * time.Hour)
		var mu sync.Mutex
		note := func(sign, name string) {
			mu.Lock()
			defer mu.Unlock()
			d := time.Since(midnight)
			lines = append(lines, fmt.Sprintf("%02d:%02d %s %s", int(d.Hours()), int(d.Minutes())%60, sign, name))
		}
		control := &Control{}
		s := &Schedule{Limits: l, Control: control, Notify: func(e Event) {
			if e.Task < 0 && e.Reason != "" {
				note("!", e.Reason)
			}
		}}
		all := s.Run(t.Context(), tasks, func(ctx context.Context, n int) Result {
			name := tasks[n].Domain
			note("+", name)
			defer note("-", name)
			took, ok := r.took[name]
			if !ok {
				took = 10 * time.Minute
			}
			time.Sleep(took / 2)
			if r.during != nil {
				r.during(name, control)
			}
			select {
			case <-time.After(took - took/2):
			case <-ctx.Done():
				if !errors.Is(context.Cause(ctx), ErrCancelled) {
					t.Errorf("%s was cancelled by %v", name, context.Cause(ctx))
				}
				return Result{Outcome: Half}
			}
			outcome := Renamed
			if o, ok := r.outcomes[name]; ok {
				outcome = o
			}
			result := Result{Host: tasks[n].Host, Domain: name, UUID: name, Outcome: outcome}
			if outcome == Renamed && !r.off[name] {
				result.Times.Shutdown = took
			}
			return result
		})
		results = map[string]Outcome{}
		for n, one := range all {
			if one.Outcome != Half && one.Domain != tasks[n].Domain {
				t.Errorf("result %d is of %q, want %q", n, one.Domain, tasks[n].Domain)
			}
			results[tasks[n].Domain] = one.Outcome
		}
	})
	return lines, results
}

func window(t *testing.T, text string) Window {
	t.Helper()
	w, err := ParseWindow(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		tasks  []string
		at     time.Duration // since midnight
		r      rehearsal
		want   []string
	}{
		{
			"canary first, then the rest",
			Limits{PerHost: 1, Unavailable: 5},
			[]string{"h1/a", "h1/b", "h2/c", "h3/d"}, 0, rehearsal{},
			[]string{"00:00 + a", "00:00 ! the first domain is restarted alone", "00:10 - a", "00:10 + b", "00:10 + c", "00:10 + d", "00:20 - b", "00:20 - c", "00:20 - d"},
		},
		{
			"canary fails",
			Limits{PerHost: 1, Unavailable: 5, StopAfter: 3},
			[]string{"h1/a", "h2/b"}, 0, rehearsal{outcomes: map[string]Outcome{"a": RolledBack}},
			[]string{"00:00 + a", "00:00 ! the first domain is restarted alone", "00:10 - a", "00:10 ! the first domain did not go well; see to it, or leave it out with --skip"},
		},
		{
			"a refusal proves nothing",
			Limits{PerHost: 1, Unavailable: 5},
			[]string{"h1/a", "h2/b", "h3/c"}, 0, rehearsal{outcomes: map[string]Outcome{"a": Refused}, took: map[string]time.Duration{"a": time.Minute}},
			[]string{"00:00 + a", "00:00 ! the first domain is restarted alone", "00:01 - a", "00:01 + b", "00:11 - b", "00:11 + c", "00:21 - c"},
		},
		{
			"nor does a guest that is off",
			Limits{PerHost: 1, Unavailable: 5, Window: window(t, "00:00-00:40 UTC"), Expect: Estimate{Default: 10 * time.Minute}},
			[]string{"h1/off", "h2/b", "h3/c"}, 0, rehearsal{off: map[string]bool{"off": true}, took: map[string]time.Duration{"off": 25 * time.Minute}},
			[]string{"00:00 + off", "00:00 ! the first domain is restarted alone", "00:25 - off", "00:25 + b", "00:35 - b", "00:35 ! the window 00:00-00:40 UTC ends before another restart could (it may take 10m0s)"},
		},
		{
			"waves",
			Limits{AllAtOnce: true},
			[]string{"h1/late 2", "h1/a 1", "h2/b 1"}, 0, rehearsal{took: map[string]time.Duration{"a": 20 * time.Minute}},
			[]string{"00:00 + a", "00:00 + b", "00:10 - b", "00:20 - a", "00:20 + late", "00:30 - late"},
		},
		{
			"per host and in all",
			Limits{AllAtOnce: true, PerHost: 2, Unavailable: 3},
			[]string{"h1/a", "h1/b", "h1/c", "h2/d", "h3/e"}, 0, rehearsal{},
			[]string{"00:00 + a", "00:00 + b", "00:00 + d", "00:10 - a", "00:10 - b", "00:10 - d", "00:10 + c", "00:10 + e", "00:20 - c", "00:20 - e"},
		},
		{
			"one of a group",
			Limits{AllAtOnce: true},
			[]string{"h1/db1 1 galera", "h2/db2 1 galera", "h3/web"}, 0, rehearsal{},
			[]string{"00:00 + db1", "00:00 + web", "00:10 - db1", "00:10 - web", "00:10 + db2", "00:20 - db2"},
		},
		{
			"the group of what is half done stays up",
			Limits{AllAtOnce: true},
			[]string{"h1/db1 1 galera", "h2/db2 1 galera", "h3/web 2"}, 0, rehearsal{outcomes: map[string]Outcome{"db1": Half}},
			[]string{"00:00 + db1", "00:10 - db1", "00:10 ! what is half done leaves no room: it counts as unavailable, for its guest may be down"},
		},
		{
			"stop after failures, and finish what is in hand",
			Limits{AllAtOnce: true, Unavailable: 3, StopAfter: 2},
			[]string{"h1/a", "h2/b", "h3/c", "h4/d", "h5/e"}, 0,
			rehearsal{outcomes: map[string]Outcome{"a": RolledBack, "b": Half}, took: map[string]time.Duration{"a": time.Minute, "b": 2 * time.Minute}},
			[]string{"00:00 + a", "00:00 + b", "00:00 + c", "00:01 - a", "00:01 + d", "00:02 - b", "00:02 ! stopped after 2 failures", "00:10 - c", "00:11 - d"},
		},
		{
			"no restart that would not end inside the window",
			Limits{AllAtOnce: true, PerHost: 1, Window: window(t, "01:00-01:35 UTC"), Expect: Estimate{Default: 10 * time.Minute}},
			[]string{"h1/a", "h1/b", "h1/c", "h1/d"}, time.Hour, rehearsal{},
			[]string{"01:00 + a", "01:10 - a", "01:10 + b", "01:20 - b", "01:20 + c", "01:30 - c", "01:30 ! the window 01:00-01:35 UTC ends before another restart could (it may take 10m0s)"},
		},
		{
			"what was measured counts more than what was expected",
			Limits{AllAtOnce: true, PerHost: 1, Window: window(t, "01:00-01:35 UTC"), Expect: Estimate{Default: 10 * time.Minute}},
			[]string{"h1/slow", "h1/b"}, time.Hour, rehearsal{took: map[string]time.Duration{"slow": 20 * time.Minute}},
			[]string{"01:00 + slow", "01:20 - slow", "01:20 ! the window 01:00-01:35 UTC ends before another restart could (it may take 20m0s)"},
		},
		{
			"outside of the window",
			Limits{Window: window(t, "01:00-05:00 UTC")},
			[]string{"h1/a"}, 6 * time.Hour, rehearsal{},
			[]string{"06:00 ! the window 01:00-05:00 UTC is over"},
		},
		{
			"what an earlier run had begun goes first, window or not",
			Limits{PerHost: 1, Unavailable: 1, Window: window(t, "01:00-05:00 UTC")},
			[]string{"h1/a", "h1/b* 7", "h1/c* 8", "h2/d* 9"}, 6 * time.Hour, rehearsal{},
			[]string{"06:00 + b", "06:00 + d", "06:10 - b", "06:10 - d", "06:10 + c", "06:10 ! the window 01:00-05:00 UTC is over", "06:20 - c"},
		},
		{
			"nothing new beside what an earlier run had begun, where that is the limit",
			Limits{AllAtOnce: true, Unavailable: 1},
			[]string{"h1/a", "h2/b*"}, 0, rehearsal{},
			[]string{"00:00 + b", "00:10 - b", "00:10 + a", "00:20 - a"},
		},
		{
			"pause and resume",
			Limits{AllAtOnce: true, PerHost: 1},
			[]string{"h1/a", "h1/b", "h2/long"}, 0,
			rehearsal{took: map[string]time.Duration{"long": 40 * time.Minute}, during: func(name string, c *Control) {
				if name == "a" || name == "long" {
					c.Toggle()
				}
			}},
			[]string{"00:00 + a", "00:00 + long", "00:05 ! paused", "00:10 - a", "00:20 + b", "00:30 - b", "00:40 - long"},
		},
		{
			"a pause does not outlast the window",
			Limits{AllAtOnce: true, PerHost: 1, Window: window(t, "00:00-01:00 UTC")},
			[]string{"h1/a", "h1/b"}, 0,
			rehearsal{during: func(_ string, c *Control) { c.Pause() }},
			[]string{"00:00 + a", "00:05 ! paused", "00:10 - a", "01:00 ! the window 00:00-01:00 UTC is over"},
		},
		{
			"stop finishes what is in hand",
			Limits{AllAtOnce: true, PerHost: 1},
			[]string{"h1/a", "h1/b", "h2/c*"}, 0,
			rehearsal{during: func(name string, c *Control) { c.Stop() }},
			[]string{"00:00 + a", "00:00 + c", "00:05 ! the run was stopped", "00:10 - a", "00:10 - c"},
		},
		{
			"cancel does not",
			Limits{AllAtOnce: true, PerHost: 1},
			[]string{"h1/a", "h1/b"}, 0,
			rehearsal{during: func(_ string, c *Control) { c.Stop(); c.Cancel() }},
			[]string{"00:00 + a", "00:05 ! the run was stopped", "00:05 - a"},
		},
		{
			"stopping ends a pause",
			Limits{AllAtOnce: true, PerHost: 1},
			[]string{"h1/a", "h1/b"}, 0,
			rehearsal{during: func(_ string, c *Control) {
				c.Pause()
				time.AfterFunc(time.Hour, c.Stop)
			}},
			[]string{"00:00 + a", "00:05 ! paused", "00:10 - a", "01:05 ! the run was stopped"},
		},
		{"nothing to do", Limits{}, nil, 0, rehearsal{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, results := c.r.run(t, c.limits, c.at, tasksOf(t, c.tasks...))
			sortMinutes(got)
			sortMinutes(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
			for name, outcome := range results {
				began := slices.ContainsFunc(got, func(l string) bool { return strings.HasSuffix(l, " + "+name) })
				if began == (outcome == NotTried) || outcome == "" {
					t.Errorf("%s began: %v, and is %q", name, began, outcome)
				}
			}
		})
	}
}

// sortMinutes puts what happened in the same minute into one order.
func sortMinutes(lines []string) { slices.Sort(lines) }

func TestScheduleStoppedByContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s := &Schedule{Limits: Limits{PerHost: 1}}
		results := s.Run(ctx, tasksOf(t, "h1/a", "h1/b", "h1/c*"), func(ctx context.Context, n int) Result {
			stop()
			time.Sleep(time.Minute)
			if ctx.Err() != nil {
				t.Error("what is in hand was cancelled by the first word")
			}
			return Result{Outcome: Renamed}
		})
		var got []Outcome
		for _, r := range results {
			got = append(got, r.Outcome)
		}
		if want := []Outcome{NotTried, NotTried, Renamed}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

// What an earlier run had begun is not accounted for as if it were untouched.
func TestScheduleLeavesBegun(t *testing.T) {
	control := &Control{}
	control.Stop()
	results := (&Schedule{Control: control}).Run(t.Context(), tasksOf(t, "h1/a*", "h1/b"), func(context.Context, int) Result {
		t.Error("something was begun")
		return Result{}
	})
	if results[0].Outcome != Half || results[1].Outcome != NotTried || results[0].Domain != "a" {
		t.Errorf("%+v", results)
	}
}

func TestScheduleDefect(t *testing.T) {
	results := (&Schedule{Limits: Limits{AllAtOnce: true}}).Run(t.Context(), tasksOf(t, "h1/a", "h2/b"), func(_ context.Context, n int) Result {
		if n == 0 {
			panic("oops")
		}
		return Result{Outcome: Renamed}
	})
	if results[0].Outcome != Half || results[0].Err == nil || !strings.Contains(results[0].Reason, "oops") || results[1].Outcome != Renamed {
		t.Errorf("%+v", results)
	}
}

// TestScheduleHolds runs made-up fleets and looks at every beginning whether
// the limits hold, and at the end whether everything is accounted for.
func TestScheduleHolds(t *testing.T) {
	runs := 300
	if testing.Short() {
		runs = 50
	}
	for seed := range runs {
		rnd := rand.New(rand.NewPCG(uint64(seed), 7))
		synctest.Test(t, func(t *testing.T) { holds(t, rnd, seed) })
	}
}

func holds(t *testing.T, rnd *rand.Rand, seed int) {
	time.Sleep(time.Duration(rnd.IntN(24*60)) * time.Minute)
	l := Limits{
		PerHost: rnd.IntN(4), Unavailable: rnd.IntN(6), StopAfter: rnd.IntN(5), AllAtOnce: rnd.IntN(2) == 0,
		Expect: Estimate{Default: time.Duration(rnd.IntN(60)) * time.Minute},
	}
	if rnd.IntN(2) == 0 {
		now := time.Now().UTC()
		l.Window = Window{from: clockTime{now.Hour(), 0}, to: clockTime{(now.Hour() + 1 + rnd.IntN(8)) % 24, 30}, zone: time.UTC}
	}
	tasks := make([]Task, 1+rnd.IntN(40))
	for n := range tasks {
		tasks[n] = Task{Host: fmt.Sprint("h", rnd.IntN(6)), Domain: fmt.Sprint("d", n), Wave: rnd.IntN(3), Begun: rnd.IntN(12) == 0}
		if rnd.IntN(2) == 0 {
			tasks[n].Group = fmt.Sprint("g", rnd.IntN(8))
		}
	}
	w := &witness{t: t, seed: seed, limits: l, tasks: tasks, state: make([]string, len(tasks))}
	took, outcomes := make([]time.Duration, len(tasks)), make([]Outcome, len(tasks))
	for n := range tasks {
		took[n] = time.Duration(1+rnd.IntN(3600)) * time.Second
		outcomes[n] = []Outcome{Renamed, Renamed, Renamed, Renamed, Already, Refused, RolledBack, Half}[rnd.IntN(8)]
	}
	control := &Control{}
	for range rnd.IntN(4) {
		act := []func(){control.Pause, control.Resume, control.Toggle, control.Stop, control.Cancel}[rnd.IntN(5)]
		time.AfterFunc(time.Duration(rnd.IntN(6*3600))*time.Second, act)
	}
	time.AfterFunc(12*time.Hour, control.Resume) // so that it ends
	s := &Schedule{Limits: l, Control: control}
	results := s.Run(t.Context(), tasks, func(ctx context.Context, n int) Result {
		w.begins(n)
		defer func() { w.ended(n, outcomes[n]) }()
		select {
		case <-time.After(took[n]):
		case <-ctx.Done():
			outcomes[n] = Half
		}
		return Result{Outcome: outcomes[n], Times: Times{Down: took[n]}}
	})
	for n, r := range results {
		began := w.state[n] != ""
		switch {
		case began && r.Outcome != outcomes[n]:
			t.Errorf("seed %d: %s ended as %q, and is accounted for as %q", seed, tasks[n].Domain, outcomes[n], r.Outcome)
		case !began && (r.Reason == "" || r.Domain != tasks[n].Domain || (r.Outcome == Half) != tasks[n].Begun || (r.Outcome == NotTried) == tasks[n].Begun):
			t.Errorf("seed %d: %s was not begun, and is %+v", seed, tasks[n].Domain, r)
		}
	}
}

// A witness knows what is down, by what it has seen itself.
type witness struct {
	t      *testing.T
	seed   int
	limits Limits
	tasks  []Task

	mu    sync.Mutex
	state []string // "", down, half or up
	fails int
	went  bool // a restart went well
}

func (w *witness) begins(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wrong := func(format string, args ...any) {
		w.t.Errorf("seed %d: %s begins "+format, append([]any{w.seed, w.tasks[n].Domain}, args...)...)
	}
	me := w.tasks[n]
	host, all, alone := 1, 1, true
	for k, t := range w.tasks {
		if k == n {
			continue
		}
		down := w.state[k] == "down" || w.state[k] == "half" || t.Begun && w.state[k] == ""
		if w.state[k] == "down" {
			alone = false
			if t.Host == me.Host {
				host++
			}
		}
		if down {
			all++
			if t.Group != "" && t.Group == me.Group && !me.Begun {
				wrong("while %s of its group %s may be down", t.Domain, t.Group)
			}
		}
		if !me.Begun && !t.Begun && t.Wave < me.Wave && (w.state[k] == "" || w.state[k] == "down") {
			wrong("before %s of wave %d", t.Domain, t.Wave)
		}
	}
	if w.limits.PerHost > 0 && host > w.limits.PerHost {
		wrong("as number %d on its host", host)
	}
	w.state[n] = "down"
	if me.Begun {
		return
	}
	if w.limits.Unavailable > 0 && all > w.limits.Unavailable {
		wrong("as number %d of all", all)
	}
	if w.limits.StopAfter > 0 && w.fails >= w.limits.StopAfter {
		wrong("after %d failures", w.fails)
	}
	if !w.limits.AllAtOnce && !w.went && !alone {
		wrong("beside the first")
	}
	if end, open := w.limits.Window.Open(time.Now()); !open || !w.limits.Window.IsZero() && !w.went && time.Now().Add(w.limits.Expect.Default).After(end) {
		wrong("at %v, with a window until %v", time.Now(), end)
	}
}

func (w *witness) ended(n int, o Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state[n] = "up"
	switch o {
	case Renamed:
		w.went = true
	case Half:
		w.state[n] = "half"
		w.fails++
	case RolledBack:
		w.fails++
	}
}

func TestForecast(t *testing.T) {
	l := Limits{PerHost: 1, Unavailable: 2, Expect: Estimate{Default: 10 * time.Minute}, AllAtOnce: true}
	for _, c := range []struct {
		name  string
		tasks []string
		want  time.Duration
	}{
		{"none", nil, 0},
		{"one", []string{"h1/a"}, 10 * time.Minute},
		{"its host is the limit", []string{"h1/a", "h1/b", "h2/c", "h1/d"}, 30 * time.Minute},
		{"all are the limit", []string{"h1/a", "h2/b", "h3/c", "h4/d", "h5/e"}, 30 * time.Minute},
		{"its group is the limit", []string{"h1/a 1 g", "h2/b 1 g", "h3/c 1 g", "h4/d 1 g"}, 40 * time.Minute},
		{"waves", []string{"h1/a 1", "h2/b 2", "h3/c 3"}, 30 * time.Minute},
	} {
		if got := Forecast(tasksOf(t, c.tasks...), l); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	l.AllAtOnce = false
	if got := Forecast(tasksOf(t, "h1/a", "h2/b"), l); got != 20*time.Minute {
		t.Errorf("with a canary: %v, want 20m", got)
	}
}

func TestEstimate(t *testing.T) {
	e := Estimate{Default: time.Minute}
	if e.Next() != time.Minute {
		t.Errorf("nothing measured: %v", e.Next())
	}
	e.Add(3*time.Minute, 2*time.Minute)
	if e.Next() != 3*time.Minute || e.typical() != 3*time.Minute {
		t.Errorf("after two: %v, %v", e.Next(), e.typical())
	}
	for range remembered {
		e.Add(10 * time.Second)
	}
	if e.Next() != 10*time.Second {
		t.Errorf("what is long ago still counts: %v", e.Next())
	}
}

func TestTasks(t *testing.T) {
	domains := []plan.Domain{
		{Domain: "web-02", Host: "h2", Wave: 1, Project: "shop", MadeFrom: plan.MadeFrom{OS: "linux"}},
		{Domain: "db-1", Host: "h1", Wave: 2, Group: "galera", ProjectID: "p2", MadeFrom: plan.MadeFrom{OS: "linux"}},
		{Domain: "web-01", Host: "h1", Wave: 1, Project: "shop", MadeFrom: plan.MadeFrom{OS: "linux"}},
		{Domain: "win10", Host: "h1", Wave: 1, Project: "desk", MadeFrom: plan.MadeFrom{OS: "windows"}},
	}
	for _, c := range []struct {
		by   Grouping
		want string
	}{
		{ByWave, "web-02:0 web-01:0 win10:0 db-1:1"},
		{ByHost, "web-01:0 win10:0 web-02:1 db-1:2"},
		{ByProject, "win10:0 web-02:1 web-01:1 db-1:2"},
		{ByPrefix, "web-02:0 web-01:0 win10:1 db-1:2"},
		{ByOS, "web-02:0 web-01:0 win10:1 db-1:2"},
	} {
		tasks, ordered := Tasks(domains, c.by, func(d plan.Domain) bool { return d.Domain == "web-02" })
		var got []string
		for n, task := range tasks {
			got = append(got, fmt.Sprintf("%s:%d", task.Domain, task.Wave))
			if task.Domain != ordered[n].Domain || task.Begun != (task.Domain == "web-02") || task.Group != ordered[n].Group {
				t.Errorf("by %q: task %+v of domain %+v", c.by, task, ordered[n])
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("by %q: %v, want %s", c.by, got, c.want)
		}
	}
	for name, want := range map[string]string{"web-01": "web", "web": "web", "1c-server": "1c-server", "Ünï_7": "Ünï", "7": "7", "": ""} {
		if got := namePrefix(name); got != want {
			t.Errorf("namePrefix(%q) = %q, want %q", name, got, want)
		}
	}
	if _, err := ParseGrouping("colour"); err == nil || !strings.Contains(err.Error(), "host, project, prefix, os") {
		t.Errorf("ParseGrouping(colour) = %v", err)
	}
}

func TestMeasured(t *testing.T) {
	ended := time.Now()
	step := func(name, made string, end *time.Time, failed string) journal.Step {
		return journal.Step{Step: prefix + name, Made: made, Ended: end, Error: failed}
	}
	whole := asJSON(Times{Down: 20 * time.Second, Total: time.Minute})
	got := Measured([]journal.Step{
		step(stepEnd, whole, &ended, ""),
		step(stepShutdown, whole, &ended, ""),                        // not the end
		step(stepEnd, whole, nil, ""),                                // killed in it
		step(stepEnd, whole, &ended, "disk full"),                    // failed
		step(stepEnd, "{", &ended, ""),                               // of another version
		step(stepEnd, asJSON(Times{Total: time.Second}), &ended, ""), // was off, or went on
		{Step: stepEnd, Made: whole, Ended: &ended},                  // of an import
		step(stepEnd, asJSON(Times{Down: 1, Total: 120}), &ended, ""),
	})
	if want := []time.Duration{time.Minute, 120}; !slices.Equal(got, want) {
		t.Errorf("Measured = %v, want %v", got, want)
	}
}

// A journal that is full, or a lock that is lost, is no domain's fault.
func TestScheduleEndsWithItsMeans(t *testing.T) {
	for _, c := range []struct {
		err   error
		tried int
	}{
		{fmt.Errorf("%w: disk full", ErrJournal), 1},
		{fmt.Errorf("hold: %w", nova.ErrLockLost), 1},
		{ErrAway, 3},
	} {
		tried := 0
		results := (&Schedule{Limits: Limits{AllAtOnce: true, PerHost: 1}}).Run(t.Context(), tasksOf(t, "h1/a", "h1/b", "h1/c"), func(context.Context, int) Result {
			tried++
			return Result{Outcome: Refused, Err: &Error{Err: c.err}}
		})
		if tried != c.tried || c.tried == 1 && results[2].Outcome != NotTried {
			t.Errorf("%v: %d were tried, want %d: %+v", c.err, tried, c.tried, results)
		}
	}
}
