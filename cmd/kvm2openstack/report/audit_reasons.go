package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// A reasonCount is how many domains a rule keeps from being ready.
type reasonCount struct {
	code    string
	domains int
	only    int // those that nothing else blocks
}

// blockedBy counts the rules that block domains, most often first.
func blockedBy(lines []auditLine) []reasonCount {
	counts := map[string]*reasonCount{}
	for _, l := range lines {
		if l.verdict != check.VerdictBlocked {
			continue
		}
		for _, code := range l.blockers {
			c := counts[code]
			if c == nil {
				c = &reasonCount{code: code}
				counts[code] = c
			}
			c.domains++
			if len(l.blockers) == 1 {
				c.only++
			}
		}
	}
	var out []reasonCount
	for _, c := range counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b reasonCount) int {
		return cmp.Or(cmp.Compare(b.domains, a.domains), cmp.Compare(a.code, b.code))
	})
	return out
}

// reasonsShown is how many reasons the summary names.
const reasonsShown = 10

// printReasons says what blocks, and how much mending each would bring.
func printReasons(w io.Writer, lines []auditLine, v View) {
	titles := titles()
	counts := blockedBy(lines)
	shown := counts
	if !v.Wide {
		shown = counts[:min(len(counts), reasonsShown)]
	}
	for _, c := range shown {
		line := fmt.Sprintf("  blocked by %s: %d (%d by nothing else)  %s", c.code, c.domains, c.only, titles[c.code])
		fmt.Fprintln(w, v.sentence(line))
	}
	if more := len(counts) - len(shown); more > 0 {
		fmt.Fprintf(w, "  and by %s: --group-by reason\n", Count(more, "further reason"))
	}
}
