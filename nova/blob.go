package nova

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// The objects stored inside columns have the versions of Victoria, the oldest
// release we write for: every later Nova loads a blob of the same major and a
// lower minor version, and refuses a newer one (oslo.versionedobjects,
// obj_from_primitive). A blob that does not load stops nova-compute for all
// instances of its host, so these never rise without a reason.
const (
	requestSpecVersion    = "1.13"
	imageMetaVersion      = "1.8"
	imagePropsVersion     = "1.27"
	flavorVersion         = "1.2"
	keyPairListVersion    = "1.3"
	pciRequestsVersion    = "1.1"
	schedulerLimits       = "1.0"
	securityGroupsVersion = "1.1"
)

// maxText is what MySQL's TEXT holds, in bytes: instance_extra's columns.
const maxText = 65535

// maxMediumText is what MEDIUMTEXT holds: request_specs.spec and network_info.
const maxMediumText = 1<<24 - 1

// An object is the envelope of a versioned object. Nova's own writers add
// nova_object.changes, which no reader needs.
type object struct {
	Name      string `json:"nova_object.name"`
	Namespace string `json:"nova_object.namespace"`
	Version   string `json:"nova_object.version"`
	Data      any    `json:"nova_object.data"`
}

func newObject(name, version string, data any) object {
	return object{Name: name, Namespace: "nova", Version: version, Data: data}
}

// An objectList is the data of a list object.
type objectList struct {
	Objects []object `json:"objects"`
}

// encode writes v as JSON in ASCII, as Python's json does: the columns are
// utf8mb3, and a character beyond it inside a blob would make it unwritable.
// Keys keep the order of the struct's fields, and maps are sorted, so that the
// same instance always gives the same bytes.
func encode(v any, limit int) (string, error) {
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	text := escapeNonASCII(bytes.TrimSuffix(raw.Bytes(), []byte("\n")))
	if len(text) > limit {
		return "", fmt.Errorf("is %d bytes long, and its column holds %d", len(text), limit)
	}
	return text, nil
}

// escapeNonASCII turns every character outside ASCII into \uXXXX, as a
// surrogate pair beyond the Basic Multilingual Plane. Outside of strings JSON
// has none.
func escapeNonASCII(text []byte) string {
	out := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		}
	}
	return string(out)
}

// blobTime is a time as versioned objects write it; nil when there is none.
func blobTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05Z")
	return &s
}
