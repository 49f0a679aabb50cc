package openstack

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

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
	if n := len(f.calls); n != 1 {
		t.Errorf("calls %q, want the login alone", f.calls)
	}
}

func TestCatalog(t *testing.T) {
	all := func(region string) (list []any) {
		for _, kind := range []string{"image", "network", "compute", "placement"} {
			list = append(list, fakeService(kind, region, "http://"+region+"/"+kind))
		}
		return list
	}
	tests := []struct {
		name    string
		catalog []any
		region  string // of clouds.yaml
		want    string // compute's endpoint
		failed  string
	}{
		{"one region, not named", all("one"), "", "http://one/compute/v2.1/", ""},
		{"one of two", append(all("one"), all("two")...), "two", "http://two/compute/v2.1/", ""},
		{"which of two", append(all("one"), all("two")...), "", "", "there are the regions one, two: say with region_name which one is meant"},
		{"no such region", all("one"), "RegionOne", "", `there is no region "RegionOne", there is one`},
		{"no placement", all("one")[:3], "one", "", `Placement is not in Keystone's catalog: no public endpoint of type "placement" in region "one"`},
		{"no URL", append(all("one")[1:], fakeService("image", "one", "glance:9292")), "one", "", "Glance's endpoint, in Keystone's catalog or clouds.yaml, is not a URL"},
		{"empty", []any{}, "one", "", "it is empty: the login is not for a project; set project_name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.catalog = test.catalog
			cfg := f.config(t)
			replaceInConfig(t, "RegionOne", test.region)
			c, err := Open(t.Context(), cfg)
			switch {
			case test.failed != "" && (err == nil || !strings.Contains(err.Error(), test.failed)):
				t.Errorf("Open = %v, want an error with %q", err, test.failed)
			case test.failed == "" && err != nil:
				t.Error(err)
			case test.failed == "" && c.compute.Endpoint != test.want:
				t.Errorf("compute is at %s, want %s", c.compute.Endpoint, test.want)
			}
		})
	}
}

// clouds.yaml may say itself where a service is, also one that the catalog
// does not have.
func TestEndpointOverride(t *testing.T) {
	f := newFake(t)
	f.start()
	f.catalog = f.usualCatalog()[:4]
	cfg := f.config(t)
	addToConfig(t, "placement_endpoint_override: http://placement:8778/placement")
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.placement.Endpoint; got != "http://placement:8778/placement/" {
		t.Errorf("Placement is at %s", got)
	}
}

// Catalogs name the same service in several ways.
func TestRootOf(t *testing.T) {
	for in, want := range map[string]string{
		"http://c:8774/v2.1":  "http://c:8774/",
		"http://c:8774/v2.1/": "http://c:8774/",
		"http://c:8774/v2.1/151eac5e92954d2d84227b2fdd4b6efc": "http://c:8774/",
		"http://c/compute/v2.1":                               "http://c/compute/",
		"http://c:9696":                                       "http://c:9696/",
		"https://c/network/":                                  "https://c/network/",
		"https://c/network/v2.0":                              "https://c/network/",
		"https://v2.example/image":                            "https://v2.example/image/",
	} {
		if got, err := rootOf(in, "x"); got != want || err != nil {
			t.Errorf("rootOf(%s) = %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestOpenFails(t *testing.T) {
	status := func(code int, body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { answer(w, code, body) }
	}
	tests := []struct {
		name  string
		login http.HandlerFunc
		want  string
	}{
		{"wrong password", status(401, keystoneError("The request you have made requires authentication.")),
			"/: it answered 401, The request you have made requires authentication; user, password, project or one of their domains is wrong in clouds.yaml"},
		{"not Keystone", status(404, nil), "it answered 404; auth_url should be Keystone's address"},
		{"page of a proxy", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(503)
			fmt.Fprint(w, "<html><h1>503 Service Unavailable</h1>\nNo server is available.</html>")
		}, "it answered 503, 503 Service Unavailable No server is available; its own log says why"},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); fmt.Fprint(w, "hello") }, "the answer is not what this API answers"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/v3", http.StatusMovedPermanently)
		}, "it redirects to https://elsewhere.example/v3: set auth_url"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			cfg := f.config(t)
			f.handle("POST /identity/v3/auth/tokens", test.login)
			_, err := Open(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), "cloud fake: Keystone: log in at "+f.URL) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open = %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestKeystoneIsDown(t *testing.T) {
	f := newFake(t)
	cfg := f.config(t)
	f.Close()
	_, err := Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "nothing listens at "+strings.TrimPrefix(f.URL, "http://")+" (connection refused): is it running?") {
		t.Errorf("Open = %v, want that nothing listens", err)
	}
}

func TestKeystoneHasNoAddress(t *testing.T) {
	f := newFake(t)
	cfg := f.config(t)
	replaceInConfig(t, f.URL, "http://keystone.invalid:5000")
	_, err := Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "the name keystone.invalid has no address here") {
		t.Errorf("Open = %v, want a word on the name", err)
	}
}
