package journal

import (
	"context"
	"fmt"

	"gorm.io/gorm/clause"
)

// BeginShared notes the intent to make things that several adoptions share.
// One that was deleted since begins anew.
func (t *Tx) BeginShared(things ...Shared) error {
	for _, s := range things {
		row := Shared{Kind: s.Kind, Project: s.Project, Name: s.Name, Run: t.run, Begun: t.now}
		err := t.db.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "kind"}, {Name: "project"}, {Name: "name"}},
			DoUpdates: clause.AssignmentColumns([]string{"cloud_id", "run", "begun", "made", "gone"}),
		}).Create(&row).Error
		if err != nil {
			return fmt.Errorf("note %s %s: %w", s.Kind, s.Name, err)
		}
	}
	return nil
}

// EndShared notes that a thing is there, and its CloudID.
func (t *Tx) EndShared(s Shared) error {
	return t.updateShared(s, map[string]any{"cloud_id": s.CloudID, "made": t.now})
}

// GoneShared notes that a thing was deleted, or never made.
func (t *Tx) GoneShared(s Shared) error {
	return t.updateShared(s, map[string]any{"gone": t.now})
}

func (t *Tx) updateShared(s Shared, values map[string]any) error {
	values["run"] = t.run
	err := t.db.Model(&Shared{}).Where("kind = ? AND project = ? AND name = ?", s.Kind, s.Project, s.Name).Updates(values).Error
	if err != nil {
		return fmt.Errorf("note %s %s: %w", s.Kind, s.Name, err)
	}
	return nil
}

// Shared are the shared things that were begun and not deleted again, oldest
// first.
func (r *Recorder) Shared(ctx context.Context) ([]Shared, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Shared
	if err := r.j.db.WithContext(ctx).Where("gone IS NULL").Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read shared things from the journal: %w", err)
	}
	return rows, nil
}

// Adoptions is Journal.Adoptions, as it is by now.
func (r *Recorder) Adoptions(ctx context.Context, uuids ...string) ([]Adoption, error) {
	return r.j.Adoptions(ctx, uuids...)
}

// Steps is Journal.Steps, as it is by now.
func (r *Recorder) Steps(ctx context.Context, uuids ...string) ([]Step, error) {
	return r.j.Steps(ctx, uuids...)
}
