package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// An excuse is an error that a daemon may log, by the beginning of its name and
// by its first line.
type excuse struct {
	service string
	says    *regexp.Regexp
}

// idleAPI is what nova-api under uWSGI says when it wants something from a queue
// to which it had nothing to say for long: no thread sent heartbeats meanwhile.
var idleAPI = excuse{"nova-api", regexp.MustCompile(` ERROR oslo\.messaging\._drivers\.impl_rabbit .*(` +
	`AMQP server on 127\.0\.0\.1:5672 is unreachable: .*Trying again in 1 seconds|` +
	`Connection failed: \[Errno 104\] Connection reset by peer \(retrying in 1\.0 seconds\))`)}

// refusesScreen is what Nova's proxy says of a screen with a password.
var refusesScreen = excuse{"nova-novncproxy", regexp.MustCompile(
	` ERROR nova\.console\.websocketproxy .*Unable to perform security proxying, .*No matching auth scheme: allowed types: '1', desired types: '2'`)}

// undiagnosed is what nova-compute says when it is asked for the diagnostics of a
// server that does not run, of Nova's own as well.
var undiagnosed = excuse{"nova-compute", regexp.MustCompile(
	` ERROR oslo_messaging\.rpc\.server .*Exception during message handling: nova\.exception\.InstanceInvalidState: .* Cannot get_diagnostics while the instance is in this state`)}

// What Nova's daemons say while they miss libvirt, the database or the queue.
var (
	unconnected = regexp.MustCompile(` ERROR (nova\.compute\.manager .*Error updating resources for node \S+|oslo_service\.periodic_task .*Error during ComputeManager\.\w+): nova\.exception\.HypervisorUnavailable: Connection to the hypervisor is broken|` +
		` ERROR nova\.virt\.libvirt\.host .*Connection to libvirt failed: Failed to connect socket to '/var/run/libvirt/libvirt-sock'`)
	disconnected = regexp.MustCompile(` ERROR oslo_db\.sqlalchemy\.engines .*Database connection was found disconnected; reconnecting: .*\(2013, 'Lost connection to MySQL server during query'\)`)
	undiscovered = regexp.MustCompile(` ERROR oslo_service\.periodic_task .*Error during SchedulerManager\._discover_hosts_in_cells: oslo_db\.exception\.DBConnectionError: \(pymysql\.err\.OperationalError\) \((2003|2013), `)
	unreplied    = regexp.MustCompile(` ERROR oslo_service\.periodic_task .*Error during ComputeManager\.\w+: oslo_messaging\.exceptions\.MessagingTimeout: Timed out waiting for a reply`)
	unreachable  = regexp.MustCompile(` ERROR oslo\.messaging\._drivers\.impl_rabbit .*(AMQP server on 127\.0\.0\.1:5672 is unreachable: |Connection failed: \[Errno (104|111)\] )`)
)

// saidBy excuses the same of several daemons.
func saidBy(says *regexp.Regexp, services ...string) (all []excuse) {
	for _, s := range services {
		all = append(all, excuse{s, says})
	}
	return all
}

// errorLine is a line of an error, or of its traceback: when, of which process,
// by which of its loggers. Something may stand before it, of a client's bytes.
var errorLine = regexp.MustCompile(`(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \d+ (?:ERROR|CRITICAL) \S+)`)

// beginsError is the first line of an error: what it was done for follows, and in
// the lines of its traceback does not.
var beginsError = regexp.MustCompile(errorLine.String() + ` \[(-|None|req-)`)

// errorsIn are the errors in a log, each with its traceback.
func errorsIn(text string) (all []string) {
	at := map[string]int{}
	for line := range strings.Lines(text) {
		key := errorLine.FindString(line)
		i, known := at[key]
		switch {
		case key == "" && strings.Contains(line, "Traceback"):
			all = append(all, line)
		case key == "":
		case known && !beginsError.MatchString(line):
			all[i] += line
		default:
			at[key] = len(all)
			all = append(all, line)
		}
	}
	return all
}

