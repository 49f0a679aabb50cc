package nova

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// Each case changes one thing, and the error must name the field and say why.
func TestRowsRefuses(t *testing.T) {
	cases := []struct {
		name   string
		change func(*Instance)
		want   string
	}{
		{"uuid in capitals", func(in *Instance) { in.UUID = strings.ToUpper(in.UUID) }, "uuid: "},
		{"uuid of Nova's marker row", func(in *Instance) { in.UUID = markerUUID }, "marker row"},
		{"no project", func(in *Instance) { in.ProjectID = "" }, "project id: is empty"},
		{"no user", func(in *Instance) { in.UserID = "" }, "user id: is empty"},
		{"no name", func(in *Instance) { in.DisplayName = "" }, "display name: is empty"},
		{"long name", func(in *Instance) { in.DisplayName = strings.Repeat("界", 256) }, "display name: is 256 characters long"},
		{"emoji", func(in *Instance) { in.DisplayName = "web 🚀" }, "display name: has the character '🚀' (U+1F680)"},
		{"newline", func(in *Instance) { in.DisplayName = "web\n1" }, "display name: has the control character U+000A"},
		{"not UTF-8", func(in *Instance) { in.DisplayName = "web\xff" }, "display name: is not UTF-8"},
		{"emoji in the description", func(in *Instance) { in.Description = "🚀" }, "description: has the character"},
		{"emoji in the project's name", func(in *Instance) { in.ProjectName = "🚀" }, "project name: has the character"},
		{"no hostname", func(in *Instance) { in.Hostname = "" }, "hostname: is empty"},
		{"hostname with a space", func(in *Instance) { in.Hostname = "web 1" }, "hostname: "},
		{"long hostname", func(in *Instance) { in.Hostname = strings.Repeat("a", 64) }, "hostname: is 64 characters"},
		{"hostname ends with a dot", func(in *Instance) { in.Hostname = "web." }, "hostname: "},
		{"image is no uuid", func(in *Instance) { in.ImageRef = "placeholder" }, "image ref: "},
		{"request id", func(in *Instance) { in.RequestID = "run 7" }, "request id: "},
		{"reservation id", func(in *Instance) { in.ReservationID = "r-1" }, "reservation id: "},
		{"created tomorrow", func(in *Instance) { in.Created = noon.Add(time.Hour) }, "created: "},
		{"no host", func(in *Instance) { in.Host = Compute{} }, "host: "},
		{"no zone", func(in *Instance) { in.AvailabilityZone = "" }, "availability zone: is empty"},
		{"disk format", func(in *Instance) { in.DiskFormat = "vmdk" }, "disk format: "},

		{"no machine type", func(in *Instance) { delete(in.ImageProperties, "hw_machine_type") }, "image property hw_machine_type: is missing"},
		{"no input bus", func(in *Instance) { delete(in.ImageProperties, "hw_input_bus") }, "image property hw_input_bus: is missing"},
		{"bad NIC model", func(in *Instance) { in.ImageProperties["hw_vif_model"] = "ne2k_isa" }, "image property hw_vif_model: "},
		{"NIC model of another hypervisor", func(in *Instance) { in.ImageProperties["hw_vif_model"] = "netfront" }, "image property hw_vif_model: "},
		{"bad disk bus", func(in *Instance) { in.ImageProperties["hw_disk_bus"] = "nvme" }, "image property hw_disk_bus: "},
		{"bad pointer", func(in *Instance) { in.ImageProperties["hw_pointer_model"] = "ps2mouse" }, "image property hw_pointer_model: "},
		{"bad number", func(in *Instance) { in.ImageProperties["hw_cpu_sockets"] = "two" }, "image property hw_cpu_sockets: "},
		{"bad truth", func(in *Instance) { in.ImageProperties["hw_qemu_guest_agent"] = "maybe" }, "image property hw_qemu_guest_agent: "},
		{"misspelt property", func(in *Instance) { in.ImageProperties["hw_vif_modle"] = "e1000" }, "image property hw_vif_modle: Nova does not know it"},
		{"TPM", func(in *Instance) { in.ImageProperties["hw_tpm_version"] = "2.0" }, "image property hw_tpm_version: a virtual TPM"},
		{"os type", func(in *Instance) { in.OSType = "Windows" }, "os type: "},
		{"os type in the property alone", func(in *Instance) { in.ImageProperties["os_type"] = "windows" }, "os type: "},

		{"no vCPU", func(in *Instance) { in.Flavor.VCPUs = 0 }, "flavor legacy.2c4g40d: has 0 vCPUs"},
		{"swap", func(in *Instance) { in.Flavor.SwapMB = 512 }, "flavor legacy.2c4g40d: has 512 MB swap"},
		{"pinning", func(in *Instance) { in.Flavor.ExtraSpecs = map[string]string{"hw:cpu_policy": "dedicated"} }, "hw:cpu_policy=dedicated"},
		{"ephemeral without a data disk", func(in *Instance) { in.Flavor.EphemeralGB = 10 }, "has 10 GB ephemeral"},
		{"long flavor", func(in *Instance) { in.Flavor.ExtraSpecs = map[string]string{"note": strings.Repeat("x", 70000)} }, "flavor: is 7"},

		{"no root disk", func(in *Instance) { in.Disks[0].Root, in.Flavor.EphemeralGB = false, 40 }, "disks: 0 of 1 are the root disk"},
		{"no disk", func(in *Instance) { in.Disks = nil }, "disks: 0 of 0"},
		{"device twice", func(in *Instance) {
			addData(in, BlockDevice{UUID: sampleID(aDisk, 9), Device: "/dev/vda", Bus: "virtio", SizeGB: 1})
		}, "disk /dev/vda: occurs twice"},
		{"disk uuid twice", func(in *Instance) {
			addData(in, BlockDevice{UUID: sampleID(aDisk, 1), Device: "/dev/vdb", Bus: "virtio", SizeGB: 1})
		}, "disk /dev/vdb: has the uuid of another disk"},
		{"bare device", func(in *Instance) { in.Disks[0].Device, in.RootDevice = "vda", "vda" }, "is not a device name"},
		{"no bus", func(in *Instance) { in.Disks[0].Bus = "" }, "disk /dev/vda: bus \"\""},
		{"root larger than the flavor", func(in *Instance) { in.Disks[0].SizeGB = 41 }, "has 41 GB, and flavor"},
		{"root device of another disk", func(in *Instance) { in.RootDevice = "/dev/vdb" }, "disk /dev/vda: is the root disk"},
		{"data larger than the flavor", func(in *Instance) {
			addData(in, BlockDevice{UUID: sampleID(aDisk, 9), Device: "/dev/vdb", Bus: "virtio", SizeGB: 5})
			in.Flavor.EphemeralGB = 4
		}, "the data disks have 5 GB"},

		{"unbound port", func(in *Instance) { in.Ports[0].VIFType = "unbound" }, "is not bound"},
		{"failed binding", func(in *Instance) { in.Ports[0].VIFType = "binding_failed" }, "is not bound"},
		{"passed-through port", func(in *Instance) { in.Ports[0].VIFType = "hw_veb" }, "vif_type \"hw_veb\""},
		{"direct port", func(in *Instance) { in.Ports[0].VNICType = "direct" }, "vnic_type"},
		{"MAC in capitals", func(in *Instance) { in.Ports[0].MAC = "52:54:00:AA:00:01" }, "is not a MAC address in small letters"},
		{"MAC twice", func(in *Instance) { in.Ports = append(in.Ports, in.Ports[0]) }, "the address occurs twice"},
		{"port id", func(in *Instance) { in.Ports[0].ID = "" }, "id: "},
		{"address off the subnet", func(in *Instance) { in.Ports[0].FixedIPs[0].CIDR = netip.MustParsePrefix("192.0.2.0/24") }, "is not in subnet"},
		{"network without a project", func(in *Instance) { in.Ports[0].NetworkOwner = "" }, "project of network"},

		{"metadata key", func(in *Instance) { in.Metadata = map[string]string{"": "x"} }, "metadata \"\": is empty"},
		{"long metadata", func(in *Instance) { in.Metadata = map[string]string{"x": strings.Repeat("x", 256)} }, "metadata \"x\": is 256"},
		{"tag with a comma", func(in *Instance) { in.Tags = []string{"a,b"} }, "tag \"a,b\": has the character"},
		{"tag twice", func(in *Instance) { in.Tags = []string{"a", "a"} }, "tags: \"a\" occurs twice"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := linuxVirtio()
			c.change(&in)
			_, err := Rows(in, noon)
			if err == nil {
				t.Fatalf("Rows succeeds, want an error with %q", c.want)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "instance "+in.UUID) {
				t.Errorf("error %q, want it to name the instance and to have %q", err, c.want)
			}
		})
	}
}

