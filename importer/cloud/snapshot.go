package cloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSnapshot bounds the file: a million ports are about 1 GiB, and nobody
// adopts for more than a part of them in one plan.
const maxSnapshot = 256 << 20

// A Snapshot is what Keystone, Neutron and Glance know, at one moment. A nil
// slice means that this kind was not looked at, an empty one that there are
// none.
type Snapshot struct {
	Projects []Project
	Users    []User
	Networks []Network // with their subnets
	Ports    []Port
	Images   []Image
	Agents   []Agent // those that plug ports in

	SecurityGroups []SecurityGroup
	FloatingIPs    map[string][]FloatingIP // by port, in Neutron's order

	// The rest only the APIs themselves can tell; a file has none of it.
	Quotas    []Quota    // of the projects that were asked for
	Providers []Provider // Placement's compute nodes
	Live      bool       // read from the APIs: ports, flavors and allocations can be made

	// Partial names the lists ("projects", "users") that Keystone did not give
	// in full: what is not in them may be there all the same.
	Partial []string
}

// A Project is a Keystone project.
type Project struct {
	ID, Name, DomainID string
}

// A User is a Keystone user.
type User struct {
	ID, Name, DomainID string
}

// An Image is a Glance image.
type Image struct {
	ID, Name, Owner, Status string
	DiskFormat              string
	ContainerFormat         string
	Visibility              string
	Protected               bool
	Hidden                  bool
	Description             string // of a placeholder: begins with Mark
}

// LoadSnapshot reads a snapshot from the file at path: one JSON object with
// the lists "projects", "users", "networks", "subnets", "ports", "agents",
// "images", "security_groups", "floatingips" and "rbac_policies" exactly as the
// APIs' list calls answer them. Each list may be absent. Keys this tool has no use for are ignored;
// anything damaged is an error that says what and where. An administrator
// makes the file with a token:
//
//	get() { curl -sfH "X-Auth-Token: $TOKEN" "$1"; }
//	{ get $KEYSTONE/v3/projects; get $KEYSTONE/v3/users; get $GLANCE/v2/images
//	  for list in networks subnets ports floatingips agents security-groups rbac-policies; do get $NEUTRON/v2.0/$list; done
//	} | jq -s add > cloud.json
func LoadSnapshot(path string) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read cloud snapshot: %w", err)
	}
	defer f.Close()
	s, err := ReadSnapshot(f)
	if err != nil {
		return nil, fmt.Errorf("read cloud snapshot %s: %w", path, err)
	}
	return s, nil
}

// ReadSnapshot reads what LoadSnapshot does, from r.
func ReadSnapshot(r io.Reader) (*Snapshot, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSnapshot+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSnapshot {
		return nil, fmt.Errorf("is larger than %d MiB", maxSnapshot>>20)
	}
	lists, err := splitLists(data)
	if err != nil {
		return nil, err
	}
	return lists.Snapshot()
}

// splitLists decodes the top level by hand, for encoding/json would silently
// let a second "ports" replace the first, as happens when files are merged
// with cat instead of jq.
func splitLists(data []byte) (*Lists, error) {
	lists := &Lists{}
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, err := dec.Token(); err != nil {
		return lists, locateToken(data, dec, err)
	} else if tok != json.Delim('{') {
		return lists, errors.New(`is not a JSON object with lists such as "ports"; openstack's own -f json prints another shape, give the API's answers`)
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return lists, locateToken(data, dec, err)
		}
		key := tok.(string) // inside an object the decoder yields nothing else here
		if seen[key] {
			return lists, fmt.Errorf("line %d: %q occurs twice; merge the lists", lineAt(data, dec.InputOffset()), key)
		}
		seen[key] = true
		if err := lists.addFrom(dec, data, key); err != nil {
			return lists, err
		}
	}
	return lists, endOfObject(dec, data)
}

// endOfObject reads the closing brace and makes sure that nothing follows.
func endOfObject(dec *json.Decoder, data []byte) error {
	if _, err := dec.Token(); err != nil {
		return locateToken(data, dec, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("line %d: something follows after the end of the object", lineAt(data, dec.InputOffset()))
	}
	return nil
}

// addFrom reads the value of one top-level key.
func (l *Lists) addFrom(dec *json.Decoder, data []byte, key string) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return locate(data, 0, err)
	}
	if l.adder(key) == nil {
		return nil // "links" and the like
	}
	start := dec.InputOffset() - int64(len(raw))
	if !bytes.HasPrefix(raw, []byte("[")) {
		return fmt.Errorf("line %d: %q is not a list", lineAt(data, start), key)
	}
	if err := l.Add(key, raw); err != nil {
		return fmt.Errorf("%s: %w", key, locate(data, start, err))
	}
	return nil
}

// locate adds the line to an error of encoding/json, whose offsets count from
// base.
func locate(data []byte, base int64, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		if len(bytes.TrimSpace(data)) == 0 {
			return errors.New("is empty")
		}
		return fmt.Errorf("line %d: ends in the middle", lineAt(data, int64(len(data))))
	case errors.As(err, &syntax):
		if base == 0 && strings.HasPrefix(err.Error(), "unexpected end") {
			return fmt.Errorf("line %d: ends in the middle", lineAt(data, int64(len(data))))
		}
		return fmt.Errorf("line %d: %w", lineAt(data, base+syntax.Offset), err)
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %s is a %s, want %s", lineAt(data, base+kind.Offset), kind.Field, kind.Value, kind.Type)
	}
	return err
}

// locateToken is locate for an error of Decoder.Token, which stands before the
// white space that leads to the damage.
func locateToken(data []byte, dec *json.Decoder, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return locate(data, 0, err)
	}
	at := min(int(dec.InputOffset()), len(data))
	space := len(data[at:]) - len(bytes.TrimLeft(data[at:], " \t\r\n"))
	return fmt.Errorf("line %d: %w", lineAt(data, int64(at+space)), err)
}

func lineAt(data []byte, offset int64) int {
	offset = min(max(offset, 0), int64(len(data)))
	return 1 + bytes.Count(data[:offset], []byte("\n"))
}
