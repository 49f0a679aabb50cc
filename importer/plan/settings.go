package plan

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"path"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// Settings are what the operator wants, as the configuration file says it.
type Settings struct {
	Networks cloud.Mapping `yaml:"networks"`
	Defaults Defaults      `yaml:"defaults"`
	Rules    []Rule        `yaml:"rules"` // the first that matches a domain wins, whole
}

// Defaults hold for every domain that no rule says otherwise of.
type Defaults struct {
	Project          string `yaml:"project"` // by name or id
	User             string `yaml:"user"`    // by name or id
	AvailabilityZone string `yaml:"availability_zone"`
	LockUntilRenamed *bool  `yaml:"lock_until_renamed"` // default true
	WindowsNIC       string `yaml:"windows_nic"`        // what to do with virtio under Windows: keep (default), e1000, ask
	// PlaceholderImage is an image by name or id, or NoImage. Left out, each
	// project gets a placeholder of its own where the import can make one.
	PlaceholderImage string `yaml:"placeholder_image"`
	PortSecurity     *bool  `yaml:"port_security"` // of ports that are made for an adoption; default false
}

// NoImage is what Defaults.PlaceholderImage and Rule.ImageRef say for
// instances that are to refer to no image at all.
const NoImage = "none"

// A Rule gives the domains it matches other values than Defaults do. Empty
// fields leave the default.
type Rule struct {
	Match Match `yaml:"match"`

	Decision         Decision            `yaml:"decision,omitempty"` // import cannot overrule what blocks
	Wave             int                 `yaml:"wave,omitempty"`
	Group            string              `yaml:"group,omitempty"` // see Domain.Group
	DisplayName      string              `yaml:"display_name,omitempty"`
	Hostname         string              `yaml:"hostname,omitempty"`
	Project          string              `yaml:"project,omitempty"`
	User             string              `yaml:"user,omitempty"`
	Flavor           string              `yaml:"flavor,omitempty"` // by name or id, where no flavor fits exactly
	AvailabilityZone string              `yaml:"availability_zone,omitempty"`
	NICModel         string              `yaml:"nic_model,omitempty"`
	Addresses        map[string][]string `yaml:"addresses,omitempty"` // by MAC address
	OSType           string              `yaml:"os_type,omitempty"`   // windows, or linux to say that it is none
	PortSecurity     *bool               `yaml:"port_security,omitempty"`
	SecurityGroups   []string            `yaml:"security_groups,omitempty"` // by name or id; none is the project's default one
	ImageRef         string              `yaml:"image_ref,omitempty"`       // by name or id, or NoImage
	ImageProperties  map[string]string   `yaml:"image_properties,omitempty"`
	Metadata         map[string]string   `yaml:"metadata,omitempty"`
	Lock             Lock                `yaml:"lock,omitempty"`
	Force            bool                `yaml:"force,omitempty"`
	Probes           []Probe             `yaml:"probes,omitempty"`
}

// A Match says which domains a rule is for: those that fit all its patterns.
// A pattern is a shell's ("*", "?", "[a-z]"); that on the name looks at case,
// for two libvirt domains may differ in nothing else.
type Match struct {
	Name  string `yaml:"name,omitempty"`
	UUID  string `yaml:"uuid,omitempty"`
	Host  string `yaml:"host,omitempty"`
	OS    string `yaml:"os,omitempty"` // family (windows) or name ("Windows Server 2019")
	State string `yaml:"state,omitempty"`
}

// Check reports what in the settings cannot be meant so: all of it at once.
func (s Settings) Check() error {
	errs := []error{s.Networks.Check(), s.Defaults.check()}
	for n, r := range s.Rules {
		for _, problem := range r.problems() {
			errs = append(errs, fmt.Errorf("rules: rule %d: %s", n+1, problem))
		}
		if len(r.SecurityGroups) > 0 && !s.portSecurity(r) {
			errs = append(errs, fmt.Errorf("rules: rule %d: security_groups do nothing without port_security: true", n+1))
		}
		if n > 0 && s.Rules[n-1].Match == (Match{}) {
			errs = append(errs, fmt.Errorf("rules: rule %d is never reached: rule %d matches everything", n+1, n))
		}
	}
	return errors.Join(errs...)
}

