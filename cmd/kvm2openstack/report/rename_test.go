package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/restart"
	"github.com/lightcloud/kvm2openstack/rename"
)

var restarts = []restart.Result{
	{
		Host: "kvm01", Domain: "web-1", UUID: "1", DisplayName: "web-1", InstanceName: "instance-0000000a", Outcome: restart.Renamed,
		Times: restart.Times{
			Shutdown: 12300 * time.Millisecond, Gap: 3210 * time.Microsecond, Start: 890 * time.Millisecond, Boot: 9 * time.Second,
			Down: 9893 * time.Millisecond, Total: 23 * time.Second, Presses: 2,
		},
		Warnings: []string{"static addresses\nstay behind"},
		Health:   []rename.Answer{{Asked: "tcp 10.0.0.1:22", OK: true, Said: "connected", Took: 9 * time.Second}},
	},
	{Host: "kvm01", Domain: "web-2", UUID: "2", Outcome: restart.RolledBack, Step: "health", Reason: "not healthy: tcp 22\x1b[2J", Times: restart.Times{Down: 6 * time.Minute, Gap: 20 * time.Millisecond}},
	{Host: "kvm02", Domain: "db", UUID: "3", Outcome: restart.NotTried, Reason: "the window 01:00-05:00 UTC is over"},
}

func TestRestartTable(t *testing.T) {
	var out bytes.Buffer
	RestartTable(&out, restarts, Style{})
	want := `HOST   DOMAIN  INSTANCE           OUTCOME      SHUTDOWN  GAP    START   BOOT   DOWN   WHY
kvm01  web-1   instance-0000000a  renamed      12 s      3 ms   890 ms  9.0 s  9.9 s
kvm01  web-2                      rolled back            20 ms                 6m0s   health: not healthy: tcp 22\x1b[2J
kvm02  db                         not tried                                           the window 01:00-05:00 UTC is over
warning: kvm01: domain web-1: static addresses\nstay behind

1 renamed, 1 rolled back, 1 not tried
guests down: median 6m0s, longest 6m0s (2 measured)
of it our gap: median 20 ms, longest 20 ms (2 measured)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	out.Reset()
	RestartTable(&out, nil, Style{})
	if !strings.Contains(out.String(), "no domains") {
		t.Errorf("without any: %s", out.String())
	}
}

func TestRestartJSON(t *testing.T) {
	var out bytes.Buffer
	if err := RestartJSON(&out, restarts); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema  string
		Results []struct {
			Outcome string
			Seconds map[string]float64
			Health  []map[string]any
		}
		Totals map[string]int
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"shutdown": 12.3, "gap": 0.00321, "start": 0.89, "boot": 9, "down": 9.893, "total": 23}
	if diff := cmp.Diff(want, got.Results[0].Seconds); diff != "" {
		t.Errorf("seconds, want -, got +:\n%s", diff)
	}
	if got.Schema != "kvm2openstack.restart/1" || got.Totals["rolled back"] != 1 || got.Results[0].Health[0]["seconds"] != 9.0 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%s", out.String())
	}
}

func TestRestartPreview(t *testing.T) {
	for _, c := range []struct {
		name string
		p    restart.Preview
		want string
	}{
		{"refused", restart.Preview{Host: "kvm01", Domain: "web", Refused: "it has snapshots"}, `
== kvm01 / web: would be refused: it has snapshots
`},
		{"by libvirt", restart.Preview{
			Host: "kvm01", Domain: "web", InstanceName: "instance-0000000a", StartBy: restart.ByLibvirt, Deadline: 5 * time.Minute,
			Definition: []string{"name is changed from \"web\" to \"instance-0000000a\""}, Files: []string{"/var/lib/kvm2openstack/1/saved.json"},
			Rows: []string{"instances: unlocked"}, Warnings: []string{"another adapter"},
		}, `
== kvm01 / web: becomes instance-0000000a, restarted, and started by libvirt from the edited definition
warning: another adapter
definition: name is changed from "web" to "instance-0000000a"
host: /var/lib/kvm2openstack/1/saved.json
cell: instances: unlocked
down: from the end of its shutdown, which may take 5m0s (then it is left running), until it has booted; of that about 20 ms are ours
`},
		{"by nova, forced", restart.Preview{Host: "kvm01", Domain: "web", InstanceName: "instance-0000000a", StartBy: restart.ByNova, Deadline: time.Minute, Force: true}, `
== kvm01 / web: becomes instance-0000000a, restarted, and started by Nova from its records
down: from the end of its shutdown, which may take 1m0s (then its power is cut, as the plan says), until it has booted; of that about 20 ms are ours, and some seconds Nova's
`},
		{"off", restart.Preview{Host: "kvm01", Domain: "web", InstanceName: "instance-0000000a"}, `
== kvm01 / web: becomes instance-0000000a, is off and stays off
`},
	} {
		var out bytes.Buffer
		RestartPreview(&out, c.p)
		if diff := cmp.Diff(c.want, out.String()); diff != "" {
			t.Errorf("%s, want -, got +:\n%s", c.name, diff)
		}
	}
	var out bytes.Buffer
	if err := RestartPreviewJSON(&out, []restart.Preview{{Deadline: time.Minute, StartBy: restart.ByNova}}, 480); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{`"kvm2openstack.restart-preview/1"`, `"shutdown_deadline_seconds": 60`, `"expected_seconds": 480`, `"start_by": "nova"`} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("JSON has no %s:\n%s", word, out.String())
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0 s", 0: "0 s", 300 * time.Microsecond: "0.3 ms", 21 * time.Millisecond: "21 ms", 3440 * time.Millisecond: "3.4 s",
		95 * time.Second: "95 s", 12*time.Minute + 10*time.Second: "12m10s",
	} {
		if got := Seconds(d); got != want {
			t.Errorf("Seconds(%v) = %q, want %q", d, got, want)
		}
	}
}
