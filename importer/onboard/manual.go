package onboard

import (
	"fmt"
	"path"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// A Manual is a command with which a person does a part of an onboarding, for
// those who let no tool do it.
type Manual struct {
	Where string `json:"where"`
	Line  string `json:"line"`
	Until string `json:"until,omitempty"` // what to wait for before the next one
}

// Where commands are given.
const (
	OnHost       = "on the host"
	WithClient   = "with the cloud's client"
	OnController = "on a controller"
	InDatabase   = "in the cell's database"
)

// DisabledReason is what the cloud says of the service meanwhile.
const DisabledReason = "kvm2openstack: its guests are not adopted yet"

// Manuals are the commands for what Judge calls ours, in their order.
func (s Settings) Manuals(h Host, c Cloud, way Way) []Manual {
	s = s.byHand()
	name := h.ComputeHost()
	v := Judge(h, c)
	var list []Manual
	switch {
	case v.Has(FirstStart) && way == ByRecords:
		version, err := versionByHand(h, c)
		if err != nil {
			return []Manual{{InDatabase, "# not yet: " + err.Error(), ""}}
		}
		list = s.recordsByHand(h, name, version)
	case v.Has(FirstStart):
		list = s.firstStartByHand(h, name)
	case v.Has(NotMapped) && c.uncounted(h):
		list = []Manual{{WithClient, disable(name), ""}}
	}
	return append(list,
		Manual{Where: OnController, Line: "nova-manage cell_v2 discover_hosts --verbose"},
		Manual{Where: WithClient, Line: "openstack compute service list --long --host " + check.Shell(name)},
	)
}

// disable names a version of the API that finds a service by its UUID: older ones
// ask for the host's mapping, which there is not yet.
func disable(name string) string {
	return "openstack --os-compute-api-version 2.53 compute service set --disable --disable-reason " + check.Shell(DisabledReason) + " " + check.Shell(name) + " nova-compute"
}

// EnableCommand is for when the guests are adopted.
func EnableCommand(name string) string {
	return "openstack compute service set --enable " + check.Shell(name) + " nova-compute"
}

func (s Settings) firstStartByHand(h Host, name string) []Manual {
	return []Manual{
		{OnHost, s.Stop, ""},
		{OnHost, fmt.Sprintf("printf '%s' >%s", strings.ReplaceAll(FirstStartConf, "\n", `\n`), FirstStartFile), ""},
		{OnHost, s.firstStart(h), "openstack compute service list --host " + check.Shell(name) + " has it"},
		{WithClient, disable(name), ""},
		{WithClient, "openstack resource provider list --name " + check.Shell(h.Libvirt), "it is listed"},
		{WithClient, "openstack resource provider inventory list UUID", "VCPU, MEMORY_MB and DISK_GB are listed"},
		{OnHost, s.FirstStop, ""},
		{OnHost, "rm " + FirstStartFile, ""},
		{OnHost, s.Start, ""},
	}
}

// versionByHand is what --apply would write.
func versionByHand(h Host, c Cloud) (int, error) {
	j := Job{Host: h, Cloud: c, Way: ByRecords, Cell: c.Cell}
	cell, err := j.cell()
	if err != nil {
		return 0, err
	}
	return j.version(cell)
}

func (s Settings) recordsByHand(h Host, name string, version int) []Manual {
	list := []Manual{{OnHost, s.Stop, ""}}
	if h.Identity() == "" {
		list = append(list, Manual{OnHost, fmt.Sprintf("uuidgen | install -o %[1]s -g %[1]s -m 644 /dev/stdin %s", check.Shell(s.User), check.Shell(path.Join(h.Conf.State(), "compute_id"))), ""})
	}
	return append(list,
		Manual{InDatabase, fmt.Sprintf("INSERT INTO services (created_at, uuid, host, `binary`, topic, report_count, disabled, disabled_reason, deleted, forced_down, version) "+
			"VALUES (utc_timestamp(), uuid(), %s, 'nova-compute', 'compute', 0, 1, %s, 0, 0, %d);", sqlText(name), sqlText(DisabledReason), version), ""},
		Manual{OnHost, s.Start, "openstack compute service list --host " + check.Shell(name) + " has it as up"},
		Manual{WithClient, "openstack resource provider list --name " + check.Shell(h.Libvirt), "it is listed"},
		Manual{WithClient, "openstack resource provider inventory list UUID", "VCPU, MEMORY_MB and DISK_GB are listed"},
	)
}

// sqlText quotes a text for a statement that a person gives.
func sqlText(s string) string {
	quoted := "'"
	for _, r := range s {
		if r == '\'' || r == '\\' {
			quoted += string(r)
		}
		quoted += string(r)
	}
	return quoted + "'"
}
