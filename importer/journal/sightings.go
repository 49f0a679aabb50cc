package journal

import (
	"context"
	"slices"

	"gorm.io/gorm/clause"
)

// Sightings are what sync last saw of adopted domains, by their UUIDs.
func (r *Recorder) Sightings(ctx context.Context) (map[string]Sighting, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Sighting
	if err := r.j.db.WithContext(ctx).Find(&rows).Error; err != nil {
		return nil, wrapRead(err, "what was seen last")
	}
	m := make(map[string]Sighting, len(rows))
	for _, s := range rows {
		m[s.UUID] = s
	}
	return m, nil
}

// Sight notes what was seen of domains.
func (t *Tx) Sight(seen []Sighting) error {
	for some := range slices.Chunk(seen, inList) {
		rows := slices.Clone(some)
		err := t.db.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "uuid"}},
			DoUpdates: clause.AssignmentColumns([]string{"host", "missing", "since", "recorded"}),
		}).Create(&rows).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// Unsight forgets domains that are not adopted any more.
func (t *Tx) Unsight(uuids ...string) error {
	for some := range slices.Chunk(uuids, inList) {
		if err := t.db.Where("uuid IN ?", some).Delete(&Sighting{}).Error; err != nil {
			return err
		}
	}
	return nil
}

// Places are the hosts as they answered last, by their names in the inventory.
func (r *Recorder) Places(ctx context.Context) (map[string]Place, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Place
	if err := r.j.db.WithContext(ctx).Find(&rows).Error; err != nil {
		return nil, wrapRead(err, "the hosts of earlier runs")
	}
	m := make(map[string]Place, len(rows))
	for _, p := range rows {
		m[p.Name] = p
	}
	return m, nil
}

// SetPlaces notes how hosts have answered.
func (t *Tx) SetPlaces(places []Place) error {
	for some := range slices.Chunk(places, inList) {
		rows := slices.Clone(some)
		err := t.db.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "name"}},
			DoUpdates: clause.AssignmentColumns([]string{"hostname", "seen"}),
		}).Create(&rows).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// Noted are the drifts that are known.
func (r *Recorder) Noted(ctx context.Context) ([]Noted, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Noted
	err := r.j.db.WithContext(ctx).Order("id").Find(&rows).Error
	return rows, wrapRead(err, "the drifts that are known")
}

// Note adds drifts, and leaves those that are known as they are.
func (t *Tx) Note(drifts []Noted) error {
	for some := range slices.Chunk(drifts, inList) {
		rows := slices.Clone(some)
		if err := t.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
			return err
		}
	}
	return nil
}

// Unnote forgets drifts that are over, by their ids.
func (t *Tx) Unnote(ids ...int64) error {
	for some := range slices.Chunk(ids, inList) {
		if err := t.db.Where("id IN ?", some).Delete(&Noted{}).Error; err != nil {
			return err
		}
	}
	return nil
}

// SetTold notes that somebody was notified of drifts, by their ids.
func (t *Tx) SetTold(ids ...int64) error {
	for some := range slices.Chunk(ids, inList) {
		if err := t.db.Model(&Noted{}).Where("id IN ?", some).Update("told", t.j.clock()).Error; err != nil {
			return err
		}
	}
	return nil
}

// Outline is what is known of an adoption without its plan.
type Outline struct {
	UUID, Host, Domain, ComputeHost string
	State                           State
}

// Outlines are all adoptions in short, by host and domain: with their plans
// they would not fit into memory for a large data centre.
func (r *Recorder) Outlines(ctx context.Context) ([]Outline, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Outline
	err := r.j.db.WithContext(ctx).Model(&Adoption{}).Order("host, domain, uuid").Find(&rows).Error
	return rows, wrapRead(err, "adoptions")
}
