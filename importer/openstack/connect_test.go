package openstack

import "testing"

func TestOpen(t *testing.T) {
	f := newFake(t)
	c := f.open(t)
	for _, s := range []struct{ got, want string }{
		{c.identity.ResourceBaseURL(), f.URL + "/identity/v3/"},
		{c.image.ResourceBaseURL(), f.URL + "/image/v2/"},
		{c.network.ResourceBaseURL(), f.URL + "/network/v2.0/"},
		{c.compute.ResourceBaseURL(), f.URL + "/compute/v2.1/"},
		{c.placement.ResourceBaseURL(), f.URL + "/placement/"},
	} {
		if s.got != s.want {
			t.Errorf("endpoint %s, want %s", s.got, s.want)
		}
	}
}
