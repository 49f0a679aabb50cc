package sync

import (
	"context"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// recall takes over one adoption.
func (l *Look) recall(a journal.Adoption, s journal.Sighting) error {
	switch a.State {
	case journal.StateReleased:
		l.Released[a.UUID] = true
		return nil
	case journal.StateFailed:
		l.Failed[a.UUID] = a.Reason
		return nil
	}
	kept, err := importer.Recall(a)
	if err != nil {
		return err
	}
	l.Known[a.UUID] = Known{Adoption: a, Recalled: kept}
	if s.Recorded > 0 {
		l.Recorded[a.UUID] = time.Unix(s.Recorded, 0)
	}
	return nil
}

// askTimeout bounds what one host's domains are asked for of the APIs.
const askTimeout = 3 * time.Minute

// askCloud reads ports and allocations of the instances that are here. APIs
// that do not answer are no reason to leave the rest unsaid.
func (r *Runner) askCloud(ctx context.Context, l *Look) {
	if r.Cloud == nil {
		return
	}
	var uuids []string
	for uuid := range l.Known {
		if l.Records[uuid].Live && l.Records[uuid].Host == l.Compute.Host && importer.Stands(l.Known[uuid].State) {
			uuids = append(uuids, uuid)
		}
	}
	l.Cloud = true
	if len(uuids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ports, err := r.Cloud.PortsOf(ctx, uuids)
	if err == nil {
		l.Allocations, err = r.Cloud.Allocations(ctx, uuids)
	}
	if err != nil {
		l.CloudErr = err.Error()
		return
	}
	l.Ports = map[string][]cloud.Port{}
	for _, p := range ports {
		device := strings.ToLower(p.DeviceID)
		l.Ports[device] = append(l.Ports[device], p)
	}
}

// judge has the rules of the audit say what becomes of domains that nobody has
// adopted and Nova does not have.
func (r *Runner) judge(ctx context.Context, v *view) error {
	strange := func(d discover.Domain) bool {
		_, known := v.look.Known[d.UUID]
		return !known && !v.look.Records[d.UUID].Live
	}
	v.look.Judged = map[string]Judgement{}
	here := v.look.Inventory
	here.Domains = nil
	wanted := false
	for _, d := range v.look.Inventory.Domains {
		here.Domains = append(here.Domains, d) // The audit keeps none of the slice it is given.
		wanted = wanted || strange(d)
	}
	if !wanted {
		return nil
	}
	in := r.Audit
	in.Hosts, in.Nova, in.Keep = []discover.Host{here.Host}, r.known.nova, strange
	in.Source = func(yield func(discover.Inventory) bool) { yield(here) }
	report, err := audit.Run(ctx, in)
	if err != nil {
		return err
	}
	v.report = &report
	for d := range report.Domains() {
		j := Judgement{Verdict: d.Verdict}
		for _, f := range d.Findings {
			if f.Severity != check.Info {
				j.Why = f.Code + " " + f.Text
				break
			}
		}
		v.look.Judged[d.UUID] = j
	}
	return nil
}
