package notify

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/sync"
)

// A receiver answers with these statuses in turn, the last one again and again,
// and keeps what it got.
type receiver struct {
	*httptest.Server
	n      atomic.Int32
	bodies [][]byte
	heads  []http.Header
}

func newReceiver(t *testing.T, statuses ...int) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		n := int(r.n.Add(1)) - 1
		body, _ := io.ReadAll(req.Body)
		r.bodies, r.heads = append(r.bodies, body), append(r.heads, req.Header)
		code := statuses[min(n, len(statuses)-1)]
		if code == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		if code == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestSend(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int
		tries    int
		err      string
	}{
		{"at once", []int{204}, 1, ""},
		{"at the third try", []int{500, 503, 200}, 3, ""},
		{"when it is told to", []int{429, 200}, 2, ""},
		{"refused for good", []int{403}, 1, "403"},
		{"sent elsewhere", []int{302}, 1, "302"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t, c.statuses...)
			err := Config{URL: r.URL + "/token-in-the-path", Secret: "s3cret"}.Send(t.Context(), sample())
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || int(r.n.Load()) != c.tries {
				t.Fatalf("Send = %v after %d tries, want %q after %d", err, r.n.Load(), c.err, c.tries)
			}
			if err != nil && (strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "s3cret")) {
				t.Errorf("Send = %v, which tells the address or the secret", err)
			}
			for n, body := range r.bodies {
				if got := r.heads[n].Get(SignatureHeader); got != Sign("s3cret", body) || r.heads[n].Get(DeliveryHeader) != r.heads[0].Get(DeliveryHeader) || r.heads[n].Get("Content-Type") != "application/json" {
					t.Errorf("try %d: signature %q and headers %v, want that of its body, and one delivery", n, got, r.heads[n])
				}
				var m Message
				if err := json.Unmarshal(body, &m); err != nil || m.Schema != Schema || len(m.New) != 1 || m.New[0].Title == "" || m.New[0].Action == "" {
					t.Errorf("try %d: %s, %v, want the message", n, body, err)
				}
			}
		})
	}
}

// The signature is that of RFC 4231, test case 2.
func TestSign(t *testing.T) {
	if got := Sign("Jefe", []byte("what do ya want for nothing?")); got != "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		t.Errorf("Sign = %s", got)
	}
}

// A receiver that takes the connection and says nothing, and one that is not
// there, hold nobody up beyond the deadline.
func TestSendHasADeadline(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, address := range []string{"http://" + l.Addr().String() + "/token", "http://127.0.0.1:1/token"} {
		done := make(chan error, 1)
		go func() { done <- Config{URL: address, Timeout: 500 * time.Millisecond}.Send(t.Context(), sample()) }()
		select {
		case err := <-done:
			if err == nil || strings.Contains(err.Error(), "token") {
				t.Errorf("Send = %v, want an error that does not tell the address", err)
			}
		case <-time.After(time.Minute):
			t.Fatal("Send does not return")
		}
	}
}

func TestTemplate(t *testing.T) {
	r := newReceiver(t, 200)
	c := Config{URL: r.URL, Template: `{"text": {{json .Summary}}, "lines": [{{range $n, $d := .New}}{{if $n}}, {{end}}{{json (printf "%s %s/%s: %s" $d.Code $d.Host $d.Domain $d.Title)}}{{end}}]}`}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), sample()); err != nil {
		t.Fatal(err)
	}
	var got struct{ Lines []string }
	if err := json.Unmarshal(r.bodies[0], &got); err != nil || len(got.Lines) != 1 || got.Lines[0] != `D10 kvm01/web "1": Power state differs` {
		t.Errorf("body %s, %v", r.bodies[0], err)
	}
	if r.heads[0].Get(SignatureHeader) != "" {
		t.Error("it is signed without a secret")
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, ""},
		{Config{URL: "https://example.net/hook", Secret: "x"}, ""},
		{Config{Secret: "x"}, "no url"},
		{Config{URL: "example.net/hook"}, "http"},
		{Config{URL: "ftp://example.net/hook"}, "http"},
		{Config{URL: "https://example.net", Timeout: -1}, "below 0"},
		{Config{URL: "https://example.net", Template: `{"text": {{.Summary}}}`}, "no JSON"},
		{Config{URL: "https://example.net", Template: `{{.Nobody}}`}, "Nobody"},
		{Config{URL: "https://example.net", Template: `{{`}, "template"},
	} {
		err := c.config.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("Check(%+v) = %v, want %q", c.config, err, c.want)
		}
	}
}

// A message does not grow without end.
func TestAboutIsBounded(t *testing.T) {
	var all []sync.Drift
	for n := range 250 {
		all = append(all, sync.Drift{Code: sync.NewNotReady, UUID: fmt.Sprint(n)})
	}
	if m := About(sync.Result{Drifts: all}, all); len(m.New) != most || m.More != 150 || m.Counts[sync.NewNotReady] != 250 {
		t.Errorf("%d drifts and %d more, want %d and 150", len(m.New), m.More, most)
	}
}
