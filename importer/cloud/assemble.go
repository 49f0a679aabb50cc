package cloud

import (
	"errors"
	"fmt"
)

// maxReported bounds how many damaged entries of one list are named: the
// first few show what went wrong, ten thousand hide it.
const maxReported = 10

// snapshot turns the lists into what lookups need, and reports all that does
// not make sense at once.
func (l apiLists) snapshot() (*Snapshot, error) {
	s := &Snapshot{}
	var errs []error
	collect := func(err error) { errs = append(errs, err) }

	var err error
	s.Projects, err = entries("projects", l.Projects, func(p apiNamed) (Project, string, error) {
		return Project(p), p.ID, nil
	})
	collect(err)
	s.Users, err = entries("users", l.Users, func(u apiNamed) (User, string, error) {
		return User(u), u.ID, nil
	})
	collect(err)
	s.Networks, err = entries("networks", l.Networks, func(n apiNetwork) (Network, string, error) {
		return n.network(), n.ID, nil
	})
	collect(err)
	s.Ports, err = entries("ports", l.Ports, func(p apiPort) (Port, string, error) {
		port, err := p.port()
		return port, p.ID, err
	})
	collect(err)
	s.Images, err = entries("images", l.Images, func(i apiImage) (Image, string, error) {
		return Image(i), i.ID, nil
	})
	collect(err)
	collect(s.addSubnets(l.Subnets))

	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// entries converts one list. It keeps nil as nil: an absent list is not an
// empty one.
func entries[A, T any](list string, in []A, convert func(A) (T, string, error)) ([]T, error) {
	if in == nil {
		return nil, nil
	}
	var errs []error
	out := make([]T, 0, len(in))
	ids := make(map[string]int, len(in))
	for n, a := range in {
		t, id, err := convert(a)
		first, twice := ids[id]
		switch {
		case id == "":
			err = fmt.Errorf("%s[%d] has no id", list, n)
		case twice:
			err = fmt.Errorf("%s[%d] has the id %s of %s[%d]", list, n, id, list, first)
		case err != nil:
			err = fmt.Errorf("%s[%d] (%s): %w", list, n, id, err)
		}
		ids[id] = n
		out = append(out, t)
		if err != nil {
			errs = append(errs, err)
		}
	}
	if extra := len(errs) - maxReported; extra > 0 {
		errs = append(errs[:maxReported], fmt.Errorf("and %d more in %s", extra, list))
	}
	return out, errors.Join(errs...)
}

func (n apiNetwork) network() Network {
	return Network{
		ID: n.ID, Name: n.Name, ProjectID: firstOf(n.ProjectID, n.TenantID), Shared: n.Shared, MTU: n.MTU,
		PhysicalNetwork: n.Physical, NetworkType: n.Type, SegmentationID: n.Segmentation,
	}
}

// addSubnets hangs the subnets below their networks. One without its network
// says that the file is incomplete, for instance a first page only.
func (s *Snapshot) addSubnets(in []apiSubnet) error {
	at := make(map[string]int, len(s.Networks))
	for n, network := range s.Networks {
		at[network.ID] = n
	}
	_, err := entries("subnets", in, func(a apiSubnet) (struct{}, string, error) {
		subnet, err := a.subnet()
		if err != nil {
			return struct{}{}, a.ID, err
		}
		n, ok := at[a.NetworkID]
		if !ok {
			return struct{}{}, a.ID, fmt.Errorf("its network %q is not in the file", a.NetworkID)
		}
		s.Networks[n].Subnets = append(s.Networks[n].Subnets, subnet)
		return struct{}{}, a.ID, nil
	})
	return err
}
