package importer

import (
	"fmt"
	"strings"
)

// An Outcome says what became of one domain.
type Outcome string

// Every chosen domain has exactly one outcome.
const (
	Imported   Outcome = "imported"
	Released   Outcome = "released"
	Already    Outcome = "already there" // nothing was left to do
	Refused    Outcome = "refused"       // nothing was changed
	RolledBack Outcome = "rolled back"   // it failed and is as it was before
	Half       Outcome = "half done"     // a rerun or a person must go on
	NotTried   Outcome = "not tried"     // the run ended before
	Healed     Outcome = "healed"
	NotHealed  Outcome = "not healed" // it is as it was, or the next comparison says what is left
)

// outcomes in the order in which a summary names them.
var outcomes = []Outcome{Imported, Released, Already, Refused, RolledBack, Half, NotTried, Healed, NotHealed}

// A Result is what became of one domain, and why.
type Result struct {
	Host         string   `json:"host"`
	Domain       string   `json:"domain"`
	UUID         string   `json:"uuid"`
	DisplayName  string   `json:"display_name"`
	InstanceName string   `json:"instance_name,omitempty"`
	Outcome      Outcome  `json:"outcome"`
	Step         string   `json:"step,omitempty"`   // at which it stopped
	Reason       string   `json:"reason,omitempty"` // of Err
	Warnings     []string `json:"warnings,omitempty"`
	Err          error    `json:"-"` // an *Error
}

// A Summary is what became of a run.
type Summary struct {
	Results []Result `json:"results"`
}

// Count is the number of domains with an outcome.
func (s Summary) Count(o Outcome) (n int) {
	for _, r := range s.Results {
		if r.Outcome == o {
			n++
		}
	}
	return n
}

// Warnings is the number of warnings in all.
func (s Summary) Warnings() (n int) {
	for _, r := range s.Results {
		n += len(r.Warnings)
	}
	return n
}

// String reads like "12 imported, 1 refused".
func (s Summary) String() string {
	var parts []string
	for _, o := range outcomes {
		if n := s.Count(o); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if len(parts) == 0 {
		return "no domains"
	}
	return strings.Join(parts, ", ")
}

// A Progress tells that one more domain is through.
type Progress struct {
	Done, Total int
	Result      Result
}
