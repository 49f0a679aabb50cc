package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
)

// clear takes the table from the screen, with the cursor at its place.
func (v *restartView) clear() {
	if v.drawn > 0 {
		fmt.Fprintf(v.out, "\x1b[%dF\x1b[J", v.drawn)
		v.drawn = 0
	}
}

// mostShown bounds the table: one that is longer than the screen cannot be
// taken back.
const mostShown = 15

func (v *restartView) draw() {
	wide := max(12, min(40, v.width-40))
	row := func(place, step, since, down string) string {
		return fmt.Sprintf("%-*s %-19s %8s %8s", wide, cut(place, wide), step, since, down)
	}
	lines := []string{row("DOMAIN", "PHASE", "FOR", "DOWN")}
	for _, uuid := range v.shown() {
		h := v.hand[uuid]
		down := ""
		if !h.down.IsZero() {
			down = report.Seconds(v.now().Sub(h.down))
		}
		lines = append(lines, row(h.place, h.step, report.Seconds(v.now().Sub(h.since)), down))
	}
	if more := len(v.hand) - mostShown; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	last := strings.TrimSpace(v.bar.String())
	if v.left > 0 {
		last += "  about " + roughly(v.left) + " left"
	}
	if v.why != "" {
		last += "  [" + v.why + "]"
	}
	for _, l := range append(lines, last) {
		fmt.Fprintln(v.out, cut(l, v.width-1))
	}
	v.drawn = len(lines) + 1
}

// shown are the domains in hand, those that are down first and longest.
func (v *restartView) shown() []string {
	uuids := make([]string, 0, len(v.hand))
	for uuid := range v.hand {
		uuids = append(uuids, uuid)
	}
	slices.SortFunc(uuids, func(a, b string) int {
		x, y := v.hand[a], v.hand[b]
		if x.down.IsZero() != y.down.IsZero() {
			if y.down.IsZero() {
				return -1
			}
			return 1
		}
		return cmp.Or(x.down.Compare(y.down), cmp.Compare(x.place, y.place))
	})
	return uuids[:min(len(uuids), mostShown)]
}

// cut keeps a line from being wrapped.
func cut(s string, width int) string {
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width])
	}
	return s
}
