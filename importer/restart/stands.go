package restart

import (
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// Stands says where a domain is in the middle of its restart, as far as the
// journal knows, and what the next run will do; ok is false for any other. What
// was begun and not ended may have taken effect or not: the run that goes on
// asks the host.
func Stands(a journal.Adoption) (where, next string, ok bool) {
	ours := prefix
	switch {
	case a.State == journal.StateRenaming:
		next = "rename PLAN goes on from there, release PLAN takes it back"
	case a.State == journal.StateReturning && slices.Contains(a.Left, prefix+stepRelease):
		next = "release PLAN goes on"
	case a.State == journal.StateSwapping:
		ours = swapPrefix
		next = "rename PLAN goes on from there, release PLAN takes all of it back"
		if slices.Contains(a.Left, swapPrefix+stepReturn) {
			next = "rename PLAN brings the interfaces back to what they were, release PLAN takes all of it back"
		}
	case a.State == journal.StateReturning:
		next = "rename PLAN brings it back to what it was before, and release PLAN does that too"
	default:
		return "", "", false
	}
	if open := named(a.Open, ours); len(open) > 0 {
		return "begun and not ended: " + strings.Join(open, ", "), next, true
	}
	if all := named(a.Left, ours); len(all) > 0 {
		return "the last step that has ended: " + all[len(all)-1], next, true
	}
	return "nothing was begun", next, true
}

// named are the steps of one kind of restart, by their names.
func named(steps []string, prefix string) (names []string) {
	for _, step := range steps {
		if name, ok := strings.CutPrefix(step, prefix); ok {
			names = append(names, name)
		}
	}
	return names
}
