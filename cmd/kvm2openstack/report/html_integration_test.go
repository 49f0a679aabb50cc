//go:build integration

package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// TestPageInBrowser opens one page in a real browser and uses it as a person
// would.
func TestPageInBrowser(t *testing.T) {
	ctx := browser(t)
	r := read(t, variety(), smallNova{})
	text := pageText(t, r)
	for _, use := range []struct {
		name string
		with func(*testing.T, *visit)
	}{
		{"opens and loads nothing", opens},
		{"text stays text", staysText},
		{"filters", filters},
		{"a number leads to its domains", leads},
		{"sorts", sorts},
		{"unfolds", unfolds},
		{"prints all", printsAll},
		{"without a mouse", withoutMouse},
		{"can be read out", readOut},
	} {
		t.Run(use.name, func(t *testing.T) { use.with(t, open(t, ctx, text)) })
	}
	t.Run("says why like the plain table", func(t *testing.T) {
		var want []string
		for _, r := range blocks[row](t, text, `class="rows"`) {
			want = append(want, r.Reason())
		}
		got := value[[]string](open(t, ctx, text), `[...document.querySelectorAll("#rows td.why")].map(td => td.textContent)`)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("without scripts", func(t *testing.T) {
		withoutScripts(t, open(t, ctx, text, scripts(false)))
	})
	t.Run("narrow", func(t *testing.T) {
		narrow(t, open(t, ctx, text, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile)))
	})
}

// names are the domains that the table shows, in its order.
const names = `[...document.querySelectorAll("#rows button.fold")].map(b => b.textContent)`

func opens(t *testing.T, v *visit) {
	if got := value[string](v, `document.title`); got != "Audit: 11 domains on 2 hosts" {
		t.Errorf("the title is %q", got)
	}
	if got := value[int](v, `document.querySelectorAll("#rows > tr").length`); got != 11 {
		t.Errorf("%d rows, want 11", got)
	}
	if got := value[string](v, `document.getElementById("shown").textContent`); got != "11 domains" {
		t.Errorf("it says %q of its rows", got)
	}
	// Something that is not there, in ways that a page can ask for: the policy
	// must refuse them all, and the browser then says so.
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.requests) != 1 || !strings.HasPrefix(v.requests[0], "file:///") {
		t.Errorf("requests were %q, want the page alone", v.requests)
	}
	if len(v.said) > 0 {
		t.Errorf("the browser said %q", v.said)
	}
}

func staysText(t *testing.T, v *visit) {
	if got := value[[]string](v, names); !slices.Contains(got, hostileName) || !slices.Contains(got, refusedName) {
		t.Errorf("names are %q, want %q and %q among them", got, hostileName, refusedName)
	}
	value[any](v, `document.querySelectorAll("#rows button.fold").forEach(b => b.click())`)
	if got := value[string](v, `document.querySelector("#rows").textContent`); !strings.Contains(got, Line(hostileDescription)) || !strings.Contains(got, hostilePath) {
		t.Error("description and path are not shown as they are")
	}
	if got := value[string](v, `document.body.id`); got != "" {
		t.Errorf("a description ran as a script: %q", got)
	}
	if got := value[int](v, `document.querySelectorAll("main script:not([type]), main img, #rows svg, #rows b b, iframe, link").length`); got != 0 {
		t.Errorf("%d elements came out of texts", got)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.said) > 0 {
		t.Errorf("the browser said %q", v.said)
	}
	if len(v.requests) != 1 {
		t.Errorf("requests were %q", v.requests)
	}
}

