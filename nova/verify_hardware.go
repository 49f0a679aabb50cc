package nova

import (
	"maps"
	"slices"
	"strings"
)

// hardware is V13: what nova-compute would otherwise fill in from its own
// configuration, so that the guest got other hardware at its next regeneration.
func (v *verifier) hardware() {
	all := v.imageProperties()
	for _, key := range hardwareKeys {
		if _, ok := all["image_"+key]; !ok {
			v.add("V13", "image_"+key, "a value", "none: nova-compute fills in its own default")
		}
	}
	must(v, "V13", "image_base_image_ref", v.row.ImageRef, all["image_base_image_ref"])
	for _, key := range slices.Sorted(maps.Keys(v.expect.Properties)) {
		if ofGuest[key] {
			continue
		}
		if found, ok := all["image_"+key]; ok || !slices.Contains(hardwareKeys, key) {
			must(v, "V13", "image_"+key, v.expect.Properties[key], orElse(found, "none"))
		}
	}
}

// ofGuest are the properties that V14 looks at.
var ofGuest = map[string]bool{"hw_vif_model": true, "os_type": true}

// imageProperties are the keys of system metadata; a key that occurs twice or
// has an illegal value is a violation. A bad value raises at every access.
func (v *verifier) imageProperties() map[string]string {
	all := map[string]string{}
	for _, p := range v.cell.properties[v.uuid] {
		if _, twice := all[p.Key]; twice {
			v.add("V13", "keys of system metadata", "each once", p.Key+" twice")
		}
		all[p.Key] = p.Value
		kind, known := knownProperties[strings.TrimPrefix(p.Key, "image_")]
		if !known || !strings.HasPrefix(p.Key, "image_") {
			continue
		}
		if _, err := kind(p.Value); err != nil {
			v.add("V13", p.Key, "a value that Nova can load", err)
		}
	}
	return all
}

// property is one value of system metadata, "" without.
func (v *verifier) property(key string) string {
	i := slices.IndexFunc(v.cell.properties[v.uuid], func(p propertyRecord) bool { return p.Key == key })
	if i < 0 {
		return ""
	}
	return v.cell.properties[v.uuid][i].Value
}

// guest is V14. The column turns on Hyper-V features and local time; the
// property is what resize and rebuild carry on.
func (v *verifier) guest() {
	property := v.property("image_os_type")
	if (v.row.OSType == "windows") != (property == "windows") {
		v.add("V14", "image_os_type with os_type "+orElse(v.row.OSType, "unset"), orElse(v.row.OSType, "not windows"), orElse(property, "none"))
	}
	same(v, "V14", "os_type", v.expect.OSType, v.row.OSType)
	same(v, "V14", "image_hw_vif_model", v.expect.NICModel, v.property("image_hw_vif_model"))
}

// names is V16.
func (v *verifier) names() {
	if v.row.DisplayName == "" {
		v.add("V16", "display_name", "a name", "none")
	}
	if v.row.Hostname == "" {
		v.add("V16", "hostname", "a name", "none")
	}
	same(v, "V16", "display_name", v.expect.DisplayName, v.row.DisplayName)
	for _, other := range v.sameName[strings.ToLower(v.row.Hostname)] {
		if strings.EqualFold(other.UUID, v.uuid) || v.scope == "project" && other.ProjectID != v.row.ProjectID {
			continue
		}
		v.add("V16", "hostname, unique in scope "+v.scope, v.row.Hostname, "also that of "+other.UUID)
	}
}
