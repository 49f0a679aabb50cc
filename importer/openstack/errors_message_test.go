package openstack

import "testing"

func TestAPIMessage(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"Keystone":  {`{"error": {"code": 403, "message": "You may not."}}`, "You may not"},
		"Neutron":   {`{"NeutronError": {"type": "IpAddressInUse", "message": "Address in use.", "detail": ""}}`, "Address in use"},
		"Nova":      {`{"forbidden": {"code": 403, "message": "Policy says no"}}`, "Policy says no"},
		"Placement": {`{"errors": [{"status": 409, "detail": "generation conflict"}]}`, "generation conflict"},
		"Glance":    {`{"message": "Image is protected<br /><br />", "code": "403 Forbidden", "title": "Forbidden"}`, "Image is protected"},
		"HTML":      {"<html><body><h1>503</h1> No server</body></html>", "503 No server"},
		"nothing":   {"", ""},
	} {
		if got := apiMessage([]byte(c.body)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestForbiddenAdministrator: an administrator who is refused does not lack
// the role.
func TestForbiddenAdministrator(t *testing.T) {
	for who, want := range map[string]string{
		`user "a" has the roles admin, member`: `user "a" has the roles admin, member`,
		`user "a" has the roles member`:        `user "a" has the roles member, and this needs an administrator's (admin)`,
		"":                                     "this needs an administrator's (admin)",
	} {
		if got := (&Error{who: who}).forbidden(); got != want {
			t.Errorf("%q: %q, want %q", who, got, want)
		}
	}
}
