package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/testdata/demo"
)

type demoOptions struct{ dir string }

func newDemo(a *app) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Go the whole way on a bundled data centre; needs nothing",
		Long: `Demo unpacks a bundled legacy data centre and a Nova beside it (SQLite databases
with Nova's own schema) into a folder and goes the whole way: audit, plan,
import, status, verify, release. It touches nothing outside that folder, and
prints every command as you would type it.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), a) },
	}
	cmd.Flags().StringVar(&o.dir, "dir", "demo", "`FOLDER` to work in; must be absent, empty, or of an earlier demo")
	return cmd
}

// demoMark is the file that tells a folder of an earlier demo, which may be
// replaced, from one that is somebody's.
const demoMark = ".kvm2openstack-demo"

func (o *demoOptions) run(ctx context.Context, a *app) error {
	if err := prepareDemo(o.dir); err != nil {
		return err
	}
	d := demoRun{app: a, dir: o.dir}
	fmt.Fprintf(a.out, "A legacy data centre of libvirt hosts, and the databases of a Nova beside it, are in %s.\n", o.dir)
	d.step(ctx, "Look first: what is there, what can be adopted, and why not? Nothing is written.",
		[]int{exitBlocked}, "audit", "--html", d.path("report.html"))
	d.step(ctx, "Decide: the plan is a file to read, edit and keep.",
		[]int{exitClean, exitAttention}, "plan", "-O", d.path("plan.yaml"))
	d.step(ctx, "Rehearse: every row and every link of one domain, and no writer.",
		[]int{exitClean, exitAttention}, "import", d.path("plan.yaml"), "--dry-run", "--only", "h1")
	d.step(ctx, "Import: records and hard links; the guests keep running.",
		[]int{exitClean, exitAttention}, "import", d.path("plan.yaml"), "--yes")
	d.step(ctx, "The dashboard's view.", []int{exitClean}, "status")
	d.step(ctx, "Do records, domains and disks agree?", []int{exitClean, exitAttention}, "verify", d.path("plan.yaml"))
	d.step(ctx, "Run it again: what is done is left alone.",
		[]int{exitClean, exitAttention}, "import", d.path("plan.yaml"), "--yes")
	d.step(ctx, "And back: rows physically deleted, links removed, guests untouched.",
		[]int{exitClean}, "release", d.path("plan.yaml"), "--yes")
	d.step(ctx, "Nothing is left.", []int{exitClean}, "status")
	d.save(ctx, "report.txt", "audit", "--explain")
	d.save(ctx, "audit.json", "audit", "-o", "json")
	if d.err != nil {
		return d.err
	}
	fmt.Fprintf(a.out, "\nThe plan, the report (open %s), the databases and the journal are in %s.\n", d.path("report.html"), o.dir)
	return nil
}

// A demoRun is a demo under way.
type demoRun struct {
	app *app
	dir string
	err error
}

func (d *demoRun) path(name string) string { return filepath.Join(d.dir, name) }

// step runs one command as a person would type it. A status that was not
// expected ends the demo.
func (d *demoRun) step(ctx context.Context, why string, expected []int, args ...string) {
	if d.err != nil {
		return
	}
	args = append(args, "--config", d.path("config.yaml"))
	fmt.Fprintf(d.app.out, "\n# %s\n$ kvm2openstack %s\n", why, strings.Join(args, " "))
	got := run(ctx, args, d.app.streams)
	for _, e := range expected {
		if got == e {
			return
		}
	}
	d.err = statusError{exitPerson, fmt.Errorf("demo: kvm2openstack %s ended with status %d, expected one of %v", args[0], got, expected)}
}

// save keeps the output of one command in a file.
func (d *demoRun) save(ctx context.Context, name string, args ...string) {
	if d.err != nil {
		return
	}
	args = append(args, "--config", d.path("config.yaml"))
	fmt.Fprintf(d.app.out, "\n$ kvm2openstack %s >%s\n", strings.Join(args, " "), d.path(name))
	var got int
	err := writeWhole(d.path(name), func(w io.Writer) error {
		got = run(ctx, args, streams{in: d.app.in, out: w, err: d.app.err})
		return nil
	})
	switch {
	case err != nil:
		d.err = fmt.Errorf("demo: %w", err)
	case got != exitBlocked:
		d.err = statusError{exitPerson, fmt.Errorf("demo: kvm2openstack %s ended with status %d, expected %d", args[0], got, exitBlocked)}
	}
}

// prepareDemo makes dir anew. A folder that is not of an earlier demo is left
// alone.
func prepareDemo(dir string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, demoMark)); err != nil {
			return refused(fmt.Errorf("demo: %s is not empty and not of an earlier demo: give another --dir", dir))
		}
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("demo: remove the earlier one: %w", err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, demoMark), nil, 0o644); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := demo.Unpack(dir); err != nil {
		return fmt.Errorf("demo: unpack the data centre: %w", err)
	}
	if err := demo.SeedNova(dir); err != nil {
		return fmt.Errorf("demo: make Nova's databases: %w", err)
	}
	return nil
}
