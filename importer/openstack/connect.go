package openstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
)

// Open logs in to Keystone and finds the endpoints of the other services in
// its catalog. It asks them nothing yet.
//
// clouds.yaml is read as every OpenStack tool reads it (see findEntry), but an
// entry stands for itself: OS_* variables of a shell that was set up for
// another cloud do not change it.
func Open(ctx context.Context, cfg Config) (*Cloud, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, callTimeout)
	cfg.Calls = cmp.Or(cfg.Calls, DefaultCalls)
	cfg.pause = cmp.Or(cfg.pause, firstPause)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e, err := findEntry(cfg.Name)
	if err != nil {
		return nil, err
	}
	c := &Cloud{name: cfg.Name, timeout: cfg.Timeout, log: cfg.Log.With("cloud", cfg.Name)}
	c.turns = newTurns(cfg.Calls, c.log)
	provider, err := c.provider(e, cfg)
	if err != nil {
		return nil, err
	}
	auth, err := e.authOptions()
	if err != nil {
		return nil, err
	}
	if err := openstack.AuthenticateV3(ctx, provider, &auth, gophercloud.EndpointOpts{}); err != nil {
		return nil, c.wrap(keystone, "log in at "+provider.IdentityBase, err)
	}
	c.who = identityOf(provider)
	if err := c.services(e, provider); err != nil {
		return nil, err
	}
	return c, nil
}

// provider is gophercloud's client, not logged in yet.
func (c *Cloud) provider(e entry, cfg Config) (*gophercloud.ProviderClient, error) {
	tls, err := e.tlsConfig()
	if err != nil {
		return nil, err
	}
	if err := e.checkAuthURL(); err != nil {
		return nil, err
	}
	provider, err := openstack.NewClient(e.get("auth_url"))
	if err != nil {
		return nil, e.problem("auth_url is not a URL")
	}
	provider.HTTPClient = http.Client{
		Transport: &transport{
			base: newTransport(tls), turns: c.turns, timeout: cfg.Timeout, log: c.log, secrets: e.secrets(),
		},
		CheckRedirect: noRedirect,
	}
	provider.UserAgent.Prepend("kvm2openstack")
	r := retrier{first: cfg.pause, log: c.log}
	provider.RetryFunc = r.failed
	provider.RetryBackoffFunc = r.throttled
	provider.MaxBackoffRetries = maxTries - 1
	return provider, nil
}

// services makes the clients of the single services.
func (c *Cloud) services(e entry, provider *gophercloud.ProviderClient) error {
	cat, err := catalogOf(provider, e)
	if err != nil {
		return c.wrap(keystone, "read the catalog", err)
	}
	// The address of Keystone is the one that has just answered. In a catalog
	// it may be one for other networks.
	c.identity = &gophercloud.ServiceClient{ProviderClient: provider, Type: "identity", Endpoint: provider.IdentityBase + "v3/"}
	var errs []error
	for _, s := range []struct {
		client             **gophercloud.ServiceClient
		kind, name         string
		path, microversion string
	}{
		{&c.image, "image", glance, "v2/", ""},
		{&c.network, "network", neutron, "v2.0/", ""},
		{&c.compute, "compute", nova, "v2.1/", computeVersion},
		{&c.placement, "placement", placement, "", placementVersion},
	} {
		base, err := cat.endpoint(s.kind, s.name)
		if own := e.get(s.kind + "_endpoint_override"); own != "" {
			base, err = rootOf(own, s.name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		*s.client = &gophercloud.ServiceClient{
			ProviderClient: provider, Type: s.kind, Endpoint: base + s.path, Microversion: s.microversion,
		}
	}
	return errors.Join(errs...)
}

// identityOf says who is logged in, for whom a 403 is news.
func identityOf(provider *gophercloud.ProviderClient) string {
	result, ok := provider.GetAuthResult().(interface {
		ExtractUser() (*tokens.User, error)
		ExtractProject() (*tokens.Project, error)
		ExtractRoles() ([]tokens.Role, error)
	})
	if !ok {
		return ""
	}
	who := "the user"
	if u, err := result.ExtractUser(); err == nil && u != nil {
		who = fmt.Sprintf("user %q", u.Name)
	}
	if p, err := result.ExtractProject(); err == nil && p != nil && p.Name != "" {
		who += fmt.Sprintf(" in project %q", p.Name)
	}
	list, err := result.ExtractRoles()
	if err != nil || len(list) == 0 {
		return who + " has no roles"
	}
	roles := make([]string, 0, len(list))
	for _, r := range list {
		roles = append(roles, r.Name)
	}
	slices.Sort(roles)
	return who + " has the roles " + strings.Join(roles, ", ")
}