// The policy holds even if a script got in.
func TestPagePolicy(t *testing.T) {
	text := pageText(t, read(t, variety(), smallNova{}))
	spoiled := strings.Replace(text, "<main>", `<main><script>document.body.id="pwned"</script><img src="other.png"><style>h1{color:red}</style>`, 1)
	v := open(t, browser(t), spoiled)
	if got := value[string](v, `document.body.id`); got != "" {
		t.Errorf("a script of others ran: %q", got)
	}
	if got := value[string](v, `getComputedStyle(document.querySelector("h1")).color`); got == "rgb(255, 0, 0)" {
		t.Error("a style of others is in force")
	}
	if got := value[int](v, `document.querySelectorAll("#rows > tr").length`); got != 11 {
		t.Errorf("the page's own script did not run: %d rows", got)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, want := range []string{"script-src", "style-src", "other.png"} {
		if !slices.ContainsFunc(v.said, func(s string) bool {
			return strings.Contains(s, want) && strings.Contains(s, "Content Security Policy")
		}) {
			t.Errorf("the browser said %q, and nothing of its policy on %s", v.said, want)
		}
	}
}

func filters(t *testing.T, v *visit) {
	for _, f := range []struct {
		field, with string
		want        []string
	}{
		{"f-text", "WIN-SQL", []string{"win-sql"}},
		{"f-text", "web 52:54:00", []string{"web-01", "web-02", "web-03"}},
		{"f-text", "script", []string{hostileName, refusedName}},
		{"f-text", "nothing has this", []string{}},
		{"f-verdict", "blocked", []string{"oldshop", "lab-nat", "hopeless"}},
		{"f-host", "kvm02", []string{"web-03", "lab-nat", "hopeless", "خادم-01", "damaged", refusedName}},
		{"f-code", "K2O-321", []string{"lab-nat", "hopeless"}},
		{"f-mark", "oversized", []string{"web-01"}},
		{"f-mark", "idle", []string{}},
		{"f-family", "windows", []string{"win-sql"}},
		{"f-state", "running", []string{"web-01", "web-02", "win-sql", "oldshop", hostileName, "web-03", "lab-nat", "hopeless", "خادم-01"}},
	} {
		v.click(`#filter button[type=reset]`)
		v.set(f.field, f.with)
		got := value[[]string](v, names)
		slices.Sort(got)
		slices.Sort(f.want)
		if diff := cmp.Diff(f.want, got); diff != "" {
			t.Errorf("%s %s: %s", f.field, f.with, diff)
		}
		if said := value[string](v, `document.getElementById("shown").textContent`); !strings.HasPrefix(said, fmt.Sprintf("%d of 11 domains: ", len(f.want))) {
			t.Errorf("%s %s: it says %q", f.field, f.with, said)
		}
	}
	v.click(`#filter button[type=reset]`)
	if got := value[[]string](v, names); len(got) != 11 {
		t.Errorf("all shown again are %q", got)
	}
}

func leads(t *testing.T, v *visit) {
	v.set("f-text", "web")
	v.click(`.tiles .blocked a`)
	if got := value[[]string](v, names); len(got) != 3 {
		t.Errorf("the number of the blocked leads to %q", got)
	}
	if got := value[string](v, `document.getElementById("f-verdict").value + document.getElementById("f-text").value`); got != "blocked" {
		t.Errorf("the filter says %q", got)
	}
	v.click(`.reasons a[data-value="K2O-532"]`)
	if got := value[[]string](v, names); !slices.Equal(got, []string{"oldshop", "hopeless"}) {
		t.Errorf("a reason leads to %q", got)
	}
	if got := value[string](v, `document.activeElement.id`); got != "domains" {
		t.Errorf("the focus is on %q", got)
	}
}

func sorts(t *testing.T, v *visit) {
	header := func(key string) string { return `#table th[data-key="` + key + `"]` }
	found := value[[]string](v, names)
	for _, s := range []struct{ key, direction, first, last string }{
		{"name", "ascending", refusedName, "خادم-01"},
		{"name", "descending", "خادم-01", refusedName},
		{"vcpus", "ascending", refusedName, "خادم-01"},
		{"verdict", "ascending", "oldshop", "خادم-01"},
		{"host", "descending", "web-03", hostileName},
	} {
		for range 3 { // at most, until the direction is right
			v.click(header(s.key) + " button")
			if value[string](v, fmt.Sprintf(`document.querySelector('%s').getAttribute("aria-sort") || ""`, header(s.key))) == s.direction {
				break
			}
		}
		if got := value[int](v, `document.querySelectorAll("[aria-sort]").length`); got != 1 {
			t.Errorf("%s %s: %d columns say that they are sorted by", s.key, s.direction, got)
		}
		got := value[[]string](v, names)
		if got[0] != s.first || got[len(got)-1] != s.last {
			t.Errorf("by %s %s: %q", s.key, s.direction, got)
		}
	}
	// A third click gives the order in which they were found.
	for range 3 {
		v.click(header("ips") + " button")
	}
	if got := value[[]string](v, names); !slices.Equal(got, found) {
		t.Errorf("unsorted: %q, want %q", got, found)
	}
}

func unfolds(t *testing.T, v *visit) {
	const first = `#rows tr:first-child button.fold`
	v.click(first)
	text := value[string](v, `document.querySelector("#rows tr.detail").innerText`)
	for _, want := range []string{
		"Findings", "Do:", "K2O-", "Rests on:", // findings
		"Machine", "pc-i440fx-6.2", // facts
		"libosinfo says",                                // evidence
		"/var/lib/libvirt/images/web-01.qcow2", "qcow2", // disks
		"52:54:00:00:00:", "bridge br0", "public / public-v4", // interfaces
		"The guest can notice 2 of 3 differences.", "video adapter\tcirrus\tvirtio\tthe guest\tNova has one, the recorded hw_video_model.", "a later field <b>ich6</b>\tich6\tlost", "its host only\tNova keeps one", // a rebuild
		"12.3% of 2 vCPU", "1 GB of 4 GB used", "the guest swaps", "34% of it is filled", "dropped meanwhile: 7 in", "1 vCPU 1024 MB would do", "disk vdb: restarted meanwhile", // usage
	} {
		if !strings.Contains(text, want) {
			t.Errorf("unfolded, %q is missing in %s", want, text)
		}
	}
	// It stays open through a sort, and folds again.
	v.click(`#table th[data-key="vcpus"] button`)
	if got := value[int](v, `document.querySelectorAll("#rows tr.detail").length`); got != 1 {
		t.Errorf("sorted, %d rows are unfolded", got)
	}
	v.click(`#rows button.fold[aria-expanded="true"]`)
	if got := value[int](v, `document.querySelectorAll("#rows tr.detail, #rows [aria-expanded=true]").length`); got != 0 {
		t.Errorf("folded, %d rows are unfolded", got)
	}
}

// printsAll sees that the paper has rows that the screen did not have yet.
func printsAll(t *testing.T, _ *visit) {
	fleet := map[string][]shape{}
	for n := range 700 {
		fleet["kvm01"] = append(fleet["kvm01"], plain(n))
	}
	v := open(t, browser(t), pageText(t, read(t, fleet, nil)))
	drawn := func() int { return value[int](v, `document.querySelectorAll("#rows > tr").length`) }
	if n := drawn(); n >= 700 {
		t.Fatalf("%d rows are drawn before anybody scrolls", n)
	}
	all := pages(v)
	if n := drawn(); n != 701 {
		t.Errorf("%d rows were printed, want 701, the damaged one among them", n)
	}
	v.set("f-text", "web-07")
	few := pages(v)
	if all < few+10 {
		t.Errorf("all domains take %d sheets, those of a filter %d", all, few)
	}
}

var sheet = regexp.MustCompile(`/Type\s*/Page\b`)

// pages prints and counts the sheets.
func pages(v *visit) int {
	v.t.Helper()
	paper, err := chromedp.Run(v.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		v.t.Fatal(err)
	}
	n := len(sheet.FindAll(paper, -1))
	if n == 0 || !strings.HasPrefix(string(paper), "%PDF-") {
		v.t.Errorf("the print is no PDF of %d bytes", len(paper))
	}
	keep(v.t, "print.pdf", paper)
	return n
}

func withoutMouse(t *testing.T, v *visit) {
	focus := func() string {
		return value[string](v, `(e => e.className + "|" + e.textContent.slice(0, 20))(document.activeElement)`)
	}
	v.do(chromedp.KeyEvent(kb.Tab))
	if got := focus(); !strings.HasPrefix(got, "skip|") {
		t.Errorf("the first stop is %q, want the link that skips", got)
	}
	if got := value[bool](v, `document.activeElement.getBoundingClientRect().left >= 0 && getComputedStyle(document.activeElement).outlineStyle !== "none"`); !got {
		t.Error("the link that skips cannot be seen with the focus on it")
	}
	v.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab))
	if got := value[string](v, `document.activeElement.id`); got != "f-text" {
		t.Errorf("after skipping the next stop is %q, want the filter", got)
	}
	v.do(chromedp.KeyEvent("oldshop"))
	if got := value[[]string](v, names); !slices.Equal(got, []string{"oldshop"}) {
		t.Errorf("typed, the filter leaves %q", got)
	}
	for range 40 { // past the fields and the columns
		v.do(chromedp.KeyEvent(kb.Tab))
		if strings.HasPrefix(focus(), "fold|") {
			break
		}
	}
	v.do(chromedp.KeyEvent(kb.Enter))
	if got := value[string](v, `document.activeElement.getAttribute("aria-expanded")`); got != "true" {
		t.Errorf("unfolded by key: %q", got)
	}
}

