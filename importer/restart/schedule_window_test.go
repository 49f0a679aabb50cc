package restart

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that the zones are there on every machine
)

func TestParseWindow(t *testing.T) {
	for _, c := range []struct{ text, want, err string }{
		{"", "always", ""},
		{"01:00-05:00", "01:00-05:00 Local", ""},
		{"1:00-5:00", "01:00-05:00 Local", ""},
		{"22:00-04:30 Europe/Berlin", "22:00-04:30 Europe/Berlin", ""},
		{"00:00-24:00 UTC", "00:00-24:00 UTC", ""},
		{"01:00", "", "is not like 01:00-05:00"},
		{"01:00-", "", `"" is no time of day`},
		{"25:00-05:00", "", `"25:00" is no time of day`},
		{"01:00-05:60", "", `"05:60" is no time of day`},
		{"01:00-01:00", "", "begins when it ends"},
		{"01:00-05:00 Europe/Atlantis", "", "Europe/Atlantis"},
		{"tonight", "", "is not like"},
	} {
		got, err := ParseWindow(c.text)
		if c.err == "" && (err != nil || got.String() != c.want) {
			t.Errorf("ParseWindow(%q) = %v, %v, want %s", c.text, got, err, c.want)
		}
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("ParseWindow(%q) = %v, want an error with %q", c.text, err, c.err)
		}
	}
}

func TestWindow(t *testing.T) {
	const form = "2006-01-02 15:04:05 -0700"
	for _, c := range []struct{ window, at, until, next string }{
		// until is "" where it is closed, and next where it opens then.
		{"01:00-05:00 UTC", "2026-03-02 00:59:59 +0000", "", "2026-03-02 01:00:00 +0000"},
		{"01:00-05:00 UTC", "2026-03-02 01:00:00 +0000", "2026-03-02 05:00:00 +0000", ""},
		{"01:00-05:00 UTC", "2026-03-02 04:59:59 +0000", "2026-03-02 05:00:00 +0000", ""},
		{"01:00-05:00 UTC", "2026-03-02 05:00:00 +0000", "", "2026-03-03 01:00:00 +0000"},
		{"01:00-05:00 UTC", "2026-12-31 05:00:00 +0000", "", "2027-01-01 01:00:00 +0000"},
		{"22:00-04:00 UTC", "2026-03-02 21:59:00 +0000", "", "2026-03-02 22:00:00 +0000"},
		{"22:00-04:00 UTC", "2026-03-02 23:00:00 +0000", "2026-03-03 04:00:00 +0000", ""},
		{"22:00-04:00 UTC", "2026-03-03 03:59:00 +0000", "2026-03-03 04:00:00 +0000", ""},
		{"22:00-04:00 UTC", "2026-03-03 04:00:00 +0000", "", "2026-03-03 22:00:00 +0000"},
		{"00:00-24:00 UTC", "2026-03-03 23:59:59 +0000", "2026-03-04 00:00:00 +0000", ""},
		// The clock that counts is that of the zone, not that of this machine.
		{"01:00-05:00 Europe/Berlin", "2026-01-15 00:30:00 +0000", "2026-01-15 04:00:00 +0000", ""},
		{"01:00-05:00 Europe/Berlin", "2026-07-15 00:30:00 +0000", "2026-07-15 03:00:00 +0000", ""},
		{"01:00-05:00 America/New_York", "2026-01-15 00:30:00 +0000", "", "2026-01-15 06:00:00 +0000"},
		// 29 March 2026: 02:00 becomes 03:00. The window is an hour shorter.
		{"01:00-05:00 Europe/Berlin", "2026-03-29 00:00:00 +0000", "2026-03-29 03:00:00 +0000", ""},
		{"01:00-05:00 Europe/Berlin", "2026-03-29 02:59:00 +0000", "2026-03-29 03:00:00 +0000", ""},
		{"01:00-05:00 Europe/Berlin", "2026-03-29 03:00:00 +0000", "", "2026-03-29 23:00:00 +0000"},
		// 25 October 2026: 03:00 becomes 02:00. It is an hour longer.
		{"01:00-05:00 Europe/Berlin", "2026-10-24 23:00:00 +0000", "2026-10-25 04:00:00 +0000", ""},
		// There is no 02:10 that night: what was to be then is an hour later.
		{"02:10-02:50 Europe/Berlin", "2026-03-28 23:00:00 +0000", "", "2026-03-29 01:10:00 +0000"},
	} {
		w, err := ParseWindow(c.window)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(form, c.at)
		if err != nil {
			t.Fatal(err)
		}
		until, open := w.Open(at)
		if open != (c.until != "") || open && until.UTC().Format(form) != c.until {
			t.Errorf("%s: Open(%s) = %v, %v, want until %q", c.window, c.at, until.UTC(), open, c.until)
		}
		if next := w.Next(at); !open && next.UTC().Format(form) != c.next || open && next != at {
			t.Errorf("%s: Next(%s) = %v, want %q", c.window, c.at, next.UTC(), c.next)
		}
	}
}

// TestWindowAgrees goes through two years minute by minute of odd windows:
// what Next says is open, and nothing before it is.
func TestWindowAgrees(t *testing.T) {
	for _, text := range []string{"01:00-05:00 Europe/Berlin", "23:30-02:30 America/New_York", "02:10-02:50 Europe/Berlin", "02:30-02:00 Australia/Lord_Howe", "00:00-24:00 UTC"} {
		w, err := ParseWindow(text)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var next time.Time
		for at := begin; at.Before(begin.AddDate(2, 0, 0)); at = at.Add(5 * time.Minute) {
			until, open := w.Open(at)
			switch {
			case open && !until.After(at):
				t.Fatalf("%s: at %v it is open until %v", text, at, until)
			case open && !next.IsZero() && at.Before(next):
				t.Fatalf("%s: it is open at %v, and was to open at %v", text, at, next)
			case open:
				next = time.Time{}
			case !next.IsZero() && !at.Before(next):
				t.Fatalf("%s: it was to open at %v, and is closed at %v", text, next, at)
			case next.IsZero():
				next = w.Next(at)
			}
		}
	}
}
