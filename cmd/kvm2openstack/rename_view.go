package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// What is said when somebody stops a run.
const (
	stopsSoon = "nothing new is begun, and what is in hand is finished; once more stops what has not shut its guest down yet"
	stopsNow  = "stopping: what has not shut its guest down yet stops between two steps, the rest is finished; the same command goes on later"
)

// A restartView shows how a run of restarts goes on: on a terminal a table of
// what is in hand that is drawn again and again, elsewhere a line for each step
// that matters. Logs go through it, so that they do not end up inside the table.
type restartView struct {
	mu    sync.Mutex
	out   io.Writer
	width int // of the terminal, 0 for none
	now   func() time.Time

	hand  map[string]inHand // by UUID
	done  int
	all   int
	left  time.Duration
	why   string // nothing new is begun
	bar   *progressbar.ProgressBar
	on    bool // the table is to be on the screen
	drawn int  // lines of it that are
}

// An inHand is a domain that is being restarted.
type inHand struct {
	place string
	step  string
	since time.Time // of the step
	down  time.Time // zero while the guest runs
}

func newRestartView(a *app) *restartView {
	v := &restartView{out: a.err, now: time.Now, hand: map[string]inHand{}}
	if obeys(a.err) {
		v.width = max(columns(terminal(a.err)), 20)
	}
	return v
}

// app is a with everything it says going through the view.
func (v *restartView) app(a *app) *app {
	b := *a
	b.err = v
	return &b
}

// show draws the table of so many restarts until stop is called.
func (v *restartView) show(all int) (stop func()) {
	v.all = all
	if v.width == 0 {
		return func() {}
	}
	v.bar = progressbar.NewOptions(all,
		progressbar.OptionSetWriter(io.Discard), // The view draws it.
		progressbar.OptionSetWidth(20),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(false), // It does not know waves and limits.
		progressbar.OptionSetDescription("restarted"),
	)
	_ = v.bar.RenderBlank() // see line
	v.do(func() { v.on = true })
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				v.do(func() {})
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
		v.do(func() { v.on = false })
	}
}

// do changes what is shown, and shows it.
func (v *restartView) do(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	change()
	if v.on {
		v.draw()
	}
}

// Write prints what is logged above the table.
func (v *restartView) Write(p []byte) (n int, err error) {
	v.do(func() { n, err = v.out.Write(p) })
	return n, err
}

// say tells the person something.
func (v *restartView) say(text string) {
	v.do(func() { v.line("%s", text) })
}

// line prints one line. What cannot be printed is no reason to stop.
func (v *restartView) line(format string, args ...any) {
	fmt.Fprintf(v.out, "%s %s\n", v.now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// step is restart.Restarter.Progress.
func (v *restartView) step(p restart.Progress) {
	v.do(func() {
		was := v.hand[p.UUID]
		h := inHand{place: place(p.Host, p.Domain), step: p.Step, since: p.At, down: p.Down}
		if p.Back {
			h.step = "back: " + p.Step
		}
		v.hand[p.UUID] = h
		if v.width == 0 && h.step != was.step && told[p.Step] {
			v.line("%s: %s", h.place, h.step)
		}
	})
}

// told are the steps that are worth a line of a log: those that take time, and
// those that the guest's users feel.
var told = map[string]bool{
	"shutdown": true, "start": true, "health": true, "prove": true,
	"stop": true, "restore": true, "start again": true, // on the way back
}

func place(host, domain string) string { return report.Line(host) + "/" + report.Line(domain) }

// event is restart.Schedule.Notify.
func (v *restartView) event(tasks []restart.Task, e restart.Event) {
	v.do(func() {
		v.left = e.Left
		switch {
		case e.Task < 0:
			if v.why = e.Reason; v.why != "" && v.width == 0 {
				v.line("nothing more is begun now: %s", v.why)
			}
		case e.Result == nil:
			t := tasks[e.Task]
			v.hand[t.UUID] = inHand{place: place(t.Host, t.Domain), step: "begins", since: v.now()}
		default:
			delete(v.hand, tasks[e.Task].UUID)
			v.done++
			if v.bar != nil {
				_ = v.bar.Set(v.done) // see line
			}
			v.line("%s", v.ending(tasks[e.Task], *e.Result))
		}
	})
}

// ending is one line on a domain that is through.
func (v *restartView) ending(t restart.Task, r restart.Result) string {
	text := fmt.Sprintf("%s: %s", place(t.Host, t.Domain), r.Outcome)
	if r.Times.Down > 0 {
		text += fmt.Sprintf(", down %s", report.Seconds(r.Times.Down))
	}
	if r.Reason != "" {
		text += fmt.Sprintf(": %s: %s", r.Step, report.Line(r.Reason))
	}
	text += fmt.Sprintf(" (%d of %d", v.done, v.all)
	if v.done < v.all {
		text += ", about " + roughly(v.left) + " left"
	}
	return text + ")"
}
