package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/rebuild"
)

// rebuilds prints what a hard reboot in Nova would change about a domain: a
// line for each field, and one for all that only the host notices.
func rebuilds(w io.Writer, differences []rebuild.Difference) {
	if len(differences) == 0 {
		return
	}
	fmt.Fprintln(w, "  a hard reboot in Nova would")
	verbs := map[rebuild.Kind]string{rebuild.Lost: "lose", rebuild.Changed: "change", rebuild.Added: "add"}
	var host []string
	for len(differences) > 0 {
		n := sameField(differences)
		group := differences[:n]
		differences = differences[n:]
		var words []string
		for _, d := range group {
			words = append(words, change(d))
		}
		text := strings.TrimSpace(fieldTitles[group[0].Field] + " " + strings.Join(words, ", "))
		if !group[0].Guest {
			host = append(host, verbs[group[0].Kind]+" "+text)
			continue
		}
		fmt.Fprintf(w, "      %-7s %s\n", verbs[group[0].Kind], Line(text))
	}
	if len(host) > 0 {
		fmt.Fprintf(w, "      and on the host: %s\n", Line(strings.Join(host, "; ")))
	}
}

// sameField counts how many of the first are of one field and kind.
func sameField(differences []rebuild.Difference) int {
	n := 1
	for n < len(differences) && differences[n].Field == differences[0].Field && differences[n].Kind == differences[0].Kind {
		n++
	}
	return n
}

// change is one difference in a word or two. "on", "yes" and 1 say no more
// than that it is there.
func change(d rebuild.Difference) string {
	value := d.Now + " -> " + d.Then
	switch d.Kind {
	case rebuild.Lost:
		value = d.Now
	case rebuild.Added:
		value = d.Then
	}
	switch {
	case d.Kind != rebuild.Changed && (value == "on" || value == "yes" || value == "1"):
		return d.Device
	case d.Device == "":
		return value
	case d.Kind == rebuild.Changed:
		return d.Device + " " + value
	}
	return d.Device + " (" + value + ")"
}

var fieldTitles = func() map[string]string {
	titles := map[string]string{}
	for _, f := range rebuild.Fields() {
		titles[f.Name] = f.Title
	}
	return titles
}()
