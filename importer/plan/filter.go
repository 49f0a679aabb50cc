package plan

import (
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A Filter chooses domains, with the same words in every command. A word is
// the name of a domain or a pattern for it, a UUID, or the name of a host;
// or, said exactly, name=, uuid=, host=, state= or os= with a pattern.
type Filter struct {
	Only []string // any of these; all domains when empty
	Skip []string // none of these
}

// filterKeys are the words that may stand before an equals sign.
var filterKeys = []string{"name", "uuid", "host", "state", "os"}

// ParseFilter makes a Filter of the words of --only and --skip.
func ParseFilter(only, skip []string) (Filter, error) {
	for _, word := range slices.Concat(only, skip) {
		if err := checkWord(word); err != nil {
			return Filter{}, err
		}
	}
	return Filter{Only: only, Skip: skip}, nil
}

func checkWord(word string) error {
	if word == "" {
		return fmt.Errorf("filter: an empty word matches nothing")
	}
	key, pattern := splitWord(word)
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("filter %q: not a pattern: %w", word, err)
	}
	if key == "" && strings.Contains(word, "=") {
		return fmt.Errorf("filter %q: begins with none of %s=; a name with an equals sign is name=%s", word, strings.Join(filterKeys, "=, "), word)
	}
	if key == "state" && !anyMatches(pattern, knownStates) {
		return fmt.Errorf("filter %q: no such state; libvirt knows %s", word, strings.Join(knownStates, ", "))
	}
	return nil
}

var knownStates = []string{
	string(discover.StateRunning), string(discover.StateShutoff), string(discover.StatePaused), string(discover.StateCrashed),
	string(discover.StatePMSuspended), string(discover.StateShutdown), string(discover.StateBlocked), string(discover.StateNone),
}

func anyMatches(pattern string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return globFold(pattern, w) })
}

// splitWord returns the key of key=pattern, or "" and the whole word.
func splitWord(word string) (key, pattern string) {
	key, pattern, ok := strings.Cut(word, "=")
	if !ok || !slices.Contains(filterKeys, key) {
		return "", word
	}
	return key, pattern
}

// Empty reports whether the filter takes every domain.
func (f Filter) Empty() bool { return len(f.Only) == 0 && len(f.Skip) == 0 }

// MatchDomain reports whether the filter takes a domain as a host has it.
func (f Filter) MatchDomain(d discover.Domain) bool { return f.match(traitsOf(d)) }

// Match reports whether the filter takes a domain of a plan. Its state is the
// one at the time of planning.
func (f Filter) Match(d Domain) bool {
	return f.match(traits{name: d.Domain, uuid: d.UUID, host: d.Host, state: d.MadeFrom.State, os: d.MadeFrom.OS, osName: d.MadeFrom.OSName})
}

// Names reports whether the filter takes a domain and one of its words is the
// name or the UUID of that very domain: not a pattern, a host or a state, which
// take what happens to be there.
func (f Filter) Names(d Domain) bool {
	return f.Match(d) && slices.ContainsFunc(f.Only, func(word string) bool {
		key, word := splitWord(word)
		return (key == "" || key == "name") && word == d.Domain || (key == "" || key == "uuid") && strings.EqualFold(word, d.UUID)
	})
}

func (f Filter) match(t traits) bool { return f.leavesOut(t) == "" }

// LeavesOut says why the filter does not take a domain: the word of --skip
// that matches it, or that no --only does. It is "" when it takes it.
func (f Filter) LeavesOut(d discover.Domain) string { return f.leavesOut(traitsOf(d)) }

func (f Filter) leavesOut(t traits) string {
	if i := slices.IndexFunc(f.Skip, t.is); i >= 0 {
		return "--skip " + f.Skip[i]
	}
	if len(f.Only) > 0 && !slices.ContainsFunc(f.Only, t.is) {
		return "no --only"
	}
	return ""
}

// traits are what filters and rules tell domains apart by.
type traits struct{ name, uuid, host, state, os, osName string }

func traitsOf(d discover.Domain) traits {
	return traits{name: d.Name, uuid: d.UUID, host: d.Host, state: string(d.State), os: d.Guest.Family, osName: d.Guest.Name}
}

func (t traits) is(word string) bool {
	switch key, pattern := splitWord(word); key {
	case "name":
		return glob(pattern, t.name)
	case "uuid":
		return globFold(pattern, t.uuid)
	case "host":
		return globFold(pattern, t.host)
	case "state":
		return globFold(pattern, t.state)
	case "os":
		return t.runs(pattern)
	}
	return glob(word, t.name) || strings.EqualFold(word, t.uuid) || globFold(word, t.host)
}

// runs matches the family of the operating system or its name.
func (t traits) runs(pattern string) bool {
	return globFold(pattern, t.os) || t.osName != "" && globFold(pattern, t.osName)
}

// glob matches a shell's pattern; a name matches itself, whatever brackets it
// has in it.
func glob(pattern, name string) bool {
	if pattern == name {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil // bad patterns were refused when they were read
}

func globFold(pattern, name string) bool {
	return glob(strings.ToLower(pattern), strings.ToLower(name))
}

// sorted goes through a map in the order of its keys, so that output is stable.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
