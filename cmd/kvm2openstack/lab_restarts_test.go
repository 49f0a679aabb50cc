//go:build lab

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// TestFullRestarts restarts what an adopted guest rests on, one after the
// other, and at last the host: all guests are off then, but for the one that
// libvirt starts by itself, which Nova has not made a domain of yet, and the
// daemons begin anew. Nova has every state right afterwards, and none is ERROR.
func TestFullRestarts(t *testing.T) {
	r := newRound(t, dayBatch, []string{"web01", "uefi01", "off01", "paused01", "auto01"})
	t.Log(r.command(exitClean, "rename", r.lab.plan, "--yes", "--start-by", "nova", "--only", "day-uefi01"))
	days := r.days(t)
	r.novaSaysNothing(r.since, nil)
	var excuses []excuse // From then on: what a daemon keeps open it may miss long after.
	for _, service := range []string{"nova-compute", "libvirtd", "mariadb", "rabbitmq"} {
		began, since := time.Now(), r.markNova()
		excuses = append(excuses, whileAway[service]...)
		r.restarted(service)
		for _, d := range days {
			d.check("a restart of " + service)
		}
		r.novaSaysNothing(since, nil, excuses...)
		t.Logf("%s: %.0f s", service, time.Since(began).Seconds())
	}
	since := r.markNova()
	r.hostReboots(days)
	for _, d := range days {
		switch d.shape {
		case "off01":
			d.check("a reboot of the host")
		case "auto01":
			d.status, d.boots = "ACTIVE", d.boots+1
			d.check("a reboot of the host")
			d.startedByLibvirt()
		default:
			d.status = "SHUTOFF"
			d.check("a reboot of the host")
			d.perform(operation{"start", (*day).starts})
		}
	}
	r.novaSaysNothing(since, nil, excuses...)
}

// startedByLibvirt: the guest has its own definition still, and would be started
// at the next boot, too, as long as Nova has not started it.
func (d *day) startedByLibvirt() {
	d.t.Helper()
	if l := d.look(d.guest); l.name != d.guest.name || l.autostart != "enable" {
		d.t.Errorf("%s is called %s and its autostart is %s", d.guest.name, l.name, l.autostart)
	}
}

// whileAway is what Nova's daemons say while they miss another one.
var whileAway = map[string][]excuse{
	"libvirtd": saidBy(unconnected, "nova-compute"),
	"mariadb":  saidBy(undiscovered, "nova-scheduler"),
	"rabbitmq": append(saidBy(unreachable, "nova-compute", "nova-api", "nova-conductor", "nova-scheduler"), saidBy(unreplied, "nova-compute")...),
}

// days are the guests of a round, for one test.
func (r *round) days(t *testing.T) (all []*day) {
	t.Helper()
	for _, g := range r.guests {
		d := r.day(t, g)
		if d.shape == "uefi01" {
			d.boots, d.byNova, d.renamed, d.locked = d.boots+1, true, true, d.plan.Lock == plan.Keep
		}
		all = append(all, d)
	}
	return all
}

// restarted restarts a daemon and waits until Nova has compared its states with
// libvirt's.
func (r *round) restarted(services ...string) {
	r.t.Helper()
	for _, s := range services {
		r.script("service.sh", "restart", s)
	}
	r.synchronized()
}

// synchronized waits for a comparison that begins from now on: the second that
// ends from now on.
func (r *round) synchronized() {
	r.t.Helper()
	since := r.markLog("nova-compute")
	r.eventually(5*time.Minute, "nova-compute has compared its power states with libvirt's twice", func() bool {
		return strings.Count(r.logged(since), "While synchronizing instance power states") >= 2
	})
}

// hostReboots ends the guests of the round as a power loss does, while nothing
// of the host runs that could see it, and starts the host's daemons again. For
// libvirtd it is the first start since the boot, with nothing known of these
// guests. The fleet's guests go on: tests after this one need them as they are.
func (r *round) hostReboots(days []*day) {
	r.t.Helper()
	host := []string{"nova-compute", labEnv(r.t, "K2O_LAB_L2_AGENT"), "libvirtd"}
	if release(r.t).switched {
		host = append(host, "taps", "ovs-vswitchd", "ovsdb-server")
	}
	names := map[string]string{}
	for _, d := range days {
		names[d.uuid()] = r.virsh("domname", d.uuid())
	}
	for _, s := range host {
		r.script("service.sh", "stop", s)
	}
	for _, d := range days {
		if d.status != "SHUTOFF" {
			r.cutPower(names[d.uuid()])
		}
		r.forgotten(names[d.uuid()])
	}
	r.must(os.Remove(filepath.Join(runtimeState, "autostarted"))) // with it libvirtd starts nothing by itself
	for i := len(host) - 1; i >= 0; i-- {
		r.script("service.sh", "start", host[i])
	}
	r.synchronized()
	for _, d := range days {
		_, err := d.admin.idle(d.uuid())
		r.must(err)
	}
}

// runtimeState is what libvirtd knows of its domains until the host boots.
const runtimeState = "/run/libvirt/qemu"

// forgotten removes what libvirtd knows of a domain that ran. What is left of it
// are its definition and its files.
func (l *lab) forgotten(domain string) {
	l.t.Helper()
	for _, suffix := range []string{".xml", ".pid"} {
		if err := os.Remove(filepath.Join(runtimeState, domain+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.t.Fatal(err)
		}
	}
}

// cutPower ends the QEMU of one of the test's own domains.
func (l *lab) cutPower(domain string) {
	l.t.Helper()
	text, err := os.ReadFile(filepath.Join(runtimeState, domain+".pid"))
	l.must(err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	l.must(err)
	l.must(syscall.Kill(pid, syscall.SIGKILL))
}
