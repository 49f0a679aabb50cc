package onboard

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/google/uuid"
	"gopkg.in/ini.v1"
)

// A NovaConf is what a host's nova.conf says about where its nova-compute is
// in the world. Nothing else of the file is kept: it has passwords in it.
type NovaConf struct {
	Paths      []string // of the files, in the order in which nova-compute reads them
	Host       string   // [DEFAULT] host, "" where the system's name is meant
	StatePath  string   // [DEFAULT] state_path
	URI        string   // [libvirt] connection_uri
	Instances  string   // [DEFAULT] instances_path, as it is written there
	CacheName  string   // [image_cache] subdirectory_name
	KeepsBase  bool     // the image cache is not cleaned ([image_cache] remove_unused_base_images)
	PowersDown bool     // dedicated CPUs that no instance has are powered down ([libvirt] cpu_power_management)
	Err        string   // why nothing is known of it, "" when there was none, or all of it was read
}

// Read reports whether there was a file.
func (c NovaConf) Read() bool { return len(c.Paths) > 0 }

// defaultState is where Nova's packages keep its state.
const defaultState = "/var/lib/nova"

// State is where nova-compute keeps its state, and writes its compute_id.
func (c NovaConf) State() string { return cmp.Or(c.StatePath, defaultState) }

// IdentityPlaces are where nova-compute looks for its compute_id
// (nova/virt/node.py, read_local_node_uuid).
func (c NovaConf) IdentityPlaces() (places []string) {
	seen := map[string]bool{}
	dirs := []string{c.State()}
	for _, p := range c.Paths {
		dirs = append(dirs, path.Dir(p))
	}
	for _, dir := range dirs {
		if p := path.Join(dir, "compute_id"); !seen[p] {
			seen[p] = true
			places = append(places, p)
		}
	}
	return places
}

// Cache is the folder of Nova's image cache. Which it is all files say together.
func (c NovaConf) Cache() string {
	instances := c.expand(cmp.Or(c.Instances, "$state_path/instances"))
	return path.Join(instances, cmp.Or(c.CacheName, "_base"))
}

// Add puts what one more file says above what is known.
func (c NovaConf) Add(name string, text []byte) (NovaConf, error) {
	f, err := ini.LoadSources(ini.LoadOptions{
		IgnoreInlineComment: true, // oslo.config has none
		AllowShadows:        true,
		AllowBooleanKeys:    true,
	}, text)
	if err != nil {
		return c, fmt.Errorf("read %s: line of it is no option", name) // the error would quote a line, which may be a password
	}
	c.Paths = append(c.Paths[:len(c.Paths):len(c.Paths)], name)
	take := func(to *string, section, key string) {
		if v := lastValue(f, section, key); v != "" {
			*to = v
		}
	}
	take(&c.StatePath, "DEFAULT", "state_path")
	take(&c.Host, "DEFAULT", "host")
	take(&c.URI, "libvirt", "connection_uri")
	take(&c.Instances, "DEFAULT", "instances_path")
	take(&c.CacheName, "image_cache", "subdirectory_name")
	for _, section := range []string{"DEFAULT", "image_cache"} {
		if v := lastValue(f, section, "remove_unused_base_images"); v != "" {
			c.KeepsBase = isFalse(v)
		}
	}
	if v := lastValue(f, "libvirt", "cpu_power_management"); v != "" {
		c.PowersDown = isTrue(v)
	}
	return c, nil
}

// lastValue is the one that counts where an option is there more than once.
func lastValue(f *ini.File, section, key string) string {
	all := f.Section(section).Key(key).ValueWithShadows()
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(all[len(all)-1])
}

// isTrue is oslo.config's word for it.
func isTrue(v string) bool {
	switch strings.ToLower(v) {
	case "true", "1", "yes", "on":
		return true
	}
	return false
}

// isFalse is oslo.config's word for it.
func isFalse(v string) bool {
	switch strings.ToLower(v) {
	case "false", "0", "no", "off":
		return true
	}
	return false
}

// expand fills in the one reference that files use.
func (c NovaConf) expand(v string) string {
	return strings.NewReplacer("${state_path}", c.State(), "$state_path", c.State()).Replace(v)
}

// An IdentityFile is a compute_id of a host.
type IdentityFile struct {
	Path string
	UUID string // "" when it holds none
}

// identityLength is how much nova-compute reads of the file.
const identityLength = 40

var errNoUUID = errors.New("it holds no UUID")

// ParseIdentity reads a compute_id as nova-compute does.
func ParseIdentity(text []byte) (string, error) {
	id, err := uuid.Parse(strings.TrimSpace(string(text[:min(len(text), identityLength)])))
	if err != nil {
		return "", errNoUUID
	}
	return id.String(), nil
}
