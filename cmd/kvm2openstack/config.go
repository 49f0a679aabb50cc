package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/notify"
	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
	"github.com/lightcloud/kvm2openstack/importer/openstack"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/sync"
	limits "github.com/lightcloud/kvm2openstack/importer/usage" // this package has a function of that name
)

// A config is the configuration file, whole. An empty one is fine for an
// audit of hosts alone.
type config struct {
	Nova      novaConfig       `yaml:"nova"`
	Cloud     string           `yaml:"cloud"`       // entry in clouds.yaml, or envvars for OS_*
	CloudFile string           `yaml:"cloud_file"`  // instead: the answers of its APIs, for work on the databases alone
	Calls     int              `yaml:"cloud_calls"` // in flight at a time, to all of its APIs together
	Journal   string           `yaml:"journal"`
	Hosts     []hostConfig     `yaml:"hosts"`
	Networks  cloud.Mapping    `yaml:"networks"`
	Defaults  plan.Defaults    `yaml:"defaults"`
	Rules     []plan.Rule      `yaml:"rules"`
	Scan      scanConfig       `yaml:"scan"`
	Usage     limits.Limits    `yaml:"usage"`
	Restart   restartConfig    `yaml:"restart"`
	Onboard   onboard.Settings `yaml:"onboard"`
	Sync      sync.Policy      `yaml:"sync"`
	Notify    notify.Config    `yaml:"notify"`

	file string // where it was read from, "" for none
}

// novaConfig is where Nova's databases are and how its services are set up.
type novaConfig struct {
	APIDatabase          string            `yaml:"api_database"`
	MainDatabase         string            `yaml:"main_database"`
	NovaConf             string            `yaml:"nova_conf"`
	Cells                map[string]string `yaml:"cells"`
	InstanceNameTemplate string            `yaml:"instance_name_template"`
	InstancesPath        string            `yaml:"instances_path"`
	ImagesType           string            `yaml:"images_type"`
	UniqueNameScope      string            `yaml:"unique_name_scope"` // osapi_compute_unique_server_name_scope: "", project, global
	Libvirt              libvirtConfig     `yaml:"libvirt"`
}

// hostConfig is one host with what its URI cannot say, as in an inventory.
type hostConfig = discover.HostEntry

// scanConfig bounds the reading of hosts.
type scanConfig struct {
	Parallel    int           `yaml:"parallel"`
	HostTimeout time.Duration `yaml:"host_timeout"`
	CallTimeout time.Duration `yaml:"call_timeout"`
}

// configPlaces are looked at in turn when --config is not given.
func configPlaces() []string {
	return []string{os.Getenv("KVM2OPENSTACK_CONFIG"), "kvm2openstack.yaml", "/etc/kvm2openstack/config.yaml"}
}

// loadConfig reads the configuration, or gives an empty one when there is
// none and none was asked for.
func loadConfig(name string) (config, error) {
	if name != "" {
		return readConfig(name)
	}
	for _, place := range configPlaces() {
		if place == "" {
			continue
		}
		c, err := readConfig(place)
		if errors.Is(err, fs.ErrNotExist) && place != os.Getenv("KVM2OPENSTACK_CONFIG") {
			continue
		}
		return c, err
	}
	return config{}.withDefaults(""), nil
}

func readConfig(name string) (config, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return config{}, usage(fmt.Errorf("read configuration: %w", err))
	}
	c := config{Calls: openstack.DefaultCalls} // so that a 0 is somebody's word, and refused
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return config{}, usagef("configuration %s: %w", name, err)
	}
	c.file = name
	if err := c.resolve(); err != nil {
		return config{}, usagef("configuration %s: %w", name, err)
	}
	return c.withDefaults(filepath.Dir(name)), nil
}

// resolve puts in what stands elsewhere: nova.conf, the environment, files
// with a password.
//
// nova.conf comes last: a password in it is no business of the configuration's
// mode, and "${" in it is its own.
func (c *config) resolve() error {
	if err := checkLiteralSecret("notify: secret", c.Notify.Secret, c.file); err != nil {
		return err
	}
	for _, s := range []*string{&c.Nova.APIDatabase, &c.Nova.MainDatabase, &c.Journal, &c.Notify.URL, &c.Notify.Secret} {
		if err := expandSecrets(s, c.file); err != nil {
			return err
		}
	}
	for name, url := range c.Nova.Cells {
		if err := expandSecrets(&url, c.file); err != nil {
			return fmt.Errorf("cell %s: %w", name, err)
		}
		c.Nova.Cells[name] = url
	}
	if c.Nova.NovaConf != "" {
		if err := c.Nova.readNovaConf(relativeTo(filepath.Dir(c.file), c.Nova.NovaConf)); err != nil {
			return err
		}
	}
	if c.Cloud != "" && c.CloudFile != "" {
		return errors.New("give cloud, an entry in clouds.yaml, or cloud_file, its answers in a file, and not both")
	}
	return errors.Join(c.checkCalls(), planSettings(*c).Check(), c.Restart.check(), c.Onboard.Check(), c.Nova.Libvirt.check(), c.Usage.Check(), c.Sync.Check(), c.Notify.Check())
}

func (c *config) checkCalls() error {
	if c.Calls < 1 || c.Calls > openstack.MaxCalls {
		return fmt.Errorf("cloud_calls is %d; it must be between 1 and %d", c.Calls, openstack.MaxCalls)
	}
	return nil
}

// withDefaults fills in what was left out. Files named without a folder lie
// beside the configuration.
func (c config) withDefaults(dir string) config {
	def := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	def(&c.Nova.InstanceNameTemplate, "instance-%08x")
	def(&c.Nova.InstancesPath, "/var/lib/nova/instances")
	def(&c.Nova.ImagesType, "qcow2")
	def(&c.Journal, "kvm2openstack.db")
	c.Calls = cmp.Or(c.Calls, openstack.DefaultCalls)
	c.Journal = relativeTo(dir, c.Journal)
	if c.CloudFile != "" {
		c.CloudFile = relativeTo(dir, c.CloudFile)
	}
	return c
}

// relativeTo makes name relative to dir, unless it is absolute or a URL.
func relativeTo(dir, name string) string {
	if dir == "" || filepath.IsAbs(name) || isURL(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// scanOptions are the bounds of a scan.
func (c config) scanOptions() discover.Options {
	return discover.Options{
		Parallel:      c.Scan.Parallel,
		HostTimeout:   c.Scan.HostTimeout,
		CallTimeout:   c.Scan.CallTimeout,
		InstancesPath: c.Nova.InstancesPath,
	}
}

// settings are what the rules need of the configuration.
func (c config) settings() check.Settings {
	return check.Settings{
		InstancesPath:        c.Nova.InstancesPath,
		ImagesType:           c.Nova.ImagesType,
		InstanceNameTemplate: c.Nova.InstanceNameTemplate,
		Networks:             c.Networks,
		WindowsNIC:           c.Defaults.WindowsNIC,
	}
}
