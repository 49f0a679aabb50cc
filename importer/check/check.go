// Package check holds the rules that say whether a domain can be adopted, as
// data: each has a stable code, a severity, the consequence of ignoring it,
// what to do about it, and the fact it rests on.
//
// A rule looks at nothing but its arguments, so that every one can be tested
// with literals.
package check

import (
	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Severity says what a finding means for the adoption.
type Severity string

// Blocked domains are not adopted; attention needs a person's eye but does
// not hinder; info is worth knowing.
const (
	Blocked   Severity = "blocked"
	Attention Severity = "attention"
	Info      Severity = "info"
)

// A Verdict is the sum of a domain's findings.
type Verdict string

// Every domain that was found has exactly one verdict; unreadable ones have
// VerdictUnreadable and no findings.
const (
	VerdictReady      Verdict = "ready"
	VerdictAttention  Verdict = "attention"
	VerdictBlocked    Verdict = "blocked"
	VerdictManaged    Verdict = "managed" // Nova has it already
	VerdictUnreadable Verdict = "unreadable"
)

// A Finding is one rule that applies to one domain.
type Finding struct {
	Code     string   `json:"code" yaml:"code"`         // K2O-101
	Severity Severity `json:"severity" yaml:"severity"` //
	Text     string   `json:"text" yaml:"text"`         // the consequence, in one sentence, with the domain's own names in it
	Action   string   `json:"action" yaml:"action"`     // what to do
}

// An Assessment is what the rules say of one domain.
type Assessment struct {
	Verdict  Verdict   `json:"verdict"`
	Findings []Finding `json:"findings"` // blocked first, then attention, then info; by code within
}

// Facts are what a rule may know beyond the domain itself. A nil part is not
// known, and rules that need it say nothing.
type Facts struct {
	Host     HostFacts
	Settings Settings
	Fleet    *Fleet      // what other hosts have; nil while only one domain is known
	Nova     *NovaFacts  // nil without databases
	Cloud    *CloudFacts // nil without the cloud's APIs

	// Ports are the MAC addresses, lower case, for which Neutron has a port.
	// Nil means that nobody looked, and with databases that counts as none.
	Ports map[string]bool
	// OwnerProblem says why the project or the user that the instance is to
	// belong to could not be resolved; "" when both were, or nobody asked.
	OwnerProblem string
}

// HostFacts are the host's own.
type HostFacts struct {
	Name         string
	Hostname     string
	FilesErr     string
	InstancesDir *discover.File
	CPUs         int
	MemoryKiB    uint64
	Devices      []discover.NetDevice // nil when nobody could read them
}

// Settings are the operator's and the cloud's configuration.
type Settings struct {
	InstancesPath        string
	ImagesType           string // qcow2, raw, flat, lvm, rbd, default
	InstanceNameTemplate string
	Networks             cloud.Mapping
	WindowsNIC           string // keep, e1000, ask
}

// Fleet is what a domain's neighbours have, keyed for the rules. It is fed
// domain by domain; see NewFleet.
type Fleet struct {
	UUIDs     Users            // by uuid
	MACs      Users            // by mac
	Disks     map[string]Users // by host, then by path
	Bases     map[string]Users // by host, then by path: who has a disk that rests on it
	Names     Users            // by libvirt name
	Hostnames Users            // by the Nova host name made from the domain's
}

// NovaFacts are what the databases say about this domain and its host.
type NovaFacts struct {
	Release  nova.Release
	Compute  *nova.Compute // nil when Nova does not know the host
	Presence nova.Presence // of the domain's UUID
	// HostnameTaken lists instances whose host name would be the same.
	HostnameTaken []string
	// Quota is what the target project has left after everything planned
	// before this domain; nil when not known.
	Quota *nova.QuotaLeft
	// Room is what the host has left, likewise.
	Room *nova.Room
}
