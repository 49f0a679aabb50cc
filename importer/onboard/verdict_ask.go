package onboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A judging is a verdict in the making.
type judging struct {
	h        Host
	c        Cloud
	name     string           // of the host to nova-compute
	own      nova.HostService // its row, if it is known
	known    bool
	problems []Problem
}

// names compares what nova.conf, this program's inventory, libvirt and Nova's
// records call the host. host and node may differ; two names for one of them
// may not.
func (j *judging) names() {
	h := j.h
	if h.Err != "" {
		return // its name may be another
	}
	if h.Conf.Read() && h.Wanted != "" && !strings.EqualFold(h.Wanted, j.name) {
		j.add(NamesDiffer, Refused, fmt.Sprintf("the inventory says compute_host: %s, and nova-compute of this host will call itself %s (%s)", h.Wanted, j.name, j.namedBy()),
			"make them the same: compute_host in the inventory, or [DEFAULT] host in the host's nova.conf; Nova keeps instances by that name")
	}
	if j.known {
		return
	}
	if other, where := j.alias(); other != "" {
		j.add(NamesDiffer, Refused, fmt.Sprintf("nova-compute of this host will call itself %s (%s), libvirt calls it %s, and Nova knows it as %s (%s)", j.name, j.namedBy(), h.Libvirt, other, where),
			"set [DEFAULT] host in the host's nova.conf to "+other+" if that is this host; or delete that service if it is of an earlier installation, and has no instances",
			"openstack compute service list --host "+check.Shell(other), "openstack server list --all-projects --host "+check.Shell(other))
	}
}

// namedBy is where the name comes from.
func (j *judging) namedBy() string {
	switch {
	case j.h.Conf.Host != "":
		return "[DEFAULT] host in " + j.h.Conf.Paths[len(j.h.Conf.Paths)-1]
	case j.h.Conf.Read() && j.h.System != "":
		return "its nova.conf has no [DEFAULT] host, so the system's name counts"
	}
	return "as far as is known: its nova.conf was not read"
}

// alias is another name by which Nova has this host, and in which table.
func (j *judging) alias() (name, where string) {
	for _, n := range j.c.Records.Nodes {
		if !n.Deleted && j.h.Libvirt != "" && strings.EqualFold(n.Name, j.h.Libvirt) && !strings.EqualFold(n.Host, j.name) && n.Host != "" {
			return n.Host, "a node of this name, compute_nodes " + n.UUID
		}
	}
	for _, s := range j.c.Records.Services {
		if !s.Deleted && !strings.EqualFold(s.Host, j.name) && (sameMachine(s.Host, j.name) || sameMachine(s.Host, j.h.Libvirt)) {
			return s.Host, "service " + s.UUID
		}
	}
	return "", ""
}

// sameMachine: one is the other, or the other without its domain.
func sameMachine(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a != "" && b != "" && (a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+"."))
}

// identity looks at the host's compute_id by itself (nova/virt/node.py).
func (j *judging) identity() {
	if j.c.Release.Major < firstIdentity {
		return
	}
	for _, f := range j.h.Files {
		if f.UUID == "" {
			j.add(BadIdentity, Refused, f.Path+" holds no UUID", "remove it if Nova does not know the host yet, else write the UUID of the host's compute node into it")
			return
		}
		if f.UUID != j.h.Identity() {
			j.add(BadIdentity, Refused, fmt.Sprintf("%s says %s, and %s says %s", j.h.Files[0].Path, j.h.Identity(), f.Path, f.UUID),
				"leave one of them, with the UUID of the host's compute node")
			return
		}
	}
	if n, foreign := j.owner(); foreign {
		j.add(ForeignIdentity, Refused, fmt.Sprintf("its compute_id (%s) says %s, and that is the node %s of host %q: the file was copied, as with an image of that host's disk", j.h.Files[0].Path, n.UUID, n.Name, n.Host),
			j.identityRemedy(), j.identityCommands()...)
	}
}

// owner is another host whose node this host's compute_id names.
func (j *judging) owner() (nova.HostNode, bool) {
	id := j.h.Identity()
	i := slices.IndexFunc(j.c.Records.Nodes, func(n nova.HostNode) bool {
		return id != "" && !n.Deleted && strings.EqualFold(n.UUID, id) && !strings.EqualFold(n.Host, j.name)
	})
	if i < 0 {
		return nova.HostNode{}, false
	}
	return j.c.Records.Nodes[i], true
}

// identityRemedy is what to do about a compute_id that is not this host's.
func (j *judging) identityRemedy() string {
	if n := j.c.node(j.name); n.UUID != "" {
		return "put the UUID of this host's own node into it: " + n.UUID
	}
	return "remove the file: Nova has no node of this host, which will get an identity of its own; look at what else was copied with it (/etc/machine-id, SSH host keys)"
}

func (j *judging) identityCommands() []string {
	at := j.h.Conf.IdentityPlaces()[0]
	if len(j.h.Files) > 0 {
		at = j.h.Files[0].Path
	}
	if n := j.c.node(j.name); n.UUID != "" {
		return []string{fmt.Sprintf("echo %s | install -o nova -g nova -m 644 /dev/stdin %s", n.UUID, check.Shell(at))}
	}
	return []string{"mv " + check.Shell(at) + " " + check.Shell(at+".not-ours")}
}

// returning is a start of a host that has a service
// (_ensure_existing_node_identity, _check_for_host_rename, _init_compute_node).
func (j *judging) returning() {
	if !j.known || j.c.Release.Major < firstIdentity || j.h.Err != "" {
		return
	}
	node, id := j.c.node(j.name), j.h.Identity()
	if node.Name != "" && node.Name != j.h.Libvirt {
		j.add(Renamed, Refused, fmt.Sprintf("Nova's node of it is called %s, and libvirt calls it %s: it was renamed", node.Name, j.h.Libvirt),
			"give the system its old name again, and restart libvirt")
	}
	switch {
	case !j.h.looked():
		j.add(Unread, Uncertain, "its compute_id was not read: nobody may look at its files", "name a way to them: files in the inventory (sftp://root@"+j.h.Name+")")
	case id == "" && j.own.Version >= identityVersion && !j.h.Conf.Read():
		j.add(Unread, Uncertain, "neither a configuration file of nova-compute nor a compute_id was found on the host, as where both are in a container alone",
			"name the files where the host itself has them (onboard: config_files), with a state_path that is the host's, too; else ask the container: "+cmp.Or(j.c.node(j.name).UUID, "the UUID of its node")+" is what its compute_id has to say")
	case id == "" && j.own.Version >= identityVersion:
		j.add(LostIdentity, Refused, fmt.Sprintf("Nova knows its service, and it has no compute_id; its node is %s", cmp.Or(node.UUID, "not there")),
			"write the UUID of its node into the file again", j.identityCommands()...)
	case id != "" && node.UUID != "" && !strings.EqualFold(id, node.UUID):
		if _, foreign := j.owner(); !foreign {
			j.add(OtherIdentity, Refused, fmt.Sprintf("its compute_id says %s, and Nova's node of it is %s", id, node.UUID), "write the UUID of its node into the file", j.identityCommands()...)
		}
	}
}
