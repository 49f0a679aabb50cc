package nova

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// InsertMappings writes the API database's rows (Stage Mapped): request_specs
// and instance_mappings, at most 50 instances in a transaction. From then on
// the API finds the instances. What exists already is left as it is.
//
// The cell's rows must be there, and ours: a mapping without them answers 404,
// and one beside somebody else's rows would hijack them.
func (w *Writer) InsertMappings(ctx context.Context, in []Instance) error {
	return inParallel(ctx, in, func(batch []Instance) error {
		if err := w.insertMappings(ctx, batch); err != nil {
			return fmt.Errorf("map %s: %w", listInstances(batch), err)
		}
		return nil
	})
}

func (w *Writer) insertMappings(ctx context.Context, batch []Instance) error {
	if err := w.allRecorded(ctx, batch); err != nil {
		return err
	}
	var rows []Row
	for _, in := range batch {
		if err := in.check(w.now()); err != nil {
			return err
		}
		made, err := apiRows(in, w.now())
		if err != nil {
			return err
		}
		rows = append(rows, made...)
	}
	rows, err := limitRows(rows, w.cloud.api.has)
	if err != nil {
		return fmt.Errorf("%s: %w", w.cloud.api.label, err)
	}
	return w.repeat(ctx, func(ctx context.Context, _ bool) error {
		return w.api.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			missing, err := missingRows(tx, rows, uuidsOf(batch))
			if err != nil {
				return err
			}
			return w.api.insert(tx, missing)
		})
	})
}

// allRecorded: every instance has its rows in the cell.
func (w *Writer) allRecorded(ctx context.Context, batch []Instance) error {
	stages, err := w.cloud.Written(ctx, uuidsOf(batch))
	if err != nil {
		return err
	}
	var errs []error
	for _, in := range batch {
		switch stage := stages[in.UUID]; stage {
		case Recorded, Mapped, Finished:
		case Foreign:
			errs = append(errs, fmt.Errorf("instance %s (%q): %w", in.UUID, in.DisplayName, ErrNotOurs))
		default:
			errs = append(errs, fmt.Errorf("instance %s (%q): is %s in its cell", in.UUID, in.DisplayName, stage))
		}
	}
	return errors.Join(errs...)
}

// missingRows leaves out the rows whose table has one for the instance.
func missingRows(tx *gorm.DB, rows []Row, uuids []string) ([]Row, error) {
	has := map[string]map[string]bool{}
	for _, table := range []string{"request_specs", "instance_mappings"} {
		found, err := uuidsIn(tx, table, uuids)
		if err != nil {
			return nil, err
		}
		has[table] = found
	}
	var missing []Row
	for _, r := range rows {
		if uuid, _ := r.Get("instance_uuid").(string); !has[r.Table][uuid] {
			missing = append(missing, r)
		}
	}
	return missing, nil
}

// uuidsIn says which of the instances have a row in a table of the API
// database.
func uuidsIn(tx *gorm.DB, table string, uuids []string) (map[string]bool, error) {
	var found []string
	if err := tx.Table(table).Where("instance_uuid IN ?", uuids).Pluck("instance_uuid", &found).Error; err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	set := make(map[string]bool, len(found))
	for _, uuid := range found {
		set[uuid] = true
	}
	return set, nil
}
