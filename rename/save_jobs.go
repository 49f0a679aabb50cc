package rename

import (
	"context"
	"fmt"

	"github.com/digitalocean/go-libvirt"
)

// Idle returns ErrBusy if something is under way that a restart would break: a
// migration, a save, a dump or a backup of the domain, or a copy of one of its
// disks. A domain that is off has no jobs.
//
// The question about a disk goes through the QEMU process, so ErrNoAnswer here
// is most often a guest that hangs, which could not be shut down either.
func (d *Domain) Idle(ctx context.Context) error {
	state, err := d.State(ctx)
	if err != nil || state == StateShutoff {
		return err
	}
	kind, err := do(ctx, d, request{act: "ask for jobs of the domain"}, func(lv calls, l libvirt.Domain) (int32, error) {
		kind, _, _, _, _, _, _, _, _, _, _, _, err := lv.DomainGetJobInfo(l)
		return kind, err
	})
	if err != nil {
		return err
	}
	if libvirt.DomainJobType(kind) != libvirt.DomainJobNone {
		return fmt.Errorf("%w: libvirt's job info shows one of the domain (virsh domjobinfo)", ErrBusy)
	}
	live, err := d.live(ctx)
	if err != nil {
		return err
	}
	f, err := readFacts(live)
	if err != nil {
		return err
	}
	for _, k := range f.Disks {
		if err := d.idleDisk(ctx, k.Target.Dev); err != nil {
			return err
		}
	}
	return nil
}

func (d *Domain) idleDisk(ctx context.Context, disk string) error {
	found, err := do(ctx, d, request{act: "ask for a job on disk " + disk}, func(lv calls, l libvirt.Domain) (int32, error) {
		found, _, _, _, _, err := lv.DomainGetBlockJobInfo(l, disk, 0)
		return found, err
	})
	if err == nil && found != 0 {
		err = fmt.Errorf("%w: on disk %s (virsh blockjob)", ErrBusy, disk)
	}
	return err
}
