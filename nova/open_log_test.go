package nova

import (
	"context"
	"log/slog"
	"strings"
	"testing"
)

// Statements are logged at debug with placeholders, and never a value; and the
// number of statements does not grow with the number of instances.
func TestStatements(t *testing.T) {
	f := newFixture(t, "zed", nil)
	var expected []Expect
	var uuids []string
	for n := 1; n <= 40; n++ {
		e := f.addSound(n)
		expected, uuids = append(expected, e), append(uuids, e.UUID)
	}
	var log strings.Builder
	f.config.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := f.open()
	ctx := context.Background()
	reads := []struct {
		name  string
		limit int
		read  func(some int) error
	}{
		{"Presence", 6, func(n int) error { _, err := c.Presence(ctx, uuids[:n]); return err }},
		{"Servers", 1, func(n int) error { _, err := c.Servers(ctx, uuids[:n]); return err }},
		{"InstanceNames", 1, func(n int) error { _, err := c.InstanceNames(ctx, uuids[:n]); return err }},
		{"HostnamesInUse", 1, func(n int) error { _, err := c.HostnamesInUse(ctx, uuids[:n]); return err }},
		{"QuotaLeft", 3, func(n int) error { _, err := c.QuotaLeft(ctx, uuids[:n]); return err }},
		{"Verify", 26, func(n int) error { _, err := c.Verify(ctx, expected[:n]); return err }},
		{"Rooms", 6, func(int) error { _, err := c.Rooms(ctx); return err }},
	}
	for _, r := range reads {
		var counts [2]int
		for i, n := range []int{1, 40} {
			log.Reset()
			if err := r.read(n); err != nil {
				t.Fatal(err)
			}
			counts[i] = strings.Count(log.String(), "msg=statement")
			if strings.Contains(log.String(), uuids[0]) {
				t.Errorf("%s logs a value:\n%.400s", r.name, log.String())
			}
		}
		if counts[0] != counts[1] || counts[0] == 0 || counts[0] > r.limit {
			t.Errorf("%s: %d statements for one, %d for forty, want the same and at most %d", r.name, counts[0], counts[1], r.limit)
		}
	}
}
