package nova

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// extraBlobs is V6's part about the other columns of instance_extra.
// nova-compute loads them for all instances of its host at once, at its start
// and at every count of resources (nova/objects/instance.py,
// _from_db_object): one that does not parse stops it for all of them.
func (v *verifier) extraBlobs(r extraRecord) {
	for _, b := range []struct {
		column, object string
		text           *string
	}{
		{"numa_topology", "InstanceNUMATopology", r.NUMATopology},
		{"keypairs", "KeyPairList", r.Keypairs},
		{"vcpu_model", "VirtCPUModel", r.VCPUModel},
		{"migration_context", "MigrationContext", r.MigrationContext},
		{"device_metadata", "InstanceDeviceMetadata", r.DeviceMetadata},
		{"trusted_certs", "TrustedCerts", r.TrustedCerts},
		{"resources", "ResourceList", r.Resources},
	} {
		if b.text == nil {
			continue
		}
		if _, err := parseObject([]byte(*b.text), b.object, anyMinor); err != nil {
			v.add("V6", b.column+" in instance_extra", "NULL or an object that Nova can load", err)
		}
	}
	if r.PCIRequests != nil {
		if err := parsePCIRequests(*r.PCIRequests); err != nil {
			v.add("V6", "pci_requests in instance_extra", "NULL or a list that Nova can load", err)
		}
	}
}

// anyMinor: how far a release reads these objects is not compared.
const anyMinor = 1 << 30

// parsePCIRequests reads the one column that is a plain list
// (nova/objects/instance_pci_requests.py, obj_from_db).
func parsePCIRequests(text string) error {
	var list []map[string]any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return fmt.Errorf("no list of requests: %w", err)
	}
	if list == nil {
		return errors.New("null, which Nova iterates over")
	}
	return nil
}

// specImage is V5's part about the image: a resize takes the guest's hardware
// from the request spec and not from system metadata.
func (v *verifier) specImage(spec map[string]any) {
	properties := specProperties(spec)
	for _, key := range slices.Sorted(maps.Keys(v.expect.Properties)) {
		kind, known := knownProperties[key]
		if !known {
			continue
		}
		want, err := kind(v.expect.Properties[key])
		if err != nil {
			continue // The plan's own fault, which the import refuses.
		}
		found := "none"
		if has, ok := properties[key]; ok {
			found = fmt.Sprint(has) // A number of JSON is a float, and reads the same.
		}
		must(v, "V5", key+" of the request spec's image, which a resize uses", fmt.Sprint(want), found)
	}
}

// specProperties are the image properties of a request spec, nil where it has
// no image that Nova can load.
func specProperties(spec map[string]any) map[string]any {
	image, err := parseWithin(spec["image"], "ImageMeta")
	if err != nil {
		return nil
	}
	properties, err := parseWithin(image["properties"], "ImageMetaProps")
	if err != nil {
		return nil
	}
	return properties
}

// parseWithin reads an object that is a field of another.
func parseWithin(field any, name string) (map[string]any, error) {
	text, err := json.Marshal(field)
	if err != nil {
		return nil, err
	}
	return parseObject(text, name, anyMinor)
}
