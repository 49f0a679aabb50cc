package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// nth returns an item of a list, nil when there is no such list.
func nth(list *yaml.Node, n int) *yaml.Node {
	if list == nil || n >= len(list.Content) {
		return nil
	}
	return list.Content[n]
}

// item notes a problem with a field of one entry of a list.
func (v *validator) item(list string, n int, field, format string, args ...any) {
	entry := nth(at(v.node, list), n)
	v.fail(orNode(at(entry, field), entry), fmt.Sprintf("%s[%d].%s", list, n, field), format, args...)
}

func (v *validator) nics() {
	seen := map[string]int{}
	for n, nic := range v.NICs {
		mac := strings.ToLower(nic.MAC)
		if !isMAC(nic.MAC) {
			v.item("nics", n, "mac", "%s is not a MAC address", quotedShort(nic.MAC))
		} else if first, twice := seen[mac]; twice {
			v.item("nics", n, "mac", "%s is that of nics[%d]", nic.MAC, first)
		}
		seen[mac] = n
		if nic.NetworkID == "" {
			v.item("nics", n, "network_id", "is empty; a network is known to Nova by its id")
		}
		for field, id := range sorted(map[string]string{"network_id": nic.NetworkID, "port": nic.Port}) {
			if id != "" && !isUUID(id) {
				v.item("nics", n, field, "%s is not an id", quotedShort(id))
			}
		}
		for i, address := range nic.Addresses {
			if !isAddress(address) {
				v.address(n, i, address)
			}
		}
		v.newPort(n, nic)
	}
}

// newPort checks what concerns only ports that are to be made.
func (v *validator) newPort(n int, nic NIC) {
	switch {
	case nic.CreatePort && nic.Port != "":
		v.item("nics", n, "create_port", "is true, and port names one that is there; leave one of them out")
	case nic.PortSecurity && !nic.CreatePort:
		v.item("nics", n, "port_security", "is for ports that are made, with create_port: true; one that is there keeps its own")
	case len(nic.SecurityGroups) > 0 && !nic.PortSecurity:
		v.item("nics", n, "security_groups", "do nothing without port_security: true")
	}
	for i, id := range nic.SecurityGroups {
		if !isUUID(id) {
			v.item("nics", n, "security_groups", "%s is not an id", quotedShort(id))
		} else if slices.Contains(nic.SecurityGroups[:i], id) {
			v.item("nics", n, "security_groups", "%s is there twice", id)
		}
	}
}

func (v *validator) address(n, i int, address string) {
	entry := nth(at(v.node, "nics"), n)
	v.fail(nth(at(entry, "addresses"), i), fmt.Sprintf("nics[%d].addresses[%d]", n, i), "%s is not an address", quotedShort(address))
}

// targetName is what Nova takes for the name of a device.
var targetName = regexp.MustCompile(`^[a-z]{2,6}$`)

// disks checks each and that together they are one disk and its disk.eph0 and
// on without a gap: these names are paths on the host, and Nova numbers them
// itself in this order.
func (v *validator) disks() {
	if len(v.Disks) == 0 {
		v.bad("disks", "is empty")
	}
	var devices []string
	for n, d := range v.Disks {
		v.disk(n, d)
		if slices.Contains(devices, d.Device) {
			v.item("disks", n, "device", "%s is there twice", d.Device)
		}
		devices = append(devices, d.Device)
		want := rootName
		if n > 0 {
			want = fmt.Sprintf("disk.eph%d", n-1)
		}
		if d.Becomes != want {
			v.item("disks", n, "becomes", "%s, want %s: the root disk comes first, then the others by number", quotedShort(d.Becomes), want)
		}
	}
}

func (v *validator) disk(n int, d Disk) {
	if !targetName.MatchString(d.Target) {
		v.item("disks", n, "target", "%s is not the name of a disk", quotedShort(d.Target))
	}
	if d.Device != "/dev/"+d.Target {
		v.item("disks", n, "device", "%s, want /dev/ and the target", quotedShort(d.Device))
	}
	if !legalValue("hw_disk_bus", d.Bus) {
		v.item("disks", n, "bus", "%s is not one of %s", quotedShort(d.Bus), legalValues("hw_disk_bus"))
	}
	if d.SizeGB <= 0 {
		v.item("disks", n, "size_gb", "is %d, want more than 0", d.SizeGB)
	}
	if !strings.HasPrefix(d.Path, "/") {
		v.item("disks", n, "path", "%s is not an absolute path", quotedShort(d.Path))
	}
	if d.Format == "" {
		v.item("disks", n, "format", "is empty")
	}
}

func (v *validator) properties() {
	all := v.Properties()
	node := at(v.node, "image_properties")
	for name, value := range sorted(v.ImageProperties) {
		line := orNode(at(node, name), v.node)
		if problem := propertyProblem(name, value); problem != "" {
			v.fail(line, "image_properties", "%s", problem)
		} else if source := elsewhere[name]; source != "" && all[name] != value {
			v.fail(line, "image_properties", "%s: %s follows from %s, which says %s; leave it out here", name, quotedShort(value), source, quotedShort(all[name]))
		}
	}
	for _, name := range pinned {
		if all[name] == "" {
			v.fail(orNode(node, v.node), "image_properties", "%s is missing: Nova would register its own default", name)
		}
	}
}

// pinned are the properties that nova-compute registers from its own defaults
// when it starts and finds an instance without them
// (nova/virt/libvirt/driver.py, _register_undefined_instance_details).
var pinned = []string{"hw_machine_type", "hw_disk_bus", "hw_vif_model", "hw_video_model", "hw_cdrom_bus", "hw_input_bus", "hw_pointer_model"}

var digestText = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (v *validator) rest() {
	node := at(v.node, "metadata")
	for name, value := range sorted(v.Metadata) {
		for _, text := range []string{name, value} {
			if problem := textProblem(text, maxProperty); problem != "" {
				v.fail(orNode(at(node, name), v.node), "metadata."+quoted(name), "%s", problem)
			}
		}
	}
	for n, probe := range v.Probes {
		if problem := probe.problem(); problem != "" {
			v.fail(nth(at(v.node, "probes"), n), fmt.Sprintf("probes[%d]", n), "%s", problem)
		}
	}
	if v.required("made_from.digest", v.MadeFrom.Digest) && !digestText.MatchString(v.MadeFrom.Digest) {
		v.bad("made_from.digest", "%s is not a digest", quotedShort(v.MadeFrom.Digest))
	}
}
