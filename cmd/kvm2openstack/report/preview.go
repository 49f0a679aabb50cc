package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// Preview prints what an import would make of one domain: its rows in the
// order in which they are inserted, its links, and the update that makes it
// Nova's; or why nothing would be done.
func Preview(w io.Writer, v importer.Previewed) error {
	r := v.Result
	fmt.Fprintf(w, "\n== %s / %s: would be %s", Line(r.Host), Line(r.Domain), r.Outcome)
	if text := why(r); text != "" {
		fmt.Fprintf(w, ": %s", text)
	}
	fmt.Fprintln(w)
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", Line(warning))
	}
	if r.Outcome != importer.Imported {
		return nil
	}
	previewMade(w, v)
	if err := v.Rows.Print(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "host: make %s\n", Line(v.Dir.Dir()))
	for _, l := range v.Dir.Links {
		fmt.Fprintf(w, "  link %s -> %s/%s (one file, two names)\n", Line(l.From), Line(v.Dir.Dir()), l.To)
	}
	fmt.Fprintf(w, "  disk.info %v\n", v.Dir.Infos)
	if efi := v.Dir.Variables; efi.From != "" {
		fmt.Fprintf(w, "host: link %s -> %s, under the instance's name (EFI variables, one file, two names)\n", Line(efi.From), Line(efi.Dir))
	}
	previewBound(w, v)
	f := v.Final
	_, err := fmt.Fprintf(w, "cell: update instances where uuid = %s and host is null: host %s, node %s, vm_state %s, power_state %d, task_state NULL, %s\n",
		f.UUID, f.Host.Host, f.Host.Node, f.VMState, f.PowerState, lockText(v.Locked))
	return err
}

// previewMade prints what has to be there before the rows.
func previewMade(w io.Writer, v importer.Previewed) {
	if f := v.Flavor; f != nil {
		fmt.Fprintf(w, "nova: make flavor %s, private to project %s: %d vCPU, %d MiB, %d GB, ephemeral %d GB%s\n",
			Line(f.Name), f.ProjectID, f.VCPUs, f.MemoryMB, f.RootGB, f.EphemeralGB, specsText(f.ExtraSpecs))
	}
	if v.Image {
		fmt.Fprintf(w, "glance: make the placeholder image of project %s\n", v.Plan.ProjectID)
	}
	for _, p := range v.Ports {
		fmt.Fprintf(w, "neutron: make port %s on network %s%s, port security %s\n", p.MAC, p.NetworkID, addressText(p.FixedIPs), onOff(p.PortSecurity))
	}
	for _, p := range v.Bound {
		fmt.Fprintf(w, "neutron: take port %s (%s)%s\n", p.ID, p.MAC, addressText(p.FixedIPs))
	}
}

// previewBound prints what follows the links.
func previewBound(w io.Writer, v importer.Previewed) {
	if n := len(v.Ports) + len(v.Bound); n > 0 {
		fmt.Fprintf(w, "neutron: bind %d of its ports to host %s; then its info cache in full\n", n, v.Final.Host.Host)
	}
	if a := v.Allocation; a != nil {
		fmt.Fprintf(w, "placement: allocate %s of %s\n", amountsText(a.Resources), a.Provider)
	}
}

func specsText(specs map[string]string) string {
	if len(specs) == 0 {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		parts = append(parts, name+"="+specs[name])
	}
	return ", " + Line(strings.Join(parts, " "))
}

func addressText(ips []cloud.PortIP) string {
	if len(ips) == 0 {
		return " without an address"
	}
	parts := make([]string, len(ips))
	for i, ip := range ips {
		parts[i] = ip.Address.String()
	}
	return " with " + strings.Join(parts, ", ")
}

func amountsText(resources map[string]int) string {
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(resources)) {
		parts = append(parts, fmt.Sprintf("%s %d", class, resources[class]))
	}
	return strings.Join(parts, ", ")
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func lockText(locked bool) string {
	if locked {
		return "stays locked"
	}
	return "unlocked"
}
