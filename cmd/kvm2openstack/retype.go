package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// retype is the command line of a subcommand with those options of cmd, as
// they were given, that the subcommand has as well: what to type next.
func retype(cmd *cobra.Command, name string, more ...string) string {
	next, _, err := cmd.Root().Find([]string{name})
	if err != nil {
		next = cmd // not among ours: nothing but a defect
	}
	words := []string{cmd.Root().Name(), name}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if next.Flag(f.Name) == nil || slices.Contains(onceOnly, f.Name) {
			return
		}
		words = append(words, flagWords(f)...)
	})
	for _, word := range more {
		words = append(words, check.Shell(word))
	}
	return strings.Join(words, " ")
}

// onceOnly are flags that the next command should not have: it is looked at.
var onceOnly = []string{"verbose", "html", "save", "baseline", "output"}

// flagWords is one flag as it can be typed.
func flagWords(f *pflag.Flag) []string {
	name := "--" + f.Name
	if f.Value.Type() == "bool" {
		if f.Value.String() == "true" {
			return []string{name}
		}
		return []string{name + "=false"}
	}
	values := []string{f.Value.String()}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		values = list.GetSlice()
	}
	var words []string
	for _, v := range values {
		words = append(words, name, check.Shell(v))
	}
	return words
}
