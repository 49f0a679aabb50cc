package sync

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Runner compares an inventory, and heals. All fields but Cloud, Heal, Scan,
// Progress and Log must be set.
type Runner struct {
	Audit   audit.Input // hosts, their options, and what the rules need; Nova is set by Run
	Nova    Records
	Cloud   importer.Lookup   // nil: on the databases alone
	Journal *journal.Recorder // alone, or shared with other processes
	Policy  Policy
	Digest  string // of everything that processes of one round must have in common
	Accept  bool   // what is seen now is what should be: domains are gone, hosts have new names, the clock is right

	Heal     func(ctx context.Context) (*Healer, error) // nil: nothing is healed, and nothing here can write
	Scan     func(ctx context.Context, hosts []discover.Host, opt discover.Options) discover.Source
	Progress func(Part) // called as each host has been compared, from many goroutines
	Log      *slog.Logger

	known knowledge // of this run
}

// Records is what a comparison asks of Nova's databases. *nova.Cloud has it.
type Records interface {
	audit.Records
	Servers(ctx context.Context, uuids []string) ([]nova.Server, error)
	ServersOnHost(ctx context.Context, host string) ([]nova.Server, error)
	Written(ctx context.Context, uuids []string) (map[string]nova.Stage, error)
}

// A Healer is what can change something, opened for as long as it is needed.
type Healer struct {
	*importer.Importer
	Plan  func(ctx context.Context, r audit.Report) (plan.Plan, error) // what an import would do
	Close func() error
}

// A Result is what a round has found and done, by whichever process.
type Result struct {
	Drifts  []Drift
	Hosts   []HostResult // in the order of the inventory
	Stopped string       // why nothing may be healed; "" when it may
	Took    time.Duration
	At      time.Time // by the journal's clock
	Here    int       // hosts that this process has read
	Closed  bool      // this process has ended the round, and tells the world
	Failed  int       // drifts that were to be healed and are not
}

// A HostResult is a Part without its domains.
type HostResult struct {
	Host     string
	Err      string
	Verdicts map[string]int
	Adopted  int
	Locked   int
}

// Left counts the drifts that are not healed.
func (r Result) Left() (n int) {
	for _, d := range r.Drifts {
		if !d.Healed {
			n++
		}
	}
	return n
}

// The pieces of a round, by the beginning of their names.
const (
	itemRead     = "read/"     // and a host
	itemConclude = "conclude/" // all hosts together
	itemAct      = "act/"      // and a host of which something is to be healed
)

// poll is how often a process looks whether the others are through.
const poll = 500 * time.Millisecond

// Run goes one round. The error is one that ended it early; the next run
// begins anew, and finds what this one has not healed.
func (r *Runner) Run(ctx context.Context) (Result, error) {
	began := time.Now()
	r.Policy = r.Policy.WithDefaults()
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	if r.Scan == nil {
		r.Scan = discover.Scan
	}
	result, err := r.round(ctx)
	result.Took = time.Since(began)
	if err != nil {
		return result, fmt.Errorf("sync: %w", err)
	}
	return result, nil
}

func (r *Runner) round(ctx context.Context) (result Result, err error) {
	if r.Accept {
		n, err := r.Journal.SetBack(ctx)
		if err != nil {
			return result, err
		}
		if n > 0 {
			r.Log.Warn("dates that a clock ahead of its time had noted are those of now", "dates", n)
		}
	}
	items := []string{itemConclude}
	for _, h := range r.Audit.Hosts {
		items = append(items, itemRead+h.Name)
	}
	round, err := r.Journal.OpenRound(ctx, r.Digest, items, 3*r.Policy.Lease)
	if err != nil {
		return result, err
	}
	r.Log.Info("round", "round", round.ID, "hosts", len(r.Audit.Hosts))
	if err := r.learn(ctx); err != nil {
		return result, err
	}
	read, err := r.work(ctx, round.ID, itemRead, r.parallel(), r.read)
	if err != nil {
		return result, err
	}
	if _, err := r.work(ctx, round.ID, itemConclude, 1, r.conclude); err != nil {
		return result, err
	}
	if _, err := r.work(ctx, round.ID, itemAct, 1, r.act); err != nil {
		return result, err
	}
	if result, err = r.result(ctx, round.ID); err != nil {
		return result, err
	}
	result.Here = read
	result.Closed, err = r.Journal.CloseRound(ctx, round.ID, result.Failed == 0 && result.Stopped == "", result.String())
	return result, err
}

// parallel is how many hosts are read at a time.
func (r *Runner) parallel() int {
	if r.Audit.Scan.Parallel > 0 {
		return r.Audit.Scan.Parallel
	}
	return 32
}

// String reads like "12 hosts, 340 domains adopted, 3 drifts, 1 healed".
func (r Result) String() string {
	adopted := 0
	for _, h := range r.Hosts {
		adopted += h.Adopted
	}
	text := fmt.Sprintf("%s, %s adopted, %s, %d healed",
		check.Plural(len(r.Hosts), "host"), check.Plural(adopted, "domain"), check.Plural(len(r.Drifts), "drift"), len(r.Drifts)-r.Left())
	if r.Stopped != "" {
		text += "; nothing may be healed: " + r.Stopped
	}
	return text
}
