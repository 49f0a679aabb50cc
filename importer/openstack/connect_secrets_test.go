package openstack

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// Whatever goes wrong, secrets stay out of errors and of the log.
func TestSecretsAreNotTold(t *testing.T) {
	echo := func(status int) http.HandlerFunc { // as Keystone's validation does
		return func(w http.ResponseWriter, r *http.Request) {
			text := fmt.Sprintf("Invalid input for field 'password': %s is not valid, token %s", fakePassword, r.Header.Get("X-Auth-Token"))
			answer(w, status, keystoneError(text))
		}
	}
	tests := []struct{ name, pattern string }{
		{"login", "POST /identity/v3/auth/tokens"},
		{"list", "GET /identity/v3/projects"},
		{"placement", "GET /placement/resource_providers"},
	}
	for _, test := range tests {
		for _, status := range []int{400, 401, 403, 500} {
			t.Run(fmt.Sprint(test.name, " ", status), func(t *testing.T) {
				f := newFake(t)
				f.fill(t)
				f.handle(test.pattern, echo(status))
				var log bytes.Buffer
				cfg := f.config(t)
				cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				c, err := Open(t.Context(), cfg)
				if err == nil {
					_, err = c.Snapshot(t.Context())
				}
				if err == nil {
					t.Fatal("no error")
				}
				if log.Len() == 0 || !strings.Contains(err.Error(), "***") {
					t.Errorf("the log is empty, or the answer did not come through: %v", err)
				}
				for what, text := range map[string]string{"error": err.Error(), "whole error": whole(err), "log": log.String()} {
					for _, secret := range []string{fakePassword, f.validToken()} {
						if strings.Contains(text, secret) {
							t.Errorf("%s tells %s:\n%s", what, secret, text)
						}
					}
				}
			})
		}
	}
}

// whole is the text of an error and of all that are in it.
func whole(err error) string {
	text := fmt.Sprintf("%v %+v", err, err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			text += whole(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			text += whole(inner)
		}
	}
	return text
}
