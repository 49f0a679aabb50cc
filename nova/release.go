package nova

import (
	"context"
	"fmt"
	"sort"
	"strings"
)

// evidence is what the databases say, before anything is concluded from it.
type evidence struct {
	api      string
	cells    []cellRevision // of open cells
	services []serviceVersion
}

type cellRevision struct{ cell, revision string }

// A serviceVersion is one version of nova-compute or nova-conductor with a
// host that runs it and how many do.
type serviceVersion struct {
	Version int
	Binary  string
	Host    string
	Count   int
}

// detect concludes the release from the evidence. It looks at nothing else.
func detect(e evidence) Release {
	r := Release{API: e.api, Services: lowest(e.services)}
	if len(e.cells) > 0 {
		r.Cell = e.cells[0].revision
	}
	fits := candidates(r.API, r.Cell)
	if k, ok := choose(fits, r.Services); ok {
		r.Name, r.Major = k.name, k.major
	}
	r.ReadOnly = whyReadOnly(e, r, fits)
	return r
}

func candidates(api, cell string) []known {
	var fits []known
	for _, k := range releases {
		if k.api == api && k.cell == cell {
			fits = append(fits, k)
		}
	}
	return fits
}

// choose tells releases of the same revisions apart by the services: the
// newest that is not newer than they are. Without services it is the oldest,
// whose rows all the others can read.
func choose(fits []known, services int) (known, bool) {
	if len(fits) == 0 {
		return known{}, false
	}
	chosen := fits[0]
	for _, k := range fits[1:] {
		if k.service <= services {
			chosen = k
		}
	}
	return chosen, true
}

// whyReadOnly names the first reason for which nothing may be written.
func whyReadOnly(e evidence, r Release, fits []known) string {
	for _, c := range e.cells {
		if c.revision != r.Cell {
			return fmt.Sprintf("cells are of different revisions: %s has %s, %s has %s",
				e.cells[0].cell, orElse(r.Cell, "none"), c.cell, orElse(c.revision, "none"))
		}
	}
	if len(fits) == 0 {
		return whyUnknown(r)
	}
	if reason := mixed(e.services); reason != "" {
		return reason
	}
	if len(e.services) > 0 && !serviceKnown(fits, r.Services) {
		return fmt.Sprintf("the databases are those of %s, but nova-compute and nova-conductor have service version %d: an upgrade is under way, or this release is not known",
			r.Name, r.Services)
	}
	return ""
}

func serviceKnown(fits []known, services int) bool {
	for _, k := range fits {
		if k.service == services {
			return true
		}
	}
	return false
}

// whyUnknown tells an upgrade half done from a Nova never seen before.
func whyUnknown(r Release) string {
	api, cell := namesOf(func(k known) bool { return k.api == r.API }), namesOf(func(k known) bool { return k.cell == r.Cell })
	switch {
	case api == "":
		return fmt.Sprintf("revision %s of the API database is not one of a known release", orElse(r.API, "(none)"))
	case cell == "":
		return fmt.Sprintf("revision %s of the cell databases is not one of a known release", orElse(r.Cell, "(none)"))
	default:
		return fmt.Sprintf("the databases are of different releases: API of %s, cells of %s", api, cell)
	}
}

func namesOf(match func(known) bool) string {
	var names []string
	for _, k := range releases {
		if match(k) {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, ", ")
}

// mixed names the services of an upgrade under way.
func mixed(services []serviceVersion) string {
	low := lowest(services)
	for _, s := range services {
		if s.Version != low {
			old := services[0]
			return fmt.Sprintf("services of mixed versions, an upgrade is under way: %s on %s has version %d, %s on %s has %d",
				old.Binary, old.Host, old.Version, s.Binary, s.Host, s.Version)
		}
	}
	return ""
}

// lowest is the lowest version; services come sorted.
func lowest(services []serviceVersion) int {
	if len(services) == 0 {
		return 0
	}
	return services[0].Version
}

// findRelease gathers the evidence from the open databases.
func (c *Cloud) findRelease(ctx context.Context) (Release, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.QueryTimeout)
	defer cancel()
	var e evidence
	var err error
	if e.api, err = c.api.revision(c.api.WithContext(ctx), "nova_api"); err != nil {
		return Release{}, err
	}
	for _, cell := range c.cells {
		revision, err := cell.revision(cell.WithContext(ctx), "nova")
		if err != nil {
			return Release{}, err
		}
		e.cells = append(e.cells, cellRevision{cell.Name, revision})
		found, err := cell.serviceVersions(ctx)
		if err != nil {
			return Release{}, err
		}
		e.services = append(e.services, found...)
	}
	sort.SliceStable(e.services, func(i, j int) bool { return e.services[i].Version < e.services[j].Version })
	return detect(e), nil
}

// serviceVersions counts the services that Nova itself asks for its lowest
// version (nova/db/main/api.py, service_get_minimum_version): deleted and
// forced-down ones do not count, silent ones do.
func (d *database) serviceVersions(ctx context.Context) ([]serviceVersion, error) {
	var found []serviceVersion
	err := d.WithContext(ctx).Raw(`SELECT COALESCE(version, 0) AS version, `+"`binary`"+`, MIN(host) AS host, COUNT(*) AS count
		FROM services WHERE deleted = 0 AND (forced_down = 0 OR forced_down IS NULL) AND `+"`binary`"+` IN ?
		GROUP BY COALESCE(version, 0), `+"`binary`", []string{"nova-compute", "nova-conductor"}).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read services of %s: %w", d.label, err)
	}
	return found, nil
}
