package sync

import (
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Drift is one thing that is not as it was recorded.
type Drift struct {
	Code   Code   `json:"code"`
	Host   string `json:"host,omitempty"`   // of the inventory; "" where it is about the run
	Domain string `json:"domain,omitempty"` // its libvirt name; "" where it is about a host
	UUID   string `json:"uuid,omitempty"`
	Text   string `json:"text"`           // what differs
	Heal   Remedy `json:"heal,omitempty"` // what would heal it, if it may; "" where only a person can

	Since   time.Time `json:"since,omitzero"`    // when a run found it first
	New     bool      `json:"new,omitempty"`     // no earlier run has found it
	Outcome string    `json:"outcome,omitempty"` // healed, or why not; "" where nobody has tried
	Healed  bool      `json:"healed,omitempty"`
}

// key is what makes two drifts the same from one run to the next.
func (d Drift) key() string { return string(d.Code) + "\x00" + d.Host + "\x00" + d.UUID }

// A Known is an adoption as the journal has it.
type Known struct {
	journal.Adoption
	importer.Recalled
}

// A Record is what Nova has of a UUID.
type Record struct {
	nova.Server // the zero one where there is no live row
	Live        bool
	Stage       nova.Stage
}

// A Judgement is what the rules of the audit say of a domain that nobody has
// adopted.
type Judgement struct {
	Verdict check.Verdict
	Why     string // its first reason, with its code
}

// A Look is one host with all that is recorded of its domains, read at about
// the same time.
type Look struct {
	Inventory discover.Inventory
	Compute   nova.Compute      // the zero one where Nova does not know the host
	Nodes     map[string]string // all compute hosts by resource provider
	Answered  string            // the host name that it answered with last; "" for the first time

	Known       map[string]Known            // by UUID: those that are on the host, or should be
	Records     map[string]Record           // likewise, and of all other domains of the host
	Recorded    map[string]time.Time        // when Nova's rows were changed last, as an earlier run has seen it
	Ports       map[string][]cloud.Port     // of Known
	Allocations map[string]cloud.Allocation // of Known
	Cloud       bool                        // ports and allocations were asked for
	CloudErr    string                      // and why they were not answered
	Networks    *cloud.Snapshot             // what ports are turned into records with; nil without the APIs
	Judged      map[string]Judgement        // of domains that nobody has adopted
	Released    map[string]bool             // domains that were given back on purpose
	Failed      map[string]string           // domains whose import failed and was taken back, and why
}
