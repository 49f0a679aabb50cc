package onboard

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
)

// An Assessment is what was found out about one host.
type Assessment struct {
	Host    Host
	Verdict Verdict
	Manuals []Manual // where onboarding is the remedy
}

// filesAtOnce bounds how many hosts' files are opened at a time.
const filesAtOnce = 16

// A Survey reads hosts: libvirt, and the few files that say what nova-compute
// will be there. It changes nothing.
type Survey struct {
	Hosts  discover.Scanner
	Scan   discover.Options
	Places []string // of nova-compute's configuration
	Open   func(context.Context, discover.Host) (HostFiles, error)
}

// HostFiles are a host's files until Close.
type HostFiles interface {
	Files
	io.Closer
}

// OpenFiles opens a host's files where its inventory says they are.
func OpenFiles(ctx context.Context, h discover.Host) (HostFiles, error) {
	f, err := instancedir.OpenFiles(ctx, h, discover.DialSSH)
	if err != nil {
		return nil, err // and not a nil pointer
	}
	return f, nil
}

// Run reads all hosts, in their order. What one of them fails at is its own.
func (s Survey) Run(ctx context.Context) []Host {
	s.Scan.SkipGuest = true
	var read []discover.Inventory
	for inv := range s.Hosts.Scan(ctx, s.Scan) {
		read = append(read, inv)
	}
	found := make([]Host, len(read))
	var group errgroup.Group
	group.SetLimit(filesAtOnce)
	for i, inv := range read {
		group.Go(func() error {
			found[i] = s.look(ctx, inv)
			return nil // one host's failure is not another's
		})
	}
	_ = group.Wait()
	return found
}

// look adds what the host's files say.
func (s Survey) look(ctx context.Context, inv discover.Inventory) Host {
	files, err := s.Open(ctx, inv.Host)
	if err != nil {
		h := Look(ctx, inv, nil, s.Places)
		h.Conf.Err = err.Error()
		if !errors.Is(err, instancedir.ErrNoFiles) {
			h.Err = cmp.Or(h.Err, err.Error())
		}
		return h
	}
	defer files.Close() // nothing was written
	return Look(ctx, inv, files, s.Places)
}

// Nodes are what libvirt calls the hosts that were read, once each: the names of
// the providers that they have, or will have.
func Nodes(hosts []Host) (names []string) {
	for _, h := range hosts {
		if h.Libvirt != "" {
			names = append(names, h.Libvirt)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Assess judges hosts that were read.
func Assess(hosts []Host, c Cloud, s Settings, way Way) []Assessment {
	called := map[string][]string{} // hosts by Nova's name of them
	for _, h := range hosts {
		if h.Err == "" {
			name := strings.ToLower(h.ComputeHost())
			called[name] = append(called[name], h.Name)
		}
	}
	all := make([]Assessment, len(hosts))
	for i, h := range hosts {
		v := Judge(h, c)
		if names := called[strings.ToLower(h.ComputeHost())]; len(names) > 1 && h.Err == "" {
			v = twiceNamed(v, h, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == h.Name }))
		}
		all[i] = Assessment{Host: h, Verdict: v, Manuals: []Manual{}}
		if v.Ours() {
			all[i].Manuals = s.Manuals(h, c, way)
		}
	}
	return all
}

// twiceNamed: two machines would be one to Nova, and nobody knows which is right.
func twiceNamed(v Verdict, h Host, others []string) Verdict {
	p := Problem{
		Kind: NamesDiffer, Answer: Useless, Reason: "its nova-compute calls itself " + h.ComputeHost() + ", and so does that of " + strings.Join(others[:min(len(others), mostNamed)], ", "),
		Remedy: "give each its own [DEFAULT] host; Nova would take them for one. If they are one machine, name it once", Commands: []string{},
	}
	v.Answer, v.Reason, v.Problems = p.Answer, p.Reason, append([]Problem{p}, v.Problems...)
	return v
}
