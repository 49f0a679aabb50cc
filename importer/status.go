package importer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A StatusRow is one adopted domain as the cloud's own dashboard shows it, with
// how far its adoption has come.
type StatusRow struct {
	UUID         string        `json:"uuid"`
	Name         string        `json:"name"` // display name
	Addresses    string        `json:"addresses"`
	Size         string        `json:"size"`        // 8 VCPU 24GB RAM 300GB disk
	Status       string        `json:"status"`      // ACTIVE, SHUTOFF, PAUSED; "" when Nova does not have it
	Task         string        `json:"task"`        // "" for none
	Power        string        `json:"power_state"` // Running, Shut Down
	Locked       bool          `json:"locked"`
	Adoption     journal.State `json:"adoption"`
	Reason       string        `json:"reason,omitempty"` // why the adoption is not complete, and what is left of it or where it stands
	Next         string        `json:"next,omitempty"`   // what the next run will do
	Host         string        `json:"host"`             // where Nova has it, else where libvirt had it
	Domain       string        `json:"domain"`           // its libvirt name when it was imported
	InstanceName string        `json:"instance_name"`
	Updated      time.Time     `json:"updated"` // by the journal
}

// servers is what Status asks of Nova. *nova.Cloud has it.
type servers interface {
	Servers(ctx context.Context, uuids []string) ([]nova.Server, error)
}

// Status joins what the journal knows with what Nova shows, in the journal's
// order. Without Nova (nil) the plan in the journal says what it can.
func Status(ctx context.Context, adoptions []Adoption, in servers) ([]StatusRow, error) {
	found := map[string]nova.Server{}
	if in != nil {
		uuids := make([]string, len(adoptions))
		for i, a := range adoptions {
			uuids[i] = a.UUID
		}
		all, err := in.Servers(ctx, uuids)
		if err != nil {
			return nil, fmt.Errorf("status: read instances: %w", err)
		}
		for _, s := range all {
			found[s.UUID] = s
		}
	}
	rows := make([]StatusRow, len(adoptions))
	for i, a := range adoptions {
		s, err := readSnippet(a)
		if err != nil {
			return nil, fmt.Errorf("status: %w", err)
		}
		rows[i] = planned(a, s.Domain)
		if server, ok := found[a.UUID]; ok {
			rows[i].show(server)
		}
	}
	return rows, nil
}

// leftText says what is left of an adoption that is neither complete nor out
// again. Steps that leave nothing behind are not named.
func leftText(a Adoption, d plan.Domain) string {
	var parts []string
	add := func(text string) {
		if !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	for _, step := range a.Left {
		switch step {
		case stepPorts:
			add(strings.Join(append([]string{"ports"}, portIDs(d)...), " "))
		case stepRecords, stepMappings, stepFinal:
			add("rows in Nova's databases")
		case stepDirectory:
			add("the instance directory")
		case stepAllocation:
			add("its allocation in Placement")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "left of it, whole or in part: " + strings.Join(parts, ", ")
}

func portIDs(d plan.Domain) (ids []string) {
	for _, n := range d.NICs {
		if n.Port != "" {
			ids = append(ids, n.Port)
		}
	}
	return ids
}

// planned is the row as far as the journal knows it.
func planned(a Adoption, d plan.Domain) StatusRow {
	size := nova.Server{VCPUs: d.Flavor.VCPUs, MemoryMB: d.Flavor.MemoryMB, RootGB: d.Flavor.RootGB, EphemeralGB: d.Flavor.EphemeralGB}
	where, next, restarts := restart.Stands(a)
	if !restarts {
		where = leftText(a, d)
	}
	reason := strings.TrimSuffix(strings.TrimPrefix(a.Reason+"; "+where, "; "), "; ")
	return StatusRow{
		UUID: a.UUID, Name: a.DisplayName, Addresses: addressesOf(d), Size: size.Size(),
		Adoption: a.State, Reason: reason, Next: next, Host: a.Host, Domain: a.Domain, InstanceName: a.InstanceName, Updated: a.Updated,
	}
}

// show replaces the plan's word by Nova's.
func (r *StatusRow) show(s nova.Server) {
	r.Name, r.Size, r.Status, r.Task, r.Power, r.Locked = s.DisplayName, s.Size(), s.Status(), s.TaskState, s.PowerText(), s.Locked
	if text := s.AddressText(); text != "" {
		r.Addresses = text
	}
	if s.Host != "" {
		r.Host = s.Host
	}
	if s.InstanceName != "" {
		r.InstanceName = s.InstanceName
	}
}

// addressesOf are a plan's addresses as nova.Server.AddressText writes them.
func addressesOf(d plan.Domain) string {
	var parts []string
	for _, n := range d.NICs {
		if len(n.Addresses) > 0 {
			parts = append(parts, n.Network+"="+strings.Join(n.Addresses, ", "))
		}
	}
	return strings.Join(parts, "; ")
}
