package nova

import (
	"context"
	"fmt"
	"strings"
)

type namedRow struct {
	ID       int64
	UUID     string
	Hostname string
}

// InstanceNames makes the names of live instances, by uuid as asked for. An
// instance that has no live row in an open cell is left out.
func (c *Cloud) InstanceNames(ctx context.Context, uuids []string) (map[string]string, error) {
	asked := byLower(uuids)
	names := make(map[string]string, len(uuids))
	for _, cell := range c.cells {
		rows, err := readFor[namedRow](ctx, cell.database, "instances",
			"SELECT id, uuid, hostname FROM instances WHERE deleted = 0 AND uuid IN ?", unique(uuids))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			name, err := NameFor(c.config.InstanceNameTemplate, r.ID, r.UUID, r.Hostname)
			if err != nil {
				return nil, fmt.Errorf("name instance %s: %w", r.UUID, err)
			}
			names[asked[strings.ToLower(r.UUID)]] = name
		}
	}
	return names, nil
}

// HighestID is the highest instances.id of every open cell, archived rows
// included, by the cell's uuid. The next instance gets a higher one; which, the
// database alone decides, so this is for guessing name clashes and nothing else.
func (c *Cloud) HighestID(ctx context.Context) (map[string]int64, error) {
	highest := make(map[string]int64, len(c.cells))
	for _, cell := range c.cells {
		rows, err := readRows[int64](ctx, cell.database, "instance ids",
			`SELECT COALESCE(MAX(id), 0) AS id FROM instances UNION ALL SELECT COALESCE(MAX(id), 0) FROM shadow_instances`)
		if err != nil {
			return nil, err
		}
		for _, id := range rows {
			highest[cell.UUID] = max(highest[cell.UUID], id)
		}
	}
	return highest, nil
}
