package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxReported bounds how many damaged entries of one list are named: the
// first few show what went wrong, ten thousand hide it.
const maxReported = 10

// Lists become a Snapshot: what list calls answered, page by page or whole.
// The zero value is empty.
type Lists struct {
	// Live says that the APIs are read, list after list, while others work
	// with them: a subnet whose network is not in the list is one that came or
	// went in between, and is left out. Of a file it says that it is incomplete.
	Live bool

	snapshot Snapshot
	subnets  []apiSubnet
	shares   []apiShare
	floating []APIFloating

	of   map[string]*checked // by list
	same interned
}

// A checked list is what is known of one: where an id was seen first, and
// what does not make sense.
type checked struct {
	ids  map[string]int
	errs []error
}

// Add takes a page of a list: a JSON array with its entries as Keystone v3,
// Neutron v2.0 and Glance v2 answer them. The lists are
// "projects", "users", "networks", "subnets", "ports", "agents", "images",
// "security_groups", "floatingips" and "rbac_policies"; others are ignored. An
// error is about the page's form; entries that do not make sense are Snapshot's.
func (l *Lists) Add(list string, page []byte) error {
	add := l.adder(list)
	if add == nil {
		return nil
	}
	if l.of == nil {
		l.of = map[string]*checked{}
	}
	if l.of[list] == nil {
		l.of[list] = &checked{ids: map[string]int{}}
	}
	return add(l.of[list], page)
}

// adder is what takes the pages of one list, nil for one we do not use.
func (l *Lists) adder(list string) func(*checked, []byte) error {
	s := &l.snapshot
	switch list {
	case "projects":
		return into(list, &s.Projects, func(p apiNamed) (Project, string, error) { return Project(p), p.ID, nil })
	case "users":
		return into(list, &s.Users, func(u apiNamed) (User, string, error) { return User(u), u.ID, nil })
	case "networks":
		return into(list, &s.Networks, func(n apiNetwork) (Network, string, error) { return n.network(), n.ID, nil })
	case "subnets":
		return into(list, &l.subnets, func(s apiSubnet) (apiSubnet, string, error) { return s, s.ID, nil })
	case "rbac_policies":
		return into(list, &l.shares, func(s apiShare) (apiShare, string, error) { return s, s.ID, nil })
	case "floatingips":
		return into(list, &l.floating, APIFloating.floating)
	case "security_groups":
		return into(list, &s.SecurityGroups, func(g apiGroup) (SecurityGroup, string, error) { return g.group(), g.ID, nil })
	case "images":
		return into(list, &s.Images, func(i apiImage) (Image, string, error) { return Image(i), i.ID, nil })
	case "agents":
		return into(list, &s.Agents, func(a apiAgent) (Agent, string, error) { return a.agent(), a.ID, nil })
	case "ports":
		return into(list, &s.Ports, func(p APIPort) (Port, string, error) {
			port, err := p.port(&l.same)
			return port, p.ID, err
		})
	}
	return nil
}

// into makes the adder of one list. The list is not nil from its first page
// on: an absent one is not an empty one.
func into[A, T any](list string, out *[]T, convert func(A) (T, string, error)) func(*checked, []byte) error {
	return func(c *checked, page []byte) error {
		var in []A
		if err := json.Unmarshal(page, &in); err != nil {
			return err
		}
		if *out == nil {
			*out = make([]T, 0, len(in))
		}
		for _, a := range in {
			t, id, err := convert(a)
			c.check(list, len(*out), id, err)
			*out = append(*out, t)
		}
		return nil
	}
}

// check keeps what is wrong with the n-th entry.
func (c *checked) check(list string, n int, id string, err error) {
	first, twice := c.ids[id]
	switch {
	case id == "":
		c.errs = append(c.errs, fmt.Errorf("%s[%d] has no id", list, n))
		return
	case twice:
		c.errs = append(c.errs, fmt.Errorf("%s[%d] has the id %s of %s[%d]", list, n, id, list, first))
		return
	case err != nil:
		c.errs = append(c.errs, fmt.Errorf("%s[%d] (%s): %w", list, n, id, err))
	}
	c.ids[id] = n
}

