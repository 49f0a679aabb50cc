package openstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// pageSize bounds the entries of one answer. A thousand ports are about 1 MiB
// and a second or two of Neutron's time.
const pageSize = "1000"

// maxLost is how many entries at the end of a page may be deleted before the
// next one is asked for.
const maxLost = 5

// A listing is one list of a service.
type listing struct {
	service string
	client  *gophercloud.ServiceClient
	path    string // below the service's address
	key     string // of the list in the answer
	query   url.Values
}

// readAll reads a list page by page. Entries that come while it is read may be
// in it or not; none is in it twice, for with a limit Neutron orders by id and
// Glance by time and id. (Not every list of Neutron can be told to: policies
// have no sort key "id".)
func (r *reading) readAll(ctx context.Context, l listing) error {
	err := r.eachPage(ctx, l, func(p page) error { return r.add(l.key, p.entries) })
	return r.wrap(l.service, "list "+words(l.key), err)
}

func (r *reading) eachPage(ctx context.Context, l listing, each func(page) error) error {
	query := url.Values{"limit": {pageSize}}
	maps.Copy(query, l.query)
	var before []string // ids that the next page may follow, the last one first
	for {
		p, err := l.get(ctx, query)
		if len(before) > 1 && lostMarker(err) {
			// Somebody has deleted the last entry meanwhile. The next page
			// follows the one before it just as well.
			before = before[1:]
			query.Set("marker", before[0])
			continue
		}
		if err != nil {
			return err
		}
		if err := each(p); err != nil {
			return err
		}
		if !p.more || len(p.ids) == 0 {
			return nil
		}
		before = append(p.last(maxLost), before...)[:min(maxLost, len(p.ids)+len(before))]
		query.Set("marker", before[0])
	}
}

// lostMarker reports whether the answer says that there is no such marker:
// 404 by Neutron, 400 by Glance.
func lostMarker(err error) bool {
	return gophercloud.ResponseCodeIs(err, http.StatusNotFound) || gophercloud.ResponseCodeIs(err, http.StatusBadRequest)
}

// A page is one answer to a list call.
type page struct {
	entries json.RawMessage // the list itself
	ids     []string
	more    bool // there is a next page

	truncated bool   // Keystone: by its list_limit
	marker    string // Keystone: of the next page
}

// last are the ids of at most n entries, from the end on.
func (p page) last(n int) (ids []string) {
	for i := len(p.ids) - 1; i >= 0 && len(ids) < n; i-- {
		ids = append(ids, p.ids[i])
	}
	return ids
}

func (l listing) get(ctx context.Context, query url.Values) (page, error) {
	var body map[string]json.RawMessage
	address := l.client.ServiceURL(l.path)
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	if _, err := l.client.Get(ctx, address, &body, nil); err != nil {
		return page{}, err
	}
	return l.page(body)
}

// page takes an answer apart.
//
// Whether there is more says "next" with Glance, a link of that relation in
// "ports_links" with Neutron, and "next" in "links" with Keystone. The
// addresses in them are not used: behind a proxy they are often wrong.
func (l listing) page(body map[string]json.RawMessage) (p page, err error) {
	p.entries = body[l.key]
	if len(p.entries) == 0 || p.entries[0] != '[' {
		return p, fmt.Errorf("the answer has no list %q: does something else answer in its place?", l.key)
	}
	var entries []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(p.entries, &entries); err != nil {
		return p, err
	}
	for _, e := range entries {
		p.ids = append(p.ids, e.ID)
	}
	var neutronLinks []struct{ Rel string }
	var keystoneLinks struct{ Next string }
	for key, into := range map[string]any{l.key + "_links": &neutronLinks, "links": &keystoneLinks, "truncated": &p.truncated} {
		if raw := body[key]; len(raw) > 0 {
			err = errors.Join(err, json.Unmarshal(raw, into))
		}
	}
	for _, link := range neutronLinks {
		p.more = p.more || link.Rel == "next"
	}
	if next, err := url.Parse(keystoneLinks.Next); err == nil {
		p.marker = next.Query().Get("marker")
	}
	p.more = p.more || len(body["next"]) > 0 && string(body["next"]) != "null" || p.marker != ""
	return p, err
}

// fields asks for these only: ports have thirty more.
func fields(names string) url.Values { return url.Values{"fields": strings.Fields(names)} }
