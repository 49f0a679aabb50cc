package nova

import (
	"context"
	"strings"
)

// HostnamesInUse says which live instances, of any project, have one of the
// host names: name as asked for -> uuids. Case does not matter, as in Nova's
// own test (osapi_compute_unique_server_name_scope).
func (c *Cloud) HostnamesInUse(ctx context.Context, names []string) (map[string][]string, error) {
	asked := byLower(names)
	used := map[string][]string{}
	for _, cell := range c.cells {
		rows, err := readFor[struct{ UUID, Hostname string }](ctx, cell.database, "host names",
			"SELECT uuid, hostname FROM instances WHERE deleted = 0 AND hostname IN ? ORDER BY id", unique(names))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			// The collation takes é for e; Nova does not.
			if name, ok := asked[strings.ToLower(r.Hostname)]; ok {
				used[name] = append(used[name], r.UUID)
			}
		}
	}
	return used, nil
}
