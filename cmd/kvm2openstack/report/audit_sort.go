package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// An Order is what the table of an audit is sorted by, the most important
// first. Without any it is in the order of the hosts.
type Order []orderKey

type orderKey struct {
	by       auditOrder
	backward bool
}

type auditOrder func(a, b auditLine) int

// auditOrders are what a table can be sorted by, in the words of its titles.
var auditOrders = map[string]auditOrder{
	"host":    func(a, b auditLine) int { return natural(a.host, b.host) },
	"domain":  func(a, b auditLine) int { return natural(a.name, b.name) },
	"state":   func(a, b auditLine) int { return cmp.Compare(a.state, b.state) },
	"vcpu":    func(a, b auditLine) int { return cmp.Compare(a.vcpus, b.vcpus) },
	"ram":     func(a, b auditLine) int { return cmp.Compare(a.memoryMiB, b.memoryMiB) },
	"disks":   func(a, b auditLine) int { return cmp.Compare(a.diskGiB, b.diskGiB) },
	"os":      func(a, b auditLine) int { return natural(a.os, b.os) },
	"verdict": func(a, b auditLine) int { return cmp.Compare(rank(a.verdict), rank(b.verdict)) },
	"why":     func(a, b auditLine) int { return cmp.Compare(a.first(), b.first()) },
}

// OrderWords are the words that ParseOrder takes.
func OrderWords() []string { return sortedKeys(auditOrders, func(a, b string) bool { return a < b }) }

// ParseOrder makes an Order of words like verdict,-ram. A minus sign turns a
// word around.
func ParseOrder(words []string) (Order, error) {
	var o Order
	for _, word := range words {
		word = strings.ToLower(strings.TrimSpace(word))
		name, backward := strings.CutPrefix(word, "-")
		by, ok := auditOrders[name]
		if !ok {
			return nil, fmt.Errorf("cannot sort by %q: it is one of %s, with a minus sign before it for the other way round", word, strings.Join(OrderWords(), ", "))
		}
		o = append(o, orderKey{by, backward})
	}
	return o, nil
}

// sort brings lines into order; those that are equal stay as they are.
func (o Order) sort(lines []auditLine) {
	slices.SortStableFunc(lines, func(a, b auditLine) int {
		for _, k := range o {
			c := k.by(a, b)
			if k.backward {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

// verdicts is the order in which verdicts are listed and added up.
var verdicts = []check.Verdict{check.VerdictReady, check.VerdictAttention, check.VerdictBlocked, check.VerdictManaged, check.VerdictUnreadable}

func rank(v check.Verdict) int { return slices.Index(verdicts, v) }

// natural compares names as people count: web-9 comes before web-10.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, restA := number(a)
		y, restB := number(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

// number cuts the digits off the beginning of s, without zeros before them.
func number(s string) (digits, rest string) {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	digits = strings.TrimLeft(s[:end], "0")
	if digits == "" && end > 0 {
		digits = "0"
	}
	return digits, s[end:]
}
