package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan writes the manual pages, for packages.
func newMan(*app) *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages into a folder",
		Hidden: true,
		Args:   oneArg("folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("write manual pages: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same program gives the same pages
			root.Long += "\n\n" + exitHelp
			for _, c := range append(root.Commands(), root) {
				c.Long = keepLines(c.Long)
				c.Hidden = c.Hidden || c.Name() == "completion" // the packages bring them along
			}
			header := &doc.GenManHeader{Title: "KVM2OPENSTACK", Section: "8", Source: "kvm2openstack " + version}
			return doc.GenManTree(root, header, args[0])
		},
	}
}

// keepLines has what is set apart by two blanks stay so: a page is made by way
// of Markdown, which wants four and an empty line before.
func keepLines(text string) string {
	var b strings.Builder
	was := "" // the line before
	for line := range strings.Lines(text) {
		set := strings.HasPrefix(line, "  ")
		if set && was != "" && !strings.HasPrefix(was, "  ") && strings.TrimSpace(was) != "" {
			b.WriteByte('\n')
		}
		if set {
			b.WriteString("  ")
		}
		b.WriteString(line)
		was = line
	}
	return b.String()
}
