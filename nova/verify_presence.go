package nova

import (
	"fmt"
	"maps"
	"slices"
)

// present is V1 and V2: one live row in one cell, and no other trace of the
// uuid among instances. It picks the row that the rest looks at.
func (v *verifier) present() bool {
	live := 0
	for _, c := range v.cells {
		for _, row := range c.instances[v.uuid] {
			if row.Deleted == nil {
				v.add("V1", "instances.deleted in "+c.cell.Name, 0, "NULL, which makes the row invisible")
				continue
			}
			if *row.Deleted != 0 {
				v.add("V1", "instances.deleted in "+c.cell.Name, 0, fmt.Sprintf("%d: nova-compute destroys a guest with this uuid", *row.Deleted))
				continue
			}
			if live++; live == 1 {
				v.row, v.cell = row, c
			}
		}
		if n := len(c.shadows[v.uuid]); n > 0 {
			v.add("V1", "archived rows in "+c.cell.Name, 0, n)
		}
	}
	if live == 0 {
		v.add("V1", "live rows in instances", 1, 0)
		return false
	}
	if v.row.Hidden {
		v.add("V1", "instances.hidden", 0, 1)
	}
	for _, c := range v.cells {
		if c != v.cell && len(c.instances[v.uuid]) > 0 {
			v.add("V2", "cells that have the uuid", v.cell.cell.Name, v.cell.cell.Name+" and "+c.cell.Name)
		}
	}
	return true
}

// mapping is V3 and V4.
func (v *verifier) mapping() {
	must(v, "V4", "build requests", 0, len(v.builds[v.uuid]))
	rows := v.mappings[v.uuid]
	if len(rows) != 1 {
		v.add("V3", "instance mappings", 1, len(rows))
		return
	}
	m := rows[0]
	switch {
	case m.CellID == nil:
		v.add("V3", "cell of the mapping", v.cell.cell.Name, "none")
	case *m.CellID != v.cell.cell.ID:
		v.add("V3", "cell of the mapping", v.cell.cell.Name, fmt.Sprintf("the cell with id %d", *m.CellID))
	}
	must(v, "V3", "project of the mapping", v.row.ProjectID, m.ProjectID)
	must(v, "V3", "user of the mapping", v.row.UserID, m.UserID)
	same(v, "V3", "project of the instance", v.expect.ProjectID, v.row.ProjectID)
	same(v, "V3", "user of the instance", v.expect.UserID, v.row.UserID)
	switch {
	case m.QueuedForDelete == nil:
		v.add("V3", "queued_for_delete of the mapping", 0, "NULL, which quota counting leaves out")
	case *m.QueuedForDelete:
		v.add("V3", "queued_for_delete of the mapping", 0, 1)
	}
}

// leftovers is V22: rows without a live instance. Nova trips over some of them
// and never removes any.
func (v *verifier) leftovers() {
	for _, c := range v.cells {
		counts := c.counts(v.uuid)
		for _, table := range slices.Sorted(maps.Keys(counts)) {
			if n := counts[table]; n > 0 && (v.expect.Absent || table != "instances" && table != "shadow_instances") {
				v.add("V22", "rows of "+table+" in "+c.cell.Name+" without a live instance", 0, n)
			}
		}
	}
	must(v, "V22", "instance mappings without a live instance", 0, len(v.mappings[v.uuid]))
	must(v, "V22", "request specs without a live instance", 0, len(v.specs[v.uuid]))
	must(v, "V22", "build requests without a live instance", 0, len(v.builds[v.uuid]))
}
