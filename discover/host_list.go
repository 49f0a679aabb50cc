package discover

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxInventory bounds an inventory file, so that a wrong path (a disk image)
// is an error and not a full memory.
const maxInventory = 16 << 20

// listed is one host of an inventory file, and where it stands.
type listed struct {
	host Host
	line int
}

// ReadInventory reads the hosts of a file: a YAML list of URIs or of mappings
// with uri, name, compute_host, files, insecure, key_file, known_hosts and
// pki_path, or plain text with one URI a line. Lines beginning with # are
// comments. Unknown keys and hosts of the same name are errors with their line
// numbers: two hosts of one name could not be told apart in any report.
func ReadInventory(path string) ([]Host, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("read inventory: %w", err)
	}
	read := readLines
	if isYAML(text) {
		read = readYAML
	}
	all, err := read(text)
	if err != nil {
		return nil, fmt.Errorf("inventory %s: %w", path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("inventory %s names no host", path)
	}
	return unique(path, all)
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxInventory+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxInventory {
		return nil, fmt.Errorf("%s has more than %d MiB", path, maxInventory>>20)
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), nil
}

// isYAML tells a list from lines by the first thing that is no comment: a URI
// begins with a letter, a YAML list with a dash or a bracket.
func isYAML(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		return bytes.HasPrefix(line, []byte("-")) || bytes.HasPrefix(line, []byte("["))
	}
	return false
}

func readLines(text []byte) (all []listed, err error) {
	in := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; in.Scan(); n++ {
		line, _, _ := strings.Cut(strings.TrimSpace(in.Text()), " #")
		if line == "" || line[0] == '#' {
			continue
		}
		h, err := ParseHost(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, listed{h, n})
	}
	return all, in.Err()
}

func readYAML(text []byte) (all []listed, err error) {
	var nodes []yaml.Node
	if err := yaml.Unmarshal(text, &nodes); err != nil {
		return nil, err
	}
	for i := range nodes {
		h, err := hostOf(&nodes[i])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", nodes[i].Line, err)
		}
		all = append(all, listed{h, nodes[i].Line})
	}
	return all, nil
}

// A HostEntry is a host as a file describes it, an inventory or a
// configuration: its URI, and what that cannot say.
type HostEntry struct {
	URI         string `yaml:"uri"`
	Name        string `yaml:"name"`
	ComputeHost string `yaml:"compute_host"`
	Files       string `yaml:"files"`
	Insecure    bool   `yaml:"insecure"`
	KeyFile     string `yaml:"key_file"`
	KnownHosts  string `yaml:"known_hosts"`
	PKIPath     string `yaml:"pki_path"`
}

var inventoryKeys = map[string]bool{
	"uri": true, "name": true, "compute_host": true, "files": true,
	"insecure": true, "key_file": true, "known_hosts": true, "pki_path": true,
}

func hostOf(n *yaml.Node) (Host, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return ParseHost(n.Value)
	case yaml.MappingNode:
	default:
		return Host{}, errors.New("a host is a URI or a mapping with uri")
	}
	for i := 0; i < len(n.Content); i += 2 {
		if key := n.Content[i]; !inventoryKeys[key.Value] {
			return Host{}, fmt.Errorf("line %d: unknown key %q; known are uri, name, compute_host, files, insecure, key_file, known_hosts, pki_path", key.Line, key.Value)
		}
	}
	var e HostEntry
	if err := n.Decode(&e); err != nil {
		return Host{}, err
	}
	if e.URI == "" {
		return Host{}, errors.New("uri is missing")
	}
	return e.Host()
}

// Host puts what stands beside the URI over what stands in it.
func (e HostEntry) Host() (Host, error) {
	h, err := ParseHost(e.URI)
	if err != nil {
		return Host{}, err
	}
	h.ComputeHost, h.Files, h.Insecure = e.ComputeHost, e.Files, e.Insecure
	for _, o := range []struct {
		key  string
		to   *string
		from string
	}{{"key_file", &h.KeyFile, e.KeyFile}, {"known_hosts", &h.KnownHosts, e.KnownHosts}, {"pki_path", &h.PKIPath, e.PKIPath}} {
		if o.from == "" {
			continue
		}
		if *o.to != "" && *o.to != o.from {
			return Host{}, fmt.Errorf("%s and the URI's own option differ; keep one", o.key)
		}
		*o.to = o.from
	}
	if e.Name != "" {
		h.Name = e.Name
	}
	if _, err := h.filesPlace(); err != nil {
		return Host{}, err
	}
	return h, nil
}

func unique(path string, all []listed) ([]Host, error) {
	first := make(map[string]int, len(all))
	hosts := make([]Host, 0, len(all))
	for _, l := range all {
		if line, twice := first[l.host.Name]; twice {
			return nil, fmt.Errorf("inventory %s: host %s is named in line %d and in line %d; give one of them another name", path, l.host.Name, line, l.line)
		}
		first[l.host.Name] = l.line
		hosts = append(hosts, l.host)
	}
	return hosts, nil
}
