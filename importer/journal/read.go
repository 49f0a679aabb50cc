package journal

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// inList is how many UUIDs go into one statement.
const inList = 500

// Adoptions are those of uuids that the journal knows, or all of them without
// any. They come by host and domain, without their definitions.
func (j *Journal) Adoptions(ctx context.Context, uuids ...string) ([]Adoption, error) {
	all, err := j.adoptions(ctx, uuids)
	if err != nil {
		return nil, err
	}
	return all, j.addLeft(ctx, all)
}

// addLeft names the steps that are left of what is not complete, each as it was
// begun last.
func (j *Journal) addLeft(ctx context.Context, all []Adoption) error {
	var open []string
	for _, a := range all {
		if a.open() {
			open = append(open, a.UUID)
		}
	}
	steps, err := j.Steps(ctx, open...)
	if err != nil {
		return err
	}
	left, ends := map[string][]string{}, map[string]bool{}
	for _, s := range steps {
		if !slices.Contains(left[s.UUID], s.Step) { // once for each run
			left[s.UUID] = append(left[s.UUID], s.Step)
		}
		ends[s.UUID+s.Step] = s.Ended != nil
	}
	for i := range all {
		all[i].Left = left[all[i].UUID]
		for _, step := range all[i].Left {
			if !ends[all[i].UUID+step] {
				all[i].Open = append(all[i].Open, step)
			}
		}
	}
	return nil
}

func (j *Journal) adoptions(ctx context.Context, uuids []string) ([]Adoption, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	query := j.db.WithContext(ctx).Omit("Definition").Order("host, domain, uuid").Session(&gorm.Session{})
	var all []Adoption
	if len(uuids) == 0 {
		if err := query.Find(&all).Error; err != nil {
			return nil, fmt.Errorf("read adoptions from the journal: %w", err)
		}
		return all, nil
	}
	for some := range slices.Chunk(uuids, inList) {
		var rows []Adoption
		if err := query.Where("uuid IN ?", some).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read adoptions from the journal: %w", err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

// Definition is the inactive XML of a domain from before anything was done to
// it, without secrets; "" when the journal does not know the domain.
func (j *Journal) Definition(ctx context.Context, uuid string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Adoption
	if err := j.db.WithContext(ctx).Select("definition").Where("uuid = ?", uuid).Find(&rows).Error; err != nil {
		return "", fmt.Errorf("read definition of %s from the journal: %w", uuid, err)
	}
	if len(rows) == 0 {
		return "", nil
	}
	return rows[0].Definition, nil
}

// Steps are those of uuids that were begun and not taken back, oldest first.
// The same step may occur once for each run.
func (j *Journal) Steps(ctx context.Context, uuids ...string) ([]Step, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var all []Step
	for some := range slices.Chunk(uuids, inList) {
		var rows []Step
		err := j.db.WithContext(ctx).Where("uuid IN ? AND undone IS NULL", some).Order("id").Find(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("read steps from the journal: %w", err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

// Runs are the last n runs, youngest first.
func (j *Journal) Runs(ctx context.Context, n int) ([]Run, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	var rows []Run
	if err := j.db.WithContext(ctx).Order("id DESC").Limit(n).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read runs from the journal: %w", err)
	}
	return rows, nil
}
