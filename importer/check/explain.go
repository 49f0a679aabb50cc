package check

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
)

// examplesFile has one finding of every rule, as its own fixture gives it: what
// a rule says is put into words with a domain's own names only, and so a list
// of rules cannot say it.
//
//go:embed examples.json
var examplesFile []byte

var examples = func() map[string]Finding {
	var all []Finding
	if err := json.Unmarshal(examplesFile, &all); err != nil {
		panic("examples.json: " + err.Error()) // it is part of the program
	}
	by := make(map[string]Finding, len(all))
	for _, f := range all {
		by[f.Code] = f
	}
	return by
}()

// Example is what r says of some domain.
func (r Rule) Example() Finding { return examples[r.Code] }

// AlsoManaged reports whether the rule is asked about domains, too, that Nova
// has already.
func (r Rule) AlsoManaged() bool { return r.alsoManaged }

// chapters are the hundreds of the codes.
var chapters = map[byte]string{
	'1': "Lifecycle and state",
	'2': "Disks",
	'3': "Network",
	'4': "Firmware, processors, memory and devices",
	'5': "Screens, consoles and the guest's operating system",
	'6': "Nova: host, records, names and room",
	'7': "Neighbours",
	'9': "What only a plan can say",
}

// Chapter is what the rule is about, in general.
func (r Rule) Chapter() string { return chapters[r.Code[len("K2O-")]] }

// Find is the rule of that code, in whatever case it is written.
func Find(code string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return strings.EqualFold(r.Code, code) })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}
