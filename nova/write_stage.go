package nova

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// A Stage is how far an instance has been written. It is asked of the
// databases, not of a journal, so that a rerun completes what a crash left.
type Stage int

// The stages of an instance, in their order.
const (
	// Unwritten: Nova does not know the uuid.
	Unwritten Stage = iota
	// Recorded: the cell's rows are there, without a host (InsertInstances).
	Recorded
	// Mapped: the API database's rows are there too (InsertMappings).
	Mapped
	// Finished: the instance is Nova's (Finish), whatever happened to it since.
	Finished
	// Removed: it was adopted, and then deleted in Nova. nova-compute destroys
	// a domain with this uuid until the row is gone.
	Removed
	// Foreign: rows that this program did not write. They are never touched.
	Foreign
)

// String names the stage.
func (s Stage) String() string {
	names := []string{"not written", "recorded", "mapped", "final", "deleted in Nova", "somebody else's"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("Stage(%d)", int(s))
	}
	return names[s]
}

// readChunk is how many uuids one SELECT asks for.
const readChunk = 500

// Written tells the stage of each uuid; every uuid asked for is in the answer.
func (c *Cloud) Written(ctx context.Context, uuids []string) (map[string]Stage, error) {
	stages := make(map[string]Stage, len(uuids))
	for part := range slices.Chunk(uuids, readChunk) {
		if err := c.written(ctx, part, stages); err != nil {
			return nil, fmt.Errorf("find out what is written: %w", err)
		}
	}
	return stages, nil
}

// Written tells the stage of each uuid; see Cloud.Written.
func (w *Writer) Written(ctx context.Context, uuids []string) (map[string]Stage, error) {
	return w.cloud.Written(ctx, uuids)
}

func (c *Cloud) written(ctx context.Context, uuids []string, stages map[string]Stage) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.QueryTimeout)
	defer cancel()
	mapped, err := uuidsIn(c.api.WithContext(ctx), "instance_mappings", uuids)
	if err != nil {
		return fmt.Errorf("%s: %w", c.api.label, err)
	}
	specified, err := uuidsIn(c.api.WithContext(ctx), "request_specs", uuids)
	if err != nil {
		return fmt.Errorf("%s: %w", c.api.label, err)
	}
	for _, uuid := range uuids {
		stages[uuid] = Unwritten
		if mapped[uuid] || specified[uuid] {
			stages[uuid] = Foreign // unless a cell has our rows: we write those first and remove them last
		}
	}
	for _, cell := range c.cells {
		rows, err := readStages(cell.WithContext(ctx), uuids)
		if err != nil {
			return fmt.Errorf("%s: %w", cell.label, err)
		}
		for _, r := range rows {
			stages[r.UUID] = r.stage(mapped[r.UUID] && specified[r.UUID])
		}
	}
	return nil
}

// A stageRow is what of an instances row tells its stage.
type stageRow struct {
	UUID      string
	Host      *string
	TaskState *string
	Deleted   int64
	Ours      bool
}

func readStages(db *gorm.DB, uuids []string) ([]stageRow, error) {
	var rows []stageRow
	err := db.Raw(`SELECT i.uuid, i.host, i.task_state, COALESCE(i.deleted, 0) AS deleted,
		EXISTS (SELECT 1 FROM instance_system_metadata m WHERE m.instance_uuid = i.uuid AND m.`+quoted(db, "key")+` = ?) AS ours
		FROM instances i WHERE i.uuid IN ?`, MarkerKey, uuids).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read instances: %w", err)
	}
	return rows, nil
}

func (r stageRow) stage(mapped bool) Stage {
	switch {
	case !r.Ours:
		return Foreign
	case r.Deleted != 0:
		return Removed
	case !r.adopting():
		return Finished // a shelved one has no host either, but it has been final
	case mapped:
		return Mapped
	default:
		return Recorded
	}
}

// adopting: the row is as InsertInstances wrote it.
func (r stageRow) adopting() bool {
	return r.Host == nil && r.TaskState != nil && *r.TaskState == taskStateAdopting
}
