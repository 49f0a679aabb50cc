package report

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

var (
	colour  = regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`)
	palette = regexp.MustCompile(`(?s):root \{(.*?)\}`)
)

// TestContrast holds the page to what people with weak eyes can read: 4.5 to 1
// for text (WCAG 2.2, 1.4.3), in the light, in the dark and on paper.
func TestContrast(t *testing.T) {
	colours := map[string]string{}
	palettes := palette.FindAllStringSubmatch(pageStyle, -1)
	if len(palettes) != 3 {
		t.Fatalf("%d palettes, want light, dark and paper", len(palettes))
	}
	for i, name := range []string{"light", "dark", "paper"} {
		if name == "paper" { // over light, whatever the screen had
			for _, c := range colour.FindAllStringSubmatch(palettes[0][1], -1) {
				colours[c[1]] = c[2]
			}
		}
		for _, c := range colour.FindAllStringSubmatch(palettes[i][1], -1) {
			colours[c[1]] = c[2]
		}
		for _, pair := range strings.Fields("ink/paper ink/ground soft/paper soft/ground link/paper link/ground " +
			"ready/paper attention/paper blocked/paper managed/paper unreadable/paper blocked/ground ready/ground " +
			"ready/ready-soft attention/attention-soft blocked/blocked-soft managed/managed-soft unreadable/unreadable-soft") {
			text, ground, _ := strings.Cut(pair, "/")
			if got := contrast(t, colours[text], colours[ground]); got < 4.5 {
				t.Errorf("%s: %s on %s is %.2f to 1, want 4.5", name, text, ground, got)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is WCAG's relative luminance.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var rgb [3]int
	if _, err := fmt.Sscanf(hex, "%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("colour %q: %v", hex, err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(rgb[i]) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
