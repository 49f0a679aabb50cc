package onboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Answer is what nova-compute will do with a host.
type Answer string

// What may come of a start.
const (
	Accepted  Answer = "accepted"  // starts, and takes the host as its own
	Useless   Answer = "useless"   // starts, but the host cannot be used
	Refused   Answer = "refused"   // ends by itself
	Harmful   Answer = "harmful"   // starts, and guests that are not adopted lose by it
	Uncertain Answer = "uncertain" // it depends on what was not read, or is about to change
)

// A Problem is one thing that keeps a host from being used.
type Problem struct {
	Kind     Kind     `json:"kind"`
	Answer   Answer   `json:"answer"`
	Reason   string   `json:"reason"`
	Remedy   string   `json:"remedy"`
	Commands []string `json:"commands"` // with which a person does it
	Ours     bool     `json:"ours"`     // onboarding is the remedy
}

// A Kind names a problem for programs.
type Kind string

// The problems that are told apart.
const (
	Unread          Kind = "not-read"
	UnknownRelease  Kind = "release-unknown"
	MixedVersions   Kind = "mixed-versions"
	NamesDiffer     Kind = "names-differ"
	Renamed         Kind = "renamed"
	BadIdentity     Kind = "compute-id-unusable"
	ForeignIdentity Kind = "compute-id-of-another-host"
	LostIdentity    Kind = "compute-id-lost"
	OtherIdentity   Kind = "compute-id-differs"
	FirstStart      Kind = "first-start"
	LeftProvider    Kind = "leftover-provider"
	DisabledCell    Kind = "cell-disabled"
	ClosedCell      Kind = "cell-not-read"
	NotMapped       Kind = "not-mapped"
	MappedElsewhere Kind = "mapped-elsewhere"
	ForcedDown      Kind = "forced-down"
	NodeCount       Kind = "node-count"
	GuestDeleted    Kind = "guest-deleted"
	BaseImages      Kind = "image-cache"
	PowersDown      Kind = "cpu-power"
	GuestLeft       Kind = "guest-migrated"
)

// A Verdict is what nova-compute will do, all that stands against it, and what
// is worth knowing besides.
type Verdict struct {
	Answer   Answer    `json:"answer"`
	Reason   string    `json:"reason"` // the first problem's, or why it is accepted
	Problems []Problem `json:"problems"`
	Notes    []string  `json:"notes"`
}

// Ours reports whether onboarding is what is missing, and nothing else is.
func (v Verdict) Ours() bool {
	return len(v.Problems) > 0 && !slices.ContainsFunc(v.Problems, func(p Problem) bool { return !p.Ours })
}

// Has reports whether the verdict names such a problem.
func (v Verdict) Has(k Kind) bool {
	return slices.ContainsFunc(v.Problems, func(p Problem) bool { return p.Kind == k })
}

// Since when nova-compute asks what, by Nova's major version.
const (
	// firstIdentity is 2023.1: a node has its identity from a file.
	firstIdentity = 27
	// firstRefusal is 2024.1: a new host must have no domain (_sanity_check_new_host).
	firstRefusal = 29
)

// identityVersion is the services.version from which a nova-compute must have
// had a compute_id before (nova/compute/manager.py, _ensure_existing_node_identity).
const identityVersion = 65

// Judge says what nova-compute will do with a host when it starts next. It
// looks at nothing but its arguments.
func Judge(h Host, c Cloud) Verdict {
	j := judging{h: h, c: c, name: h.ComputeHost()}
	j.own, j.known = c.service(j.name)
	for _, ask := range []func(){j.readable, j.guests, j.bases, j.power, j.release, j.names, j.identity, j.cells, j.first, j.returning, j.provider, j.mapped} {
		ask()
	}
	v := Verdict{Problems: j.problems, Notes: notes(j)}
	if len(v.Problems) > 0 {
		v.Answer, v.Reason = v.Problems[0].Answer, v.Problems[0].Reason
		return v
	}
	v.Answer, v.Reason = Accepted, "Nova does not know it, and will make its records at the first start"
	if j.known {
		v.Reason = fmt.Sprintf("Nova knows it: service %s, compute node %s", j.own.UUID, cmp.Or(c.node(j.name).UUID, "to come"))
	}
	return v
}

// add notes a problem. Commands may be left out.
func (j *judging) add(k Kind, a Answer, reason, remedy string, commands ...string) {
	j.problems = append(j.problems, Problem{Kind: k, Answer: a, Reason: reason, Remedy: remedy, Commands: slices.Clip(append([]string{}, commands...))})
}

// ours says that the last problem goes away with an onboarding.
func (j *judging) ours() { j.problems[len(j.problems)-1].Ours = true }

// readable: a host that was not read is not judged any further.
func (j *judging) readable() {
	if j.h.Err != "" {
		j.add(Unread, Uncertain, j.h.Err, "make the host answer, and what is named readable for the account that is used there (nova.conf is mostly root's and nova's alone); then the same command again")
	}
}

// release: in the middle of an upgrade nobody knows which nova-compute the host
// gets, nor which rows it may write.
func (j *judging) release() {
	r := j.c.Release
	switch {
	case r.Major == 0:
		j.add(UnknownRelease, Uncertain, "which release this cloud is cannot be told from its databases: "+r.ReadOnly,
			"use a kvm2openstack that knows its release")
	case strings.Contains(r.ReadOnly, "upgrade is under way"):
		j.add(MixedVersions, Uncertain, r.ReadOnly,
			"finish the upgrade: a host that comes in the middle of it would be held to the rules of the one release or the other, and a service with a lower version lowers the whole cloud's",
			"openstack compute service list", "nova-status upgrade check")
	case r.ReadOnly != "":
		j.add(UnknownRelease, Uncertain, r.ReadOnly, "use a kvm2openstack that knows its release, or finish the upgrade")
	}
}

// first is a first start on a host with domains (_sanity_check_new_host).
func (j *judging) first() {
	if j.known || j.h.Domains == 0 || j.c.Release.Major < firstRefusal || j.h.Err != "" {
		return
	}
	j.add(FirstStart, Refused, fmt.Sprintf("Nova has no nova-compute of host %q, and libvirt has %s, running or not: the first start is refused", j.name, many(j.h.Domains, "domain")),
		"let the first start be on an empty libvirt; no guest is touched by it")
	j.ours()
}

func many(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
