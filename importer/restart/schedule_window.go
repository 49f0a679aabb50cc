package restart

import (
	"fmt"
	"strings"
	"time"
)

// A Window is a time of every day. The zero one is always open.
type Window struct {
	from, to clockTime
	zone     *time.Location // nil for the zero window
}

// A clockTime is what a clock on the wall shows.
type clockTime struct{ hour, minute int }

// ParseWindow reads "01:00-05:00", by the clock of this machine, or
// "01:00-05:00 Europe/Berlin". It may go over midnight: "22:00-04:00". "" is
// the zero window.
func ParseWindow(text string) (Window, error) {
	if text == "" {
		return Window{}, nil
	}
	hours, zone, named := strings.Cut(strings.TrimSpace(text), " ")
	w := Window{zone: time.Local}
	var err error
	if named {
		if w.zone, err = time.LoadLocation(strings.TrimSpace(zone)); err != nil {
			return Window{}, fmt.Errorf("window %q: %w", text, err)
		}
	}
	from, to, ok := strings.Cut(hours, "-")
	if !ok {
		return Window{}, fmt.Errorf("window %q: is not like 01:00-05:00, or 01:00-05:00 Europe/Berlin", text)
	}
	if w.from, err = parseClock(from); err != nil {
		return Window{}, fmt.Errorf("window %q: %w", text, err)
	}
	if w.to, err = parseClock(to); err != nil {
		return Window{}, fmt.Errorf("window %q: %w", text, err)
	}
	if w.from == w.to {
		return Window{}, fmt.Errorf("window %q: it begins when it ends; leave it out for always", text)
	}
	return w, nil
}

// parseClock reads 1:00, 01:00, or 24:00 for the end of a day.
func parseClock(text string) (clockTime, error) {
	if text == "24:00" {
		return clockTime{24, 0}, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return clockTime{}, fmt.Errorf("%q is no time of day such as 01:00", text)
	}
	return clockTime{t.Hour(), t.Minute()}, nil
}

// IsZero reports whether it is always open.
func (w Window) IsZero() bool { return w.zone == nil }

// String reads like "01:00-05:00 Europe/Berlin".
func (w Window) String() string {
	if w.IsZero() {
		return "always"
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d %s", w.from.hour, w.from.minute, w.to.hour, w.to.minute, w.zone)
}

// Open reports whether it is open at that moment, and until when. Until is zero
// for the window that is always open.
func (w Window) Open(at time.Time) (until time.Time, open bool) {
	if w.IsZero() {
		return time.Time{}, true
	}
	// One that began yesterday may go over midnight.
	for day := -1; day <= 0; day++ {
		if begin, end := w.on(at, day); !at.Before(begin) && at.Before(end) {
			return end, true
		}
	}
	return time.Time{}, false
}

// Next is when it opens next, or at itself while it is open.
func (w Window) Next(at time.Time) time.Time {
	if _, open := w.Open(at); open {
		return at
	}
	for day := 0; ; day++ {
		// On a day on which a clock is put forward it may not open at all.
		if begin, end := w.on(at, day); !begin.Before(at) && begin.Before(end) {
			return begin
		}
	}
}

// on is the window that begins so many days after the day of at. Its hours are
// those of the clock on the wall: in a night in which that is put forward or
// back, it is an hour shorter or longer.
func (w Window) on(at time.Time, day int) (begin, end time.Time) {
	y, m, d := at.In(w.zone).Date()
	begin = time.Date(y, m, d+day, w.from.hour, w.from.minute, 0, 0, w.zone)
	if w.to.hour < w.from.hour || w.to.hour == w.from.hour && w.to.minute < w.from.minute {
		day++
	}
	return begin, time.Date(y, m, d+day, w.to.hour, w.to.minute, 0, 0, w.zone)
}

// closed says why nothing new is begun, when a restart is expected to take that
// long.
func (w Window) closed(expected time.Duration) string {
	if expected == 0 {
		return fmt.Sprintf("the window %s is over", w)
	}
	return fmt.Sprintf("the window %s ends before another restart could (it may take %v)", w, expected.Round(time.Second))
}
