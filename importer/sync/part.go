package sync

import "github.com/lightcloud/kvm2openstack/importer/check"

// A Part is what the comparison of one host has found: small, so that those of
// all hosts fit into memory and into the journal.
type Part struct {
	Host        string `json:"host"`     // of the inventory
	Hostname    string `json:"hostname"` // as it answered
	ComputeHost string `json:"compute_host"`

	Err      string  `json:"err,omitempty"`   // why it was not read whole
	Stranger string  `json:"other,omitempty"` // why it is not the host it should be
	CloudErr string  `json:"cloud,omitempty"` // why ports and allocations were not looked at
	Drifts   []Drift `json:"drifts,omitempty"`

	Seen     map[string]string     `json:"seen"`               // names of all its domains by UUID
	MACs     map[string]string     `json:"macs"`               // UUIDs by MAC address
	Absent   []Absent              `json:"absent,omitempty"`   // adopted domains that should be here
	Recorded map[string]int64      `json:"recorded,omitempty"` // when Nova's rows of adopted domains were changed last, in seconds since 1970
	Verdicts map[check.Verdict]int `json:"verdicts"`           // of its domains
	Adopted  int                   `json:"adopted"`
	Locked   int                   `json:"locked"`  // of the adopted
	Seconds  float64               `json:"seconds"` // reading it took
}

// An Absent domain should be on a host, and is not.
type Absent struct {
	UUID   string `json:"uuid"`
	Domain string `json:"domain"`
	// Namesake is a domain of the host with one of its names and another UUID.
	Namesake string `json:"namesake,omitempty"`
	Why      string `json:"why"` // who says that it should be here
}

// whole: what the host says can be relied on.
func (p Part) whole() bool { return p.Err == "" && p.Stranger == "" }
