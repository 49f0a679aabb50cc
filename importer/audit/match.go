package audit

import "github.com/lightcloud/kvm2openstack/importer/check"

// A matcher finds the domains of one audit in another.
type matcher struct {
	then  []Seen
	taken []bool
	by    []map[string][]int // one index for each of identities
}

// identities are what makes two records one domain, the surest first. A UUID
// can be on two hosts, and a name be given to another domain.
var identities = []func(Seen) string{
	func(s Seen) string { return identity(s.Host, s.UUID) },
	func(s Seen) string { return s.UUID },
	func(s Seen) string { return identity(s.Host, s.Name) },
}

// identity is "" where a part is not known.
func identity(host, part string) string {
	if part == "" {
		return ""
	}
	return host + "\x00" + part
}

func newMatcher(then []Seen) *matcher {
	m := &matcher{then: then, taken: make([]bool, len(then))}
	for _, key := range identities {
		index := map[string][]int{}
		for i, s := range then {
			if k := key(s); k != "" {
				index[k] = append(index[k], i)
			}
		}
		m.by = append(m.by, index)
	}
	return m
}

// match gives for every domain the one that it was, or -1. What one identity
// is sure of is not taken away by a later one.
func (m *matcher) match(now []Seen) []int {
	pairs := make([]int, len(now))
	for i := range pairs {
		pairs[i] = -1
	}
	for k, key := range identities {
		for i, s := range now {
			if pairs[i] < 0 {
				pairs[i] = m.take(m.by[k][key(s)], s, k)
			}
		}
	}
	return pairs
}

// take takes the first of the candidates that is still free. By its name alone
// a domain is found only where one of the two has no UUID, for it could not be
// read: another UUID under the same name is another domain.
func (m *matcher) take(candidates []int, s Seen, identity int) int {
	for _, i := range candidates {
		byName := identity == len(identities)-1
		if m.taken[i] || byName && !nameIsEnough(s, m.then[i]) {
			continue
		}
		m.taken[i] = true
		return i
	}
	return -1
}

func nameIsEnough(a, b Seen) bool {
	return a.UUID == "" || b.UUID == "" || a.Verdict == check.VerdictUnreadable || b.Verdict == check.VerdictUnreadable
}
