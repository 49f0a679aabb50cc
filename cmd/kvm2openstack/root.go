package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

// version is set at build time.
var version = "dev"

// streams are what the command reads from and prints to: results on out,
// progress and logs on err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// An app is what every subcommand shares: the streams and the flags of the
// root. Nothing in it is connected to anything.
type app struct {
	streams
	configFile string
	verbose    bool
}

// log is the logger for one run. It writes to standard error, so that
// -o json | jq works with it on.
func (a *app) log() *slog.Logger {
	level := slog.LevelWarn
	if a.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// colour reports whether results may be coloured.
func (a *app) colour() bool { return os.Getenv("NO_COLOR") == "" && obeys(a.out) }

// newRoot is the command with all its subcommands.
func newRoot(std streams) *cobra.Command {
	a := &app{streams: std}
	root := &cobra.Command{
		Use:   "kvm2openstack",
		Short: "Put running KVM guests under OpenStack Nova, in place",
		Long: `kvm2openstack takes KVM guests that run under plain libvirt and puts them under
OpenStack Nova in place: no disk is copied and importing needs no restart.

  audit    look at hosts and say what can be adopted; writes nothing
  explain  say what a check or a log line means, or why a domain has its verdict
  plan     the same, as a file to read, edit and keep; writes nothing else
  import   write Nova's records and link the disks; the guests keep running
  rename   one restart of each guest, under Nova's name, when it suits you
  status   what was adopted, as the cloud's dashboard shows it
  verify   do records, domains and disks agree?
  release  take an import back
  onboard  will nova-compute accept a host that has guests? if not, make it so
  sync     what has drifted since? on a schedule; heals what you allow
  demo     the whole way on a bundled data centre; needs nothing

  install-timer  have sync run by itself`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.SetUsageTemplate(root.UsageTemplate() + "\n" + exitHelp + "\n")
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "configuration file (default: $KVM2OPENSTACK_CONFIG, ./kvm2openstack.yaml, /etc/kvm2openstack/config.yaml)")
	root.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "log every step to standard error")
	root.AddCommand(
		newAudit(a), newExplain(a), newPlan(a), newImport(a), newRename(a), newStatus(a),
		newVerify(a), newRelease(a), newOnboard(a), newSync(a), newDemo(a), newInstallTimer(a), newMan(a),
	)
	return root
}
