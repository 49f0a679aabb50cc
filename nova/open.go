package nova

import (
	"context"
	"errors"
	"fmt"
)

// Open connects to the API database and to every enabled cell, finds out which
// release they belong to and which columns they have. It writes nothing.
//
// A cell that cannot be opened does not fail the cloud: see ClosedCells. An
// unknown or mixed release does not either: see Release.ReadOnly. No error and
// no log line holds a password or a database URL.
func Open(ctx context.Context, config Config) (*Cloud, error) {
	c := &Cloud{config: config.withDefaults()}
	if c.config.APIDatabase == "" {
		return nil, errors.New("open API database: no URL is configured for it")
	}
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cloud) open(ctx context.Context) error {
	var err error
	if c.api, err = openDatabase(ctx, c.config, "API database", c.config.APIDatabase); err != nil {
		return err
	}
	if err := c.api.requireTables("Nova API", "cell_mappings", "host_mappings", "instance_mappings", "request_specs", "flavors"); err != nil {
		return fmt.Errorf("open API database: %w", err)
	}
	if err := c.openCells(ctx); err != nil {
		return err
	}
	if c.release, err = c.findRelease(ctx); err != nil {
		return fmt.Errorf("find out the release: %w", err)
	}
	return nil
}

// Close closes all databases. A Cloud is of no use afterwards.
func (c *Cloud) Close() error {
	var errs []error
	if c.api != nil {
		errs = append(errs, c.api.close())
	}
	for _, cell := range c.cells {
		errs = append(errs, cell.close())
	}
	return errors.Join(errs...)
}
