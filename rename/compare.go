package rename

import (
	"fmt"
	"strings"
)

// How one path differs between two definitions.
const (
	Lost    = "lost"
	Changed = "changed"
	Added   = "added"
)

// A Difference is one path that two definitions do not agree on, like
// devices/disk[target=vda]/source/@file. Of an element that only one of them
// has, its own path stands for everything in it.
type Difference struct {
	How           string // Lost, Changed or Added
	Path          string
	Before, After string // text or value; "" on the side that lacks it
}

// String tells the path, and the values where they are no secret.
func (d Difference) String() string {
	if d.How != Changed || !telling(d.Path) {
		return d.Path + " is " + d.How
	}
	return fmt.Sprintf("%s is changed from %.100q to %.100q", d.Path, d.Before, d.After)
}

// told are the parts of a definition whose values may stand in a log. Others
// hold, or may hold, what a guest is given at its first boot, arguments for
// QEMU, or what an operator noted.
var told = []string{"name", "uuid", "memory", "vcpu", "cpu", "os/type", "os/loader", "os/nvram", "features", "clock", "devices/", "@"}

func telling(path string) bool {
	for _, password := range []string{"/@passwd", "/cookie", "/{"} {
		if strings.Contains(path, password) {
			return false
		}
	}
	for _, part := range told {
		if strings.HasPrefix(path, part) {
			return true
		}
	}
	return false
}

// Compare tells where two definitions differ, path by path: in the order of
// the first, then what only the second has. The order of attributes and of
// devices with a name of their own does not matter, for libvirt writes them in
// its own; nor do comments, quotes, and white space with a line break in it,
// which is layout.
func Compare(before, after string) ([]Difference, error) {
	a, err := parse(before)
	if err != nil {
		return nil, fmt.Errorf("read the definition from before: %w", err)
	}
	b, err := parse(after)
	if err != nil {
		return nil, fmt.Errorf("read the definition from after: %w", err)
	}
	return differences(flatten(a), flatten(b)), nil
}

func differences(before, after *paths) (found []Difference) {
	note := outermost(&found)
	for _, path := range before.order {
		was, still := before.values[path]
		if !still {
			continue // taken out by meant
		}
		is, there := after.values[path]
		switch {
		case !there:
			note(Difference{Lost, path, was, ""})
		case was != is:
			note(Difference{Changed, path, was, is})
		}
	}
	for _, path := range after.order {
		if _, there := before.values[path]; !there {
			note(Difference{Added, path, "", after.values[path]})
		}
	}
	return found
}

// outermost leaves out what is inside of an element noted before. Paths come
// with an element before its attributes and children.
func outermost(found *[]Difference) func(Difference) {
	last := map[string]string{}
	return func(d Difference) {
		if inside := last[d.How]; inside != "" && strings.HasPrefix(d.Path, inside+"/") {
			return
		}
		if d.How != Changed {
			last[d.How] = d.Path
		}
		*found = append(*found, d)
	}
}