// unexcused are the errors in a daemon's log that nothing excuses. A connection
// in its pool that was cut when a test before restarted the database is found
// whenever it is used next.
func unexcused(service, text string, excuses []excuse) []string {
	return slices.DeleteFunc(errorsIn(text), func(e string) bool {
		first, _, _ := strings.Cut(e, "\n")
		return inventoryRaced(first) || disconnected.MatchString(first) || slices.ContainsFunc(excuses, func(x excuse) bool { return x.service == service && x.says.MatchString(first) })
	})
}

// inventoryRaced is what nova-compute says when an allocation was made, by whom
// ever, between its reading a provider and its writing of the inventory: with
// every scheduling, too. It is about no instance, and the next period, half a
// minute later here, writes again (nova/scheduler/client/report.py).
func inventoryRaced(line string) bool {
	return strings.Contains(line, " ERROR nova.scheduler.client.report ") &&
		strings.Contains(line, "Failed to update inventory") && strings.Contains(line, "placement.concurrent_update")
}

// withoutEmptyDrives leaves out a traceback that a starting nova-compute writes
// for any domain of its host, adopted or not, that has an empty CD drive:
// nova/virt/libvirt/volume/mount.py takes the path of nothing. It is caught
// there and concerns the mounts of NFS volumes only.
func withoutEmptyDrives(text string) string {
	for _, e := range errorsIn(text) {
		first, _, _ := strings.Cut(e, "\n")
		if strings.Contains(first, " ERROR nova.virt.libvirt.host ") && strings.Contains(first, "Exception handling connection event") &&
			strings.Contains(e, "mountpoint = os.path.dirname(disk.source_path)") {
			text = strings.Replace(text, e, "", 1)
		}
	}
	return text
}

func TestWithoutEmptyDrives(t *testing.T) {
	const (
		at    = "2026-11-27 09:25:01.421 24395 ERROR nova.virt.libvirt.host "
		drive = at + "[None req-1 - - - - - -] Exception handling connection event: TypeError: expected str, bytes or os.PathLike object, not NoneType\n" +
			at + "Traceback (most recent call last):\n" + at + "    mountpoint = os.path.dirname(disk.source_path)\n" + at + "\x1b[00m\n"
		same   = at + "[None req-1 - - - - - -] Failed to get the domain\n" + at + "[instance: u] Traceback (most recent call last):\n"
		other  = "2026-11-27 09:25:01.422 24395 ERROR nova.virt.libvirt.host [-] Exception handling connection event: KeyError\n2026-11-27 09:25:01.422 24395 ERROR nova.virt.libvirt.host Traceback (most recent call last):\n"
		volume = "2026-11-27 09:25:01.421 24395 ERROR nova.virt.libvirt.volume [-] mountpoint = os.path.dirname(disk.source_path)\n"
		quiet  = "2026-11-27 09:25:01.472 24395 INFO nova.virt.libvirt.host [-] Secure Boot support detected\n"
	)
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{drive, ""},
		{quiet + drive + quiet, quiet + quiet},
		{drive + other, other},
		{other + drive, other},
		{same + drive, same},
		{drive + same, same},
		{drive + volume + same, volume + same},
		{strings.ReplaceAll(drive, "421", "005") + quiet + drive, quiet},
	} {
		if got := withoutEmptyDrives(c.text); got != c.want {
			t.Errorf("withoutEmptyDrives leaves of\n%s\nthis:\n%s", c.text, got)
		}
	}
}

