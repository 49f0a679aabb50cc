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
	switch {
	case a.State == journal.StateRenaming:
		next = "rename PLAN goes on from there, release PLAN takes it back"
	case a.State == journal.StateReturning && slices.Contains(a.Left, prefix+stepRelease):
		next = "release PLAN goes on"
	case a.State == journal.StateReturning:
		next = "rename PLAN brings it back to what it was before, and release PLAN does that too"
	default:
		return "", "", false
	}
	var last string
	for _, step := range a.Left {
		if name, ours := strings.CutPrefix(step, prefix); ours {
			last = name
		}
	}
	open := []string{}
	for _, step := range a.Open {
		if name, ours := strings.CutPrefix(step, prefix); ours {
			open = append(open, name)
		}
	}
	switch {
	case len(open) > 0:
		return "begun and not ended: " + strings.Join(open, ", "), next, true
	case last != "":
		return "the last step that has ended: " + last, next, true
	}
	return "nothing was begun", next, true
}
