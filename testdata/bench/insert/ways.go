package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/nova"
)

// benchCell is the cell of schema.Plausible.
const benchCell = "11111111-1111-4111-8111-111111111111"

// instances are n plain ones, with two disks and two ports each.
func instances(n int) []nova.Instance {
	list := make([]nova.Instance, n)
	for i := range list {
		id := func(kind int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, i+1) }
		port := func(kind int) nova.Port {
			return nova.Port{
				ID: id(kind), MAC: fmt.Sprintf("52:54:%02x:%02x:%02x:%02x", kind, i>>16&0xff, i>>8&0xff, i&0xff),
				NetworkID: id(4), NetworkName: "public", NetworkOwner: "legacy", MTU: 1500, VIFType: "bridge", Active: true,
			}
		}
		name := fmt.Sprintf("web-%d", i+1)
		list[i] = nova.Instance{
			UUID: id(1), DisplayName: name, Hostname: name, ProjectID: "legacy", UserID: "admin",
			Host: nova.Compute{Host: "kvm01", Node: "kvm01", NodeID: 1, Cell: benchCell, CellID: 2}, AvailabilityZone: "az1",
			Flavor: nova.Flavor{ID: 4, FlavorID: "legacy.8c24g", Name: "legacy.8c24g", VCPUs: 8, MemoryMB: 24576, RootGB: 200, EphemeralGB: 100},
			ImageProperties: map[string]string{
				"hw_machine_type": "pc-i440fx-7.2", "hw_cdrom_bus": "ide", "hw_disk_bus": "virtio", "hw_input_bus": "usb",
				"hw_pointer_model": "usbtablet", "hw_video_model": "cirrus", "hw_vif_model": "virtio",
			},
			RootDevice: "/dev/vda",
			Disks: []nova.BlockDevice{
				{UUID: id(2), Device: "/dev/vda", Bus: "virtio", SizeGB: 200, Root: true},
				{UUID: id(3), Device: "/dev/vdb", Bus: "virtio", SizeGB: 100},
			},
			Ports:     []nova.Port{port(5), port(6)},
			RequestID: "req-" + id(7), ReservationID: fmt.Sprintf("r-%08d", i+1),
		}
	}
	return list
}

// writeOurs is what an import does; making the rows is part of it.
func writeOurs(ctx context.Context, t *target, _ int) (int, error) {
	if _, err := t.writer.InsertInstances(ctx, benchCell, t.instances); err != nil {
		return 0, err
	}
	if err := t.writer.InsertMappings(ctx, t.instances); err != nil {
		return 0, err
	}
	sets, err := rowSets(t.instances[:1])
	if err != nil {
		return 0, err
	}
	return len(t.instances) * (len(sets[0].Cell) + len(sets[0].API)), nil
}

func rowSets(instances []nova.Instance) ([]nova.RowSet, error) {
	sets := make([]nova.RowSet, len(instances))
	for i, in := range instances {
		var err error
		if sets[i], err = nova.Rows(in, time.Now()); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// writeRaw writes what Rows gives, with text put together by hand.
func writeRaw(ctx context.Context, t *target, _ int) (int, error) {
	total := 0
	for batch := range slices.Chunk(t.instances, 50) {
		sets, err := rowSets(batch)
		if err != nil {
			return 0, err
		}
		var cell, api []nova.Row
		for _, s := range sets {
			cell, api = append(cell, s.Cell...), append(api, s.API...)
		}
		if err := rawTransaction(ctx, t.cell, cell); err != nil {
			return 0, err
		}
		if err := rawTransaction(ctx, t.api, api); err != nil {
			return 0, err
		}
		total += len(cell) + len(api)
	}
	return total, nil
}

func rawTransaction(ctx context.Context, db *sql.DB, rows []nova.Row) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	var tables []string
	byTable := map[string][]nova.Row{}
	for _, r := range rows {
		if byTable[r.Table] == nil {
			tables = append(tables, r.Table)
		}
		byTable[r.Table] = append(byTable[r.Table], r)
	}
	for _, table := range tables {
		statement, values := statementOf(byTable[table])
		if _, err := tx.ExecContext(ctx, statement, values...); err != nil {
			_ = tx.Rollback() // the first error is the one that matters
			return err
		}
	}
	return tx.Commit()
}

func statementOf(rows []nova.Row) (statement string, values []any) {
	var names []string
	for _, c := range rows[0].Columns {
		names = append(names, c.Name)
	}
	marks := "(?" + strings.Repeat(", ?", len(names)-1) + ")"
	statement = "INSERT INTO " + rows[0].Table + " (`" + strings.Join(names, "`, `") + "`) VALUES " +
		marks + strings.Repeat(", "+marks, len(rows)-1)
	for _, r := range rows {
		for _, c := range r.Columns {
			values = append(values, c.Value)
		}
	}
	return statement, values
}

// writeSingle commits every row by itself.
func writeSingle(ctx context.Context, t *target, _ int) (int, error) {
	total := 0
	sets, err := rowSets(t.instances)
	if err != nil {
		return 0, err
	}
	for _, s := range sets {
		for _, part := range []struct {
			db   *sql.DB
			rows []nova.Row
		}{{t.cell, s.Cell}, {t.api, s.API}} {
			for _, r := range part.rows {
				statement, values := statementOf([]nova.Row{r})
				if _, err := part.db.ExecContext(ctx, statement, values...); err != nil {
					return 0, err
				}
				total++
			}
		}
	}
	return total, nil
}
