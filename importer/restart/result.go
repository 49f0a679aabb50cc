package restart

import (
	"fmt"
	"time"

	"github.com/lightcloud/kvm2openstack/rename"
)

// An Outcome says what became of one domain.
type Outcome string

// Every call has exactly one outcome.
const (
	Renamed    Outcome = "renamed"       // it has Nova's name, and is healthy
	Swapped    Outcome = "swapped"       // Swap: its interfaces have the model that was asked for
	Returned   Outcome = "returned"      // Back: it is as it was before the restart
	Finalized  Outcome = "finalized"     // the legacy names of its disks are gone
	Already    Outcome = "already there" // nothing was left to do
	Refused    Outcome = "refused"       // nothing was changed
	RolledBack Outcome = "rolled back"   // it failed, and is as it was before
	Half       Outcome = "half done"     // the same call, or a person, must go on
)

// A Result is what became of one domain, and why.
type Result struct {
	Host         string   `json:"host"`
	Domain       string   `json:"domain"` // the legacy name
	UUID         string   `json:"uuid"`
	DisplayName  string   `json:"display_name"`
	InstanceName string   `json:"instance_name"`
	Outcome      Outcome  `json:"outcome"`
	Step         string   `json:"step,omitempty"`   // at which it stopped
	Reason       string   `json:"reason,omitempty"` // of Err, in one line
	Warnings     []string `json:"warnings,omitempty"`
	Times        Times    `json:"times"`

	Health []rename.Answer `json:"health,omitempty"` // the last time it was asked
	Err    error           `json:"-"`                // an *Error
}

// Times are how long the phases of a restart took, those of this call only. A
// phase that was not reached, or cannot be seen, is 0: without a probe or an
// agent nobody knows how long a guest boots. Of a domain that went back, gap and
// start are those of the start as it was, and it was down until that start.
type Times struct {
	Shutdown time.Duration `json:"shutdown"` // the guest's own, from the first request to its end
	Gap      time.Duration `json:"gap"`      // ours, from its end to the order to start it
	Start    time.Duration `json:"start"`    // libvirt's or Nova's, until the domain runs
	Boot     time.Duration `json:"boot"`     // from then on until it showed that it works
	Down     time.Duration `json:"down"`     // from its end until it showed that it works, or else ran
	Total    time.Duration `json:"total"`    // of the whole call

	Presses int `json:"presses,omitempty"` // of the power button
}

// An Error says for which domain on which host what failed, and why.
type Error struct {
	Host, Domain, Step string
	Err                error
}

// Error reads like "kvm07: domain web-3: shutdown: still running at the deadline".
func (e *Error) Error() string {
	return fmt.Sprintf("%s: domain %s: %s: %v", e.Host, e.Domain, e.Step, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// A Progress tells that a domain has come to a step.
type Progress struct {
	Host, Domain, UUID string
	Step               string
	Back               bool      // it is on its way back
	At                 time.Time // when it came to the step
	Down               time.Time // since when its guest is off, zero while it runs
}
