package sync

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// knowledge is what a run reads once.
type knowledge struct {
	outlines  map[string]journal.Outline // by UUID
	byHost    map[string][]string        // UUIDs by the host of the journal
	places    map[string]journal.Place
	sightings map[string]journal.Sighting
	nova      *onceRecords
	computes  map[string]nova.Compute // by services.host
	nodes     map[string]string       // services.host by resource provider
}

// learn reads the journal and what Nova says of its hosts.
func (r *Runner) learn(ctx context.Context) error {
	k := knowledge{outlines: map[string]journal.Outline{}, byHost: map[string][]string{}, nova: &onceRecords{Records: r.Nova}, computes: map[string]nova.Compute{}, nodes: map[string]string{}}
	outlines, err := r.Journal.Outlines(ctx)
	if err != nil {
		return err
	}
	for _, o := range outlines {
		k.outlines[o.UUID] = o
		k.byHost[o.Host] = append(k.byHost[o.Host], o.UUID)
	}
	if k.places, err = r.Journal.Places(ctx); err != nil {
		return err
	}
	if k.sightings, err = r.Journal.Sightings(ctx); err != nil {
		return err
	}
	computes, err := k.nova.Computes(ctx)
	if err != nil {
		return fmt.Errorf("read compute hosts: %w", err)
	}
	for _, c := range computes {
		k.computes[c.Host], k.nodes[c.UUID] = c, c.Host
	}
	r.known = k
	return nil
}

// onceRecords asks once for what is the same for all hosts of a run: with two
// thousand of them it would be read two thousand times.
type onceRecords struct {
	Records
	mu       sync.Mutex
	computes []nova.Compute
	flavors  []nova.Flavor
	rooms    map[string]nova.Room
	quota    map[string]nova.QuotaLeft
}

func once[T any](o *onceRecords, kept *T, empty bool, read func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !empty {
		return *kept, nil
	}
	got, err := read()
	if err == nil {
		*kept = got
	}
	return got, err
}

func (o *onceRecords) Computes(ctx context.Context) ([]nova.Compute, error) {
	return once(o, &o.computes, o.computes == nil, func() ([]nova.Compute, error) { return o.Records.Computes(ctx) })
}

func (o *onceRecords) Flavors(ctx context.Context) ([]nova.Flavor, error) {
	return once(o, &o.flavors, o.flavors == nil, func() ([]nova.Flavor, error) { return o.Records.Flavors(ctx) })
}

func (o *onceRecords) Rooms(ctx context.Context) (map[string]nova.Room, error) {
	return once(o, &o.rooms, o.rooms == nil, func() (map[string]nova.Room, error) { return o.Records.Rooms(ctx) })
}

// QuotaLeft is asked for the one project that the configuration names.
func (o *onceRecords) QuotaLeft(ctx context.Context, projects []string) (map[string]nova.QuotaLeft, error) {
	return once(o, &o.quota, o.quota == nil, func() (map[string]nova.QuotaLeft, error) { return o.Records.QuotaLeft(ctx, projects) })
}

// read is one host: read, and compared.
func (r *Runner) read(ctx context.Context, p piece) (any, func(*journal.Tx) error, error) {
	seen, err := r.look(ctx, p.name)
	if err != nil {
		return nil, nil, err
	}
	part := Compare(seen.look)
	if r.Progress != nil {
		r.Progress(part)
	}
	return part, nil, nil
}

// A view is a Look with what an import of its domains needs besides.
type view struct {
	look   Look
	report *audit.Report // of the domains that nobody has adopted; nil when there are none
}

