package rename

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// An elsewhere is a vantage of which each program's output is known.
type elsewhere struct {
	Here
	outputs map[string]string
	ran     []string
}

func (p *elsewhere) Run(_ context.Context, argv ...string) ([]byte, error) {
	p.ran = append(p.ran, strings.Join(argv, " "))
	out, ok := p.outputs[argv[0]]
	if !ok {
		return []byte("100% packet loss"), errors.New(argv[0] + ": exit status 1")
	}
	return []byte(out), nil
}

func TestProbeNetwork(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			w.WriteHeader(http.StatusUnauthorized)
		case "/moved":
			http.Redirect(w, r, "/nowhere", http.StatusFound)
		case "/nowhere":
			t.Error("a redirection was followed")
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of those who say nothing
	server.StartTLS()
	defer server.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, c := range []struct {
		probe Probe
		says  string
		ok    bool
	}{
		{Probe{TCP: server.Listener.Addr().String()}, "connected", true},
		{Probe{TCP: closed.Addr().String()}, "refused", false},
		{Probe{HTTP: &HTTP{URL: server.URL}}, "200", true},
		{Probe{HTTP: &HTTP{URL: server.URL + "/moved"}}, "302", true},
		{Probe{HTTP: &HTTP{URL: server.URL + "/login"}}, "it answers 401", false},
		{Probe{HTTP: &HTTP{URL: server.URL + "/login", Status: 401}}, "401", true},
		{Probe{HTTP: &HTTP{URL: server.URL, Status: 204}}, "it answers 200", false},
		{Probe{Command: []string{"sh", "-c", "echo first; echo last"}}, "last", true},
		{Probe{Command: []string{"sh", "-c", "echo why >&2; exit 3"}}, "exit status 3: why", false},
		{Probe{Command: []string{"/nonexistent"}}, "no such file", false},
	} {
		if err := c.probe.Check(); err != nil {
			t.Errorf("Check(%s) = %v", c.probe, err)
		}
		said, err := c.probe.ask(soon(t), time.Now())
		if err != nil {
			said = err.Error()
		}
		if (err == nil) != c.ok || !strings.Contains(said, c.says) {
			t.Errorf("%s: %q, %v", c.probe, said, err)
		}
	}
}

// A guest boots: the first tries are in vain.
func TestProbeUntil(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	time.AfterFunc(300*time.Millisecond, func() {
		if l, err := net.Listen("tcp", address); err == nil {
			t.Cleanup(func() { l.Close() })
		}
	})
	said, tries, err := Probe{TCP: address}.until(soon(t), time.Now())
	if said != "connected" || tries < 2 || err != nil {
		t.Errorf("until = %q after %d tries, %v", said, tries, err)
	}
}

func TestProbePing(t *testing.T) {
	address := netip.MustParseAddr("10.0.0.5")
	p := &elsewhere{outputs: map[string]string{"ping": "64 bytes from 10.0.0.5: icmp_seq=1 ttl=64 time=0.213 ms\n"}}
	said, err := Probe{Ping: address, From: p}.ask(soon(t), time.Now())
	if said != "answered in 0.213 ms" || err != nil || p.ran[0] != "ping -n -c 1 -W 2 10.0.0.5" {
		t.Errorf("ping: %q, %v; ran %q", said, err, p.ran)
	}
	if _, err := (Probe{Ping: address, From: &elsewhere{}}).ask(soon(t), time.Now()); err == nil {
		t.Error("no error without an answer")
	}
}

func TestProbeARP(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	entry := "10.0.0.5 dev br0 lladdr 52:54:00:00:00:05 ref 1 used 2/1/2 probes 1 REACHABLE\n"
	for _, c := range []struct {
		name, out, mac string
		since          time.Time
		ok             bool
		says           string
	}{
		{"there", entry, "52:54:00:00:00:05", long, true, "is at 52:54:00:00:00:05"},
		{"anybody", entry, "", long, true, "is at"},
		{"capitals", entry, "52:54:00:00:00:05", long, true, ""},
		{"another", entry, "52:54:00:00:00:06", long, false, "answered for by 52:54:00:00:00:05"},
		{"from before the start", entry, "", time.Now(), false, "no answer since the start"},
		{"stale", strings.Replace(entry, "REACHABLE", "STALE", 1), "", long, false, "neighbour state STALE"},
		{"failed", "10.0.0.5 dev br0 used 2/80/2 probes 6 FAILED\n", "", long, false, "neighbour state FAILED"},
		{"none", "", "", long, false, "neighbour state none"},
		{"heard of elsewhere before", entry + strings.NewReplacer("br0", "up0", "REACHABLE", "STALE").Replace(entry), "", long, true, "is at 52:54:00:00:00:05"},
		{"two interfaces", entry + entry, "", long, false, "several interfaces"},
		{"not understood", strings.Replace(entry, "2/1/2", "soon", 1), "", long, false, "not understood"},
	} {
		p := &elsewhere{outputs: map[string]string{"ip": c.out}}
		said, err := Probe{ARP: &ARP{Address: netip.MustParseAddr("10.0.0.5"), MAC: c.mac}, From: p}.ask(soon(t), c.since)
		if err != nil {
			said = err.Error()
		}
		if (err == nil) != c.ok || !strings.Contains(said, c.says) {
			t.Errorf("%s: %q, %v", c.name, said, err)
		}
	}
}

func TestProbeCheck(t *testing.T) {
	v6 := netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		probe Probe
		says  string
	}{
		{Probe{}, "has 0"},
		{Probe{TCP: "a:1", Command: []string{"true"}}, "has 2"},
		{Probe{TCP: "10.0.0.5"}, "missing port"},
		{Probe{ARP: &ARP{Address: v6}}, "IPv4"},
		{Probe{HTTP: &HTTP{URL: "ftp://a/"}}, "no http"},
		{Probe{HTTP: &HTTP{URL: "http://root:hunter2@a/"}}, "logs in nowhere"},
		{Probe{HTTP: &HTTP{URL: "http://a b/"}}, "invalid"},
	} {
		err := c.probe.Check()
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Check(%+v) = %v, want %q", c.probe, err, c.says)
		}
	}
	for _, p := range []Probe{{Ping: v6}, {TCP: "10.0.0.5:22"}, {TCP: "[2001:db8::1]:22"}} {
		if err := p.Check(); err != nil {
			t.Errorf("Check(%s) = %v", p, err)
		}
	}
}
