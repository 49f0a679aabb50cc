package plan

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A World is what an instance is recorded into, as it is at the time of the
// import.
type World struct {
	Host      Host // of the plan
	Compute   nova.Compute
	Flavor    nova.Flavor     // the one that the plan names
	Cloud     *cloud.Snapshot // nil: no ports are known
	RequestID string          // of the run, "req-" and a UUID
	Now       time.Time
}

// What the metadata of an instance keeps of its life before.
const (
	MetadataName   = "legacy_name"
	MetadataHost   = "legacy_host"
	MetadataDigest = "legacy_digest"
)

// Instance turns one domain's part of the plan into what Nova is to record.
// The same domain and world give the same instance, so that a rerun writes the
// same rows. An error says what no longer is as planned; nothing of that kind
// is mended here, for the plan holds the decisions.
func Instance(d Domain, w World) (nova.Instance, error) {
	id, err := uuid.Parse(d.UUID)
	if err != nil {
		return nova.Instance{}, fmt.Errorf("domain %s: uuid %q: %w", quoted(d.Domain), d.UUID, err)
	}
	ports, portErr := w.ports(d)
	if err := errors.Join(w.placeProblem(d), w.flavorProblem(d), portErr); err != nil {
		return nova.Instance{}, fmt.Errorf("domain %s on %s: %w", quoted(d.Domain), d.Host, err)
	}
	root, _ := d.Root() // a plan without one does not load
	return nova.Instance{
		UUID: d.UUID, DisplayName: d.DisplayName, Description: d.DisplayName, Hostname: d.Hostname,
		ProjectID: d.ProjectID, ProjectName: d.Project, UserID: d.UserID, UserName: d.User,
		Host: w.Compute, AvailabilityZone: cmp.Or(d.AvailabilityZone, w.Compute.AvailabilityZone), Flavor: w.Flavor,
		ImageRef: d.ImageRef, DiskFormat: root.Format,
		ImageProperties: d.Properties(), OSType: d.OSType,
		RootDevice: root.Device, Disks: blockDevices(id, d.Disks), Ports: ports,
		Metadata: metadata(d),
		Created:  w.Now.UTC().Truncate(time.Second), RequestID: w.RequestID,
		ReservationID: "r-" + strings.ReplaceAll(derived(id, "reservation").String(), "-", "")[:8],
	}, nil
}

// placeProblem compares the host with the plan's: rows for another host would
// hand the guest to a nova-compute that does not have it.
func (w World) placeProblem(d Domain) error {
	switch {
	case w.Compute.Host != w.Host.ComputeHost:
		return fmt.Errorf("planned for compute host %q, and this is %q", w.Host.ComputeHost, w.Compute.Host)
	case w.Host.Node != "" && w.Compute.Node != w.Host.Node:
		return fmt.Errorf("planned for node %q, and the node of %s is now %q", w.Host.Node, w.Compute.Host, w.Compute.Node)
	case d.AvailabilityZone != "" && w.Compute.AvailabilityZone != "" && d.AvailabilityZone != w.Compute.AvailabilityZone:
		return fmt.Errorf("availability_zone is %s, and host %s is in %s", d.AvailabilityZone, w.Compute.Host, w.Compute.AvailabilityZone)
	}
	return nil
}

// flavorProblem: a flavor can be made anew under its old name.
func (w World) flavorProblem(d Domain) error {
	is := flavorOf(w.Flavor)
	if is.Name != d.Flavor.Name || !is.sameSize(d.Flavor) {
		return fmt.Errorf("planned with flavor %s (%s), and Nova has %s (%s)", d.Flavor.Name, d.Flavor.size(), is.Name, is.size())
	}
	return nil
}

// derived makes an id that is the same in every run (UUID version 5).
func derived(instance uuid.UUID, name string) uuid.UUID {
	return uuid.NewSHA1(instance, []byte(name))
}

func blockDevices(id uuid.UUID, disks []Disk) []nova.BlockDevice {
	var out []nova.BlockDevice
	for _, disk := range disks {
		out = append(out, nova.BlockDevice{
			UUID: derived(id, disk.Device).String(), Device: disk.Device, Bus: disk.Bus, SizeGB: disk.SizeGB, Root: disk.Becomes == rootName,
		})
	}
	return out
}

