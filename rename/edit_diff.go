package rename

import (
	"regexp"
	"strings"
)

// passwords are attributes that SECURE definitions have in clear.
var passwords = regexp.MustCompile(`(\spasswd\s*=\s*)('[^']*'|"[^"]*")`)

// Diff shows the lines that only one of two definitions has, for a person: those
// of before with "-", those of after with "+", without any that both have.
// Passwords are masked.
func Diff(before, after string) string {
	var out strings.Builder
	for _, line := range diffLines(lines(before), lines(after)) {
		out.WriteString(passwords.ReplaceAllString(line, "$1'...'") + "\n")
	}
	return out.String()
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// maxDiffCells bounds the table below. Definitions that differ in more lines
// than this allows are shown as replaced.
const maxDiffCells = 4 << 20

// diffLines finds the lines outside of the longest sequence that both have.
func diffLines(a, b []string) (out []string) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	common := commonLengths(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case common != nil && i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && (common == nil || common[i+1][j] >= common[i][j+1]):
			out = append(out, "-"+a[i])
			i++
		default:
			out = append(out, "+"+b[j])
			j++
		}
	}
	return out
}

// commonLengths says of each pair of places how many lines both have in order
// from there on, nil for too many pairs.
func commonLengths(a, b []string) [][]int {
	if (len(a)+1)*(len(b)+1) > maxDiffCells {
		return nil
	}
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	return common
}
