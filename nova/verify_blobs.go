package nova

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// envelope is how Nova stores a versioned object.
type envelope struct {
	Name    string         `json:"nova_object.name"`
	Version string         `json:"nova_object.version"`
	Data    map[string]any `json:"nova_object.data"`
}

// parseObject reads an envelope of the named object that a release can load:
// same major version, minor not above newest.
func parseObject(text []byte, name string, newest int) (map[string]any, error) {
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("no %s: %w", name, err)
	}
	if e.Name != name || e.Data == nil {
		return nil, fmt.Errorf("an object %q instead of a %s", e.Name, name)
	}
	major, minor, _ := strings.Cut(e.Version, ".")
	n, err := strconv.Atoi(minor)
	if major != "1" || err != nil {
		return nil, fmt.Errorf("a %s of version %q", name, e.Version)
	}
	if n > newest {
		return nil, fmt.Errorf("a %s of version %s, and this release reads up to 1.%d", name, e.Version, newest)
	}
	return e.Data, nil
}

// newestRequestSpec is the minor version of RequestSpec that a release reads.
func newestRequestSpec(major int) int {
	switch {
	case major == 0:
		return 1 << 30 // unknown release: nothing to compare with
	case major < 23:
		return 13
	case major < 29:
		return 14
	default:
		return 15
	}
}

// flavorFields must all be in a stored flavor: Nova raises when it touches one
// that is not.
var flavorFields = []string{
	"id", "name", "memory_mb", "vcpus", "root_gb", "ephemeral_gb", "flavorid", "swap", "rxtx_factor", "vcpu_weight", "extra_specs",
}

// parseExtraFlavor reads instance_extra.flavor and returns its cur.
func parseExtraFlavor(text string) (map[string]any, error) {
	if len(text) >= maxText {
		return nil, fmt.Errorf("%d bytes, at the limit of the column: it may be cut off", len(text))
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		return nil, fmt.Errorf("no JSON object: %w", err)
	}
	for _, key := range []string{"cur", "old", "new"} {
		if _, ok := whole[key]; !ok {
			return nil, fmt.Errorf("no key %q, which Nova asks for unseen", key)
		}
	}
	return parseFlavor(whole["cur"])
}

func parseFlavor(text []byte) (map[string]any, error) {
	data, err := parseObject(text, "Flavor", 2)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, f := range flavorFields {
		if data[f] == nil {
			missing = append(missing, f)
		}
	}
	if len(missing) > 0 {
		return nil, errors.New("a flavor without " + strings.Join(missing, ", "))
	}
	if _, ok := data["extra_specs"].(map[string]any); !ok {
		return nil, errors.New("a flavor whose extra_specs are no object")
	}
	return data, nil
}