func addData(in *Instance, d BlockDevice) {
	in.Disks = append(in.Disks, d)
	in.Flavor.EphemeralGB += d.SizeGB
}

// All that is wrong is told at once, each as a FieldError.
func TestRowsTellsAll(t *testing.T) {
	in := linuxVirtio()
	in.ProjectID, in.Hostname, in.RootDevice = "", "", "/dev/sda"
	_, err := Rows(in, noon)
	for _, field := range []string{"project id", "hostname", "disk /dev/vda"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("error %v does not name %s", err, field)
		}
	}
	var f *FieldError
	if !errors.As(err, &f) || f.UUID != in.UUID || f.Name != in.DisplayName {
		t.Errorf("errors.As finds %+v, want a FieldError of the instance", f)
	}
}

// What is hostile but can be stored is stored as it is.
func TestRowsKeepsStrangeNames(t *testing.T) {
	for _, name := range []string{`'; DROP TABLE instances; --`, `a"b\c`, "../../etc", " padded ", "{", "中文 名字", strings.Repeat("界", 255), "%s%d", "ﷺ\u202e"} {
		in := linuxVirtio()
		in.DisplayName = name
		set, err := Rows(in, noon)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if got := set.Cell[0].Get("display_name"); got != name {
			t.Errorf("display_name is %q, want %q", got, name)
		}
	}
}
