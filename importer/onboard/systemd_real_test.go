//go:build systemd

package onboard

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// To be run as root on a machine of its own with systemd, as .packaging/test.sh
// does.

// A realHost is this machine, whose systemd does what it is told; a script
// stands for its nova-compute. Nova and Placement are those of the fake world.
type realHost struct {
	*fakeWorld
	Machine
}

// nova-compute tells who started it, and with what; then it stays, or ends as
// the file says that is named in its configuration's folder.
const fakeCompute = `#!/bin/sh
{ echo "user $(id -un) $(id -Gn) $HOME"; for a in "$@"; do echo "argument $a"; done; } >>/var/lib/nova/told
case $(cat /etc/nova/ends 2>/dev/null) in
refused) echo "` + refusal + `" >&2; exit 0 ;;
esac
exec sleep 300
`

const fakeUnit = `[Service]
User=nova
ExecStart=/usr/bin/nova-compute --config-file=/etc/nova/nova.conf
Restart=on-failure
`

func newRealHost(t *testing.T) (*realHost, *Onboarder) {
	t.Helper()
	if out, err := exec.Command("systemctl", "is-system-running").CombinedOutput(); len(out) == 0 || strings.Contains(string(out), "offline") {
		t.Fatalf("no systemd runs here: %v %s", err, out)
	}
	h := &realHost{fakeWorld: newFakeWorld(t)}
	h.shell("mkdir -p /etc/nova; id nova >/dev/null 2>&1 || useradd --system --create-home --home-dir /var/lib/nova --groups adm nova; rm -f /var/lib/nova/told /etc/nova/ends")
	for file, text := range map[string]string{"/usr/bin/nova-compute": fakeCompute, "/etc/systemd/system/nova-compute.service": fakeUnit, "/etc/nova/nova.conf": "[DEFAULT]\nhost = kvm07\n"} {
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.shell("systemctl daemon-reload")
	t.Cleanup(func() { h.shell("systemctl stop nova-compute " + firstUnit + "; rm -f " + FirstStartFile) })
	m, err := OpenMachine(t.Context(), discover.Host{Name: "seven", URI: "qemu:///system"})
	if err != nil {
		t.Fatal(err)
	}
	h.Machine = m
	o := h.onboarder(journalFile(t))
	o.Settings, o.Nova, o.Every = Settings{Timeout: time.Minute}, h, 100*time.Millisecond
	o.Open = func(context.Context, discover.Host) (Machine, error) { return h, nil }
	return h, o
}

func (h *realHost) shell(command string) string {
	h.t.Helper()
	out, _ := exec.Command("sh", "-c", command).CombinedOutput() // a unit may not be there
	return strings.TrimSpace(string(out))
}

func (h *realHost) active(unit string) bool { return h.shell("systemctl is-active "+unit) == "active" }

// HostRecordsOf are those that come of what runs.
func (h *realHost) HostRecordsOf(ctx context.Context, host string) (nova.HostRecords, error) {
	h.running = ""
	for unit, what := range map[string]string{firstUnit: "first", "nova-compute": "normal"} {
		if h.active(unit) {
			h.running = what
		}
	}
	return h.fakeWorld.HostRecordsOf(ctx, host)
}

func (h *realHost) Close() error { return nil } // it goes on to the undo

func (h *realHost) Run(ctx context.Context, command string) (string, error) {
	return h.Machine.Run(ctx, command)
}

// The identity is of the fake world, every other file the machine's.
func (h *realHost) Read(ctx context.Context, path string, offset int64, limit int) ([]byte, error) {
	if path == idFile {
		return h.fakeWorld.Read(ctx, path, offset, limit)
	}
	return h.Machine.Read(ctx, path, offset, limit)
}

func (h *realHost) Give(ctx context.Context, path string, text []byte, user string) error {
	return h.Machine.Give(ctx, path, text, user)
}

func (h *realHost) Remove(ctx context.Context, path string) error {
	if path == idFile {
		return h.fakeWorld.Remove(ctx, path)
	}
	return h.Machine.Remove(ctx, path)
}

// told is what nova-compute was told at each start.
func (h *realHost) told() string { return h.shell("cat /var/lib/nova/told") }

func TestRealSystemd(t *testing.T) {
	h, o := newRealHost(t)
	h.shell("systemd-run --unit=" + firstUnit + " --uid=nova sleep 300") // of a call that was killed
	wantOutcome(t, o.Onboard(t.Context(), []Job{h.job(ByFirstStart)})[0], Onboarded)
	user := "user nova " + h.shell("id -Gn nova") + " /var/lib/nova"
	want := user + `
argument --config-file
argument /etc/nova/nova.conf
argument --config-file
argument /run/kvm2openstack-first-start.conf
` + user + `
argument --config-file=/etc/nova/nova.conf`
	if got := h.told(); got != want {
		t.Errorf("nova-compute was told:\n%s\nwant:\n%s", got, want)
	}
	if h.active(firstUnit) || !h.active("nova-compute") {
		t.Errorf("the first start runs: %v, nova-compute: %v", h.active(firstUnit), h.active("nova-compute"))
	}
	wantOutcome(t, o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0], Undone)
	if h.active("nova-compute") {
		t.Error("nova-compute runs after the undo")
	}
}

