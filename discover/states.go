package discover

import (
	"context"
	"fmt"
)

// States reads the present state of every domain of a host, by UUID. It is for
// use right before a record becomes final: seconds count there, and one list
// is far quicker than a scan. Domains of a dir:// host have the states that
// their folder tells.
func States(ctx context.Context, h Host, opt Options) (map[string]State, error) {
	opt = opt.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, opt.HostTimeout, fmt.Errorf("host not read within %v", opt.HostTimeout))
	defer cancel()
	a, err := h.address()
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", h.Name, err)
	}
	if a.transport == fromDir {
		return dirStates(ctx, h, opt)
	}
	states, err := daemonStates(ctx, h, opt)
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", h.Name, err)
	}
	return states, nil
}

func daemonStates(ctx context.Context, h Host, opt Options) (map[string]State, error) {
	s := &hostScan{opt: opt, inv: &Inventory{Host: h}}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	defer s.transport.close()
	defer s.reader.close()
	found, err := readStates(ctx, s.reader)
	if err != nil {
		return nil, err
	}
	states := make(map[string]State, len(found))
	for u, state := range found {
		states[canonical(u)] = state
	}
	return states, nil
}

func dirStates(ctx context.Context, h Host, opt Options) (map[string]State, error) {
	inv := scanDir(ctx, h, opt)
	if inv.Err != nil {
		return nil, inv.Err
	}
	states := make(map[string]State, len(inv.Domains))
	for _, d := range inv.Domains {
		states[d.UUID] = d.State
	}
	return states, nil
}
