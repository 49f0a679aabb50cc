package nova

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
)

// cell0 holds servers that were never scheduled. No host belongs to it.
const cell0UUID = "00000000-0000-0000-0000-000000000000"

// openLimit bounds how many cells are opened at once.
const openLimit = 8

type cellMapping struct {
	ID                 int64
	UUID               string
	Name               *string
	DatabaseConnection *string
	Disabled           *bool
}

// label is the cell's name, or its uuid where it has none.
func (m cellMapping) label() string {
	if m.Name != nil && *m.Name != "" {
		return *m.Name
	}
	return m.UUID
}

// openCells opens every enabled cell. One that cannot be opened is remembered
// with its reason; only when none opens there is an error.
func (c *Cloud) openCells(ctx context.Context) error {
	mappings, err := c.cellMappings(ctx)
	if err != nil {
		return err
	}
	opened := make([]*database, len(mappings))
	errs := make([]error, len(mappings))
	var group errgroup.Group
	group.SetLimit(openLimit)
	for i, m := range mappings {
		group.Go(func() error {
			opened[i], errs[i] = c.openCell(ctx, m)
			return nil // one cell's failure is not another's
		})
	}
	_ = group.Wait()
	for i, m := range mappings {
		if errs[i] != nil {
			c.closed = append(c.closed, ClosedCell{ID: m.ID, UUID: m.UUID, Name: m.label(), Reason: errs[i].Error(), Disabled: errors.Is(errs[i], errCellDisabled)})
			continue
		}
		c.cells = append(c.cells, &cell{ID: m.ID, UUID: m.UUID, Name: m.label(), database: opened[i]})
	}
	if len(c.cells) == 0 {
		return noCell(mappings, errs)
	}
	return nil
}

func noCell(mappings []cellMapping, errs []error) error {
	if len(mappings) == 0 {
		return errors.New("open cells: cell_mappings names no cell but cell0; nova-manage cell_v2 create_cell has not been run")
	}
	return fmt.Errorf("open cells: not one of %d could be opened: %w", len(mappings), errors.Join(errs...))
}

func (c *Cloud) cellMappings(ctx context.Context) ([]cellMapping, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.QueryTimeout)
	defer cancel()
	connection := "database_connection"
	if !c.api.has("cell_mappings", connection) {
		connection = "NULL AS database_connection" // hidden from this user: it holds the password of Nova's own
	}
	var mappings []cellMapping
	err := c.api.WithContext(ctx).Raw("SELECT id, uuid, name, disabled, "+connection+
		" FROM cell_mappings WHERE uuid <> ? ORDER BY id", cell0UUID).Scan(&mappings).Error
	if err != nil {
		return nil, fmt.Errorf("read cell_mappings: %w", err)
	}
	return mappings, nil
}

var errCellDisabled = errors.New("cell is disabled")

// openCell opens one cell's database and makes sure that it is one.
func (c *Cloud) openCell(ctx context.Context, m cellMapping) (*database, error) {
	if m.Disabled != nil && *m.Disabled {
		return nil, fmt.Errorf("%s: %w", m.label(), errCellDisabled)
	}
	address, err := c.cellURL(m)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(ctx, c.config, "database of "+m.label(), address)
	if err != nil {
		return nil, err
	}
	if err := db.requireTables("Nova cell", "instances", "compute_nodes", "services", "block_device_mapping"); err != nil {
		_ = db.close() // nothing was written
		return nil, fmt.Errorf("open %s: %w", db.label, err)
	}
	return db, nil
}

// cellURL is where the cell's database is: what the operator says, else the
// mapping's URL, filled in when it is a template.
func (c *Cloud) cellURL(m cellMapping) (string, error) {
	for _, key := range []string{m.label(), m.UUID} {
		if address := c.config.Cells[key]; address != "" {
			return address, nil
		}
	}
	if m.DatabaseConnection == nil || strings.TrimSpace(*m.DatabaseConnection) == "" {
		return "", fmt.Errorf("open database of %s: cell_mappings has no database_connection for it that this user may read: give the URL of this cell in the configuration (nova: cells)", m.label())
	}
	address, err := expandTemplate(*m.DatabaseConnection, orElse(c.config.MainDatabase, c.config.APIDatabase))
	if err != nil {
		return "", fmt.Errorf("open database of %s: database_connection in cell_mappings: %w; give the URL of this cell in the configuration", m.label(), err)
	}
	return address, nil
}
