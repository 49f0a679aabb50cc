package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

type statusOptions struct {
	selection
	output string
	all    bool
}

func newStatus(a *app) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "What was adopted, as the cloud's dashboard shows it",
		Long: `Status prints every domain that the journal knows, as the cloud's own dashboard
would show it: name, addresses, size, status, task, power state, and how far
its adoption has come. Released ones are left out unless --all is given.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), a) },
	}
	o.addFilterFlags(cmd)
	cmd.Flags().BoolVar(&o.all, "all", false, "released domains, too")
	addOutputFlag(cmd, &o.output, "table", "json")
	return cmd
}

func (o *statusOptions) run(ctx context.Context, a *app) error {
	if err := checkOutput(o.output, "table", "json"); err != nil {
		return err
	}
	c, err := loadConfig(a.configFile)
	if err != nil {
		return err
	}
	adoptions, err := c.adoptions(ctx)
	if err != nil {
		return err
	}
	db, err := c.openNova(ctx, a)
	if err != nil {
		return err
	}
	defer closeNova(db)
	wanted, err := o.wanted(adoptions)
	if err != nil {
		return err
	}
	rows, err := statusRows(ctx, wanted, db)
	if err != nil {
		return err
	}
	if o.output == "json" {
		if err := report.StatusJSON(a.out, rows); err != nil {
			return err
		}
	} else {
		report.StatusTable(a.out, rows, a.style())
	}
	return status(statusStatus(rows))
}

// statusRows keeps a missing database from being a database that is nil.
func statusRows(ctx context.Context, adoptions []journal.Adoption, db *nova.Cloud) ([]importer.StatusRow, error) {
	if db == nil {
		return importer.Status(ctx, adoptions, nil)
	}
	return importer.Status(ctx, adoptions, db)
}

// wanted leaves out what is over, and what the operator does not want to see.
func (o *statusOptions) wanted(adoptions []journal.Adoption) ([]journal.Adoption, error) {
	filter, err := o.filter()
	if err != nil {
		return nil, err
	}
	p, err := importer.PlanOf(adoptions)
	if err != nil {
		return nil, err
	}
	var out []journal.Adoption
	for i, a := range adoptions {
		over := a.State == journal.StateReleased || a.State == journal.StateFailed
		if (o.all || !over) && filter.Match(p.Domains[i]) {
			out = append(out, a)
		}
	}
	return out, nil
}

// adoptions is what the journal knows; a journal that is not there knows
// nothing.
func (c config) adoptions(ctx context.Context) (_ []journal.Adoption, err error) {
	j, err := journal.OpenExisting(ctx, c.Journal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := j.Close(); e != nil && err == nil {
			err = fmt.Errorf("close journal: %w", e)
		}
	}()
	return j.Adoptions(ctx)
}

// statusStatus is 4 while something is half done.
func statusStatus(rows []importer.StatusRow) int {
	for _, r := range rows {
		switch r.Adoption {
		case journal.StateBegun, journal.StateHalf, journal.StateReleasing, journal.StateRenaming, journal.StateReturning, journal.StateSwapping:
			return exitPerson
		}
	}
	return exitClean
}
