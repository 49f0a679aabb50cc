package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A selection is the flags that say which hosts and which of their domains.
type selection struct {
	uris      []string
	inventory string
	fromDir   string
	insecure  bool
	noFiles   bool
	only      []string
	skip      []string
	sample    time.Duration // audit only

	windowsNIC string

	left leftOut // what the filters kept out of an audit
}

// addFlags adds the flags for commands that read hosts and choose domains.
func (s *selection) addFlags(cmd *cobra.Command) {
	s.addHostFlags(cmd)
	s.addFilterFlags(cmd)
}

// addHostFlags adds the flags that say which hosts are read, and how.
func (s *selection) addHostFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&s.uris, "host", nil, "libvirt `URI` of a host; may be repeated (qemu:///system, qemu+ssh://root@kvm01/system, qemu+tls://kvm01/system)")
	f.StringVar(&s.inventory, "inventory", "", "`FILE` with hosts: YAML, or one URI a line")
	f.StringVar(&s.fromDir, "from-dir", "", "read definitions from `DIR`/HOST/NAME.xml instead of from hosts")
	f.BoolVar(&s.insecure, "insecure", false, "allow qemu+tcp:// hosts, which are neither encrypted nor authenticated")
	f.BoolVar(&s.noFiles, "no-files", false, "do not look at the hosts' disk files")
	f.StringVar(&s.windowsNIC, "windows-nic", "", "what becomes of virtio interfaces of Windows guests at their restart: keep, `e1000` (e1000e where that suits better), or ask; above defaults.windows_nic of the configuration")
}

// above puts flags above what the configuration says.
func (s *selection) above(c config) (config, error) {
	if s.windowsNIC == "" {
		return c, nil
	}
	c.Defaults.WindowsNIC = s.windowsNIC
	if err := planSettings(c).Check(); err != nil {
		return c, usagef("--windows-nic: %w", err)
	}
	return c, nil
}

// addFilterFlags adds the flags that choose domains, the same in every command.
func (s *selection) addFilterFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&s.only, "only", nil, "only these domains: `NAME` glob, UUID, host, state=running, os=windows; may be repeated")
	cmd.Flags().StringArrayVar(&s.skip, "skip", nil, "not these domains, in the same words")
}

func (s *selection) filter() (plan.Filter, error) {
	f, err := plan.ParseFilter(s.only, s.skip)
	if err != nil {
		return f, usage(err)
	}
	return f, nil
}

// hosts are those of the flags, or else those of the configuration.
func (s *selection) hosts(c config) ([]discover.Host, error) {
	configured, err := c.hosts()
	if err != nil {
		return nil, err
	}
	hosts, err := s.given(byURI(configured))
	if err != nil {
		return nil, usage(err)
	}
	if len(hosts) == 0 {
		hosts = configured
	}
	if len(hosts) == 0 {
		return nil, usagef("no host: give --host URI, --inventory FILE or --from-dir DIR, or name hosts in the configuration (qemu:///system is this machine)")
	}
	known := make(map[string]string)
	for i := range hosts {
		h := &hosts[i]
		h.Insecure = h.Insecure || s.insecure
		if other, twice := known[h.Name]; twice {
			return nil, usagef("two hosts are called %s: %s and %s; name one of them differently in an inventory file", h.Name, other, h.URI)
		}
		known[h.Name] = h.URI
		if err := h.Check(); err != nil {
			return nil, usage(err)
		}
	}
	return hosts, nil
}

// given are the hosts that the command line names. One that is configured is
// reached as the configuration says: a URI has no keys, and no other name.
func (s *selection) given(configured map[string]discover.Host) ([]discover.Host, error) {
	var hosts []discover.Host
	for _, uri := range s.uris {
		h, err := discover.ParseHost(uri)
		if err != nil {
			return nil, err
		}
		if known, ok := configured[h.URI]; ok {
			h = known
		}
		hosts = append(hosts, h)
	}
	if s.inventory != "" {
		more, err := discover.ReadInventory(s.inventory)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, more...)
	}
	if s.fromDir != "" {
		more, err := discover.HostsFromDir(s.fromDir)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, more...)
	}
	return hosts, nil
}

// hosts are those of the configuration.
func (c config) hosts() ([]discover.Host, error) {
	var hosts []discover.Host
	for i, hc := range c.Hosts {
		h, err := configuredHost(hc, filepath.Dir(c.file))
		if err != nil {
			return nil, usagef("configuration %s: hosts: entry %d: %w", c.file, i+1, err)
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

// configuredHost reads one entry. Files without a folder lie beside the
// configuration.
func configuredHost(e hostConfig, dir string) (discover.Host, error) {
	for _, name := range []*string{&e.KeyFile, &e.KnownHosts, &e.PKIPath} {
		if *name != "" {
			*name = relativeTo(dir, *name)
		}
	}
	return e.Host()
}

// planHosts are the hosts of a plan, reached as the configuration says now:
// a plan names URIs but no keys.
func (c config) planHosts(p plan.Plan) ([]discover.Host, error) {
	configured, err := c.hosts()
	if err != nil {
		return nil, err
	}
	known := byURI(configured)
	var hosts []discover.Host
	for _, ph := range p.Hosts {
		h, ok := known[ph.URI]
		if !ok {
			if h, err = discover.ParseHost(ph.URI); err != nil {
				return nil, usage(fmt.Errorf("plan: host %s: %w", ph.Name, err))
			}
		}
		h.Name, h.ComputeHost = ph.Name, ph.ComputeHost
		if ph.Files != "" {
			h.Files = ph.Files
		}
		h.Insecure = h.Insecure || ph.Insecure
		hosts = append(hosts, h)
	}
	return hosts, nil
}

func byURI(hosts []discover.Host) map[string]discover.Host {
	by := make(map[string]discover.Host, len(hosts))
	for _, h := range hosts {
		by[h.URI] = h
	}
	return by
}
