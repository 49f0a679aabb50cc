package audit

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/usage"
)

// Sampling says that running domains are to be watched, and how what is seen
// is judged.
type Sampling struct {
	For    time.Duration // 0: not at all
	Limits usage.Limits
	// Begin, when set, is told how many hosts are to be watched, and gives what
	// is called as each begins and ends, and when all have.
	Begin func(hosts int) (progress func(discover.Progress), end func())
}

// A sample is what was seen, by host. The small record of each domain is all
// that is kept of it.
type sample struct {
	taken  bool
	limits usage.Limits
	hosts  map[string]hostSample
}

type hostSample struct {
	err   error
	loads map[string]discover.Load // by UUID
}

// watch takes the sample of hosts where a domain runs that is wanted.
func (r *Report) watch(ctx context.Context, in Input) error {
	if in.Sampling.For <= 0 {
		return nil
	}
	hosts, opt := r.running(), in.Scan
	if in.Sampling.Begin != nil {
		progress, end := in.Sampling.Begin(len(hosts))
		defer end()
		opt.Progress = progress
	}
	r.SampledFor = in.Sampling.For
	r.sample = newSample(in.Sampling.Limits, discover.Measure(ctx, hosts, in.Sampling.For, opt))
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("watch hosts: %w", err)
	}
	return nil
}

func newSample(limits usage.Limits, measured iter.Seq[discover.HostLoad]) sample {
	s := sample{taken: true, limits: limits, hosts: map[string]hostSample{}}
	for m := range measured {
		h := hostSample{err: m.Err, loads: make(map[string]discover.Load, len(m.Loads))}
		for _, l := range m.Loads {
			h.loads[l.UUID] = l
		}
		s.hosts[m.Host.Name] = h
	}
	return s
}

// running are the hosts that were read whole and have a running domain.
func (r *Report) running() (hosts []discover.Host) {
	for i, h := range r.Hosts {
		for _, d := range r.domains[i] {
			if h.Err == nil && d.State.Active() {
				hosts = append(hosts, h.Host)
				break
			}
		}
	}
	return hosts
}

// of is the usage of one domain, nil for one that is off.
func (s sample) of(d discover.Domain) *usage.Usage {
	if !s.taken {
		return nil
	}
	h, watched := s.hosts[d.Host]
	l, ran := h.loads[d.UUID]
	switch {
	case !d.State.Active() && !ran:
		return nil
	case !d.State.Active():
		return usage.Unmeasured("started while the audit ran")
	case !watched:
		return usage.Unmeasured("its host could not be read whole")
	case h.err != nil:
		return usage.Unmeasured(h.err.Error())
	case !ran:
		return usage.Unmeasured("stopped or left its host while the audit ran")
	}
	return usage.Of(d, l, s.limits)
}

// UsageTotals count the running domains of an audit that took a sample.
type UsageTotals struct {
	Seconds       float64 `json:"seconds"`            // as asked for; each domain has its own
	Measured      int     `json:"measured"`           // running domains of which everything is known
	NotMeasured   int     `json:"not_measured"`       // in part or at all
	Idle          int     `json:"idle"`               // domains
	Oversized     int     `json:"oversized"`          // domains
	VCPUsTooMany  uint    `json:"vcpus_too_many"`     // of the oversized, against their suggestions
	MemoryTooMuch uint64  `json:"memory_mb_too_much"` // likewise
}

// Usage counts what the sample saw. It is false without a sample.
func (r Report) Usage() (t UsageTotals, sampled bool) {
	t.Seconds = r.SampledFor.Seconds()
	for d := range r.all() {
		u := r.sample.of(d)
		if u == nil {
			continue
		}
		if len(u.NotMeasured) > 0 {
			t.NotMeasured++
		} else {
			t.Measured++
		}
		if u.Idle {
			t.Idle++
		}
		if s := u.Suggestion; s != nil {
			t.Oversized++
			t.VCPUsTooMany += d.VCPUs - min(s.VCPUs, d.VCPUs)
			t.MemoryTooMuch += d.MemMaxKiB>>10 - min(s.MemoryMB, d.MemMaxKiB>>10)
		}
	}
	return t, r.sample.taken
}
