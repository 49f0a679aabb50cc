//go:build bench

package report

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// large is how many domains the page is promised for.
const large = 5000

// TestSpeedPage measures how long the page of many domains takes to open, to
// filter and to sort. The yardstick is what a browser needs for the same
// domains as a plain table, which is the page without its script.
func TestSpeedPage(t *testing.T) {
	fleet := map[string][]shape{}
	for n := range large {
		s := plain(n)
		switch n % 10 {
		case 3:
			s.osinfo = windows
		case 5:
			s.bridge, s.model = "br9", "e1000"
		case 7:
			s.osinfo, s.description = centos5, "Kept for the old shop; nobody knows the password any more."
		}
		host := fmt.Sprintf("kvm%02d", n%50)
		fleet[host] = append(fleet[host], s)
	}
	r := read(t, fleet, smallNova{})

	began := time.Now()
	var page bytes.Buffer
	if err := AuditHTML(&page, r, testPage); err != nil {
		t.Fatal(err)
	}
	written := time.Since(began)
	began = time.Now()
	for range r.Domains() {
	}
	judged := time.Since(began)

	ctx := browser(t)
	plainly := openingTime(t, open(t, ctx, page.String(), scriptsOff))
	v := open(t, ctx, page.String())
	opened := openingTime(t, v)
	filter := value[float64](v, timed(`f.value = "web-4321"; f.dispatchEvent(new Event("input"))`))
	letter := value[float64](v, timed(`f.value = "w"; f.dispatchEvent(new Event("input"))`))
	sort := value[float64](v, timed(`document.querySelector('[data-key="name"] button').click()`))
	unfold := value[float64](v, timed(`document.querySelector("#rows button.fold").click()`))
	all := value[float64](v, timed(`document.querySelector("#more button").click()`))

	t.Logf("page of %d domains: %.1f MB, written in %v, of which judging the domains twice is %v", large, float64(page.Len())/1e6, written.Round(time.Millisecond), (2 * judged).Round(time.Millisecond))
	t.Logf("opened in %.0f ms; the same domains as a plain table in %.0f ms: %.2f of the time", opened, plainly, opened/plainly)
	if opened/plainly > 0.5 {
		t.Errorf("promised is at most half the time of a plain table")
	}
	t.Logf("filtered to one in %.0f ms, to all in %.0f ms, sorted in %.0f ms, one unfolded in %.0f ms, all rows drawn in %.0f ms", filter, letter, sort, unfold, all)
}

var scriptsOff = scripts(false)

// openingTime is from the first byte to the end of loading, with the first
// rows drawn, in ms: the middle one of five.
func openingTime(t *testing.T, v *visit) float64 {
	var times []float64
	for range 5 {
		v.do(chromedp.Reload())
		times = append(times, value[float64](v, `(n => n.loadEventEnd - n.startTime)(performance.getEntriesByType("navigation")[0])`))
	}
	slices.Sort(times)
	runtime.GC()
	return times[2]
}

// timed is an expression that does something to the table and is how long it
// took until the browser has laid out what came of it, in ms.
func timed(does string) string {
	return `((f) => { const began = performance.now(); ` + does + `; document.body.getBoundingClientRect(); document.querySelector("#rows").offsetHeight; return performance.now() - began })(document.getElementById("f-text"))`
}
