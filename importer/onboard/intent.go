package onboard

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// An Intent is all that is decided before a host is touched. It is the first
// thing of an onboarding in the journal, and what the way back goes by.
type Intent struct {
	Way          Way    `json:"way"`  // "" where only the mapping is missing
	Host         string `json:"host"` // in the inventory
	ComputeHost  string `json:"compute_host"`
	Node         string `json:"node"`
	IdentityFile string `json:"compute_id_file"`
	HadIdentity  bool   `json:"had_compute_id"` // it was there before
	Identity     string `json:"compute_id"`     // that it has, or is to have; "" where Nova chooses
	Service      string `json:"service,omitempty"`
	Cell         string `json:"cell,omitempty"` // cell_mappings.uuid; "" where nova-compute decides
	Version      int    `json:"version,omitempty"`
	WasMapped    bool   `json:"was_mapped"`
}

// stepIntent is the name of the intent in the journal.
const stepIntent = "onboard"

// stepFinish notes that all was as it is to be: from then on the host may be in
// use, and its service enabled.
const stepFinish = "onboarded"

// A stage is how far an onboarding has come, by the journal.
type stage int

const (
	fresh stage = iota
	underWay
	finished
)

// stageOf is that of an onboarding that was begun.
func stageOf(begun []journal.Step) stage {
	if slices.ContainsFunc(begun, func(s journal.Step) bool { return s.Step == stepFinish }) {
		return finished
	}
	return underWay
}

// intent decides.
func (j Job) intent() (Intent, error) {
	h, name := j.Host, j.Host.ComputeHost()
	own, known := j.Cloud.service(name)
	_, mapped := j.Cloud.mapping(name)
	in := Intent{
		Way: j.Way, Host: h.Name, ComputeHost: name, Node: h.Libvirt, Identity: h.Identity(), HadIdentity: h.Identity() != "",
		IdentityFile: path.Join(h.Conf.State(), "compute_id"), WasMapped: mapped,
	}
	if len(h.Files) > 0 {
		in.IdentityFile = h.Files[0].Path
	}
	if known {
		in.Way, in.Cell = "", own.Cell
		return in, nil
	}
	if j.Way == ByRecords && !h.Conf.Read() {
		return in, errors.New("none of nova-compute's configuration files was found on the host, so it is not known where it looks for its compute_id: name them as the host itself has them (onboard: config_files)")
	}
	var err error
	if in.Cell, err = j.cell(); err != nil || j.Way != ByRecords {
		return in, err
	}
	if in.Version, err = j.version(in.Cell); err != nil {
		return in, err
	}
	in.Service, in.Identity = uuid.NewString(), cmp.Or(in.Identity, uuid.NewString())
	return in, nil
}

// cell is the one that the service is to be in, by what was said, or because
// there is one alone; "" where nova-compute decides and nobody has said.
func (j Job) cell() (string, error) {
	if j.Cell == "" && j.Way != ByRecords {
		return "", nil
	}
	var open []string
	for _, s := range j.Cloud.Open {
		if j.Cell == "" || j.Cell == s.Name || j.Cell == s.UUID {
			open = append(open, s.UUID)
		}
	}
	switch len(open) {
	case 0:
		return "", fmt.Errorf("there is no open cell %s", cmp.Or(j.Cell, "at all"))
	case 1:
		return open[0], nil
	}
	return "", fmt.Errorf("there are %d cells: say with --cell to which one the host's transport_url leads", len(open))
}

// version is what the service's row has: that of the cell's nova-conductor.
func (j Job) version(cell string) (int, error) {
	version, ok := j.Cloud.Records.Conductors[cell]
	if !ok {
		version = j.Cloud.Release.Services
	}
	if version == 0 {
		return 0, errors.New("no nova-conductor has reported to the cell, so it is not known which version a service has")
	}
	return version, nil
}

// earlier is the intent of an onboarding that is not taken back, with the steps
// that were begun, oldest first and each once.
func (o *Onboarder) earlier(ctx context.Context, name string) (in Intent, begun []journal.Step, found bool, err error) {
	all, err := o.Journal.Steps(ctx, Key(name))
	if err != nil {
		return in, nil, false, err
	}
	for _, s := range all {
		if s.Step == stepIntent {
			in = Intent{} // the last one counts
			if err := json.Unmarshal([]byte(s.Made), &in); err != nil {
				return in, nil, false, fmt.Errorf("read what the journal has of %s: %w", name, err)
			}
			found = true
		}
		if i := slices.IndexFunc(begun, func(b journal.Step) bool { return b.Step == s.Step }); i >= 0 {
			begun[i].Made = cmp.Or(s.Made, begun[i].Made) // of the last run that made something
			continue
		}
		begun = append(begun, s)
	}
	return in, begun, found, nil
}

// renewed is the intent of an onboarding that was begun, and all or part of which
// was taken back: Nova keeps the service that it has deleted, with its UUID.
func (o *Onboarder) renewed(ctx context.Context, in Intent) (Intent, bool, error) {
	if in.Way != ByRecords {
		return in, false, nil
	}
	records, err := o.Nova.HostRecordsOf(ctx, in.ComputeHost)
	spent := slices.ContainsFunc(records.Services, func(s nova.HostService) bool { return s.Deleted && s.UUID == in.Service })
	if spent {
		in.Service = uuid.NewString()
	}
	return in, spent, err
}

// note writes the intent: before it nothing is changed.
func (o *Onboarder) note(ctx context.Context, in Intent) error {
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("write the intent of %s: %w", in.ComputeHost, err)
	}
	return o.noteDone(ctx, stepIntent, journal.Ending{UUID: Key(in.ComputeHost), Made: string(text)})
}

// noteFinish writes that an onboarding has come to its end.
func (o *Onboarder) noteFinish(ctx context.Context, computeHost string) error {
	return o.noteDone(ctx, stepFinish, journal.Ending{UUID: Key(computeHost)})
}

func (o *Onboarder) noteDone(ctx context.Context, step string, e journal.Ending) error {
	return o.Journal.Write(ctx, func(tx *journal.Tx) error {
		if err := tx.Begin(step, e.UUID); err != nil {
			return err
		}
		return tx.End(step, e)
	})
}
