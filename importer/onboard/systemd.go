package onboard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

const (
	// firstUnit is the service that systemd has for a first start.
	firstUnit = "kvm2openstack-first-start"
	// FirstStartFile is the configuration of a first start. It goes with a
	// reboot, and with the first start.
	FirstStartFile = "/run/kvm2openstack-first-start.conf"
	// FirstStartConf is what is in it. A log in a file alone would not be found.
	FirstStartConf = "[DEFAULT]\nuse_stderr = true\n[libvirt]\nconnection_uri = qemu:///session\n"
)

// ErrNoUnit says that systemd would not start nova-compute on the host.
var ErrNoUnit = errors.New("systemd cannot start nova-compute on this host")

// startUnit starts one that systemd has given up, too: one that was refused
// again and again would be refused for that alone.
func startUnit(unit string) string {
	unit = check.Shell(unit)
	return "systemctl reset-failed " + unit + "; systemctl start " + unit
}

// stopUnit is content where there is no such unit, and not where systemd does
// not answer.
func stopUnit(unit string) string {
	unit = check.Shell(unit)
	return fmt.Sprintf(`systemctl stop %[1]s || [ "$(systemctl is-active %[1]s)" = inactive ]`, unit)
}

// runningUnit succeeds while it does.
func runningUnit(unit string) string { return "systemctl is-active --quiet " + check.Shell(unit) }

// logOfUnit prints the end of the file in which the packages' nova-compute logs,
// and what systemd has of a unit.
func logOfUnit(unit string) string {
	return fmt.Sprintf("{ tail -n %[1]d /var/log/nova/nova-compute.log; journalctl -a --no-pager -o cat -n %[1]d -u %[2]s; } 2>/dev/null | tail -c %[3]d", lastLines/2, check.Shell(unit), mostSaid)
}

// firstStart is the command for a host, whose configuration is known.
func (s Settings) firstStart(h Host) string {
	if s.FirstStart != "" {
		return giveFirstFile + s.FirstStart
	}
	files := h.Conf.Paths
	if len(files) == 0 {
		files = s.ConfigFiles
	}
	if len(files) == 0 {
		files = []string{"/etc/nova/nova.conf"}
	}
	// It ends by itself where this program, or the way to the host, is gone. Of
	// type exec, a user or an interpreter that is not there is an error here.
	most := fmt.Sprintf("-p RuntimeMaxSec=%.0f", s.FirstLimit.Seconds())
	words := []string{"systemd-run --collect --unit=" + firstUnit, "-p Type=exec", most, "--uid=" + check.Shell(s.User), "nova-compute"}
	for _, f := range append(slices.Clone(files), FirstStartFile) {
		words = append(words, "--config-file "+check.Shell(f))
	}
	return strings.Join(words, " ")
}

// firstLog prints what a first start has said last, "" where nobody knows how.
func (s Settings) firstLog() string {
	if s.FirstStart != "" {
		return s.Log
	}
	return fmt.Sprintf("journalctl -a --no-pager -o cat -n %d -u %s | tail -c %d", lastLines, firstUnit, mostSaid)
}

// startable fails where systemd has no such unit, or one that somebody has
// masked: nothing was changed by then.
func (w *work) startable(ctx context.Context) error {
	unit := check.Shell(w.Settings.Unit)
	if w.Way == "" || w.finished || w.Settings.Start != startUnit(w.Settings.Unit) {
		return nil
	}
	switch state, err := w.run(ctx, "systemctl show -p LoadState --value "+unit); {
	case err != nil:
		return fmt.Errorf("%w: %w; where it is not systemd's, the configuration says how it is started (onboard: first_start, first_stop, start, stop, running)", ErrNoUnit, err)
	case state == "not-found":
		return fmt.Errorf("%w: there is no unit %s: install it, or say in the configuration what it is called (onboard: unit; RDO's is openstack-nova-compute)", ErrNoUnit, unit)
	case state == "masked":
		return fmt.Errorf("%w: unit %[2]s is masked: systemctl unmask %[2]s, which starts nothing", ErrNoUnit, unit)
	}
	return nil
}

// notEnabled says that nova-compute is gone after the host's next start: nobody
// but the operator knows whether something else starts it.
func (w *work) notEnabled(ctx context.Context) {
	unit := check.Shell(w.Settings.Unit)
	if w.Way == "" || w.Settings.Start != startUnit(w.Settings.Unit) {
		return
	}
	if state, err := w.run(ctx, "systemctl is-enabled "+unit+" || :"); err == nil && state == "disabled" {
		w.leave("systemd does not start nova-compute with the host: systemctl enable %s", unit)
	}
}

// firstEnded reports whether systemd knows that a first start has ended by
// itself. Where systemd does not answer, or does not know it, nobody can tell.
func (w *work) firstEnded(ctx context.Context) bool {
	if w.Settings.FirstStart != "" {
		return false
	}
	state, err := w.run(ctx, "systemctl is-active "+firstUnit+" || :")
	return err == nil && (state == "inactive" || state == "failed")
}
