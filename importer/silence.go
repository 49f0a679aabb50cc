package importer

import (
	"context"
	"errors"
	"fmt"
)

// A silence counts the groups in a row for which the cloud's APIs had no
// answer. Each of them costs its deadlines, which with hundreds of hosts is
// the whole maintenance window.
type silence int

// tooLong is when a run ends. One group may meet a service that is just being
// restarted.
const tooLong silence = 2

// after looks at a group that is through. The error ends the run.
func (s *silence) after(items batch) error {
	unanswered := false
	for _, it := range items {
		switch {
		case errors.Is(it.err, ErrCloudUnread):
			unanswered = true
		case it.outcome != Already && it.outcome != Refused:
			*s = 0
			return nil
		}
	}
	if !unanswered {
		return nil // Nobody has asked.
	}
	if *s++; *s < tooLong {
		return nil
	}
	return fmt.Errorf("%w for %d groups of hosts in a row; the rest was not tried", ErrCloudUnread, *s)
}

// probeCloud asks Neutron and Placement for one instance, before anything of a
// release is done: without them it would come no further than the rows.
func (i *Importer) probeCloud(ctx context.Context, items batch) {
	items = items.going().withSide()
	if i.Cloud == nil || len(items) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sideTimeout)
	defer cancel()
	if _, err := lookInCloud(ctx, i.Cloud, items[:1]); err != nil {
		for _, it := range items {
			it.end(it.unreleased(), stepRelease, err)
		}
	}
}