// readOut holds what a screen reader needs: names, headings in order, heads
// and captions of tables.
func readOut(t *testing.T, v *visit) {
	v.click(`#rows tr:first-child button.fold`)
	for what, expression := range map[string]string{
		"tables without a caption":       `[...document.querySelectorAll("table")].filter(t => !t.caption || !t.caption.textContent.trim())`,
		"heads without a scope":          `[...document.querySelectorAll("th:not([scope])")]`,
		"rows without a head":            `[...document.querySelectorAll("tbody tr:not(.detail)")].filter(r => !r.querySelector("th"))`,
		"fields without a label":         `[...document.querySelectorAll("input, select")].filter(f => !f.labels.length)`,
		"buttons and links without text": `[...document.querySelectorAll("button, a")].filter(b => !b.textContent.trim())`,
		"pictures that are read out":     `[...document.querySelectorAll("svg:not([aria-hidden=true])")]`,
		"regions without a name":         `[...document.querySelectorAll("[role=region]:not([aria-label]), section[aria-labelledby]")].filter(s => !s.getAttribute("aria-label") && !document.getElementById(s.getAttribute("aria-labelledby")))`,
		"ids that are there twice":       `[...document.querySelectorAll("[id]")].filter(e => document.querySelectorAll("#" + CSS.escape(e.id)).length > 1)`,
		"headings that skip a level":     `[...document.querySelectorAll("h1,h2,h3,h4")].filter((h, i, all) => i > 0 && h.tagName[1] - all[i-1].tagName[1] > 1)`,
	} {
		if got := value[[]string](v, `(`+expression+`).map(e => e.outerHTML.slice(0, 120))`); len(got) > 0 {
			t.Errorf("%s: %q", what, got)
		}
	}
	if got := value[int](v, `document.querySelectorAll("h1").length * 100 + document.querySelectorAll("main").length * 10 + document.querySelectorAll("html[lang]").length`); got != 111 {
		t.Errorf("h1, main and language: %d, want one of each", got)
	}
}

