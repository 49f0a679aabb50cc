package nova

import (
	"fmt"
	"slices"
	"time"
)

// place is V8: host and node are those of one compute host of the cell.
func (v *verifier) place() {
	same(v, "V8", "host", v.expect.Host, v.row.Host)
	same(v, "V8", "node", v.expect.Node, v.row.Node)
	same(v, "V8", "availability zone", v.expect.AvailabilityZone, v.row.AvailabilityZone)
	if v.row.Host == "" {
		if v.expect.Host == "" {
			v.add("V8", "host", "a compute host", "none: the import is not finished")
		}
		return
	}
	cell := v.cell.cell
	if c, ok := v.computes[cell.UUID][v.row.Host]; !ok || c.Problem == noService {
		v.add("V8", "nova-compute service of host "+v.row.Host, "one in "+cell.Name, "none")
	}
	for _, n := range v.nodes[cell.UUID+"\x00"+v.row.Host] {
		if n.Node != v.row.Node {
			continue
		}
		if cell.has("instances", "compute_id") {
			v.computeID(n.ID)
		}
		return
	}
	v.add("V8", "node", "a node of host "+v.row.Host, v.row.Node)
}

func (v *verifier) computeID(want int64) {
	if v.row.ComputeID == nil {
		v.add("V8", "compute_id", want, "NULL")
		return
	}
	must(v, "V8", "compute_id", want, *v.row.ComputeID)
}

// legalStates are the pairs that Nova's power sync leaves alone; active and
// paused it only logs. Error goes with any power state.
var legalStates = map[string][]int{
	"active":    {PowerRunning, PowerPaused},
	"paused":    {PowerPaused},
	"stopped":   {PowerShutdown, PowerCrashed},
	"suspended": {PowerShutdown, PowerSuspended},
}

// states is V9.
func (v *verifier) states() {
	if v.row.TaskState != nil {
		v.add("V9", "task_state", "none", *v.row.TaskState)
	}
	if legal, known := legalStates[v.row.VMState]; !known && v.row.VMState != "error" {
		v.add("V9", "vm_state", "active, paused, stopped or suspended", v.row.VMState)
	} else if known && !slices.Contains(legal, v.row.PowerState) {
		v.add("V9", "power_state with vm_state "+v.row.VMState, legal[0], v.row.PowerState)
	}
	if v.expect.Locked != nil && *v.expect.Locked != v.row.Locked {
		v.add("V9", "locked", *v.expect.Locked, v.row.Locked)
	}
	if v.row.Locked != (v.row.LockedBy != "") {
		v.add("V9", "locked_by", "set exactly where locked is", fmt.Sprintf("locked %v, locked_by %q", v.row.Locked, v.row.LockedBy))
	}
}

// clockSkew is how far the clocks of hosts may be apart.
const clockSkew = 5 * time.Minute

// dates is V10. Without launched_at Nova takes the instance for one that never
// ran and adds a config drive at the next regeneration where it is forced.
func (v *verifier) dates() {
	for _, d := range []struct {
		name string
		at   *time.Time
	}{{"created_at", v.row.CreatedAt}, {"launched_at", v.row.LaunchedAt}} {
		switch {
		case d.at == nil:
			v.add("V10", d.name, "a date", "NULL")
		case d.at.After(v.now.Add(clockSkew)):
			v.add("V10", d.name, "a date not in the future", d.at.UTC().Format(time.RFC3339))
		}
	}
	for _, d := range []struct {
		name string
		at   *time.Time
	}{{"terminated_at", v.row.TerminatedAt}, {"deleted_at", v.row.DeletedAt}} {
		if d.at != nil {
			v.add("V10", d.name, "NULL", d.at.UTC().Format(time.RFC3339))
		}
	}
}

// empty is V15.
func (v *verifier) empty() {
	must(v, "V15", "shutdown_terminate", false, v.row.ShutdownTerminate)
	must(v, "V15", "disable_terminate", false, v.row.DisableTerminate)
	must(v, "V15", "config_drive", "", v.row.ConfigDrive)
	must(v, "V15", "kernel_id", "", v.row.KernelID)
	must(v, "V15", "ramdisk_id", "", v.row.RamdiskID)
}

// history is V20. Done evacuations count: nova-compute of the source destroys
// guests by them at each start.
func (v *verifier) history() {
	for _, m := range v.cell.migrations[v.uuid] {
		if m.MigrationType == "evacuation" || !finishedMigration[m.Status] {
			v.add("V20", "migrations", "none unfinished, no evacuation", fmt.Sprintf("%s, %s", orElse(m.MigrationType, "of no type"), orElse(m.Status, "no status")))
		}
	}
	for _, f := range v.cell.faults[v.uuid] {
		v.add("V20", "faults", "none", f.Message)
	}
}

// finishedMigration are the states after which nothing more happens
// (nova/objects/migration.py).
var finishedMigration = map[string]bool{
	"completed": true, "confirmed": true, "reverted": true, "failed": true, "done": true, "cancelled": true,
}
