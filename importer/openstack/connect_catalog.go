package openstack

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// A catalog is what Keystone says of the services, and which of their
// addresses are meant.
type catalog struct {
	entries   []tokens.CatalogEntry
	cloud     string
	region    string
	available string // public, internal, admin
}

// catalogOf takes the catalog out of the answer to the login.
func catalogOf(provider *gophercloud.ProviderClient, e entry) (catalog, error) {
	result, ok := provider.GetAuthResult().(interface {
		ExtractServiceCatalog() (*tokens.ServiceCatalog, error)
	})
	if !ok {
		return catalog{}, errors.New("the token came without one")
	}
	list, err := result.ExtractServiceCatalog()
	if err != nil {
		return catalog{}, err
	}
	c := catalog{entries: list.Entries, cloud: e.name, region: e.get("region_name"), available: e.availability()}
	if len(c.entries) == 0 {
		return catalog{}, errors.New("it is empty: the login is not for a project; set project_name")
	}
	return c, c.oneRegion()
}

// oneRegion takes care that all services are of one region: the first
// endpoint of each, as other tools take them, may be of any.
func (c *catalog) oneRegion() error {
	regions := c.regions()
	switch {
	case c.region == "" && len(regions) > 1:
		return fmt.Errorf("there are the regions %s: say with region_name which one is meant", strings.Join(regions, ", "))
	case c.region != "" && !slices.Contains(regions, c.region):
		return fmt.Errorf("there is no region %q, there is %s", c.region, strings.Join(regions, ", "))
	}
	return nil
}

// regions are those in which there is a compute service.
func (c *catalog) regions() []string {
	var found []string
	for _, e := range c.entries {
		if e.Type != "compute" {
			continue
		}
		for _, p := range e.Endpoints {
			found = append(found, regionOf(p))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func regionOf(p tokens.Endpoint) string {
	if p.RegionID != "" {
		return p.RegionID
	}
	return p.Region
}

// versioned is what may follow the root of a service in the catalog: its
// version, and what is below it.
var versioned = regexp.MustCompile(`/v\d+(\.\d+)?(/.*)?$`)

// endpoint is the root of the service of that type, with a slash at its end
// and without the version that some catalogs have in it and others have not.
func (c *catalog) endpoint(kind, service string) (string, error) {
	for _, e := range c.entries {
		if e.Type != kind {
			continue
		}
		for _, p := range e.Endpoints {
			if p.Interface == c.available && (c.region == "" || regionOf(p) == c.region) {
				return rootOf(p.URL, service)
			}
		}
	}
	return "", fmt.Errorf("cloud %s: %s is not in Keystone's catalog: no %s endpoint of type %q%s; openstack catalog list shows what is there",
		c.cloud, service, c.available, kind, inRegion(c.region))
}

func rootOf(address, service string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("%s's endpoint, in Keystone's catalog or clouds.yaml, is not a URL: %q", service, address)
	}
	u.Path = strings.TrimRight(versioned.ReplaceAllString(u.Path, ""), "/") + "/"
	u.RawPath, u.RawQuery, u.Fragment = "", "", ""
	return u.String(), nil
}

func inRegion(region string) string {
	if region == "" {
		return ""
	}
	return fmt.Sprintf(" in region %q", region)
}
