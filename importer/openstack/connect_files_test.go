package openstack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"
)

// replaceInConfig changes the file that OS_CLIENT_CONFIG_FILE names.
func replaceInConfig(t *testing.T, old, with string) {
	t.Helper()
	file := os.Getenv("OS_CLIENT_CONFIG_FILE")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, with)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// isolate makes a home without any OpenStack in it, and goes to another folder.
func isolate(t *testing.T) (home, work string) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "OS_") {
			t.Setenv(name, "")
		}
	}
	home, work = t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Chdir(work)
	return home, work
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// clouds is a file with one entry that tells where it came from.
func clouds(auth string) string { return "clouds: {prod: {auth: {auth_url: " + auth + "}}}" }

func TestPlaces(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string // HOME, WORK, XDG and ELSE stand for folders
		env   map[string]string
		want  string // auth_url
	}{
		{"current folder", map[string]string{"WORK/clouds.yaml": clouds("http://work"), "HOME/.config/openstack/clouds.yaml": clouds("http://home")}, nil, "http://work"},
		{"home", map[string]string{"HOME/.config/openstack/clouds.yaml": clouds("http://home")}, nil, "http://home"},
		{"XDG_CONFIG_HOME", map[string]string{"HOME/.config/openstack/clouds.yaml": clouds("http://home"), "XDG/openstack/clouds.yaml": clouds("http://xdg")},
			map[string]string{"XDG_CONFIG_HOME": "XDG"}, "http://xdg"},
		{"other suffix", map[string]string{"WORK/clouds.yml": clouds("http://yml")}, nil, "http://yml"},
		{"OS_CLIENT_CONFIG_FILE", map[string]string{"WORK/clouds.yaml": clouds("http://work"), "ELSE/my.yaml": clouds("http://else")},
			map[string]string{"OS_CLIENT_CONFIG_FILE": "ELSE/my.yaml"}, "http://else"},
		{"secure beside it", map[string]string{"HOME/.config/openstack/clouds.yaml": clouds("http://home"), "HOME/.config/openstack/secure.yaml": clouds("http://secure")}, nil, "http://secure"},
		{"secure elsewhere", map[string]string{"WORK/clouds.yaml": clouds("http://work"), "HOME/.config/openstack/secure.yaml": clouds("http://secure")}, nil, "http://secure"},
		{"OS_CLIENT_SECURE_FILE", map[string]string{"WORK/clouds.yaml": clouds("http://work"), "ELSE/secret": clouds("http://secret")},
			map[string]string{"OS_CLIENT_SECURE_FILE": "ELSE/secret"}, "http://secret"},
		{"another variable does not count", map[string]string{"WORK/clouds.yaml": clouds("http://work")}, map[string]string{"OS_AUTH_URL": "http://env"}, "http://work"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			home, work := isolate(t)
			where := strings.NewReplacer("HOME", home, "WORK", work, "XDG", t.TempDir(), "ELSE", t.TempDir())
			for file, text := range test.files {
				write(t, where.Replace(file), text)
			}
			for name, value := range test.env {
				t.Setenv(name, where.Replace(value))
			}
			e, err := findEntry("prod")
			if err != nil || e.get("auth_url") != test.want {
				t.Errorf("auth_url = %s, %v, want %s", e.get("auth_url"), err, test.want)
			}
		})
	}
}

const wholeEntry = `
common: &common
  region_name: RegionOne
  verify: false
  networks: [{name: x, routes_externally: true}]
clouds:
  prod:
    <<: *common
    auth:
      auth_url: https://keystone.example:5000/v3
      username: admin
      project_name: admin
      user_domain_name: Default
      project_domain_id: default
    interface: internalURL
    cacert: ~/ca.pem
    profile: null
  top:
    auth_url: https://keystone.example:5000/v3
    username: 0815
  regions:
    auth: {auth_url: "http://a"}
    regions:
    - name: one
      values: {auth: {auth_url: "http://one"}}
    - two
  region:
    auth: {auth_url: "http://a"}
    region_name: two
    regions: [one, {name: two, values: {interface: admin}}]
`

