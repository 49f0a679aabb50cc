package importer

import (
	"context"
	"errors"
	"fmt"
)

// legacyStep is a part of release only: between the rows, which are gone by
// then, and everything that the domain may run on. Whether Nova has made the
// domain anew was asked when its host was read. A hard reboot since then has
// put it on its links and ports, and without them it would be lost at its
// next start.
type legacyStep struct{ *Importer }

func (legacyStep) name() string { return stepLegacy }

func (legacyStep) done(context.Context, batch) (map[string]bool, error) { return nil, nil }

func (legacyStep) do(context.Context, batch) error { return nil }

// undo changes nothing. A domain for which it fails keeps what is left of its
// adoption.
func (s legacyStep) undo(ctx context.Context, b batch) error {
	found, unread := readHosts(ctx, s.Hosts, b.hosts())
	failed := perDomain{}
	for _, it := range b {
		now, there := found[it.host.Name+"\x00"+it.uuid()]
		why := errors.Join(unread[it.host.Name], unread[it.host.Name+"\x00"+it.uuid()])
		switch {
		case why != nil:
		case !there && it.seen:
			why = fmt.Errorf("%w: libvirt had it a moment ago, so Nova may be making it anew", ErrGone)
		default:
			why = it.regenerated(now)
		}
		if why != nil {
			failed[it.uuid()] = fmt.Errorf("Nova's rows are gone, the links to its disks stay: %w", why)
		}
	}
	return failed.orNil()
}