// metadata adds where the instance came from to what the plan says. The
// plan's own keys win.
func metadata(d Domain) map[string]string {
	all := map[string]string{
		MetadataName:   fitText(d.Domain, maxProperty),
		MetadataHost:   fitText(d.Host, maxProperty),
		MetadataDigest: d.MadeFrom.Digest,
	}
	for name, value := range d.Metadata {
		all[name] = value
	}
	return all
}

// ports are those of the interfaces that have one, in the interfaces' order.
func (w World) ports(d Domain) ([]nova.Port, error) {
	var out []nova.Port
	var errs []error
	for _, nic := range d.NICs {
		if nic.Port == "" {
			continue // the plan says that there is none
		}
		p, err := w.port(d, nic)
		if err != nil {
			errs = append(errs, fmt.Errorf("interface %s: port %s: %w", nic.MAC, nic.Port, err))
			continue
		}
		out = append(out, p)
	}
	return out, errors.Join(errs...)
}

// port returns a port as the info cache keeps it, after a look at all that
// would make Nova drop it or stop over it.
func (w World) port(d Domain, nic NIC) (nova.Port, error) {
	if w.Cloud == nil {
		return nova.Port{}, errors.New("nothing is known of it without the cloud's answers")
	}
	p, ok := w.Cloud.PortByID(nic.Port)
	switch {
	case !ok:
		return nova.Port{}, errors.New("is not in the cloud")
	case !strings.EqualFold(p.MAC, nic.MAC):
		return nova.Port{}, fmt.Errorf("has the MAC address %s", p.MAC)
	case nic.NetworkID != "" && p.NetworkID != nic.NetworkID:
		return nova.Port{}, fmt.Errorf("is on network %s, planned on %s", p.NetworkID, nic.NetworkID)
	case p.ProjectID != d.ProjectID:
		return nova.Port{}, fmt.Errorf("belongs to project %q: Nova finds ports by the instance's project", p.ProjectID)
	case p.DeviceID != "" && !strings.EqualFold(p.DeviceID, d.UUID):
		return nova.Port{}, fmt.Errorf("belongs to device %s", p.DeviceID)
	case unbound(p.VIFType):
		return nova.Port{}, fmt.Errorf("is not bound (vif_type %q): nova-compute would set the instance to ERROR when it starts", p.VIFType)
	case p.HostID != w.Compute.Host:
		return nova.Port{}, fmt.Errorf("is bound on host %q, not on %q", p.HostID, w.Compute.Host)
	}
	n, err := w.Cloud.Network(p.NetworkID)
	if err != nil {
		return nova.Port{}, err
	}
	ips, err := w.fixedIPs(p, n)
	if err != nil {
		return nova.Port{}, err
	}
	return nova.Port{
		ID: p.ID, MAC: strings.ToLower(p.MAC), NetworkID: n.ID, NetworkName: n.Name, NetworkOwner: n.ProjectID,
		MTU: n.MTU, Physical: n.PhysicalNetwork, Tunneled: n.Tunneled(),
		VIFType: p.VIFType, VIFDetails: p.VIFDetails, VNICType: cmp.Or(p.VNICType, "normal"), Active: p.Status == "ACTIVE", FixedIPs: ips,
	}, nil
}

func (w World) fixedIPs(p cloud.Port, n cloud.Network) ([]nova.FixedIP, error) {
	var out []nova.FixedIP
	for _, ip := range p.FixedIPs {
		s, err := n.Subnet(ip.SubnetID)
		if err != nil {
			return nil, err
		}
		fixed := nova.FixedIP{Address: ip.Address, CIDR: s.CIDR, Gateway: s.Gateway, DNS: s.DNS}
		if s.DHCP {
			fixed.DHCPServer = w.dhcpServer(s)
		}
		out = append(out, fixed)
	}
	return out, nil
}

// dhcpServer is the agent's port, or else the gateway, which answers where
// DHCP is OVN's own and has no port.
func (w World) dhcpServer(s cloud.Subnet) netip.Addr {
	if a := w.Cloud.DHCPServer(s.ID); a.IsValid() {
		return a
	}
	return s.Gateway
}
