package nova

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// Sentinels of a Writer.
var (
	// ErrReadOnly: Release.ReadOnly says why nothing may be written.
	ErrReadOnly = errors.New("these databases are read-only to this program")
	// ErrInstanceExists: there is a row with that uuid already. See Written.
	ErrInstanceExists = errors.New("Nova knows this uuid already")
	// ErrNotOurs: the instance was not adopted by this program, so it is not touched.
	ErrNotOurs = errors.New("was not adopted by this program")
)

// A Writer writes the rows of adopted instances. There is one at a time: it
// holds an advisory lock, and stops when it loses it.
//
// Every call may be repeated after a crash: what is done already is left as it
// is. None touches an instance that this program did not adopt.
type Writer struct {
	cloud *Cloud
	lock  advisoryLock
	api   *handle
	cells map[string]*handle // by cell uuid
	now   func() time.Time
}

// A handle is a database as a Writer uses it.
type handle struct {
	*gorm.DB
	*inserter
}

// Writer takes the lock and returns the only thing that can write. holder is
// shown to whoever comes second: user@host, pid, since when.
//
// It fails with ErrReadOnly where the release is not one we know, and with a
// *LockedError (ErrLocked) while another run writes.
func (c *Cloud) Writer(ctx context.Context, holder string) (*Writer, error) {
	if reason := c.release.ReadOnly; reason != "" {
		return nil, fmt.Errorf("%w: %s", ErrReadOnly, reason)
	}
	w := &Writer{cloud: c, cells: map[string]*handle{}, now: time.Now}
	var err error
	if w.api, err = c.api.writing(); err != nil {
		return nil, err
	}
	for _, cell := range c.cells {
		if w.cells[cell.UUID], err = cell.writing(); err != nil {
			return nil, err
		}
	}
	if w.lock, err = c.takeLock(ctx, holder); err != nil {
		return nil, fmt.Errorf("lock Nova's databases: %w", err)
	}
	return w, nil
}

// Close gives the lock back. The Cloud stays open.
func (w *Writer) Close() error {
	errs := []error{w.api.close()}
	for _, h := range w.cells {
		errs = append(errs, h.close())
	}
	if err := w.lock.release(); err != nil {
		errs = append(errs, fmt.Errorf("unlock Nova's databases: %w", err))
	}
	return errors.Join(errs...)
}

// writing is the same pool without gorm's cache of prepared statements, which
// prepares anew in every transaction; see inserter.
func (d *database) writing() (*handle, error) {
	pool, err := d.DB.DB()
	if err != nil {
		return nil, fmt.Errorf("open %s for writing: %w", d.label, err)
	}
	db, err := gorm.Open(d.Dialector, &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 d.DB.Logger,
		NowFunc:                d.DB.NowFunc,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s for writing: %w", d.label, err)
	}
	return &handle{db, newInserter(pool)}, nil
}

// cell finds an open cell with its writing handle.
func (w *Writer) cell(uuid string) (*cell, *handle, error) {
	c := w.cloud.cellByUUID(uuid)
	if c == nil {
		return nil, nil, fmt.Errorf("cell %q is not open", uuid)
	}
	return c, w.cells[uuid], nil
}

// ready checks what only matters once rows are really written.
func (w *Writer) ready(cell *cell, in Instance) error {
	fail := func(field, format string, args ...any) error {
		return in.fault(field, fmt.Errorf(format, args...))
	}
	switch {
	case in.Flavor.ID <= 0:
		return fail("flavor "+in.Flavor.Name, "does not exist in Nova yet")
	case in.Host.CellID != cell.ID || in.Host.Cell != "" && in.Host.Cell != cell.UUID:
		return fail("host", "%s is not in cell %s", in.Host.Host, cell.Name)
	}
	for _, n := range newValues {
		if r := w.cloud.release; in.ImageProperties[n.property] == n.value && r.Major < n.major {
			return fail("image property "+n.property, "%s is known since Nova %d, and this is %s (%d)", n.value, n.major, r.Name, r.Major)
		}
	}
	return in.check(w.now())
}