func (d Defaults) check() error {
	switch d.WindowsNIC {
	case "", WindowsKeep, WindowsE1000, WindowsAsk:
		return nil
	}
	return fmt.Errorf("defaults: windows_nic %q is not keep, e1000 or ask", d.WindowsNIC)
}

// What Defaults.WindowsNIC may say.
const (
	WindowsKeep  = "keep"
	WindowsE1000 = "e1000"
	WindowsAsk   = "ask" // keep, and have the audit ask for a decision
)

func (r Rule) problems() []string {
	p := r.Match.problems()
	add := func(bad bool, format string, args ...any) {
		if bad {
			p = append(p, fmt.Sprintf(format, args...))
		}
	}
	add(r.Decision != "" && !r.Decision.valid(), "decision %q is not import or skip", r.Decision)
	add(r.Lock != "" && !r.Lock.valid(), "lock %q is not until_renamed, keep or none", r.Lock)
	add(r.Wave < 0, "wave %d is below 0", r.Wave)
	if problem := textProblem(r.Group, maxGroup); problem != "" {
		add(true, "group %s %s", quotedShort(r.Group), problem)
	}
	add(r.NICModel != "" && !legalValue("hw_vif_model", r.NICModel), "nic_model %q is not one of %s", r.NICModel, legalValues("hw_vif_model"))
	add(r.OSType != "" && !legalValue("os_type", r.OSType), "os_type %q is not one of %s", r.OSType, legalValues("os_type"))
	for mac, addresses := range sorted(r.Addresses) {
		add(!isMAC(mac), "addresses: %q is not a MAC address", mac)
		for _, a := range addresses {
			_, err := netip.ParseAddr(a)
			add(err != nil, "addresses: %s: %q is not an address", mac, a)
		}
	}
	for name, value := range sorted(r.ImageProperties) {
		problem := propertyProblem(name, value)
		add(problem != "", "image_properties: %s", problem)
	}
	for n, probe := range r.Probes {
		problem := probe.problem()
		add(problem != "", "probes: entry %d: %s", n+1, problem)
	}
	return p
}

func (m Match) problems() []string {
	var p []string
	for word, pattern := range sorted(map[string]string{"name": m.Name, "uuid": m.UUID, "host": m.Host, "os": m.OS, "state": m.State}) {
		if _, err := path.Match(pattern, ""); err != nil {
			p = append(p, fmt.Sprintf("match: %s %q is not a pattern", word, pattern))
		}
	}
	return p
}

// project is the one that domains under a rule are to belong to.
func (s Settings) project(r Rule) string { return cmp.Or(r.Project, s.Defaults.Project) }

// portSecurity is whether ports that are made under a rule are filtered. The
// default is that they are not: a guest that was never filtered may use
// addresses that nobody has heard of.
func (s Settings) portSecurity(r Rule) bool {
	for _, says := range []*bool{r.PortSecurity, s.Defaults.PortSecurity} {
		if says != nil {
			return *says
		}
	}
	return false
}

// rule returns the first rule that is for d, or the zero one.
func (s Settings) rule(d discover.Domain) Rule {
	for _, r := range s.Rules {
		if r.Match.fits(traitsOf(d)) {
			return r
		}
	}
	return Rule{}
}

// Domain reports whether the match is for a domain as a host has it.
func (m Match) Domain(d discover.Domain) bool { return m.fits(traitsOf(d)) }

// Check reports patterns that are none.
func (m Match) Check() error {
	var errs []error
	for _, problem := range m.problems() {
		errs = append(errs, errors.New(problem))
	}
	return errors.Join(errs...)
}

func (m Match) fits(t traits) bool {
	return (m.Name == "" || glob(m.Name, t.name)) &&
		(m.UUID == "" || globFold(m.UUID, t.uuid)) &&
		(m.Host == "" || globFold(m.Host, t.host)) &&
		(m.OS == "" || t.runs(m.OS)) &&
		(m.State == "" || globFold(m.State, t.state))
}
