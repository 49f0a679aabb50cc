package plan

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// preamble tells whoever opens the file what it is and how to change it.
const preamble = `# A plan of kvm2openstack: what is to happen to every domain that was found.
# Nothing has been changed yet. Read it, edit it, keep it, then:
#
#   kvm2openstack import THIS_FILE --dry-run
#   kvm2openstack import THIS_FILE
#
# What may be edited, per domain:
#   decision           import or skip
#   wave               domains of a lower wave are restarted first
#   group              any word: of domains with the same one, such as the members
#                      of a cluster, only one is down for its restart at a time
#   display_name       what users see; hostname is what the guest is told
#   project, user      their ids decide; the names are for you
#   flavor             by name; create: true says that it is to be made
#   nic_model          one for all interfaces; another one is a new adapter to the guest
#   nics               network, subnet, port and addresses of each MAC address;
#                      create_port: true makes a port with these addresses (it
#                      may have none) and, where port_security is true, with
#                      security_groups (by id; none is the project's default)
#   os_type            windows, or left out
#   placeholder_image  true: it refers to its project's placeholder image, which
#                      is made if there is none; image_ref names another by id
#   image_properties   Nova's hw_* and os_*, but for those that follow from
#                      nic_model, os_type and the first disk's bus
#   lock               until_renamed, keep (never unlocked by us), or none
#   force              true allows to cut the power if it does not shut down
#   probes             asked after a restart: - {tcp: 22}, - {http: URL}, - {ping: true}, - {command: ...}
#
%s# host, uuid, disks and made_from are what the plan rests on: do not edit them.
# A domain whose definition has changed since is refused, and a new plan is
# wanted. findings are for you; importing makes its own.
`

// withCloud and withoutCloud say what the plan rests on besides the databases.
const (
	withCloud = `#
# It was made with the cloud's APIs: the import makes what the plan says is to
# be made, binds the ports, and allocates in Placement what each instance takes.
# Placement's room and the projects' quotas were counted for all of it.
`
	withoutCloud = `#
# It was made without the cloud's APIs (cloud: in the configuration), so the
# import writes Nova's databases and nothing else:
#   - no port, flavor or image is made: ports must be there, and bound
#   - nothing is allocated in Placement; until nova-manage placement
#     heal_allocations has run, the scheduler takes these hosts for emptier
#   - an instance without image_ref cannot be resized or cold migrated
#   - room and quota are what Nova's databases say, and Neutron's was not asked
`
)

// Write writes p as a file that a person reads. Load gives the same Plan back,
// whatever strings the hosts had in their definitions.
func Write(w io.Writer, p Plan) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, preamble, untilRestartLines()) // a bufio.Writer keeps its first error for Flush
	if p.Made.Cloud {
		b.WriteString(withCloud)
	} else {
		b.WriteString(withoutCloud)
	}
	head := struct {
		Schema string `yaml:"schema"`
		Made   Made   `yaml:"made"`
		Hosts  []Host `yaml:"hosts"`
	}{p.Schema, p.Made, p.Hosts}
	if err := encode(b, nodeOf(reflect.ValueOf(head))); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	if len(p.Unreadable) > 0 {
		b.WriteString("\n# These were found and could not be read. They are not part of the import.\n")
		if err := encode(b, nodeOf(reflect.ValueOf(map[string][]Unreadable{"unreadable": p.Unreadable}))); err != nil {
			return fmt.Errorf("write plan: %w", err)
		}
	}
	if err := p.writeDomains(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// writeDomains writes one domain after the other, so that memory does not
// grow with their number.
func (p Plan) writeDomains(b *bufio.Writer) error {
	if len(p.Domains) == 0 {
		b.WriteString("\ndomains: []\n")
		return nil
	}
	b.WriteString("\ndomains:\n")
	for _, d := range p.Domains {
		fmt.Fprintf(b, "\n# %s\n", d.headline())
		if d.Decision == Import {
			for _, line := range p.limitLines(d) {
				fmt.Fprintf(b, "#   %s\n", line)
			}
		}
		if err := encode(b, listOf(d.node())); err != nil {
			return fmt.Errorf("write plan: domain %s/%s: %w", d.Host, quoted(d.Domain), err)
		}
	}
	return nil
}

// headline is what stands over a domain's block. It is a comment, so what
// comes from a host must not end the line.
func (d Domain) headline() string {
	text := fmt.Sprintf("%s / %s: %s, %s", brief(d.Host), brief(d.Domain), d.Verdict(), d.Decision)
	if d.Flavor.VCPUs > 0 {
		text += "; " + d.Flavor.size()
	}
	if d.MadeFrom.State != "" {
		text += "; " + quoted(d.MadeFrom.State)
	}
	return text
}

// brief is quoted, cut where a name is longer than a line should be.
func brief(s string) string {
	if runes := []rune(s); len(runes) > 60 && utf8.ValidString(s) {
		return quoted(string(runes[:60])) + "…"
	}
	return quoted(s)
}

// Verdict is what the findings amount to.
func (d Domain) Verdict() check.Verdict {
	has := func(s check.Severity) bool {
		return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Severity == s })
	}
	switch {
	case slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Code == infoManaged.code }):
		return check.VerdictManaged
	case has(check.Blocked):
		return check.VerdictBlocked
	case has(check.Attention):
		return check.VerdictAttention
	}
	return check.VerdictReady
}

// encode writes one node. It goes through memory, for the YAML encoder makes a
// text of a writer's error, and nobody could tell any more that the disk is full.
func encode(w io.Writer, n *yaml.Node) error {
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(n), enc.Close()); err != nil {
		return err
	}
	_, err := text.WriteTo(w)
	return err
}

// listOf is a list of one node, so that it is written as an item.
func listOf(n *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{n}}
}
