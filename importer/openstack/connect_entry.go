package openstack

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// An entry is one cloud of clouds.yaml, or the OS_* variables: key and value,
// those of "auth" among them. So they come from the environment, and
// openstacksdk takes either form from the file.
type entry struct {
	name   string
	from   string // file or environment, for errors
	values map[string]string
}

// get is the first of these keys that has a value.
func (e entry) get(keys ...string) string {
	for _, key := range keys {
		if v := e.values[key]; v != "" {
			return v
		}
	}
	return ""
}

// problem is an error about the entry. It never quotes a value: it might be
// the password on the wrong line.
func (e entry) problem(format string, args ...any) error {
	return fmt.Errorf("cloud %s (%s): %s", e.name, e.from, fmt.Sprintf(format, args...))
}

// secretKeys are the keys whose values nobody may see.
var secretKeys = []string{"password", "application_credential_secret", "token", "passcode"}

func (e entry) secrets() (list []string) {
	for _, key := range secretKeys {
		if v := e.values[key]; v != "" {
			list = append(list, v)
		}
	}
	return list
}

// checkAuthURL says what is wrong with the address of Keystone.
func (e entry) checkAuthURL() error {
	text := e.get("auth_url")
	if text == "" {
		return e.problem("names no auth_url, the address of Keystone (vendor profiles are not known here)")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return e.problem("auth_url is not a URL such as https://keystone.example.org:5000/v3")
	case u.User != nil:
		return e.problem("auth_url has a user name in it: set username and password instead")
	}
	return nil
}

// authTypes are keystoneauth's names for what authOptions can do. Without one
// the other keys tell.
var authTypes = []string{"", "password", "v3password", "token", "v3token", "v3applicationcredential"}

// authOptions is the login: a token, an application credential, or user and
// password.
func (e entry) authOptions() (gophercloud.AuthOptions, error) {
	auth := gophercloud.AuthOptions{IdentityEndpoint: e.get("auth_url"), AllowReauth: true}
	if kind := e.get("auth_type"); !slices.Contains(authTypes, kind) {
		return auth, e.problem("auth_type %q is not known here: use one of %s", kind, strings.Join(authTypes[1:], ", "))
	}
	switch {
	case e.get("token") != "" && e.get("password") == "":
		auth.TokenID = e.get("token")
		auth.Scope = e.scope()
		auth.AllowReauth = false // a token cannot outlive itself
		return auth, nil
	case e.get("application_credential_id", "application_credential_name") != "":
		return e.applicationCredential(auth)
	}
	auth.Password = e.get("password")
	auth.Passcode = e.get("passcode")
	e.user(&auth)
	auth.Scope = e.scope()
	switch {
	case auth.Username == "" && auth.UserID == "":
		return auth, e.problem("names no username (or application_credential_id)")
	case auth.Password == "":
		return auth, e.problem("has no password for user %q; it may stand in secure.yaml beside it", e.get("username", "user_id"))
	case auth.Scope == nil:
		return auth, e.problem("names no project to work in: set project_name, the administrators' own (admin)")
	}
	return auth, nil
}

// applicationCredential is of one project, so that it has no scope.
func (e entry) applicationCredential(auth gophercloud.AuthOptions) (gophercloud.AuthOptions, error) {
	auth.ApplicationCredentialID = e.get("application_credential_id")
	auth.ApplicationCredentialSecret = e.get("application_credential_secret")
	if auth.ApplicationCredentialSecret == "" {
		return auth, e.problem("has no application_credential_secret; it may stand in secure.yaml beside it")
	}
	if auth.ApplicationCredentialID == "" {
		auth.ApplicationCredentialName = e.get("application_credential_name")
		if e.user(&auth); auth.Username == "" && auth.UserID == "" {
			return auth, e.problem("names an application credential but not whose: set its id, or username")
		}
	}
	return auth, nil
}

// user fills in who logs in. A name is one of a domain, "default" where none
// is said.
func (e entry) user(auth *gophercloud.AuthOptions) {
	if auth.UserID = e.get("user_id"); auth.UserID != "" {
		return
	}
	auth.Username = e.get("username", "user_name")
	auth.DomainID = e.get("user_domain_id", "domain_id")
	auth.DomainName = e.get("user_domain_name", "domain_name")
	e.oneDomain(&auth.DomainID, &auth.DomainName)
}

// scope is what the token is for; nil when the entry does not say.
func (e entry) scope() *gophercloud.AuthScope {
	s := &gophercloud.AuthScope{}
	switch {
	case e.get("trust_id") != "":
		s.TrustID = e.get("trust_id")
	case e.get("system_scope") != "":
		s.System = true
	case e.get("project_id", "tenant_id") != "":
		s.ProjectID = e.get("project_id", "tenant_id")
	case e.get("project_name", "tenant_name") != "":
		s.ProjectName = e.get("project_name", "tenant_name")
		s.DomainID = e.get("project_domain_id", "domain_id")
		s.DomainName = e.get("project_domain_name", "domain_name")
		e.oneDomain(&s.DomainID, &s.DomainName)
	default:
		return nil
	}
	return s
}

// oneDomain takes care that a name has exactly one Keystone domain.
func (e entry) oneDomain(id, name *string) {
	switch {
	case *id != "":
		*name = ""
	case *name == "":
		if *id = e.get("default_domain"); *id == "" {
			*id = "default"
		}
	}
}

// availability is the interface of the endpoints.
func (e entry) availability() string {
	kind := strings.TrimSuffix(e.get("interface", "endpoint_type"), "URL")
	if kind == "" {
		return "public"
	}
	return kind
}
