package onboard

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/nova"
)

func TestManuals(t *testing.T) {
	lines := func(list []Manual) (all []string) {
		for _, m := range list {
			all = append(all, m.Where+": "+m.Line)
		}
		return all
	}
	s := sound()
	s.fresh()
	s.h.Conf.Paths = []string{"/etc/nova/nova.conf", "/etc/nova/nova-compute.conf"}
	want := []string{
		"on the host: systemctl stop nova-compute",
		`on the host: printf '[DEFAULT]\nuse_stderr = true\n[libvirt]\nconnection_uri = qemu:///session\n' >/run/kvm2openstack-first-start.conf`,
		"on the host: systemd-run --collect --unit=kvm2openstack-first-start -p Type=exec -p RuntimeMaxSec=360 --uid=nova nova-compute --config-file /etc/nova/nova.conf --config-file /etc/nova/nova-compute.conf --config-file /run/kvm2openstack-first-start.conf",
		"with the cloud's client: openstack --os-compute-api-version 2.53 compute service set --disable --disable-reason 'kvm2openstack: its guests are not adopted yet' kvm07 nova-compute",
		"with the cloud's client: openstack resource provider list --name kvm07.example.org",
		"with the cloud's client: openstack resource provider inventory list UUID",
		"on the host: systemctl stop kvm2openstack-first-start",
		"on the host: rm /run/kvm2openstack-first-start.conf",
		"on the host: systemctl start nova-compute",
		"on a controller: nova-manage cell_v2 discover_hosts --verbose",
		"with the cloud's client: openstack compute service list --long --host kvm07",
	}
	if diff := cmp.Diff(want, lines(Settings{}.Manuals(s.h, s.c, ByFirstStart))); diff != "" {
		t.Errorf("first start (-want +got):\n%s", diff)
	}
	s.c.Release.Services = 66 // the cloud's lowest, which is of another cell
	s.c.Open = []nova.OpenCell{{UUID: cell1, Name: "cell1"}}
	s.h.Conf.Host = "o'hara"
	got := lines(Settings{User: "nova2", Unit: "openstack-nova-compute"}.Manuals(s.h, s.c, ByRecords))
	for _, line := range []string{
		"on the host: systemctl stop openstack-nova-compute",
		"on the host: uuidgen | install -o nova2 -g nova2 -m 644 /dev/stdin /var/lib/nova/compute_id",
		"in the cell's database: INSERT INTO services (created_at, uuid, host, `binary`, topic, report_count, disabled, disabled_reason, deleted, forced_down, version) " +
			"VALUES (utc_timestamp(), uuid(), 'o''hara', 'nova-compute', 'compute', 0, 1, 'kvm2openstack: its guests are not adopted yet', 0, 0, 68);",
	} {
		if !slices.Contains(got, line) {
			t.Errorf("records: no line %q in:\n%s", line, strings.Join(got, "\n"))
		}
	}
	for says, change := range map[string]func(*Cloud){
		"no nova-conductor has reported":     func(c *Cloud) { c.Records.Conductors, c.Release.Services = nil, 0 },
		"there are 2 cells: say with --cell": func(c *Cloud) { c.Open = append(c.Open, nova.OpenCell{UUID: "c2", Name: "cell2"}) },
	} {
		c := s.c
		change(&c)
		if got := (Settings{}).Manuals(s.h, c, ByRecords); len(got) != 1 || got[0].Where != InDatabase || !strings.HasPrefix(got[0].Line, "# ") || !strings.Contains(got[0].Line, says) {
			t.Errorf("records by hand are %+v, want none, for %s", got, says)
		}
	}
	s.says(stray) // a compute_id that is nobody's is kept
	if all := strings.Join(lines(Settings{}.Manuals(s.h, s.c, ByRecords)), "\n"); strings.Contains(all, "uuidgen") {
		t.Errorf("a compute_id that is there is written over:\n%s", all)
	}
	m := sound()
	m.c.Records.Mappings = nil
	if got := lines(Settings{}.Manuals(m.h, m.c, ByFirstStart)); len(got) != 2 || !strings.Contains(got[0], "discover_hosts") {
		t.Errorf("one that is only not mapped: %q", got)
	}
	delete(m.c.Presence, "g1")
	if got := lines(Settings{}.Manuals(m.h, m.c, ByFirstStart)); len(got) != 3 || !strings.Contains(got[0], "set --disable") || !strings.Contains(got[1], "discover_hosts") {
		t.Errorf("one that is only not mapped, with a guest that is not adopted: %q", got)
	}
	if p := Judge(m.h, m.c).Problems[0]; len(p.Commands) != 2 || !strings.Contains(p.Commands[0], "set --disable") {
		t.Errorf("the remedy for it: %+v", p)
	}
}

