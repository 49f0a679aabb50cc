package openstack

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// EnvironmentName is the name that stands for the OS_* variables, as in
// openstacksdk, instead of an entry in clouds.yaml.
const EnvironmentName = "envvars"

// findEntry looks for the cloud of that name where every OpenStack tool does:
// the file that OS_CLIENT_CONFIG_FILE names, else the first clouds.yaml of the
// current folder, ~/.config/openstack and /etc/openstack. What secure.yaml
// says (OS_CLIENT_SECURE_FILE, or in the same places) is laid over it.
//
// gophercloud's own reader is not used: it quotes lines of the file in its
// errors, and a line may be the password.
func findEntry(name string) (entry, error) {
	switch name {
	case "":
		return entry{}, errors.New("no cloud is named: give the name of an entry in clouds.yaml")
	case EnvironmentName:
		return entryOfEnvironment()
	}
	file, clouds, err := readClouds("OS_CLIENT_CONFIG_FILE", "clouds", places())
	if err != nil {
		return entry{}, err
	}
	if file == "" {
		return entry{}, fmt.Errorf("cloud %s: there is no clouds.yaml; looked in %s (OS_CLIENT_CONFIG_FILE names another place)",
			name, strings.Join(places(), ", "))
	}
	found, ok := clouds[name]
	if !ok {
		return entry{}, fmt.Errorf("cloud %s: %s has no entry of this name, but %s", name, file, namesOf(clouds))
	}
	// Only the first clouds.yaml counts, but secrets may lie elsewhere.
	_, secrets, err := readClouds("OS_CLIENT_SECURE_FILE", "secure", append([]string{filepath.Dir(file)}, places()...))
	if err != nil {
		return entry{}, err
	}
	values := map[string]string{}
	for _, node := range []yaml.Node{found, secrets[name]} {
		if err := flatten(&node, values); err != nil {
			return entry{}, fmt.Errorf("cloud %s: read %s: %w", name, file, err)
		}
	}
	return entry{name: name, from: file, values: values}, nil
}

// entryOfEnvironment is made from the OS_* variables alone.
func entryOfEnvironment() (entry, error) {
	e := entry{name: EnvironmentName, from: "environment", values: map[string]string{}}
	for _, v := range os.Environ() {
		key, value, _ := strings.Cut(v, "=")
		if name, ok := strings.CutPrefix(key, "OS_"); ok && value != "" {
			e.values[strings.ToLower(name)] = value
		}
	}
	if e.get("auth_url") == "" {
		return e, fmt.Errorf("cloud %s: OS_AUTH_URL is not set: source the openrc file, or name an entry of clouds.yaml", e.name)
	}
	return e, nil
}

// places are the folders that are looked in, in turn.
func places() []string {
	list := []string{"."}
	config := os.Getenv("XDG_CONFIG_HOME")
	if home, err := os.UserHomeDir(); config == "" && err == nil {
		config = filepath.Join(home, ".config")
	}
	if config != "" {
		list = append(list, filepath.Join(config, "openstack"))
	}
	return append(list, "/etc/openstack")
}

// readClouds reads the first file of that kind ("clouds", "secure"); file is
// "" when there is none. A file that the variable names has to be there.
func readClouds(variable, kind string, folders []string) (file string, clouds map[string]yaml.Node, err error) {
	if named := os.Getenv(variable); named != "" {
		clouds, err = readCloudsFile(named)
		if err != nil {
			err = fmt.Errorf("%w (%s names it)", err, variable)
		}
		return named, clouds, err
	}
	for _, folder := range folders {
		for _, suffix := range []string{".yaml", ".yml", ".json"} {
			file := filepath.Join(folder, kind+suffix)
			clouds, err := readCloudsFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return file, clouds, err
		}
	}
	return "", nil, nil
}

func readCloudsFile(file string) (map[string]yaml.Node, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read clouds: %w", err)
	}
	var content struct {
		Clouds map[string]yaml.Node `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &content); err != nil {
		return nil, fmt.Errorf("read clouds: %s: %w", file, withoutValues(err))
	}
	if content.Clouds == nil {
		return nil, fmt.Errorf(`read clouds: %s has no "clouds:"`, file)
	}
	return content.Clouds, nil
}

// flatten puts the keys of an entry, and those below its "auth", into values.
// Lists and other sections are for other tools.
func flatten(node *yaml.Node, values map[string]string) error {
	if node.Kind == 0 {
		return nil
	}
	var keys map[string]yaml.Node // resolves aliases and "<<" on its way
	if err := node.Decode(&keys); err != nil {
		return withoutValues(err)
	}
	var regions []yaml.Node
	for key, v := range keys {
		value := &v
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		switch {
		case key == "auth":
			if err := flatten(value, values); err != nil {
				return err
			}
		case key == "regions" && value.Kind == yaml.SequenceNode:
			for _, r := range value.Content {
				regions = append(regions, *r)
			}
		case value.Kind == yaml.ScalarNode && value.Tag != "!!null":
			values[key] = value.Value
		}
	}
	return flattenRegion(regions, values)
}

// flattenRegion lays what an entry says of its region over the rest: of the
// one that region_name names, else of the first, as openstacksdk does.
func flattenRegion(regions []yaml.Node, values map[string]string) error {
	for _, node := range regions {
		region := struct {
			Name   string    `yaml:"name"`
			Values yaml.Node `yaml:"values"`
		}{Name: node.Value}
		if node.Kind == yaml.MappingNode {
			if err := node.Decode(&region); err != nil {
				return withoutValues(err)
			}
		}
		if named := values["region_name"]; named == "" || named == region.Name {
			values["region_name"] = region.Name
			return flatten(&region.Values, values)
		}
	}
	return nil
}

var lineNumber = regexp.MustCompile(`\bline (\d+)`)

// withoutValues keeps of an error of the YAML reader where it is: the rest
// quotes the file.
func withoutValues(err error) error {
	if m := lineNumber.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("line %s is not what it should be in YAML; put values with special characters in quotes", m[1])
	}
	return errors.New("it is not YAML; put values with special characters in quotes")
}

func namesOf(clouds map[string]yaml.Node) string {
	if len(clouds) == 0 {
		return "no other either"
	}
	return strings.Join(slices.Sorted(maps.Keys(clouds)), ", ")
}
