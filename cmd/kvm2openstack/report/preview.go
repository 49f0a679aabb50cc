package report

import (
	"fmt"
	"io"

	"github.com/lightcloud/kvm2openstack/importer"
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
	if err := v.Rows.Print(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "host: make %s\n", Line(v.Dir.Dir()))
	for _, l := range v.Dir.Links {
		fmt.Fprintf(w, "  link %s -> %s/%s (one file, two names)\n", Line(l.From), Line(v.Dir.Dir()), l.To)
	}
	fmt.Fprintf(w, "  disk.info %v\n", v.Dir.Infos)
	f := v.Final
	_, err := fmt.Fprintf(w, "cell: update instances where uuid = %s and host is null: host %s, node %s, vm_state %s, power_state %d, task_state NULL, %s\n",
		f.UUID, f.Host.Host, f.Host.Node, f.VMState, f.PowerState, lockText(v.Locked))
	return err
}

func lockText(locked bool) string {
	if locked {
		return "stays locked"
	}
	return "unlocked"
}
