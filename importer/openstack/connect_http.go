package openstack

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// maxErrorBody bounds what is read of an answer that says no.
const maxErrorBody = 64 << 10

// A transport carries single requests: each when it is its turn, and from then
// on within its time. It logs them, and takes secrets out of answers that will
// end up in errors.
type transport struct {
	base    http.RoundTripper
	turns   *turns
	timeout time.Duration // for a request that has no call's budget
	log     *slog.Logger
	secrets []string
}

// newTransport uses a new connection for each request. Servers that close
// them behind the answer, as uwsgi does without a proxy before it, otherwise
// leave the next request in the dark: a POST on a connection that is just
// being closed may have been carried out or not. So there are never more
// connections than turns.
func newTransport(cfg *tls.Config) *http.Transport {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.TLSClientConfig = cfg
	base.DisableKeepAlives = true
	base.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	return base
}

// RoundTrip is http.RoundTripper's.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	came := time.Now()
	turn, err := t.turnOf(req)
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	start := time.Now()
	resp, err := t.send(req, turn)
	attrs := []any{
		"method", req.Method, "url", req.URL.Redacted(),
		"waited", start.Sub(came).Round(time.Millisecond), "took", time.Since(start).Round(time.Millisecond),
	}
	if err != nil {
		t.log.DebugContext(req.Context(), "call failed", append(attrs, "error", err)...)
		return nil, err
	}
	t.log.DebugContext(req.Context(), "call", append(attrs, "status", resp.StatusCode, "request_id", resp.Header.Get("X-Openstack-Request-Id"))...)
	return resp, nil
}

// turnOf waits for the turn of a request. Those of a watch have none, nor has a
// login: all calls wait for that of a new token, those of a watch too, while it
// holds the turns back.
func (t *transport) turnOf(req *http.Request) (turn, error) {
	if req.Context().Value(asideKey{}) != nil || isLogin(req.Method, req.URL.Path) {
		return turn{}, nil
	}
	return t.turns.take(req.Context())
}

// send sends a request whose turn it is. The turn, and its time, end with the
// answer's body.
func (t *transport) send(req *http.Request, turn turn) (*http.Response, error) {
	budget, start := budgetOf(req.Context(), t.timeout), time.Now()
	ctx, cancel := context.WithTimeout(req.Context(), budget.left)
	end := func(status int) {
		cancel()
		took := time.Since(start)
		budget.left -= took
		if turn.of != nil {
			turn.end(signalOf(status, took, t.timeout), took)
		}
	}
	resp, err := t.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		end(0)
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		t.clean(req, resp)
	}
	resp.Body = &answerBody{ReadCloser: resp.Body, end: sync.OnceFunc(func() { end(resp.StatusCode) })}
	return resp, nil
}

// An answerBody tells when there is nothing more to read of it. That it is
// closed may be too late: gophercloud repeats a request whose answer broke off
// before it closes that.
type answerBody struct {
	io.ReadCloser
	end func()
}

// Read is io.Reader's.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

// Close is io.Closer's.
func (b *answerBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// clean takes the secrets out of the body: Keystone quotes a password that is
// of the wrong type, and a token that it does not know.
func (t *transport) clean(req *http.Request, resp *http.Response) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	resp.Body.Close()
	if err != nil && len(body) == 0 {
		body = []byte("(the answer broke off)")
	}
	for _, secret := range append([]string{req.Header.Get("X-Auth-Token")}, t.secrets...) {
		if secret != "" {
			body = bytes.ReplaceAll(body, []byte(secret), []byte("***"))
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
}

// noRedirect leaves redirections to the caller: followed, a POST becomes a
// GET, and the token goes wherever the answer says.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Five tries with pauses of 0.5, 1, 2 and 4 seconds outlast the restart of a
// service.
const (
	maxTries   = 5
	firstPause = 500 * time.Millisecond
	longest    = 10 * time.Second // that a server may ask to wait
)

// A retrier decides which requests are sent again.
type retrier struct {
	first time.Duration
	log   *slog.Logger
}

// failed is gophercloud.RetryFunc: nil means to try again.
func (r retrier) failed(ctx context.Context, method, url string, _ *gophercloud.RequestOpts, err error, tries uint) error {
	if tries >= maxTries || !passes(method, url, err) {
		return err
	}
	return r.wait(ctx, err, r.first<<(tries-1), "method", method, "url", url, "try", tries)
}

// throttled is gophercloud.RetryBackoffFunc, for a server that has too much to
// do and has not done this.
func (r retrier) throttled(ctx context.Context, answer *gophercloud.ErrUnexpectedResponseCode, _ error, tries uint) error {
	pause := r.first << (tries - 1)
	if after, err := time.ParseDuration(answer.ResponseHeader.Get("Retry-After") + "s"); err == nil && after > pause {
		pause = min(after, longest)
	}
	return r.wait(ctx, *answer, pause, "method", answer.Method, "url", answer.URL, "try", tries)
}

// wait returns err when there is no time left to wait.
func (r retrier) wait(ctx context.Context, err error, pause time.Duration, attrs ...any) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < pause {
		return err
	}
	if !budgetOf(ctx, pause).pays(pause) {
		return err
	}
	r.log.DebugContext(ctx, "call is repeated", append(attrs, "after", pause)...)
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), err)
	}
}

// passes reports whether err may go away by itself, and the request can be
// sent again without harm. A request that never left can, whatever it was.
func passes(method, url string, err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		var dns *net.DNSError
		return !isTimeout(err) && !(errors.As(err, &dns) && dns.IsNotFound)
	}
	// Logging in twice is one token too many, nothing else.
	repeatable := method == http.MethodGet || method == http.MethodHead || isLogin(method, url)
	if !repeatable || isTimeout(err) {
		return false
	}
	var answer gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &answer) {
		// A worker of Neutron that has just been started answers 500 to its
		// first request for ports (seen with 21.0).
		return answer.Actual >= 500 && answer.Actual != http.StatusNotImplemented
	}
	return isBroken(err)
}

func isLogin(method, url string) bool {
	return method == http.MethodPost && strings.HasSuffix(url, "/v3/auth/tokens")
}

// isBroken reports whether a connection ended before the answer did.
func isBroken(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
}

// isTimeout reports whether err is a deadline that passed. Such a call is not
// repeated: a service that is slow does not get faster by doing it again.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
