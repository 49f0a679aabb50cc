package plan

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
)

// validate looks at what the values say. p was decoded from f.root, so that
// the two have the same lists.
func (f *file) validate(p Plan) {
	hosts := f.hosts(p)
	if p.Made.InstancesPath != "" && !cleanPath(p.Made.InstancesPath) {
		f.fail(at(f.root, "made", "instances_path"), "made.instances_path", "%s is not an absolute path without ..", quotedShort(p.Made.InstancesPath))
	}
	list := valueOf(f.root, "domains")
	seen := map[string]firstEntry{}
	for n, d := range p.Domains {
		node := list.Content[n]
		f.domain = labelOf(node)
		f.identity(node, d, hosts, seen)
		if d.Decision == Import { // nobody acts on the others, and some are skipped for what is in them
			v := validator{file: f, node: node, Domain: d}
			v.all()
		}
	}
	f.domain = ""
}

func (f *file) hosts(p Plan) map[string]bool {
	hosts := map[string]bool{}
	list := valueOf(f.root, "hosts")
	for n, h := range p.Hosts {
		field := fmt.Sprintf("hosts[%d].name", n)
		switch {
		case h.Name == "":
			f.fail(list.Content[n], field, "is empty")
		case hosts[h.Name]:
			f.fail(at(list.Content[n], "name"), field, "%s is there twice", quotedShort(h.Name))
		}
		hosts[h.Name] = true
	}
	return hosts
}

// A firstEntry is where a UUID was seen first.
type firstEntry struct {
	line int
	skip bool
}

// identity checks what says which domain an entry is about. Two hosts can
// have a domain of the same UUID, and both are listed; but none of them can be
// imported, for Nova knows one.
func (f *file) identity(node *yaml.Node, d Domain, hosts map[string]bool, seen map[string]firstEntry) {
	if d.Domain == "" && d.Decision == Import {
		f.fail(orNode(at(node, "domain"), node), "domain", "is empty")
	}
	if !hosts[d.Host] {
		f.fail(orNode(at(node, "host"), node), "host", "%s is not among the hosts of the plan", quotedShort(d.Host))
	}
	if !d.Decision.valid() {
		f.fail(orNode(at(node, "decision"), node), "decision", "%s is not import or skip", quotedShort(string(d.Decision)))
	}
	line := orNode(at(node, "uuid"), node)
	if d.UUID == "" && d.Decision == Skip {
		return // a definition without one, from a folder of files
	}
	if !isUUID(d.UUID) {
		f.fail(line, "uuid", "%s is not a UUID as libvirt writes it", quotedShort(d.UUID))
		return
	}
	first, twice := seen[d.UUID]
	if !twice {
		seen[d.UUID] = firstEntry{line.Line, d.Decision == Skip}
	} else if !first.skip || d.Decision != Skip {
		f.fail(line, "uuid", "%s is there twice, first in line %d", d.UUID, first.line)
	}
}

// at goes down the keys; nil when one is not there.
func at(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = valueOf(n, key)
	}
	return n
}

func orNode(n, instead *yaml.Node) *yaml.Node {
	if n != nil {
		return n
	}
	return instead
}

// A validator looks at one domain's entry.
type validator struct {
	*file
	node *yaml.Node // nil for a domain that is not from a file
	Domain
}

// entryProblems are what Load would say of d, for Build never to make an
// entry that is refused later.
func entryProblems(d Domain) Problems {
	f := &file{}
	v := validator{file: f, Domain: d}
	if !isUUID(d.UUID) {
		v.bad("uuid", "%s is not a UUID as libvirt writes it", quotedShort(d.UUID))
	}
	v.required("domain", d.Domain)
	v.all()
	return f.problems
}

func (v *validator) all() {
	v.names()
	v.owner()
	v.flavor()
	v.enums()
	v.nics()
	v.disks()
	v.properties()
	v.rest()
}

// bad notes a problem with a field of the entry, or with the entry where the
// field is not there.
func (v *validator) bad(field, format string, args ...any) {
	v.fail(orNode(at(v.node, strings.Split(field, ".")...), v.node), field, format, args...)
}

// required notes an empty value. It returns false when there is nothing to
// look at further.
func (v *validator) required(field, value string) bool {
	if value == "" {
		v.bad(field, "is empty")
	}
	return value != ""
}

func (v *validator) names() {
	if v.required("display_name", v.DisplayName) {
		if problem := textProblem(v.DisplayName, maxName); problem != "" {
			v.bad("display_name", "%s", problem)
		}
	}
	if v.required("hostname", v.Hostname) {
		if problem := textProblem(v.Hostname, maxName); problem != "" {
			v.bad("hostname", "%s", problem)
		} else if strings.ContainsAny(v.Hostname, " \t/\"'`$&|;<>(){}\\") {
			v.bad("hostname", "%s is no host name", quotedShort(v.Hostname))
		}
	}
	if v.Wave < 0 {
		v.bad("wave", "is %d, want 0 or more", v.Wave)
	}
	if problem := textProblem(v.Group, maxGroup); problem != "" {
		v.bad("group", "%s", problem)
	}
}

func (v *validator) owner() {
	for field, id := range sorted(map[string]string{"project_id": v.ProjectID, "user_id": v.UserID}) {
		if v.required(field, id) && !idText.MatchString(id) {
			v.bad(field, "%s is not an id", quotedShort(id))
		}
	}
	if v.ImageRef != "" && !isUUID(v.ImageRef) {
		v.bad("image_ref", "%s is not the id of an image", quotedShort(v.ImageRef))
	}
	if v.ImageRef != "" && v.Placeholder {
		v.bad("placeholder_image", "is true, and image_ref names another image; leave one of them out")
	}
}

// idText is what Keystone's columns hold: its own ids are hex, those from
// other drivers may be anything without a blank.
var idText = regexp.MustCompile(`^[A-Za-z0-9._@:-]{1,255}$`)

func (v *validator) enums() {
	if v.required("lock", string(v.Lock)) && !v.Lock.valid() {
		v.bad("lock", "%s is not until_renamed, keep or none", quotedShort(string(v.Lock)))
	}
	if v.required("nic_model", v.NICModel) && !legalValue("hw_vif_model", v.NICModel) {
		v.bad("nic_model", "%s is not one of %s", quotedShort(v.NICModel), legalValues("hw_vif_model"))
	}
	if v.OSType != "" && v.OSType != "windows" {
		v.bad("os_type", "%s is not windows or empty", quotedShort(v.OSType))
	}
}

func isUUID(s string) bool {
	u, err := uuid.Parse(s)
	return err == nil && u.String() == s && u != uuid.Nil
}

func isAddress(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

// cleanPath reports whether s is absolute and says where it leads.
func cleanPath(s string) bool { return filepath.IsAbs(s) && filepath.Clean(s) == s }
