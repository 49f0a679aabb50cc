package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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

	// Ports are the instance's own as Neutron has them at this moment; they go
	// before those of Cloud, which is older.
	Ports []cloud.Port
	// Images are the ids of the placeholder images, by project.
	Images map[string]string
	// Unmade is set where the ports, the flavor and the image that the import
	// makes may not be there yet: for a preview, and for a check before they
	// are made. Such ports and images are left out of the instance then, and
	// the flavor is as planned; without Unmade each of them is an error.
	Unmade bool
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
	flavor, flavorErr := w.flavor(d)
	image, imageErr := w.image(d)
	ports, portErr := w.ports(d)
	if err := errors.Join(w.placeProblem(d), flavorErr, imageErr, portErr); err != nil {
		return nova.Instance{}, fmt.Errorf("domain %s on %s: %w", quoted(d.Domain), d.Host, err)
	}
	root, _ := d.Root() // a plan without one does not load
	return nova.Instance{
		UUID: d.UUID, DisplayName: d.DisplayName, Description: d.DisplayName, Hostname: d.Hostname,
		ProjectID: d.ProjectID, ProjectName: d.Project, UserID: d.UserID, UserName: d.User,
		Host: w.Compute, AvailabilityZone: cmp.Or(d.AvailabilityZone, w.Compute.AvailabilityZone), Flavor: flavor,
		ImageRef: image, DiskFormat: root.Format,
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

// flavor is Nova's, if it is still what the plan says: one can be made anew, or
// given extra specs, under its old name.
func (w World) flavor(d Domain) (nova.Flavor, error) {
	is := flavorOf(w.Flavor)
	switch {
	case w.Unmade && d.Flavor.Create && w.Flavor.Name == "":
		return unmadeFlavor(d.Flavor, d.ProjectID), nil
	case is.Name != d.Flavor.Name || !is.sameSize(d.Flavor):
		return nova.Flavor{}, fmt.Errorf("planned with flavor %s (%s), and Nova has %s (%s)", d.Flavor.Name, d.Flavor.size(), is.Name, is.size())
	case !maps.Equal(is.ExtraSpecs, d.Flavor.ExtraSpecs):
		return nova.Flavor{}, fmt.Errorf("planned with flavor %s and extra specs %s, and Nova has it with %s", d.Flavor.Name, specs(d.Flavor), specs(is))
	}
	return w.Flavor, nil
}

// unmadeFlavor stands for a flavor in a preview. It has no id yet, without
// which nothing can be written.
func unmadeFlavor(f Flavor, project string) nova.Flavor {
	return nova.Flavor{
		FlavorID: "made by the import", Name: f.Name, VCPUs: f.VCPUs, MemoryMB: f.MemoryMB, RootGB: f.RootGB, EphemeralGB: f.EphemeralGB,
		RxTxFactor: 1, Projects: []string{project}, ExtraSpecs: f.ExtraSpecs,
	}
}

// image is what the instance refers to, "" for nothing.
func (w World) image(d Domain) (string, error) {
	if !d.Placeholder {
		return d.ImageRef, nil
	}
	if id := w.Images[d.ProjectID]; id != "" || w.Unmade {
		return id, nil
	}
	return "", fmt.Errorf("planned with the placeholder image of project %s, and there is none", quoted(cmp.Or(d.Project, d.ProjectID)))
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
