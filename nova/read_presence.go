package nova

import (
	"context"
	"strings"
)

type presentInstance struct {
	UUID        string
	Deleted     *int64
	Host        string
	DisplayName string
	TaskState   string
}

// Presence says where UUIDs already occur: in every open cell, deleted and
// archived rows included, and in the API database. The map has an entry for
// each UUID that was found, spelt as it was asked for.
func (c *Cloud) Presence(ctx context.Context, uuids []string) (map[string]Presence, error) {
	keys := unique(uuids)
	p := presenceReader{ctx: ctx, asked: byLower(keys), keys: keys, found: map[string]Presence{}}
	for _, cell := range c.cells {
		p.cell(cell)
	}
	p.api(c.api)
	return p.found, p.err
}

// A presenceReader collects until the first error.
type presenceReader struct {
	ctx   context.Context
	keys  []string
	asked map[string]string
	found map[string]Presence
	err   error
}

// note changes what is known of one uuid.
func (p *presenceReader) note(uuid string, change func(*Presence)) {
	key, ok := p.asked[strings.ToLower(uuid)]
	if !ok {
		return
	}
	one := p.found[key]
	change(&one)
	p.found[key] = one
}

// each reads the uuids that a query finds.
func (p *presenceReader) each(d *database, what, query string, change func(*Presence)) {
	if p.err != nil {
		return
	}
	var rows []string
	rows, p.err = readFor[string](p.ctx, d, what, query, p.keys)
	for _, uuid := range rows {
		p.note(uuid, change)
	}
}

func (p *presenceReader) cell(c *cell) {
	p.instances(c)
	p.each(c.database, "shadow_instances", "SELECT uuid FROM shadow_instances WHERE uuid IN ?",
		func(one *Presence) { one.Shadow = true })
	if p.err != nil {
		return
	}
	var rows []struct{ InstanceUUID, Status string }
	rows, p.err = readFor[struct{ InstanceUUID, Status string }](p.ctx, c.database, "migrations",
		"SELECT instance_uuid, COALESCE(status, 'unknown') AS status FROM migrations WHERE (deleted = 0 OR deleted IS NULL) AND instance_uuid IN ? ORDER BY id", p.keys)
	for _, r := range rows {
		p.note(r.InstanceUUID, func(one *Presence) { one.Migration = orElse(r.Status, "unknown") })
	}
}

// instances notes rows of the cell. One whose deleted is neither 0 nor an id
// is invisible to Nova, but its uuid is taken all the same.
func (p *presenceReader) instances(c *cell) {
	if p.err != nil {
		return
	}
	var rows []presentInstance
	rows, p.err = readFor[presentInstance](p.ctx, c.database, "instances",
		"SELECT uuid, deleted, host, display_name, task_state FROM instances WHERE uuid IN ?", p.keys)
	for _, r := range rows {
		p.note(r.UUID, func(one *Presence) {
			one.Cell = c.Name
			if r.Deleted == nil || *r.Deleted != 0 {
				one.Deleted = true
				return
			}
			one.Live, one.Host, one.Name, one.TaskState = true, r.Host, r.DisplayName, r.TaskState
		})
	}
}

// api notes rows of the API database. The marker that nova-manage
// map_instances leaves behind is a row of no instance.
func (p *presenceReader) api(d *database) {
	p.each(d, "instance_mappings", "SELECT instance_uuid FROM instance_mappings WHERE project_id <> 'INSTANCE_MIGRATION_MARKER' AND instance_uuid IN ?",
		func(one *Presence) { one.Mapping = true })
	p.each(d, "request_specs", "SELECT instance_uuid FROM request_specs WHERE instance_uuid IN ?",
		func(one *Presence) { one.RequestSpec = true })
	p.each(d, "build_requests", "SELECT instance_uuid FROM build_requests WHERE instance_uuid IN ?",
		func(one *Presence) { one.BuildRequest = true })
}
