package openstack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
)

// ask makes one call of a service within the time for one call, which is also
// that of all its pages and repetitions. Waiting for its turn does not count.
func (c *Cloud) ask(ctx context.Context, service, act string, call func(context.Context) error) error {
	return c.wrap(service, act, call(withBudget(ctx, c.timeout)))
}

// list reads all pages of a list within the time for one call.
func list[T any](ctx context.Context, c *Cloud, act string, l listing) (all []T, err error) {
	err = c.ask(ctx, l.service, act, func(ctx context.Context) error {
		return (&reading{Cloud: c}).eachPage(ctx, l, func(p page) error {
			var some []T
			err := json.Unmarshal(p.entries, &some)
			all = append(all, some...)
			return err
		})
	})
	return all, err
}

// answered reports whether the service answered with one of these statuses.
func answered(err error, statuses ...int) bool {
	var answer gophercloud.ErrUnexpectedResponseCode
	return errors.As(err, &answer) && slices.Contains(statuses, answer.Actual)
}

// doubtful reports whether a request may have been carried out although it
// failed: the answer was lost, could not be read, or a proxy gave up waiting.
// Whoever made it looks before it is made again.
func doubtful(err error) bool {
	var answer gophercloud.ErrUnexpectedResponseCode
	return err != nil && (!errors.As(err, &answer) || answer.Actual >= http.StatusInternalServerError)
}

// kindOf is the name by which Neutron ("MacAddressInUse") or Placement
// ("placement.concurrent_update") calls an error; "" for all others.
func kindOf(err error) string {
	var answer gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &answer) {
		return ""
	}
	var body struct {
		NeutronError struct{ Type string }
		Errors       []struct{ Code string }
	}
	if json.Unmarshal(answer.Body, &body) != nil {
		return ""
	}
	if len(body.Errors) > 0 {
		return body.Errors[0].Code
	}
	return body.NeutronError.Type
}
