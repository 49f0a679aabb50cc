package openstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// errNoTurn is a call that was never sent.
var errNoTurn = errors.New("it was not its turn in time")

// An Error is a call to one service that failed: what was asked of it, why it
// did not go well, and what to do.
type Error struct {
	Cloud, Service, Act string
	Err                 error

	timeout time.Duration
	who     string
}

// wrap makes an Error of err, nil of nil.
func (c *Cloud) wrap(service, act string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Cloud: c.name, Service: service, Act: act, Err: err, timeout: c.timeout, who: c.who}
}

// Error reads like
// "cloud prod: Neutron: list ports: it answered 403, policy does not allow this; user ...".
func (e *Error) Error() string {
	return fmt.Sprintf("cloud %s: %s: %s: %s", e.Cloud, e.Service, e.Act, e.cause())
}

// Unwrap gives what gophercloud or the network said. Its text is for
// programs: it has the whole answer in it.
func (e *Error) Unwrap() error { return e.Err }

// cause says why, in one sentence.
func (e *Error) cause() string {
	if errors.Is(e.Err, context.Canceled) {
		return "was stopped"
	}
	var renew *gophercloud.ErrUnableToReauthenticate
	if errors.As(e.Err, &renew) {
		return "the token has expired and Keystone gives no new one: " + (&Error{Service: keystone, Err: renew.ErrReauth, timeout: e.timeout, who: e.who}).cause()
	}
	var answer gophercloud.ErrUnexpectedResponseCode
	if errors.As(e.Err, &answer) {
		return e.answered(answer)
	}
	for _, say := range []func() string{e.notSent, e.timedOut, e.notTrusted, e.notReached, e.notJSON} {
		if text := say(); text != "" {
			return text
		}
	}
	return e.Err.Error()
}

// answered explains a status.
func (e *Error) answered(a gophercloud.ErrUnexpectedResponseCode) string {
	text := fmt.Sprintf("it answered %d", a.Actual)
	if said := apiMessage(a.Body); said != "" {
		text += ", " + said
	}
	if advice := e.advice(a); advice != "" {
		text += "; " + advice
	}
	return text
}

func (e *Error) advice(a gophercloud.ErrUnexpectedResponseCode) string {
	switch code := a.Actual; {
	case code == http.StatusUnauthorized && e.Service == keystone:
		return "user, password, project or one of their domains is wrong in clouds.yaml, or the user is disabled"
	case code == http.StatusUnauthorized:
		return "it does not accept Keystone's token: look at [keystone_authtoken] of this service"
	case code == http.StatusForbidden:
		return e.forbidden()
	case code == http.StatusNotFound && a.Method == http.MethodPost && e.Service == keystone:
		return "auth_url should be Keystone's address, as in http://keystone:5000/v3"
	case code >= 300 && code < 400:
		return "it redirects to " + a.ResponseHeader.Get("Location") + ": set auth_url, or the endpoint in Keystone's catalog, to that"
	case code == http.StatusNotAcceptable:
		return "this release of it does not know the microversion that is asked for"
	case code >= 500:
		return "its own log says why (" + requestID(a.ResponseHeader) + ")"
	}
	return ""
}

// forbidden: for an administrator it is not the role that is missing.
func (e *Error) forbidden() string {
	if roles := strings.Split(e.who, " has the roles "); len(roles) == 2 && slices.Contains(strings.Split(roles[1], ", "), "admin") {
		return e.who
	}
	return strings.TrimPrefix(e.who+", and this needs an administrator's (admin)", ", and ")
}

func requestID(h http.Header) string {
	if id := h.Get("X-Openstack-Request-Id"); id != "" {
		return "request " + id
	}
	return "no request id"
}

func (e *Error) notSent() string {
	if errors.Is(e.Err, errNoTurn) {
		return "it was not its turn in time: the calls before it take too long; the cloud is slow, or cloud_calls in the configuration too small"
	}
	return ""
}

func (e *Error) timedOut() string {
	if isTimeout(e.Err) {
		return fmt.Sprintf("no answer from %s in time (a call has %s); it is overloaded, or something on the way drops packets", e.host(), e.timeout)
	}
	return ""
}

// notTrusted explains failures of TLS.
func (e *Error) notTrusted() string {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
		verify  *tls.CertificateVerificationError
		alert   *net.OpError // "remote error" is TLS's alert
	)
	switch {
	case errors.As(e.Err, &unknown):
		return "the certificate of " + e.host() + " is of an unknown authority: name the authority's file with cacert in clouds.yaml"
	case errors.As(e.Err, &name):
		return "the certificate of " + e.host() + " is for another name: " + name.Error()
	case errors.As(e.Err, &invalid), errors.As(e.Err, &verify):
		return "the certificate of " + e.host() + " is not valid: " + rootCause(e.Err)
	case errors.As(e.Err, &record), strings.Contains(e.Err.Error(), "server gave HTTP response to HTTPS client"):
		return e.host() + " does not speak TLS: should it be http://?"
	case errors.As(e.Err, &alert) && alert.Op == "remote error":
		return e.host() + " refuses TLS: " + rootCause(alert) + "; it may want a client's certificate (cert and key in clouds.yaml)"
	}
	return ""
}

// notReached explains why there was no connection.
func (e *Error) notReached() string {
	var dns *net.DNSError
	switch {
	case errors.As(e.Err, &dns):
		return "the name " + dns.Name + " has no address here: " + dns.Err
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "nothing listens at " + e.host() + " (connection refused): is it running?"
	case errors.Is(e.Err, syscall.EHOSTUNREACH), errors.Is(e.Err, syscall.ENETUNREACH):
		return "there is no way to " + e.host() + ": " + rootCause(e.Err)
	case isBroken(e.Err):
		return e.host() + " closed the connection in the middle: " + rootCause(e.Err)
	}
	return ""
}

func (e *Error) notJSON() string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(e.Err, &syntax) || errors.As(e.Err, &kind) {
		return "the answer is not what this API answers (" + rootCause(e.Err) + "): does something else answer in its place?"
	}
	return ""
}

// host is where the request went.
func (e *Error) host() string {
	var u *url.Error
	if errors.As(e.Err, &u) {
		if to, err := url.Parse(u.URL); err == nil {
			return to.Host
		}
	}
	return "the server"
}

// rootCause is the innermost error's text.
func rootCause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
