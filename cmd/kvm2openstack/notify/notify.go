// Package notify tells a webhook of new drifts: JSON by POST, signed, and tried
// again until it is delivered or its time is up.
//
// Neither the webhook's address, which may hold a token, nor the secret is ever
// in an error or a log.
package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
)

// A Config is the section notify of the configuration.
type Config struct {
	URL      string        `yaml:"url"`
	Template string        `yaml:"template"` // of the body, as text/template has it; the default is Message as JSON
	Secret   string        `yaml:"secret"`   // of the signature; none: it is not signed
	Timeout  time.Duration `yaml:"timeout"`  // for all tries together, default 30s
}

const (
	defaultTimeout = 30 * time.Second
	tryTimeout     = 10 * time.Second
)

// Headers of a delivery. The signature is that of the body, in hexadecimal after
// "sha256=", as many receivers know it from elsewhere. The tries of one delivery
// have the same id.
const (
	SignatureHeader = "X-Hub-Signature-256"
	DeliveryHeader  = "X-Kvm2openstack-Delivery"
)

// On reports whether anybody is to be told.
func (c Config) On() bool { return c.URL != "" }

// Check reports what cannot be meant so.
func (c Config) Check() error {
	if !c.On() {
		if c != (Config{}) {
			return errors.New("notify: there is no url")
		}
		return nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("notify: url is no http:// or https:// address")
	case c.Timeout < 0:
		return fmt.Errorf("notify: timeout %v is below 0", c.Timeout)
	}
	_, err = c.body(sample())
	return err
}

// Send delivers a message. It returns when that is done, when the receiver has
// refused it for good, and after Config.Timeout at the latest.
func (c Config) Send(ctx context.Context, m Message) error {
	body, err := c.body(m)
	if err != nil {
		return err
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	id := uuid.NewString()
	client := &http.Client{Timeout: tryTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	try := func() (struct{}, error) { return struct{}{}, c.try(ctx, client, id, body) }
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 200*time.Millisecond, 5*time.Second
	if _, err := backoff.Retry(ctx, try, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(timeout)); err != nil {
		return fmt.Errorf("notify %s: %w", c.host(), plain(err))
	}
	return nil
}

// host is what of the address may be told.
func (c Config) host() string {
	if u, err := url.Parse(c.URL); err == nil {
		return u.Host
	}
	return "the webhook"
}

// plain takes the address out of an error.
func plain(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}

func (c Config) try(ctx context.Context, client *http.Client, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "kvm2openstack")
	req.Header.Set(DeliveryHeader, id)
	if c.Secret != "" {
		req.Header.Set(SignatureHeader, Sign(c.Secret, body))
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	return verdict(resp)
}

// verdict says whether an answer is the end of it. A receiver that is busy says
// when to come back.
func verdict(resp *http.Response) error {
	err := fmt.Errorf("it answers %s", resp.Status)
	switch code := resp.StatusCode; {
	case code/100 == 2:
		return nil
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		if n, e := strconv.Atoi(resp.Header.Get("Retry-After")); e == nil && n > 0 {
			return backoff.RetryAfter(n)
		}
		return err
	case code/100 == 5 || code == http.StatusRequestTimeout:
		return err
	}
	return backoff.Permanent(err)
}

// Sign is the signature of a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
