package openstack

import (
	"context"
	"errors"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// Quotas reads what these projects may have of instances, cores, memory and
// ports, and what they have, in the order of projectIDs. What others have
// begun to take (reserved) counts as used.
func (c *Cloud) Quotas(ctx context.Context, projectIDs []string) ([]cloud.Quota, error) {
	quotas := make([]cloud.Quota, len(projectIDs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for n, id := range projectIDs {
		group.Go(func() (err error) {
			quotas[n], err = c.quota(ctx, id)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return quotas, nil
}

func (c *Cloud) quota(ctx context.Context, project string) (cloud.Quota, error) {
	q := cloud.Quota{ProjectID: project}
	var servers struct {
		Set struct{ Instances, Cores, RAM *quotaDetail } `json:"quota_set"`
	}
	act := "read the quota of project " + project
	address := c.compute.ServiceURL("os-quota-sets", url.PathEscape(project), "detail")
	if _, err := c.compute.Get(ctx, address, &servers, nil); err != nil {
		return q, c.wrap(nova, act, err)
	}
	var err error
	for _, one := range []struct {
		detail *quotaDetail
		into   *cloud.Limit
	}{{servers.Set.Instances, &q.Instances}, {servers.Set.Cores, &q.Cores}, {servers.Set.RAM, &q.RAMMB}} {
		if *one.into, err = one.detail.limit(); err != nil {
			return q, c.wrap(nova, act, err)
		}
	}
	q.Ports, err = c.portQuota(ctx, project)
	return q, c.wrap(neutron, act, err)
}

// portQuota is Neutron's. Without its extension quota_details, that is with
// a quota driver that does not count, there is no bound that could be told.
func (c *Cloud) portQuota(ctx context.Context, project string) (cloud.Limit, error) {
	var ports struct {
		Quota struct{ Port *quotaDetail }
	}
	address := c.network.ServiceURL("quotas", url.PathEscape(project), "details.json")
	_, err := c.network.Get(ctx, address, &ports, nil)
	if isAbsent(err) {
		c.log.Warn("Neutron does not tell how many ports a project has; its quota is not checked", "project", project)
		return cloud.Limit{Max: -1}, nil
	}
	if err != nil {
		return cloud.Limit{}, err
	}
	return ports.Quota.Port.limit()
}

// A quotaDetail is a bound as Nova ("in_use") and Neutron ("used") tell it.
type quotaDetail struct {
	Limit    int
	InUse    int `json:"in_use"`
	Used     int
	Reserved int
}

func (d *quotaDetail) limit() (cloud.Limit, error) {
	if d == nil {
		return cloud.Limit{}, errors.New("the answer does not have all of it")
	}
	return cloud.Limit{Max: d.Limit, Used: d.InUse + d.Used + d.Reserved}, nil
}