func TestEntry(t *testing.T) {
	_, work := isolate(t)
	write(t, work+"/clouds.yaml", wholeEntry)
	write(t, work+"/secure.yaml", "clouds: {prod: {auth: {password: 007}}, top: {password: 'yes'}}")
	for name, want := range map[string]map[string]string{
		"prod": {
			"auth_url": "https://keystone.example:5000/v3", "username": "admin", "password": "007", "project_name": "admin",
			"user_domain_name": "Default", "project_domain_id": "default", "region_name": "RegionOne",
			"interface": "internalURL", "verify": "false", "cacert": "~/ca.pem",
		},
		"top":     {"auth_url": "https://keystone.example:5000/v3", "username": "0815", "password": "yes"},
		"regions": {"auth_url": "http://one", "region_name": "one"},
		"region":  {"auth_url": "http://a", "region_name": "two", "interface": "admin"},
	} {
		e, err := findEntry(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, e.values); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestEnvironment(t *testing.T) {
	_, work := isolate(t)
	write(t, work+"/clouds.yaml", clouds("http://work"))
	if _, err := findEntry("envvars"); err == nil || !strings.Contains(err.Error(), "OS_AUTH_URL is not set") {
		t.Errorf("findEntry = %v, want that OS_AUTH_URL is missing", err)
	}
	for name, value := range map[string]string{
		"OS_AUTH_URL": "http://env/v3", "OS_USERNAME": "admin", "OS_PASSWORD": fakePassword, "OS_PROJECT_NAME": "admin",
		"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default", "OS_REGION_NAME": "RegionOne", "OS_INTERFACE": "internal",
	} {
		t.Setenv(name, value)
	}
	e, err := findEntry("envvars")
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.authOptions()
	want := gophercloud.AuthOptions{
		IdentityEndpoint: "http://env/v3", Username: "admin", Password: fakePassword, DomainName: "Default", AllowReauth: true,
		Scope: &gophercloud.AuthScope{ProjectName: "admin", DomainName: "Default"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("authOptions: %v (-want +got):\n%s", err, diff)
	}
	if e.get("region_name") != "RegionOne" || e.availability() != "internal" {
		t.Errorf("region %q, interface %q", e.get("region_name"), e.availability())
	}
}

func TestAuthOptions(t *testing.T) {
	type values = map[string]string
	tests := []struct {
		name   string
		values values
		want   gophercloud.AuthOptions
		failed string
	}{
		{"names of no domain are of default", values{"username": "admin", "password": "x", "project_name": "admin"},
			gophercloud.AuthOptions{Username: "admin", Password: "x", DomainID: "default", AllowReauth: true,
				Scope: &gophercloud.AuthScope{ProjectName: "admin", DomainID: "default"}}, ""},
		{"ids", values{"user_id": "u1", "password": "x", "project_id": "p1", "user_domain_name": "Default"},
			gophercloud.AuthOptions{UserID: "u1", Password: "x", AllowReauth: true, Scope: &gophercloud.AuthScope{ProjectID: "p1"}}, ""},
		{"default_domain", values{"username": "u", "password": "x", "project_name": "p", "default_domain": "d"},
			gophercloud.AuthOptions{Username: "u", Password: "x", DomainID: "d", AllowReauth: true,
				Scope: &gophercloud.AuthScope{ProjectName: "p", DomainID: "d"}}, ""},
		{"tenant", values{"username": "u", "password": "x", "tenant_name": "p"},
			gophercloud.AuthOptions{Username: "u", Password: "x", DomainID: "default", AllowReauth: true,
				Scope: &gophercloud.AuthScope{ProjectName: "p", DomainID: "default"}}, ""},
		{"system", values{"username": "u", "password": "x", "system_scope": "all"},
			gophercloud.AuthOptions{Username: "u", Password: "x", DomainID: "default", AllowReauth: true, Scope: &gophercloud.AuthScope{System: true}}, ""},
		{"application credential", values{"application_credential_id": "a", "application_credential_secret": "x", "project_name": "ignored"},
			gophercloud.AuthOptions{ApplicationCredentialID: "a", ApplicationCredentialSecret: "x", AllowReauth: true}, ""},
		{"application credential by name", values{"application_credential_name": "a", "application_credential_secret": "x", "username": "u"},
			gophercloud.AuthOptions{ApplicationCredentialName: "a", ApplicationCredentialSecret: "x", Username: "u", DomainID: "default", AllowReauth: true}, ""},
		{"token", values{"token": "t"}, gophercloud.AuthOptions{TokenID: "t"}, ""},

		{"another type", values{"auth_type": "v3oidcpassword", "username": "u", "password": "x"}, gophercloud.AuthOptions{}, `auth_type "v3oidcpassword" is not known here: use one of password, `},
		{"no user", values{"password": "x"}, gophercloud.AuthOptions{}, "names no username"},
		{"no password", values{"username": "u", "project_name": "p"}, gophercloud.AuthOptions{}, `has no password for user "u"; it may stand in secure.yaml`},
		{"no project", values{"username": "u", "password": "x"}, gophercloud.AuthOptions{}, "names no project to work in"},
		{"no secret", values{"application_credential_id": "a"}, gophercloud.AuthOptions{}, "has no application_credential_secret"},
		{"whose credential", values{"application_credential_name": "a", "application_credential_secret": "x"}, gophercloud.AuthOptions{}, "but not whose"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := entry{name: "prod", from: "clouds.yaml", values: test.values}
			got, err := e.authOptions()
			if test.failed != "" {
				if err == nil || !strings.Contains(err.Error(), "cloud prod (clouds.yaml): ") || !strings.Contains(err.Error(), test.failed) {
					t.Errorf("error %v, want %q", err, test.failed)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("authOptions: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// What is wrong with a file is told without its content: a password may be in
// the wrong place, or without the quotes that it needs.
func TestBadFiles(t *testing.T) {
	tests := []struct {
		name, text, cloud, want string
	}{
		{"no file", "", "prod", "cloud prod: there is no clouds.yaml; looked in ., "},
		{"no name", clouds("http://x"), "", "no cloud is named"},
		{"another name", "clouds: {stage: {}, lab: {}}", "prod", "cloud prod: clouds.yaml has no entry of this name, but lab, stage"},
		{"none at all", "clouds: {}", "prod", "but no other either"},
		{"not clouds", "services: {}", "prod", `clouds.yaml has no "clouds:"`},
		{"empty", "\n", "prod", `clouds.yaml has no "clouds:"`},
		{"list", "clouds: [s3cret-Pa55]", "prod", "line 1 is not what it should be in YAML"},
		{"entry is text", "clouds:\n  prod: s3cret-Pa55", "prod", "line 2 is not what it should be in YAML"},
		{"auth is text", "clouds:\n  prod:\n    auth: s3cret-Pa55\n    region_name: x", "prod", "cloud prod: read clouds.yaml: line 3 is not"},
		{"alias", "clouds:\n  prod:\n    auth:\n      password: *s3cret-Pa55", "prod", "it is not YAML; put values with special characters in quotes"},
		{"percent", "clouds:\n  prod:\n    auth:\n      password: %s3cret-Pa55", "prod", "is not what it should be in YAML"},
		{"tab", "clouds:\n\tprod: s3cret-Pa55", "prod", "line 2 is not what it should be in YAML"},
		{"no auth_url", "clouds: {prod: {auth: {password: s3cret-Pa55}}}", "prod", "cloud prod (clouds.yaml): names no auth_url"},
		{"no URL", clouds("s3cret-Pa55"), "prod", "auth_url is not a URL such as"},
		{"password in the URL", clouds("http://admin:s3cret-Pa55@keystone"), "prod", "auth_url has a user name in it"},
		{"bad URL", clouds("'http://key stone:s3cret-Pa55/'"), "prod", "auth_url is not a URL such as"},
		{"cacert", "clouds: {prod: {cacert: nowhere.pem, auth: {auth_url: 'http://x', password: s3cret-Pa55}}}", "prod", "cacert: open nowhere.pem: no such file"},
		{"cacert is none", "clouds: {prod: {cacert: clouds.yaml, auth: {auth_url: 'http://x', password: s3cret-Pa55}}}", "prod", "cacert: clouds.yaml has no certificate in PEM form"},
		{"key", "clouds: {prod: {cert: nowhere.pem, auth: {auth_url: 'http://x', password: s3cret-Pa55}}}", "prod", "cert and key: open nowhere.pem"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, work := isolate(t)
			if test.text != "" {
				write(t, work+"/clouds.yaml", test.text)
			}
			_, err := Open(t.Context(), Config{Name: test.cloud})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open = %v, want %q in it", err, test.want)
			}
			if text := whole(err); strings.Contains(text, "s3cret") {
				t.Errorf("the error tells the password: %s", text)
			}
		})
	}
}

func TestNamedFileIsMissing(t *testing.T) {
	_, work := isolate(t)
	write(t, work+"/clouds.yaml", clouds("http://work"))
	t.Setenv("OS_CLIENT_CONFIG_FILE", work+"/other.yaml")
	if _, err := findEntry("prod"); err == nil || !strings.Contains(err.Error(), "other.yaml: no such file or directory (OS_CLIENT_CONFIG_FILE names it)") {
		t.Errorf("findEntry = %v, want that the named file is missing", err)
	}
}