// look reads one host and all that is recorded of its domains.
func (r *Runner) look(ctx context.Context, name string) (view, error) {
	at := slices.IndexFunc(r.Audit.Hosts, func(h discover.Host) bool { return h.Name == name })
	if at < 0 {
		return view{}, fmt.Errorf("host %s is not in this inventory", name)
	}
	opt := r.Audit.Scan
	opt.Look = r.wanted
	var inv discover.Inventory
	for inv = range r.Scan(ctx, r.Audit.Hosts[at:at+1], opt) {
	}
	v := view{look: Look{Inventory: inv, Nodes: r.known.nodes, Answered: r.answered(inv.Host.Name), Networks: r.Audit.Snapshot}}
	v.look.Compute = r.known.computes[audit.ComputeHost(inv)]
	if inv.Err != nil {
		return v, nil
	}
	if err := r.records(ctx, &v.look); err != nil {
		return v, err
	}
	r.askCloud(ctx, &v.look)
	return v, r.judge(ctx, &v)
}

// wanted: disks and agents are of interest for domains that might be adopted.
func (r *Runner) wanted(d discover.Domain) bool {
	o, known := r.known.outlines[d.UUID]
	return !d.MetadataNova && (!known || !adopted(o.State))
}

// answered is the host name that a host is known by: from an earlier run, or
// from the imports of its domains.
func (r *Runner) answered(name string) string {
	if r.Accept {
		return ""
	}
	if p := r.known.places[name]; p.Hostname != "" {
		return p.Hostname
	}
	at := slices.IndexFunc(r.Audit.Hosts, func(h discover.Host) bool { return h.Name == name })
	if at >= 0 && r.Audit.Hosts[at].ComputeHost != "" {
		return "" // Nova's name for it is not the one it answers with.
	}
	for _, uuid := range r.known.byHost[name] {
		if o := r.known.outlines[uuid]; adopted(o.State) && o.ComputeHost != "" {
			return o.ComputeHost
		}
	}
	return ""
}

// records reads Nova's rows and the journal's adoptions of a host: of the
// domains that it has, and of those that Nova or the journal has on it.
func (r *Runner) records(ctx context.Context, l *Look) error {
	uuids := map[string]bool{}
	for _, d := range l.Inventory.Domains {
		uuids[d.UUID] = true
	}
	l.Records, l.Known, l.Recorded, l.Released, l.Failed = map[string]Record{}, map[string]Known{}, map[string]time.Time{}, map[string]bool{}, map[string]string{}
	if l.Compute.Host != "" {
		there, err := r.known.nova.ServersOnHost(ctx, l.Compute.Host)
		if err != nil {
			return fmt.Errorf("read the instances of %s: %w", l.Compute.Host, err)
		}
		for _, s := range there {
			uuid := strings.ToLower(s.UUID)
			l.Records[uuid] = Record{Server: s, Live: true}
			if _, known := r.known.outlines[uuid]; known {
				uuids[uuid] = true
			}
		}
	}
	for _, uuid := range r.known.byHost[l.Inventory.Host.Name] {
		uuids[uuid] = true
	}
	all := sorted(uuids)
	if err := r.servers(ctx, l, all); err != nil {
		return err
	}
	return r.adoptions(ctx, l, all)
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for s := range set {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

// servers adds the rows of what Nova has on another host, or not at all.
func (r *Runner) servers(ctx context.Context, l *Look, uuids []string) error {
	var more []string
	for _, u := range uuids {
		if !l.Records[u].Live {
			more = append(more, u)
		}
	}
	found, err := r.known.nova.Servers(ctx, more)
	if err != nil {
		return fmt.Errorf("read instances: %w", err)
	}
	for _, s := range found {
		l.Records[strings.ToLower(s.UUID)] = Record{Server: s, Live: true}
	}
	stages, err := r.known.nova.Written(ctx, uuids)
	if err != nil {
		return err
	}
	for uuid, stage := range stages {
		rec := l.Records[uuid]
		rec.Stage = stage
		l.Records[uuid] = rec
	}
	return nil
}

// adoptions adds what the journal has of these, and their plans.
func (r *Runner) adoptions(ctx context.Context, l *Look, uuids []string) error {
	var known []string
	for _, u := range uuids {
		if _, is := r.known.outlines[u]; is {
			known = append(known, u)
		}
	}
	if len(known) == 0 {
		return nil
	}
	all, err := r.Journal.Adoptions(ctx, known...)
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := l.recall(a, r.known.sightings[a.UUID]); err != nil {
			return err
		}
	}
	return nil
}
