package openstack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakePassword is what the fake's Keystone wants. Tests look for it in
// everything that is printed.
const fakePassword = "s3cret-Pa55"

// A fakeCloud answers as Keystone does (tokens, catalog), and for the rest with
// what tests put into it:
//
//	f := newFake(t)
//	f.handle("GET /network/v2.0/ports", func(w http.ResponseWriter, r *http.Request) {
//		answer(w, 200, map[string]any{"ports": list})
//	})
//	c := f.open(t)
//
// The services are below /identity, /image, /network, /compute and
// /placement. Patterns are those of http.ServeMux; a later one replaces an
// equal earlier one. A request without the present token is answered 401, and
// one without a handler fails the test.
type fakeCloud struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	handlers map[string]http.HandlerFunc
	calls    []string // "GET /network/v2.0/ports?limit=2", in the order they came
	token    int      // number of the token that is valid now
	roles    []string
	catalog  []any // replaces the usual one
}

func newFake(t *testing.T) *fakeCloud {
	t.Helper()
	f := &fakeCloud{t: t, handlers: map[string]http.HandlerFunc{}, roles: []string{"admin", "member", "reader"}}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // failed handshakes are the tests' purpose
	t.Cleanup(f.Close)
	f.handle("POST /identity/v3/auth/tokens", f.login)
	return f
}

// handle puts in what answers requests of that pattern.
func (f *fakeCloud) handle(pattern string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[pattern] = h
}

// open starts the fake and logs in to it.
func (f *fakeCloud) open(t *testing.T) *Cloud {
	t.Helper()
	c, err := Open(t.Context(), f.config(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// config starts the fake, writes a clouds.yaml for it and says how to open it.
func (f *fakeCloud) config(t *testing.T) Config {
	t.Helper()
	f.start()
	file := filepath.Join(t.TempDir(), "clouds.yaml")
	text := fmt.Sprintf(`clouds:
  fake:
    auth:
      auth_url: %s/identity
      username: admin
      password: %s
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
`, f.URL, fakePassword)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", file)
	return Config{Name: "fake", Timeout: time.Minute, pause: time.Millisecond}
}

// start is for tests that need the address before they open it.
func (f *fakeCloud) start() {
	if f.URL == "" {
		f.Start()
	}
}

// expire makes the present token invalid, as time does.
func (f *fakeCloud) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.token++
}

// called is how many requests began with this text.
func (f *fakeCloud) called(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, call := range f.calls {
		if strings.HasPrefix(call, prefix) {
			n++
		}
	}
	return n
}

func (f *fakeCloud) validToken() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("token-%d", f.token)
}

// ServeHTTP is http.Handler's. The mux is made for each request, so that
// handlers can be replaced. The request is read to its end before anybody
// answers it: net/http breaks off a client that still sends.
func (f *fakeCloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // one that is cut short is the handler's to find
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	f.calls = append(f.calls, r.Method+" "+r.URL.String())
	mux := http.NewServeMux()
	for pattern, h := range f.handlers {
		mux.HandleFunc(pattern, h)
	}
	f.mu.Unlock()
	_, pattern := mux.Handler(r)
	switch {
	case pattern == "":
		f.t.Errorf("nobody expected %s %s", r.Method, r.URL)
		answer(w, http.StatusNotFound, map[string]any{"error": map[string]any{"message": "no handler"}})
	case !strings.HasSuffix(r.URL.Path, "/auth/tokens") && r.Header.Get("X-Auth-Token") != f.validToken():
		answer(w, http.StatusUnauthorized, keystoneError("The request you have made requires authentication."))
	default:
		mux.ServeHTTP(w, r)
	}
}

// login is Keystone's POST /v3/auth/tokens.
func (f *fakeCloud) login(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Auth struct {
			Identity struct {
				Password struct {
					User struct{ Name, Password string }
				}
			}
		}
	}
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &in); err != nil {
		f.t.Errorf("login: %v", err)
	}
	if in.Auth.Identity.Password.User.Password != fakePassword {
		answer(w, http.StatusUnauthorized, keystoneError("The request you have made requires authentication."))
		return
	}
	f.giveToken(w)
}

// giveToken answers with a token, its roles and the catalog.
func (f *fakeCloud) giveToken(w http.ResponseWriter) {
	token := f.validToken()
	f.mu.Lock()
	defer f.mu.Unlock()
	var roles []any
	for _, name := range f.roles {
		roles = append(roles, map[string]any{"id": name, "name": name})
	}
	services := f.catalog
	if services == nil {
		services = f.usualCatalog()
	}
	domain := map[string]any{"id": "default", "name": "Default"}
	w.Header().Set("X-Subject-Token", token)
	answer(w, http.StatusCreated, map[string]any{"token": map[string]any{
		"expires_at": time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z"),
		"user":       map[string]any{"id": "u-admin", "name": "admin", "domain": domain},
		"project":    map[string]any{"id": "p-admin", "name": "admin", "domain": domain},
		"roles":      roles,
		"catalog":    services,
	}})
}

func (f *fakeCloud) usualCatalog() (list []any) {
	for _, s := range [][2]string{
		{"identity", "/identity"}, {"image", "/image"}, {"network", "/network"},
		{"compute", "/compute/v2.1"}, {"placement", "/placement"},
	} {
		list = append(list, fakeService(s[0], "RegionOne", f.URL+s[1]))
	}
	return list
}

// fakeService is an entry of a catalog.
func fakeService(kind, region, url string) any {
	return map[string]any{"type": kind, "name": kind, "endpoints": []any{map[string]any{
		"id": kind + region, "interface": "public", "region": region, "region_id": region, "url": url,
	}}}
}

// answer writes a JSON answer.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Openstack-Request-Id", "req-fake")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body) // the client may have hung up
	}
}

func keystoneError(text string) any {
	return map[string]any{"error": map[string]any{"message": text, "title": "x"}}
}

// neutronError is the body of Neutron's errors.
func neutronError(kind, text string) any {
	return map[string]any{"NeutronError": map[string]any{"type": kind, "message": text, "detail": ""}}
}

// flaky lets the first n requests fail with that status.
func flaky(n, status int, then http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n--
		fail := n >= 0
		mu.Unlock()
		if fail {
			answer(w, status, nil)
			return
		}
		then(w, r)
	}
}
