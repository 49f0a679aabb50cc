package onboard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Touched names the guests that are not as they were when the hosts were first
// read. Onboarding touches none; somebody else may have, at the same time.
func Touched(before, after []Host) (differences []string) {
	for _, b := range before {
		i := slices.IndexFunc(after, func(a Host) bool { return a.Name == b.Name })
		if i < 0 || b.Err != "" {
			continue
		}
		if a := after[i]; a.Err != "" {
			differences = append(differences, fmt.Sprintf("%s: it could not be read again: %s", b.Name, a.Err))
		} else {
			differences = append(differences, guestsThatDiffer(b, a)...)
		}
	}
	return differences
}

func guestsThatDiffer(b, a Host) (differences []string) {
	all := maps.Clone(b.Guests)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, a.Guests)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if b.Guests[id] != a.Guests[id] {
			differences = append(differences, fmt.Sprintf("%s: domain %s was %s and is %s", b.Name, id, cmp.Or(b.Guests[id], "not there"), cmp.Or(a.Guests[id], "gone")))
		}
	}
	return differences
}

// Outcomes counts what became of hosts, for the journal.
func Outcomes(results []Result) string {
	counts := map[Outcome]int{}
	for _, r := range results {
		counts[r.Outcome]++
	}
	var parts []string
	for _, o := range []Outcome{Onboarded, Undone, Already, Half, NotTried} {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[o], o))
		}
	}
	return strings.Join(parts, ", ")
}
