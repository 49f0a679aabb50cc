package openstack

import (
	"encoding/json"
	"strings"
)

// maxMessage bounds what is quoted of an answer.
const maxMessage = 300

// apiMessage is what a service says in an error's body. Each has its own form:
//
//	Keystone   {"error": {"message": ...}}
//	Neutron    {"NeutronError": {"message": ...}}
//	Nova       {"forbidden": {"message": ...}}, with a key for each status
//	Placement  {"errors": [{"detail": ...}]}
//	Glance     HTML, or {"message": ..., "code": ..., "title": ...}
func apiMessage(body []byte) string {
	var list struct {
		Errors []struct{ Detail string }
	}
	if json.Unmarshal(body, &list) == nil && len(list.Errors) > 0 {
		return fit(list.Errors[0].Detail)
	}
	var keyed map[string]json.RawMessage
	if json.Unmarshal(body, &keyed) != nil {
		return fit(withoutTags(string(body)))
	}
	var plain struct{ Message, Title string }
	if json.Unmarshal(body, &plain) == nil && plain.Message != "" && plain.Title != "" {
		return fit(withoutTags(plain.Message))
	}
	for _, raw := range keyed {
		var said struct{ Message string }
		if json.Unmarshal(raw, &said) == nil && said.Message != "" {
			return fit(said.Message)
		}
		var text string
		if json.Unmarshal(raw, &text) == nil && len(keyed) == 1 {
			return fit(text)
		}
	}
	return ""
}

// withoutTags leaves the text of HTML.
func withoutTags(s string) string {
	var out strings.Builder
	inside := false
	for _, r := range s {
		switch {
		case r == '<':
			inside = true
			out.WriteByte(' ')
		case r == '>':
			inside = false
		case !inside:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// fit makes one short line of s.
func fit(s string) string {
	s = strings.TrimRight(strings.Join(strings.Fields(s), " "), ". ")
	if runes := []rune(s); len(runes) > maxMessage {
		s = string(runes[:maxMessage]) + "..."
	}
	return s
}