// err is all that is wrong with the list, the first few in words.
func (c *checked) err(list string) error {
	if extra := len(c.errs) - maxReported; extra > 0 {
		return errors.Join(append(c.errs[:maxReported:maxReported], fmt.Errorf("and %d more in %s", extra, list))...)
	}
	return errors.Join(c.errs...)
}

// Snapshot puts the lists together, and reports all that does not make sense
// at once. The lists are of no more use then.
func (l *Lists) Snapshot() (*Snapshot, error) {
	l.addSubnets()
	l.addShares()
	var errs []error
	for _, list := range slices.Sorted(maps.Keys(l.of)) {
		errs = append(errs, l.of[list].err(list))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	l.addFloating()
	l.snapshot.Live = l.Live
	l.snapshot.Agents = slices.DeleteFunc(l.snapshot.Agents, func(a Agent) bool { return !IsLayer2(a.Type) })
	return &l.snapshot, nil
}

func (n apiNetwork) network() Network {
	var segments []string
	for _, s := range n.Segments {
		segments = append(segments, s.Physical)
	}
	return Network{
		Segments: segments,
		ID:       n.ID, Name: n.Name, ProjectID: firstOf(n.ProjectID, n.TenantID), Shared: n.Shared, MTU: n.MTU,
		PhysicalNetwork: n.Physical, External: n.External, NetworkType: n.Type, SegmentationID: n.Segmentation,
	}
}

// addSubnets hangs the subnets below their networks. One without its network
// says that the file is incomplete, for instance made of a first page only.
func (l *Lists) addSubnets() {
	at := l.networks()
	for n, a := range l.subnets {
		subnet, err := a.subnet()
		if err == nil {
			if network, ok := at[a.NetworkID]; ok {
				network.Subnets = append(network.Subnets, subnet)
				continue
			}
			if l.Live {
				continue
			}
			err = fmt.Errorf("its network %q is not in the file", a.NetworkID)
		}
		of := l.of["subnets"]
		of.errs = append(of.errs, fmt.Errorf("subnets[%d] (%s): %w", n, a.ID, err))
	}
}

// addFloating sorts floating IPs by port, of which there are fewer than of
// addresses. All of them have been checked.
func (l *Lists) addFloating() {
	if l.floating == nil {
		return
	}
	l.snapshot.FloatingIPs = map[string][]FloatingIP{}
	for _, f := range l.floating {
		if ip, err := f.Leads(); f.PortID != "" && err == nil {
			l.snapshot.FloatingIPs[f.PortID] = append(l.snapshot.FloatingIPs[f.PortID], ip)
		}
	}
}

// addShares notes which projects see networks that are not theirs. Policies
// for networks that are not in the list, and for other things, are none of
// this.
func (l *Lists) addShares() {
	at := l.networks()
	for _, share := range l.shares {
		network, ok := at[share.ObjectID]
		if !ok || share.ObjectType != "network" || share.Action != "access_as_shared" {
			continue
		}
		if share.Target == "*" {
			network.Shared = true
		} else {
			network.SharedWith = append(network.SharedWith, share.Target)
		}
	}
}

// networks are those of the list by id.
func (l *Lists) networks() map[string]*Network {
	at := make(map[string]*Network, len(l.snapshot.Networks))
	for n := range l.snapshot.Networks {
		at[l.snapshot.Networks[n].ID] = &l.snapshot.Networks[n]
	}
	return at
}

func (g apiGroup) group() SecurityGroup {
	return SecurityGroup{ID: g.ID, Name: g.Name, ProjectID: firstOf(g.ProjectID, g.TenantID)}
}

// interned keeps equal values once.
type interned struct {
	texts   map[string]string
	objects map[string]map[string]any
}

func (i *interned) text(s string) string {
	if i.texts == nil {
		i.texts = map[string]string{}
	}
	if kept, ok := i.texts[s]; ok {
		return kept
	}
	i.texts[s] = s
	return s
}

// object decodes a JSON object. Nobody changes it: it may be that of many.
func (i *interned) object(raw []byte) (map[string]any, error) {
	if kept, ok := i.objects[string(raw)]; ok || len(raw) == 0 {
		return kept, nil
	}
	var o map[string]any
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	if i.objects == nil {
		i.objects = map[string]map[string]any{}
	}
	i.objects[string(raw)] = o
	return o, nil
}
