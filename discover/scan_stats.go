package discover

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"
)

// stateWords are libvirt's virDomainState in its order.
var stateWords = [...]State{StateNone, StateRunning, StateBlocked, StatePaused, StateShutdown, StateShutoff, StateCrashed, StatePMSuspended}

func stateWord(n int32) State {
	if n < 0 || int(n) >= len(stateWords) {
		return StateNone
	}
	return stateWords[n]
}

// readStates reads the states of all domains. STATE is the one group of
// statistics that never waits for a QEMU process, so one hung guest cannot
// block it. Daemons before 1.2.8 are asked for each domain.
func readStates(ctx context.Context, r *reader) (map[libvirt.UUID]State, error) {
	records, err := call(ctx, r, "read states", func(lv questions) ([]libvirt.DomainStatsRecord, error) {
		return lv.ConnectGetAllDomainStats(nil, uint32(libvirt.DomainStatsState), 0)
	})
	if unsupported(err) {
		return readEachState(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	states := make(map[libvirt.UUID]State, len(records))
	for _, rec := range records {
		for _, p := range rec.Params {
			if n, ok := p.Value.I.(int32); ok && p.Field == "state.state" {
				states[rec.Dom.UUID] = stateWord(n)
			}
		}
	}
	return states, nil
}

func readEachState(ctx context.Context, r *reader) (map[libvirt.UUID]State, error) {
	listed, err := call(ctx, r, "list domains", func(lv questions) ([]libvirt.Domain, error) {
		return listAll(lv, libvirt.ConnectListDomainsActive|libvirt.ConnectListDomainsInactive)
	})
	if err != nil {
		return nil, err
	}
	each := make([]State, len(listed))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(pipelined)
	for i, l := range listed {
		g.Go(func() error {
			n, err := call(ctx, r, "read state of "+strconv.Quote(l.Name), func(lv questions) (int32, error) {
				n, _, err := lv.DomainGetState(l, 0)
				return n, err
			})
			each[i] = stateWord(n)
			if libvirt.IsNotFound(err) {
				return nil
			}
			return err
		})
	}
	err = g.Wait()
	states := make(map[libvirt.UUID]State, len(listed))
	for i, l := range listed {
		states[l.UUID] = each[i]
	}
	return states, err
}

// A diskSize is what libvirt says of one disk.
type diskSize struct {
	target               string
	capacity, allocation uint64
}

// sizesAtOnce keeps a reply about disks small: a host may have 16,384 domains,
// and a message of libvirt at most 32 MiB.
const sizesAtOnce = 250

// readSizes reads the sizes of the disks of domains that are off. Of running
// ones it would ask their QEMU processes, and a single hung one would hold the
// answer about all. Sizes that cannot be read stay 0, not known, as when the
// daemon waits for an image on a dead NFS server: that holds nothing else.
func (s *hostScan) readSizes(ctx context.Context) {
	var off []libvirt.Domain
	for _, l := range s.survey.domains {
		if !s.survey.state(l).Active() {
			off = append(off, l)
		}
	}
	r := s.reader.patiently()
	s.survey.sizes = make(map[string][]diskSize, len(off))
	for some := range slices.Chunk(off, sizesAtOnce) {
		records, err := call(ctx, r, "read disk sizes", func(lv questions) ([]libvirt.DomainStatsRecord, error) {
			return lv.ConnectGetAllDomainStats(some, uint32(libvirt.DomainStatsBlock), uint32(libvirt.ConnectGetAllDomainsStatsInactive))
		})
		if err != nil {
			return
		}
		for _, rec := range records {
			s.survey.sizes[uuidOf(rec.Dom)] = diskSizes(rec.Params)
		}
	}
}

// diskSizes reads block.0.name, block.0.capacity and the like.
func diskSizes(params []libvirt.TypedParam) (sizes []diskSize) {
	for _, p := range params {
		rest, ok := strings.CutPrefix(p.Field, "block.")
		number, key, dotted := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if !ok || !dotted || err != nil || n < 0 || n > len(sizes) {
			continue
		}
		if n == len(sizes) {
			sizes = append(sizes, diskSize{})
		}
		switch v := p.Value.I.(type) {
		case string:
			if key == "name" {
				sizes[n].target = v
			}
		case uint64:
			switch key {
			case "capacity":
				sizes[n].capacity = v
			case "allocation":
				sizes[n].allocation = v
			}
		}
	}
	return sizes
}
