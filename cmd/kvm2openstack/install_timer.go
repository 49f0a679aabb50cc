package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/install"
)

// unitFolder is where an administrator's own units are.
const unitFolder = "/etc/systemd/system"

type installOptions struct {
	install.Timer
	print bool
	into  string
}

func newInstallTimer(a *app) *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install-timer",
		Short: "Have sync run by itself: a systemd timer, or a line for cron",
		Long: `Install-timer writes a systemd service and its timer into ` + unitFolder + `, or
with --print only shows them, and a line for cron. The service runs as a user
of its own, which the packages make, and may do no more than it must. Nothing
is started: the command says how.`,
		Example: `  kvm2openstack install-timer --print
  kvm2openstack install-timer --every 10m
  kvm2openstack install-timer --at 02:17 --apply`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(a) },
	}
	f := cmd.Flags()
	f.StringVar(&o.At, "at", "", "once a day, at `HH:MM` (default 02:17)")
	f.DurationVar(&o.Every, "every", 0, "again and again, this `DURATION` after the last run (10m, 1h)")
	f.BoolVar(&o.Apply, "apply", false, "heal what the configuration allows; without, sync only tells")
	f.BoolVar(&o.Local, "local", false, "this is a libvirt host that looks at itself: run as root, with what its disks need")
	f.StringVar(&o.User, "user", "", "`NAME` of the user it runs as (default kvm2openstack, with --local root)")
	f.StringVar(&o.Program, "program", "", "`PATH` of kvm2openstack (default: this one)")
	f.BoolVar(&o.print, "print", false, "print the files and write nothing")
	f.StringVar(&o.into, "into", unitFolder, "`FOLDER` for the service and the timer")
	return cmd
}

func (o *installOptions) run(a *app) error {
	if err := o.complete(a.configFile); err != nil {
		return err
	}
	files, err := o.Files()
	if err != nil {
		return usage(err)
	}
	if o.print {
		for _, f := range []struct{ path, name string }{
			{filepath.Join(o.into, install.Service), install.Service},
			{filepath.Join(o.into, install.TimerSet), install.TimerSet},
			{"/etc/cron.d/kvm2openstack", install.Cron},
		} {
			fmt.Fprintf(a.out, "# ---- %s\n%s\n", f.path, files[f.name])
		}
		return nil
	}
	return o.write(a, files)
}

// complete fills in what was left out.
func (o *installOptions) complete(config string) (err error) {
	if o.At == "" && o.Every == 0 {
		o.At = "02:17"
	}
	if o.User == "" {
		o.User = "kvm2openstack"
		if o.Local {
			o.User = "root"
		}
	}
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return fmt.Errorf("find this program: %w; give --program", err)
		}
	}
	if config == "" {
		config = "/etc/kvm2openstack/config.yaml"
	}
	if o.Config, err = filepath.Abs(config); err != nil {
		return fmt.Errorf("find %s: %w", config, err)
	}
	return nil
}

// write makes the units. One that somebody has changed is not replaced: systemd
// has drop-ins for what is to be different.
func (o *installOptions) write(a *app, files map[string]string) error {
	for _, name := range []string{install.Service, install.TimerSet} {
		if err := writeUnit(filepath.Join(o.into, name), files[name]); err != nil {
			return err
		}
		fmt.Fprintln(a.out, filepath.Join(o.into, name))
	}
	if _, err := user.Lookup(o.User); err != nil {
		fmt.Fprintf(a.out, "first: useradd --system --home-dir /var/lib/kvm2openstack/state --shell /usr/sbin/nologin %s\n", o.User)
	}
	fmt.Fprintf(a.out, "next: systemctl daemon-reload && systemctl enable --now %s\n", install.TimerSet)
	return nil
}

func writeUnit(path, text string) error {
	there, err := os.ReadFile(path)
	switch {
	case err == nil && string(there) == text:
		return nil
	case err == nil:
		return refused(fmt.Errorf("%s is there and differs: move it away, or change it with systemctl edit %s", path, filepath.Base(path)))
	case !errors.Is(err, fs.ErrNotExist):
		return refused(fmt.Errorf("look for an earlier unit: %w", err))
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return refused(fmt.Errorf("write unit: %w", err))
	}
	return nil
}
