package nova

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

// InsertInstances writes the cell's rows of the instances (Stage Recorded),
// at most 50 instances in a transaction, all rows of a transaction or none. It
// returns instances.id by uuid, as the database gave them: ids are never
// computed, for Nova takes them at the same time.
//
// Nothing is written when one of the instances cannot be recorded. On a later
// error the ids tell which ones were. A uuid that exists is ErrInstanceExists.
func (w *Writer) InsertInstances(ctx context.Context, cellUUID string, in []Instance) (map[string]int64, error) {
	cell, db, err := w.cell(cellUUID)
	if err != nil {
		return nil, fmt.Errorf("insert instances: %w", err)
	}
	var errs []error
	for _, i := range in {
		errs = append(errs, w.ready(cell, i))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	ids := make(map[string]int64, len(in))
	err = inParallel(ctx, in, func(batch []Instance) error {
		found, err := w.insertBatch(ctx, cell, db, batch)
		if err != nil {
			return fmt.Errorf("insert %s into %s: %w", listInstances(batch), cell.label, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, f := range found {
			ids[f.UUID] = f.ID
		}
		return nil
	})
	return ids, err
}

func (w *Writer) insertBatch(ctx context.Context, cell *cell, db *handle, batch []Instance) (found []idRow, err error) {
	rows, err := w.batchRows(cell, batch)
	if err != nil {
		return nil, err
	}
	uuids := uuidsOf(batch)
	err = w.repeat(ctx, func(ctx context.Context, again bool) error {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if found, err = readIDs(tx, uuids); err != nil {
				return err
			}
			if again && ourCommit(found, batch) {
				return nil // the connection was lost after the COMMIT had arrived
			}
			if len(found) > 0 {
				return fmt.Errorf("%w: %s", ErrInstanceExists, found[0].UUID)
			}
			if err := db.insert(tx, rows); err != nil {
				return asExists(err)
			}
			found, err = readIDs(tx, uuids)
			return err
		})
	})
	if err == nil && len(found) != len(batch) {
		err = fmt.Errorf("%d of %d rows are there after the commit", len(found), len(batch))
	}
	return found, err
}

// batchRows are the rows of checked instances, limited to the columns of the
// cell.
func (w *Writer) batchRows(cell *cell, batch []Instance) ([]Row, error) {
	var rows []Row
	for _, in := range batch {
		made, err := cellRows(in, w.now())
		if err != nil {
			return nil, err
		}
		rows = append(rows, made...)
	}
	rows, err := limitRows(rows, cell.has)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cell.label, err)
	}
	return rows, nil
}

// An idRow is an instances row with the run that wrote it, "" when it is not
// ours.
type idRow struct {
	ID     int64
	UUID   string
	Marker string
}

// readIDs reads rows by uuid, live and deleted: a deleted one has the uuid too.
func readIDs(tx *gorm.DB, uuids []string) ([]idRow, error) {
	var found []idRow
	err := tx.Raw(`SELECT i.id, i.uuid, COALESCE((SELECT MAX(m.value) FROM instance_system_metadata m
		WHERE m.instance_uuid = i.uuid AND m.`+quoted(tx, "key")+` = ?), '') AS marker
		FROM instances i WHERE i.uuid IN ? ORDER BY i.id`, MarkerKey, uuids).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read ids: %w", err)
	}
	return found, nil
}

// ourCommit: every row of the batch is there, and of the same run.
func ourCommit(found []idRow, batch []Instance) bool {
	run := map[string]string{}
	for _, f := range found {
		run[f.UUID] = f.Marker
	}
	return len(found) == len(batch) && !slices.ContainsFunc(batch, func(in Instance) bool { return run[in.UUID] != in.RequestID })
}

// asExists recognises a uuid that somebody else has written in this very
// moment: a duplicate (1062) in instances itself.
func asExists(err error) error {
	var fromServer *mysql.MySQLError
	if errors.As(err, &fromServer) && fromServer.Number == 1062 && strings.Contains(err.Error(), "rows into instances:") {
		return fmt.Errorf("%w: %w", ErrInstanceExists, err)
	}
	return err
}

// quoted quotes a column whose name is a word of SQL.
func quoted(tx *gorm.DB, column string) string { return tx.Statement.Quote(column) }

func uuidsOf(batch []Instance) []string {
	uuids := make([]string, len(batch))
	for i, in := range batch {
		uuids[i] = in.UUID
	}
	return uuids
}

// listInstances names a batch in an error: the one instance, or how many and
// from which to which.
func listInstances(batch []Instance) string {
	first, last := batch[0], batch[len(batch)-1]
	if len(batch) == 1 {
		return fmt.Sprintf("instance %s (%q)", first.UUID, first.DisplayName)
	}
	return fmt.Sprintf("%d instances, %s (%q) to %s (%q)", len(batch), first.UUID, first.DisplayName, last.UUID, last.DisplayName)
}