func TestSettings(t *testing.T) {
	for says, s := range map[string]Settings{
		"below 0":              {Timeout: -1},
		"not a path":           {ConfigFiles: []string{"nova.conf"}},
		"does not name $FIRST": {FirstStart: "nova-compute", FirstStop: "x"},
		"or neither":           {FirstStop: "x"},
		"user root":            {User: "root"},
		"user 0":               {User: "0"},
		"below timeout 5m":     {FirstLimit: time.Minute},
		"below timeout 9m":     {FirstLimit: 8 * time.Minute, Timeout: 9 * time.Minute},
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("Check(%+v) = %v, want %q", s, err, says)
		}
	}
	for _, s := range []Settings{{}, {User: "root", FirstStart: "docker run $FIRST_START", FirstStop: "docker stop"}, {FirstLimit: time.Hour}} {
		if err := s.Check(); err != nil {
			t.Error(err)
		}
	}
	d := Settings{}.WithDefaults()
	if d.FirstStop != `systemctl stop kvm2openstack-first-start || [ "$(systemctl is-active kvm2openstack-first-start)" = inactive ]` || d.Running != "systemctl is-active --quiet nova-compute" || d.Timeout <= 0 {
		t.Errorf("WithDefaults = %+v", d)
	}
	own := Settings{FirstStart: "lab $FIRST_START", FirstStop: "lab"}.WithDefaults()
	if got := own.firstStart(Host{}); got != "FIRST_START=/run/kvm2openstack-first-start.conf; export FIRST_START; lab $FIRST_START" {
		t.Errorf("firstStart = %q", got)
	}
	if got := (Settings{ConfigFiles: []string{"/srv/nova conf"}}).WithDefaults().firstStart(Host{}); !strings.Contains(got, "--config-file '/srv/nova conf' --config-file /run/") {
		t.Errorf("firstStart = %q", got)
	}
}

// Two machines with one [DEFAULT] host would be one to Nova.
func TestAssessTwins(t *testing.T) {
	s := sound()
	s.empty()
	twin := s.h
	twin.Name, twin.Libvirt = "eight", "kvm08.example.org"
	all := Assess([]Host{s.h, twin}, s.c, Settings{}, ByFirstStart)
	for i, other := range []string{"eight", "seven"} {
		if v := all[i].Verdict; v.Answer != Useless || !v.Has(NamesDiffer) || v.Ours() || !strings.Contains(v.Reason, "so does that of "+other) {
			t.Errorf("Assess of one of them = %+v", v)
		}
	}
	twin.Err = "no route to host" // as what it calls itself nobody knows
	if all := Assess([]Host{s.h, twin}, s.c, Settings{}, ByFirstStart); all[0].Verdict.Answer != Accepted {
		t.Errorf("Assess beside one that is away = %+v", all[0].Verdict)
	}
	if names := Nodes([]Host{s.h, twin, twin, {}}); !slices.Equal(names, []string{"kvm07.example.org", "kvm08.example.org"}) {
		t.Errorf("Nodes = %q", names)
	}
}