func TestUnexcused(t *testing.T) {
	const (
		refused = "<}<}<2026-11-27 17:32:53.777 7102 ERROR nova.console.websocketproxy [None req-1 - -] Unable to perform security proxying, shutting down connection: " +
			"nova.exception.SecurityProxyNegotiationFailed: Failed to negotiate security type with server: No compute auth available: No matching auth scheme: allowed types: '1', desired types: '2'\n" +
			"2026-11-27 17:32:53.777 7102 ERROR nova.console.websocketproxy Traceback (most recent call last):\n"
		other = "2026-11-27 17:32:53.777 7102 ERROR nova.compute.manager [None] Error: Boom\n2026-11-27 17:32:53.777 7102 ERROR nova.compute.manager Traceback (most recent call last):\n"
		raced = "2026-11-27 17:32:54.000 7102 ERROR nova.scheduler.client.report [None] Failed to update inventory: placement.concurrent_update\n"
		quiet = "2026-11-27 17:32:53.700 7102 INFO nova.compute.manager [None] the word ERROR alone\n"
		bare  = "Traceback (most recent call last):\n"
	)
	for _, c := range []struct {
		service, text string
		excuses       []excuse
		want          []string
	}{
		{"nova-novncproxy", quiet + refused, []excuse{refusesScreen}, nil},
		{"nova-novncproxy", quiet + refused, nil, []string{refused}},
		{"nova-compute", refused, []excuse{refusesScreen}, []string{refused}},
		{"nova-novncproxy", refused + other, []excuse{refusesScreen}, []string{other}},
		{"nova-compute", other + raced + bare, nil, []string{other, bare}},
		{"nova-novncproxy", refused + strings.ReplaceAll(other, "nova.compute.manager", "nova.console.websocketproxy"), []excuse{refusesScreen},
			[]string{strings.ReplaceAll(other, "nova.compute.manager", "nova.console.websocketproxy")}},
		{"nova-compute", "2026-11-27 22:52:26.111 8702 ERROR oslo_messaging.rpc.server [None req-7 - -] Exception during message handling: nova.exception.InstanceInvalidState: " +
			"Instance u in power state shutdown. Cannot get_diagnostics while the instance is in this state.\n", []excuse{undiagnosed}, nil},
		{"nova-api", "2026-11-27 15:53:00.000 1 ERROR oslo.messaging._drivers.impl_rabbit [-] [u] AMQP server on 127.0.0.1:5672 is unreachable: <RecoverableConnectionError: unknown error>. Trying again in 1 seconds.: amqp\n", []excuse{idleAPI}, nil},
		{"nova-api", "2026-11-27 15:53:00.000 1 ERROR oslo.messaging._drivers.impl_rabbit [-] [u] AMQP server on 127.0.0.1:5672 is unreachable: [Errno 111] ECONNREFUSED. Trying again in 2 seconds.\n", saidBy(unreachable, "nova-conductor", "nova-api"), nil},
		{"nova-compute", "2026-11-28 03:24:24.138 30958 ERROR nova.compute.manager [None req-d - -] Error updating resources for node vm.: nova.exception.HypervisorUnavailable: Connection to the hypervisor is broken on host\n", saidBy(unconnected, "nova-compute"), nil},
		{"nova-compute", "2026-11-28 03:24:24.125 30958 ERROR nova.virt.libvirt.host [None req-1 - - - - - -] Connection to libvirt failed: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file or directory: libvirt.libvirtError\n",
			saidBy(unconnected, "nova-compute"), nil},
		{"nova-compute", "2026-11-27 23:28:52.001 15267 ERROR oslo_service.periodic_task [None req-9 - -] Error during ComputeManager._cleanup_running_deleted_instances: " +
			"oslo_messaging.exceptions.MessagingTimeout: Timed out waiting for a reply to message ID 25\n", saidBy(unreplied, "nova-compute"), nil},
		{"nova-scheduler", "2026-11-27 15:53:00.000 1 ERROR oslo_db.sqlalchemy.engines [-] Database connection was found disconnected; reconnecting: oslo_db.exception.DBConnectionError: (pymysql.err.OperationalError) (2013, 'Lost connection to MySQL server during query')\n" +
			"2026-11-27 15:53:00.001 1 ERROR oslo_service.periodic_task [None] Error during SchedulerManager._discover_hosts_in_cells: oslo_db.exception.DBConnectionError: (pymysql.err.OperationalError) (2003, \"Can't connect\")\n",
			saidBy(undiscovered, "nova-scheduler"), nil},
	} {
		if diff := cmp.Diff(c.want, unexcused(c.service, c.text, c.excuses), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %q:\n%s", c.service, c.text, diff)
		}
	}
}
