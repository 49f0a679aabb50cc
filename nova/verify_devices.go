package nova

import (
	"fmt"
	"strings"
)

// legalSources are the pairs of source_type and destination_type.
var legalSources = map[string]bool{
	"image/local": true, "blank/local": true, "volume/volume": true, "snapshot/volume": true, "image/volume": true, "blank/volume": true,
}

// devices is V11, and V12's part about uuids.
func (v *verifier) devices() {
	roots := 0
	names := map[string]bool{}
	for _, d := range v.cell.devices[v.uuid] {
		where := orElse(d.DeviceName, "a device without name")
		if d.root() {
			roots++
			v.rootDevice(d)
		}
		if d.UUID == "" {
			v.add("V12", "uuid of block device mapping "+where, "a uuid", "NULL")
		}
		if pair := d.SourceType + "/" + d.DestinationType; !legalSources[pair] {
			v.add("V11", "source/destination of "+where, "a pair that Nova knows", pair)
		}
		if d.Encrypted || d.EncryptionKey != "" {
			v.add("V11", "encryption of "+where, "none", "one, and Nova's next start looks for its key")
		}
		if d.DeviceName != "" && names[d.DeviceName] {
			v.add("V11", "device names", "each once", d.DeviceName+" twice")
		}
		names[d.DeviceName] = true
		if d.DestinationType == "volume" && (d.VolumeID == "" || d.AttachmentID == "" || d.ConnectionInfo == "") {
			v.add("V11", "volume "+where, "volume_id, attachment_id and connection_info", fmt.Sprintf("%q, %q, %d bytes", d.VolumeID, d.AttachmentID, len(d.ConnectionInfo)))
		}
	}
	must(v, "V11", "root disks (boot_index 0)", 1, roots)
	v.expectedDisks()
}

func (v *verifier) rootDevice(d deviceRecord) {
	must(v, "V11", "root_device_name", d.DeviceName, v.row.RootDeviceName)
	if d.SourceType == "image" && d.DestinationType == "local" {
		must(v, "V11", "image of the root disk", v.row.ImageRef, d.ImageID)
	}
	same(v, "V11", "image_ref", v.expect.ImageRef, v.row.ImageRef)
}

// expectedDisks compares the local disks with those that were planned.
func (v *verifier) expectedDisks() {
	if len(v.expect.Disks) == 0 {
		return
	}
	rows := map[string]deviceRecord{}
	local := 0
	for _, d := range v.cell.devices[v.uuid] {
		rows[d.DeviceName] = d
		if d.DestinationType == "local" {
			local++
		}
	}
	must(v, "V11", "local disks", len(v.expect.Disks), local)
	for _, want := range v.expect.Disks {
		got, ok := rows[want.Device]
		if !ok {
			v.add("V11", "disk "+want.Device, "a block device mapping", "none")
			continue
		}
		same(v, "V11", "bus of "+want.Device, want.Bus, got.DiskBus)
		must(v, "V11", want.Device+" is the root disk", want.Root, got.root())
		if !want.Root {
			same(v, "V11", "size in GB of "+want.Device, want.SizeGB, got.VolumeSize)
		}
	}
}

// infoCache is V7. Nova reads the caches of all instances of a host at once
// when nova-compute starts: one that it cannot read keeps it from starting.
func (v *verifier) infoCache() {
	rows := v.cell.caches[v.uuid]
	if len(rows) != 1 || rows[0].Deleted == nil || *rows[0].Deleted != 0 {
		v.add("V7", "live info caches", 1, fmt.Sprintf("%d rows, or a deleted one", len(rows)))
		return
	}
	vifs, err := v.vifs()
	if err != nil {
		v.add("V7", "info cache", "a list of interfaces", err)
		return
	}
	byID := map[string]cachedVIF{}
	for _, vif := range vifs {
		if vif.ID == "" || byID[vif.ID].ID != "" {
			v.add("V7", "ports of the info cache", "each once, with its id", fmt.Sprintf("%q", vif.ID))
		}
		byID[vif.ID] = vif
		if vif.Type == "" || vif.Type == "unbound" || vif.Type == "binding_failed" {
			v.add("V7", "binding of port "+vif.ID, "bound", orElse(vif.Type, "no type")+": nova-compute sets the instance to error at its next start")
		}
		if !vif.PreserveOnDelete {
			v.add("V7", "preserve_on_delete of port "+vif.ID, true, false)
		}
		if vif.Network.ID == "" || vif.Network.Label == "" {
			v.add("V7", "network of port "+vif.ID, "an id and a label", fmt.Sprintf("%q, %q", vif.Network.ID, vif.Network.Label))
		}
	}
	for _, p := range v.expect.Ports {
		if got, ok := byID[p.ID]; !ok || !strings.EqualFold(got.Address, p.MAC) {
			v.add("V7", "port "+p.ID+" in the info cache", p.MAC, orElse(got.Address, "none"))
		}
	}
}

func (v *verifier) vifs() ([]cachedVIF, error) {
	rows := v.cell.caches[v.uuid]
	if len(rows) != 1 || rows[0].NetworkInfo == nil {
		return nil, nil // SQL NULL reads as no interfaces
	}
	return parseNetworkInfo(*rows[0].NetworkInfo)
}

// interfaces is V12: every cached port has its row, whose order is that of the
// interfaces in the guest.
func (v *verifier) interfaces() {
	vifs, err := v.vifs()
	if err != nil {
		return // said by V7
	}
	rows := map[string]interfaceRecord{}
	for _, r := range v.cell.interfaces[v.uuid] {
		rows[r.UUID] = r
	}
	for _, vif := range vifs {
		want := vif.Address + "/" + vif.ID
		if got, ok := rows[vif.ID]; !ok || !strings.EqualFold(got.Address, want) {
			v.add("V12", "virtual interface of port "+vif.ID, want, orElse(got.Address, "none"))
		}
	}
}
