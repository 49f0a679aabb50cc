package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// stepTimeout bounds one step of one batch. Nova's writer has deadlines of its
// own for each statement, and the cloud's APIs for each call; this one is for
// everything else that may hang. A slow cloud needs its time: 50 domains with
// three calls of ten seconds each, one at a time, are done within it.
const stepTimeout = 30 * time.Minute

// An item is one domain on its way through the steps.
type item struct {
	planned  plan.Domain
	place    plan.Host
	host     discover.Host
	want     instancedir.Want // without the EFI variables: wants adds them
	efi      variables
	compute  nova.Compute
	instance nova.Instance
	stage    nova.Stage // when the run came to it
	mapped   bool       // likewise: the API database has its rows
	earlier  journal.Adoption

	seen       bool            // libvirt had it when its release began
	grown      *plan.Domain    // of sync: as it would be planned now
	now        discover.Domain // of sync: as it was read
	side       side            // what it has in the cloud besides Nova's records
	noted      bool            // the journal has the adoption
	definition string          // from before, until the journal has it
	id         journal.InstanceID
	made       string // JSON, what the last step made
	warnings   []string

	outcome Outcome // "" while it is on its way
	step    string
	err     error
}

func (it *item) uuid() string { return it.planned.UUID }

// end says what became of the item; the first word counts.
func (it *item) end(o Outcome, step string, err error) {
	if it.outcome != "" {
		return
	}
	it.outcome, it.step = o, step
	if err != nil {
		it.err = it.wrap(step, err)
	}
}

// soFar is the outcome of a domain for which the run ends after so many steps.
func (it *item) soFar(steps int) Outcome {
	if steps == 0 && it.stage == nova.Unwritten && !it.begun() {
		return NotTried
	}
	return Half
}

// wrap adds host, domain and step, once.
func (it *item) wrap(step string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return &Error{Host: it.planned.Host, Domain: it.planned.Domain, Step: step, Err: err}
}

func (it *item) result() Result {
	r := Result{
		Host: it.planned.Host, Domain: it.planned.Domain, UUID: it.uuid(), DisplayName: it.planned.DisplayName,
		InstanceName: it.id.Name, Outcome: it.outcome, Step: it.step, Warnings: it.warnings, Err: it.err,
	}
	var e *Error
	if errors.As(it.err, &e) {
		r.Reason = e.Err.Error()
	}
	return r
}

// adoption is what the journal keeps of the item.
func (it *item) adoption() (journal.Adoption, error) {
	text, err := it.snippet()
	if err != nil {
		return journal.Adoption{}, err
	}
	return journal.Adoption{
		UUID: it.uuid(), Host: it.planned.Host, Domain: it.planned.Domain, DisplayName: it.planned.DisplayName,
		Cell: it.compute.Cell, ComputeHost: it.compute.Host, State: journal.StateBegun,
		Plan: text, Definition: it.definition,
	}, nil
}

// snippet is the item's plan as the journal keeps it.
func (it *item) snippet() (string, error) {
	text, err := yaml.Marshal(snippet{
		Domain: it.planned, Host: it.place, InstancesPath: it.want.InstancesPath, Cloud: it.side.made, KeptPorts: it.side.kept, LoosePorts: it.side.loose,
		Variables: it.efi.from,
	})
	if err != nil {
		return "", fmt.Errorf("keep the plan of %s: %w", it.planned.Domain, err)
	}
	return string(text), nil
}

// A snippet is what the journal keeps of a plan for one domain: all that
// release, verify and status need when the plan itself is lost. Its domain has
// the ids that the plan had to leave open.
type snippet struct {
	Domain        plan.Domain `yaml:"domain"`
	Host          plan.Host   `yaml:"host"`
	InstancesPath string      `yaml:"instances_path"`
	Cloud         bool        `yaml:"cloud,omitempty"`       // ports and allocation are made through the APIs
	KeptPorts     []string    `yaml:"kept_ports,omitempty"`  // they were the instance's before, and stay so
	LoosePorts    []string    `yaml:"loose_ports,omitempty"` // those of them that had no host
	Variables     string      `yaml:"variables,omitempty"`   // the file of EFI variables, which has a second name
}

func readSnippet(a journal.Adoption) (snippet, error) {
	var s snippet
	if err := yaml.Unmarshal([]byte(a.Plan), &s); err != nil {
		return s, fmt.Errorf("read the journal's plan of %s: %w", a.Domain, err)
	}
	return s, nil
}

// A Recalled is what the journal keeps of the plan of an adoption.
type Recalled struct {
	Domain        plan.Domain // with the ids that the plan had left open
	Host          plan.Host
	InstancesPath string
	Cloud         bool // its ports and its allocation were made through the APIs
}

// Recall reads an adoption's plan in the journal.
func Recall(a Adoption) (Recalled, error) {
	s, err := readSnippet(a)
	return Recalled{Domain: s.Domain, Host: s.Host, InstancesPath: s.InstancesPath, Cloud: s.Cloud}, err
}

// Stands reports whether the import of an adoption has come to its end, and
// nothing of it has been released since.
func Stands(s journal.State) bool { return stands(Adoption{State: s}) && s != "" }

// remember takes over what the journal knows: the directory and its links are
// those of the import, and so are port and image, whatever the plan says by now.
func (it *item) remember(a journal.Adoption) {
	it.earlier = a
	s, err := readSnippet(a)
	if err != nil || s.InstancesPath == "" {
		return
	}
	it.want, it.efi = wantOf(s.Domain, s.InstancesPath), variables{from: s.Variables}
	it.resolve(s)
}

// wantOf is the instance directory that a plan asks for.
func wantOf(d plan.Domain, instancesPath string) instancedir.Want {
	w := instancedir.Want{UUID: d.UUID, InstancesPath: instancesPath, Owner: "nova", Infos: map[string]string{}}
	for _, k := range d.Disks {
		w.Links = append(w.Links, instancedir.Link{From: k.Path, To: k.Becomes})
		w.Infos[k.Becomes] = k.Format
	}
	return w
}

// keep turns what a step made into the journal's JSON.
func (it *item) keep(made any) error {
	text, err := json.Marshal(made)
	if err != nil {
		return fmt.Errorf("keep what was made: %w", err)
	}
	it.made = string(text)
	return nil
}
