package main

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
)

func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return usage(err)
	}
	return nil
}

func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("give exactly one %s, not %d", what, len(args))
		}
		return nil
	}
}

func addOutputFlag(cmd *cobra.Command, to *string, forms ...string) {
	cmd.Flags().StringVarP(to, "output", "o", forms[0], "form of the result: "+strings.Join(forms, ", "))
	cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that does not exist
}

func checkOutput(form string, forms ...string) error {
	if !slices.Contains(forms, form) {
		return usagef("unknown form of output %q: it is one of %s", form, strings.Join(forms, ", "))
	}
	return nil
}

// style is how tables are printed: as wide as the terminal, and whole when
// the output goes to a file or a pipe, unless $COLUMNS says how wide.
func (a *app) style() report.Style {
	s := report.Style{Colour: a.colour()}
	if f := terminal(a.out); f != nil {
		s.Width = columns(f)
	} else if w, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && w > 0 {
		s.Width = w
	}
	return s
}
