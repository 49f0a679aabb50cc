package discover

import (
	"context"
	"fmt"

	"github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"
)

// A survey is what few calls tell of all domains of a host at once.
type survey struct {
	domains     []libvirt.Domain
	persistent  uuids
	autostart   uuids
	managedSave uuids
	snapshots   uuids
	checkpoints uuids
	states      map[libvirt.UUID]State
	sizes       map[string][]diskSize // by UUID; domains that are off only
	networks    map[string]networkDefinition
}

type uuids map[libvirt.UUID]bool

// takeSurvey asks all of it in one round trip: no question needs the answer to
// another. Five filtered lists replace five questions about every domain.
func (s *hostScan) takeSurvey(ctx context.Context) error {
	v := &s.survey
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		v.domains, err = s.list(ctx, libvirt.ConnectListDomainsActive|libvirt.ConnectListDomainsInactive)
		return err
	})
	for _, f := range []struct {
		to     *uuids
		filter libvirt.ConnectListAllDomainsFlags
	}{
		{&v.persistent, libvirt.ConnectListDomainsPersistent},
		{&v.autostart, libvirt.ConnectListDomainsAutostart},
		{&v.managedSave, libvirt.ConnectListDomainsManagedsave},
		{&v.snapshots, libvirt.ConnectListDomainsHasSnapshot},
		{&v.checkpoints, libvirt.ConnectListDomainsHasCheckpoint},
	} {
		g.Go(func() (err error) { *f.to, err = s.filtered(ctx, f.filter); return err })
	}
	g.Go(func() (err error) { v.states, err = readStates(ctx, s.reader); return err })
	g.Go(func() error { return s.describeHost(ctx) })
	g.Go(func() error { v.networks = readNetworks(ctx, s.reader); return nil })
	return g.Wait()
}

func (s *hostScan) list(ctx context.Context, filter libvirt.ConnectListAllDomainsFlags) ([]libvirt.Domain, error) {
	return call(ctx, s.reader, "list domains", func(lv questions) ([]libvirt.Domain, error) {
		return listAll(lv, filter)
	})
}

// listAll refuses a list that has not what it says it has: a domain that is
// not listed would be one that nobody misses.
func listAll(lv questions, filter libvirt.ConnectListAllDomainsFlags) ([]libvirt.Domain, error) {
	found, says, err := lv.ConnectListAllDomains(1, filter)
	if err == nil && int64(says) != int64(len(found)) {
		return nil, fmt.Errorf("the daemon says that there are %d, and lists %d; see what answers there in libvirtd's place", int32(says), len(found))
	}
	return found, err
}

// filtered lists the domains that have one property. A daemon that does not
// know the property (checkpoints came with libvirt 5.6) has no domain with it.
func (s *hostScan) filtered(ctx context.Context, filter libvirt.ConnectListAllDomainsFlags) (uuids, error) {
	found, err := s.list(ctx, filter)
	if err != nil && !unsupported(err) {
		return nil, err
	}
	set := make(uuids, len(found))
	for _, d := range found {
		set[d.UUID] = true
	}
	return set, nil
}

// A node is a host's hardware.
type node struct {
	memoryKiB uint64
	cpus      int32
}

// describeHost asks what the host itself is.
func (s *hostScan) describeHost(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		s.inv.Hostname, err = call(ctx, s.reader, "ask for the host name", questions.ConnectGetHostname)
		return err
	})
	g.Go(func() (err error) {
		v, err := call(ctx, s.reader, "ask for libvirt's version", questions.ConnectGetLibVersion)
		s.inv.LibvirtVersion = version(v)
		return err
	})
	g.Go(func() error {
		// A daemon that has just started tries its QEMU out first, which takes
		// seconds; one without QEMU has no version, and may have domains.
		v, _ := call(ctx, s.reader.patiently(), "ask for QEMU's version", questions.ConnectGetVersion)
		s.inv.QEMUVersion = version(v)
		return nil
	})
	g.Go(func() error {
		n, err := call(ctx, s.reader, "ask for processors and memory", func(lv questions) (n node, err error) {
			_, n.memoryKiB, n.cpus, _, _, _, _, _, err = lv.NodeGetInfo()
			return n, err
		})
		if n.cpus > 0 && n.memoryKiB <= maxMemoryKiB { // else it is not known
			s.inv.CPUs, s.inv.MemoryKiB = int(n.cpus), n.memoryKiB
		}
		return err
	})
	return g.Wait()
}

// version writes libvirt's number, 1,000,000 * major + 1,000 * minor + release.
func version(v uint64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", v/1000000, v/1000%1000, v%1000)
}

// state is StateNone for a domain that came after the states were read.
func (v *survey) state(l libvirt.Domain) State {
	if s, ok := v.states[l.UUID]; ok {
		return s
	}
	return StateNone
}

// mark sets what libvirt keeps outside of the definition.
func (v *survey) mark(d *Domain, l libvirt.Domain) {
	d.Persistent = v.persistent[l.UUID]
	d.Autostart = v.autostart[l.UUID]
	d.ManagedSave = v.managedSave[l.UUID]
	d.Snapshots = v.snapshots[l.UUID]
	d.Checkpoints = v.checkpoints[l.UUID]
}

// complete adds the sizes of disks and what lies behind libvirt's networks.
func (v *survey) complete(d *Domain) {
	for _, size := range v.sizes[d.UUID] {
		for i := range d.Disks {
			if d.Disks[i].Target == size.target {
				d.Disks[i].setSizes(size.capacity, size.allocation)
			}
		}
	}
	d.setNetworks(v.networks)
}

// readNetworks reads the host's libvirt networks. A host may well run without
// that driver, so a failure leaves networks out, which makes the forwarding of
// the interfaces behind them "unknown".
func readNetworks(ctx context.Context, r *reader) map[string]networkDefinition {
	listed, err := call(ctx, r, "list networks", func(lv questions) ([]libvirt.Network, error) {
		found, _, err := lv.ConnectListAllNetworks(1, libvirt.ConnectListNetworksActive|libvirt.ConnectListNetworksInactive)
		return found, err
	})
	if err != nil {
		return nil
	}
	all := make(map[string]networkDefinition, len(listed))
	for _, l := range listed {
		text, err := call(ctx, r, "read network", func(lv questions) (string, error) { return lv.NetworkGetXMLDesc(l, 0) })
		if err != nil {
			continue
		}
		if n, err := parseNetwork([]byte(text)); err == nil {
			all[l.Name] = n
		}
	}
	return all
}