func withoutScripts(t *testing.T, v *visit) {
	v.do(scripts(true)) // the page has been made without; this is only to look at it
	if got := value[int](v, `document.querySelectorAll("noscript table tbody tr").length`); got != 11 {
		t.Errorf("%d lines, want 11", got)
	}
	if got := value[string](v, `document.querySelector("noscript").innerText`); !strings.Contains(got, "Scripts are switched off") {
		t.Errorf("it says %q", got)
	}
	if got := value[bool](v, `document.getElementById("filter").checkVisibility() || document.getElementById("table").checkVisibility()`); got {
		t.Error("a filter or a table that cannot work is shown")
	}
	if got := value[string](v, `document.querySelector("main").innerText`); !strings.Contains(got, hostileName) || !strings.Contains(got, refusedName) {
		t.Error("the hostile names are not there as text")
	}
}

// narrow sees that nothing sticks out of a small screen.
func narrow(t *testing.T, v *visit) {
	v.click(`#rows tr:first-child button.fold`)
	for _, what := range []string{"html", "#rows .sheet", "#rows .badge", "#filter"} {
		if got := value[float64](v, `document.querySelector("`+what+`").getBoundingClientRect().right`); got > 390 {
			t.Errorf("%s reaches to %g on a screen of 390", what, got)
		}
	}
	if got := value[int](v, `document.documentElement.scrollWidth`); got > 390 {
		t.Errorf("the page is %d wide on a screen of 390", got)
	}
}
