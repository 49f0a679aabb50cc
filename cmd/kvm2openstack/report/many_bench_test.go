//go:build bench

package report

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSpeedReports prints an audit of 10,000 domains, of each of which more
// than 50 checks find something, in every form: how long that takes, and how
// much memory beside what the audit itself has.
func TestSpeedReports(t *testing.T) {
	const n = 10000
	before := live()
	began := time.Now()
	r := manyAwful(t, n)
	fmt.Printf("%-8s %8.1f s  %8.1f MB held after it, %.1f KB a domain\n", "audit", time.Since(began).Seconds(), mb(live()-before), float64(live()-before)/n/1024)
	var names []string
	for name := range forms {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w := &counter{}
		began := time.Now()
		if err := forms[name](w, r); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		peak, _ := heapOf(t, r, forms[name])
		fmt.Printf("%-8s %8.1f s  %8.1f MB printed, %6.2f MB of memory for it\n", name, took.Seconds(), mb(w.n), mb(peak))
		if bound := uint64(2<<20 + n*3000); peak > bound {
			t.Errorf("%s needs %.1f MB, want at most %.1f", name, mb(peak), mb(bound))
		}
	}
	fmt.Printf("peak RSS of all of it: %s\n", highWater(t))
}

type counter struct{ n uint64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += uint64(len(p))
	return len(p), nil
}

// highWater is the most memory that the process had, as the kernel counts it.
func highWater(t *testing.T) string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "not known"
}
