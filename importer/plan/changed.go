package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// Changed says what is different between the definition that a domain was
// planned with and the one it has now; nil when that is the same to the byte.
// A plan lists facts and not the definition, so some changes can only be said
// to be there.
func Changed(planned Domain, now discover.Domain) []string {
	if planned.MadeFrom.Digest == now.Digest {
		return nil
	}
	if changes := compareFacts(planned.MadeFrom.Facts, now.Facts()); len(changes) > 0 {
		return changes
	}
	return []string{"definition changed in a part the plan does not list"}
}

// compareFacts leaves out what is in both, pairs the rest by what it is about,
// and tells it in the order of the plan; what is new comes last.
func compareFacts(before, after []string) []string {
	gone, come := without(before, after), without(after, before)
	var changes []string
	for _, fact := range gone {
		topic, was := splitFact(fact)
		n := slices.IndexFunc(come, func(f string) bool { t, _ := splitFact(f); return t == topic })
		if n < 0 {
			changes = append(changes, told(topic, "is gone", was))
			continue
		}
		_, is := splitFact(come[n])
		changes = append(changes, fmt.Sprintf("%s was %s, is %s", topic, was, is))
		come = slices.Delete(come, n, n+1)
	}
	for _, fact := range come {
		topic, is := splitFact(fact)
		changes = append(changes, told(topic, "is new", is))
	}
	return changes
}

// without returns the facts of a that are not in b; one that a has twice and b
// once is left over once.
func without(a, b []string) []string {
	rest := slices.Clone(b)
	var out []string
	for _, fact := range a {
		if n := slices.Index(rest, fact); n >= 0 {
			rest = slices.Delete(rest, n, n+1)
		} else {
			out = append(out, fact)
		}
	}
	return out
}

func told(topic, what, value string) string {
	if value == "" {
		return topic + " " + what
	}
	return fmt.Sprintf("%s %s: %s", topic, what, value)
}

// twoWords are what a fact is about when that takes more than its first word.
// Devices are told apart by the second one.
var twoWords = []string{
	"disk", "cdrom", "floppy", "lun", "nic", "controller",
	"memory hotplug", "cpu features", "cpu quota", "numa cells", "secure boot", "no acpi", "locked memory", "shared memory",
	"agent channel", "security label", "unknown element",
}

// splitFact splits "memory 4096 MiB" into what it is about and what it says,
// and "disk vda virtio qcow2 /a" after the name of the disk.
func splitFact(fact string) (topic, value string) {
	first, rest, _ := strings.Cut(fact, " ")
	second, tail, _ := strings.Cut(rest, " ")
	if second != "" && (slices.Contains(twoWords, first) || slices.Contains(twoWords, first+" "+second)) {
		return first + " " + second, tail
	}
	return first, rest
}
