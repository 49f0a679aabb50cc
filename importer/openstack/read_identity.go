package openstack

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
)

// readIdentity reads projects and users.
func (r *reading) readIdentity(ctx context.Context) error {
	whole, err := r.readKeystone(ctx, r.keystoneList("projects"))
	if err != nil {
		return r.wrap(keystone, "list projects", err)
	}
	if !whole {
		r.partly("projects", "Keystone cuts it at its list_limit")
	}
	return r.readUsers(ctx)
}

func (r *reading) keystoneList(list string) listing {
	return listing{service: keystone, client: r.identity, path: list, key: list, query: url.Values{}}
}

// readUsers reads the users of each domain: asked for all at once, Keystone
// lists those of one domain where domains have directories of their own.
func (r *reading) readUsers(ctx context.Context) error {
	domains, err := r.domains(ctx)
	if err != nil {
		return r.wrap(keystone, "list domains", err)
	}
	if err := r.add("users", []byte("[]")); err != nil { // looked at, whatever comes
		return err
	}
	for _, d := range domains {
		l := r.keystoneList("users")
		l.query.Set("domain_id", d.ID)
		switch whole, err := r.readKeystone(ctx, l); {
		case ctx.Err() != nil:
			return r.wrap(keystone, "list users", errors.Join(ctx.Err(), err))
		case err != nil:
			r.partly("users", r.wrap(keystone, "list users of domain "+d.Name, err).Error())
		case !whole:
			r.partly("users", "Keystone cuts the list of domain "+d.Name+" at its list_limit")
		}
	}
	return nil
}

// A keystoneDomain is a container of projects and users.
type keystoneDomain struct {
	ID, Name string
}

func (r *reading) domains(ctx context.Context) (all []keystoneDomain, err error) {
	l := r.keystoneList("domains")
	err = l.keystonePages(ctx, func(p page) error {
		var some []keystoneDomain
		err := json.Unmarshal(p.entries, &some)
		all = append(all, some...)
		return err
	})
	return all, err
}

// readKeystone reads a list; whole is false when Keystone did not give all of
// it.
func (r *reading) readKeystone(ctx context.Context, l listing) (whole bool, err error) {
	whole = true
	err = l.keystonePages(ctx, func(p page) error {
		whole = whole && (!p.truncated || p.marker != "")
		return r.add(l.key, p.entries)
	})
	return whole, err
}

// keystonePages reads a list of Keystone's. Most releases answer it whole, or
// cut at list_limit; from 2025.1 on there are pages.
func (l listing) keystonePages(ctx context.Context, each func(page) error) error {
	for {
		p, err := l.get(ctx, l.query)
		if err != nil {
			return err
		}
		if err := each(p); err != nil {
			return err
		}
		if p.marker == "" || len(p.ids) == 0 || p.marker == l.query.Get("marker") {
			return nil
		}
		l.query.Set("marker", p.marker)
	}
}
