package onboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// cells: what is in a cell that could not be opened is not known.
func (j *judging) cells() {
	if m, ok := j.c.mapping(j.name); ok && m.Disabled {
		j.add(DisabledCell, Useless, fmt.Sprintf("it is mapped to %s, and that cell is disabled: the scheduler leaves its hosts alone, and whether Nova has records of this one was not read", m.CellName),
			"enable the cell if the host belongs there", "nova-manage cell_v2 list_cells", "nova-manage cell_v2 update_cell --enable --cell_uuid "+m.Cell)
		return
	}
	guests := j.c.strangers(j.h) > 0
	// nova-compute asks the cell alone that its transport_url leads to.
	elsewhere := j.c.Cell != "" || j.known && j.own.Up
	for _, closed := range j.c.Closed {
		switch {
		case closed.Disabled && guests && !elsewhere:
			j.add(ClosedCell, Uncertain, closed.Name+" is disabled and was not looked into: it may have deleted instances of its guests' UUIDs, and nova-compute destroys such guests if the host's transport_url leads to that cell",
				"if it leads to another, say so: --cell NAME; else enable the cell while this host is onboarded (the services of its hosts can be disabled instead), or delete it if it is of no use any more",
				"nova-manage cell_v2 list_cells", "nova-manage cell_v2 update_cell --enable --cell_uuid "+closed.UUID)
		case !closed.Disabled && (guests || !j.known):
			j.add(ClosedCell, Uncertain, fmt.Sprintf("%s could not be read, and may have records of it, or deleted instances of its guests' UUIDs: %s", closed.Name, closed.Reason), "make the database of that cell answer, or give its URL in the configuration (nova: cells)")
		}
	}
}

// provider is one of the host's name that is not its node's: nova-compute
// starts, and cannot make its own.
func (j *judging) provider() {
	there, ok := j.c.provider(j.h.Libvirt)
	if !ok {
		return
	}
	mine := cmp.Or(j.c.node(j.name).UUID, j.h.Identity())
	if strings.EqualFold(there.UUID, mine) {
		return
	}
	if _, aliased := j.alias(); aliased != "" && !j.known {
		return // It is the node's under the other name, and that was said.
	}
	j.add(LeftProvider, Useless, fmt.Sprintf("Placement has a resource provider %s, %s, that is not this host's node (%s): nova-compute runs, and cannot make its own (409)", there.Name, there.UUID, cmp.Or(mine, "it has none yet")),
		"if it has no allocations it is left over from an earlier installation: delete it. Where it has some, find out first whose servers they are",
		"openstack resource provider show --allocations "+there.UUID, "openstack resource provider delete "+there.UUID)
}

// mapped: a host that the API database does not lead to takes no instance.
func (j *judging) mapped() {
	if !j.known || j.h.Err != "" {
		return
	}
	if j.own.ForcedDown {
		j.add(ForcedDown, Useless, "its service is forced down, so Nova takes it for dead whatever it reports", "say that it is up again, once nobody evacuates it",
			"openstack --os-compute-api-version 2.53 compute service set --up "+check.Shell(j.name)+" nova-compute")
	}
	if cells := j.otherCells(); len(cells) > 0 {
		j.add(MappedElsewhere, Useless, fmt.Sprintf("it has a nova-compute in %s, and one in %s", j.own.CellName, strings.Join(cells, ", ")), "delete the one that its transport_url does not lead to")
		return
	}
	switch m, ok := j.c.mapping(j.name); {
	case !ok:
		remedy, commands := "map it", []string{"nova-manage cell_v2 discover_hosts --cell_uuid " + j.own.Cell}
		if j.c.uncounted(j.h) {
			remedy, commands = "disable its service, for guests that are not adopted are not counted, and map it then", append([]string{disable(j.name)}, commands...)
		}
		j.add(NotMapped, Useless, fmt.Sprintf("it is mapped to no cell (host_mappings), so the API and the scheduler do not find it; its service is in %s", j.own.CellName), remedy, commands...)
		j.ours()
	case m.Cell != j.own.Cell && !m.Disabled:
		j.add(MappedElsewhere, Useless, fmt.Sprintf("it is mapped to %s, and its service is in %s", m.CellName, j.own.CellName),
			"delete the mapping that is wrong, and discover it again; or correct transport_url in its nova.conf", "nova-manage cell_v2 delete_host --cell_uuid "+m.Cell+" --host "+check.Shell(j.name), "nova-manage cell_v2 discover_hosts --cell_uuid "+j.own.Cell)
	}
	if n := len(j.c.nodes(j.name)); n > 1 {
		j.add(NodeCount, Useless, fmt.Sprintf("Nova has %d nodes of it: it was renamed at some time", n), "delete the service, which has them go, once the host has no instances; or those that are not libvirt's "+j.h.Libvirt,
			"openstack hypervisor list --matching "+check.Shell(j.h.Libvirt))
	}
}

// otherCells have a nova-compute of this host as well.
func (j *judging) otherCells() (names []string) {
	for _, s := range j.c.Records.Services {
		if !s.Deleted && s.ID != 0 && s.Cell != j.own.Cell && strings.EqualFold(s.Host, j.name) {
			names = append(names, s.CellName)
		}
	}
	return names
}

// mostNamed is how many drives a note names.
const mostNamed = 5

// notes are what is no problem, and worth knowing.
func notes(j judging) []string {
	list := []string{}
	say := func(when bool, format string, args ...any) {
		if when {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	say(j.h.Err == "" && !j.h.Conf.Read(), "its nova.conf was not read (%s), so %s is taken for its name, and %s for its state_path", cmp.Or(j.h.Conf.Err, "there is none"), j.name, j.h.Conf.State())
	say(j.c.Providers == nil, "Placement was not asked: the configuration names no cloud")
	say(j.known && j.own.Disabled, "its service is disabled: the scheduler leaves it alone")
	_, mapped := j.c.mapping(j.name)
	say(mapped && j.h.Err == "" && j.c.uncounted(j.h), "%d of its %s are not adopted, and its service is enabled: the scheduler takes their room for free. Until they are: %s", j.c.strangers(j.h), many(j.h.Domains, "guest"), disable(j.name))
	say(j.known && !j.own.Up && !j.own.ForcedDown, "its nova-compute does not report: it is down")
	say(!j.known && j.deleted(), "Nova had a service of it, which was deleted")
	say(!j.known && j.h.Domains > 0 && j.c.Release.Major > 0 && j.c.Release.Major < firstRefusal,
		"once it is mapped the scheduler takes it for empty, for Placement does not count guests that are not adopted: openstack compute service set --disable %s nova-compute", check.Shell(j.name))
	if len(j.h.Empty) > 0 {
		say(true, "drives without a medium: %s. nova-compute logs a TypeError about them at each start (kvm2openstack explain); it does no harm but where Nova's volumes are on NFS and the like", named(j.h.Empty))
	}
	for _, c := range j.c.Closed {
		say(c.Disabled, "%s is disabled and was not looked into", c.Name)
	}
	return list
}

func (j judging) deleted() bool {
	for _, s := range j.c.Records.Services {
		if s.Deleted && strings.EqualFold(s.Host, j.name) {
			return true
		}
	}
	return false
}

// named lists drives, the first of many.
func named(drives []Drive) string {
	words := []string{}
	for _, d := range drives[:min(len(drives), mostNamed)] {
		words = append(words, d.Domain+" "+d.Target)
	}
	text := strings.Join(slices.Compact(words), ", ")
	if more := len(drives) - mostNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