// What fails is told at once, with what systemd or nova-compute have to say.
func TestRealSystemdFails(t *testing.T) {
	for name, c := range map[string]struct {
		make, says string
		log        []string
		outcome    Outcome
	}{
		"it ends":    {make: "echo refused >/etc/nova/ends", says: "by its log: First start refused", log: []string{refusal}, outcome: Half},
		"no python":  {make: "sed -i '1s,.*,#!/nowhere/python,' /usr/bin/nova-compute", says: "it failed", log: []string{"status=203/EXEC"}, outcome: Half},
		"no program": {make: "rm /usr/bin/nova-compute", says: "Failed to find executable nova-compute", outcome: Half},
		"masked":     {make: "rm /etc/systemd/system/nova-compute.service; systemctl mask nova-compute", says: "systemctl unmask nova-compute", outcome: NotTried},
		"no unit":    {make: "rm /etc/systemd/system/nova-compute.service; systemctl daemon-reload", says: "there is no unit nova-compute", outcome: NotTried},
	} {
		t.Run(name, func(t *testing.T) {
			h, o := newRealHost(t)
			o.Settings.Timeout = time.Hour
			t.Cleanup(func() { h.shell("systemctl unmask nova-compute") })
			h.shell(c.make)
			r := o.Onboard(t.Context(), []Job{h.job(ByFirstStart)})[0]
			if r.Outcome != c.outcome || r.Err == nil || !strings.Contains(r.Err.Error(), c.says) || h.active(firstUnit) {
				t.Errorf("Onboard = %s, %v", r.Outcome, r.Err)
			}
			log := strings.Join(logOf(r.Err), "\n")
			for _, line := range c.log {
				if !strings.Contains(log, line) {
					t.Errorf("its log does not say %q:\n%s", line, log)
				}
			}
		})
	}
}

// One that systemd has given up is started all the same; and one that was killed
// is ended by systemd.
func TestRealSystemdAnyState(t *testing.T) {
	h, _ := newRealHost(t)
	h.shell("sed -i '2iexit 1' /usr/bin/nova-compute; for i in 1 2 3 4 5 6 7; do systemctl start nova-compute; sleep 0.3; done")
	if state := h.shell("systemctl is-active nova-compute"); state != "failed" {
		t.Fatalf("it was to be failed: %s", state)
	}
	h.shell("sed -i 2d /usr/bin/nova-compute")
	if out, err := h.Run(t.Context(), Settings{}.WithDefaults().Start); err != nil || !h.active("nova-compute") {
		t.Errorf("start: %s, %v", out, err)
	}
	for range 5 {
		for _, command := range []string{stopUnit(firstUnit), "systemd-run --collect --unit=" + firstUnit + " -p Type=exec -p RuntimeMaxSec=2 --uid=nova nova-compute"} {
			if out, err := h.Run(t.Context(), command); err != nil {
				t.Fatalf("%s: %s, %v", command, out, err)
			}
		}
	}
	ended := func() bool { time.Sleep(100 * time.Millisecond); return !h.active(firstUnit) }
	if !slices.ContainsFunc(make([]int, 300), func(int) bool { return ended() }) {
		t.Error("nobody ends a first start")
	}
	h.shell("mkdir -p /run/away && mount --bind /run/away /run/systemd")
	out, err := h.Run(t.Context(), stopUnit(firstUnit))
	h.shell("umount /run/systemd")
	if err == nil {
		t.Errorf("systemd does not answer, and a stop is a success: %s", out)
	}
}

func logOf(err error) []string {
	var f *Failure
	if errors.As(err, &f) {
		return f.Log
	}
	return nil
}
