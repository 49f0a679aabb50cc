package openstack

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/gophercloud/gophercloud/v2"
)

// detailsVersion is the microversion in which an action's events say what went
// wrong. It came with Train.
const detailsVersion = "2.84"

// An actionNote is what Nova notes of one order to an instance, before it is
// carried out (nova/compute/api.py, _record_action_start).
type actionNote struct {
	Action    string
	RequestID string `json:"request_id"`
	Start     string `json:"start_time"`
	Message   string // "Error" when it failed
}

// lastAction is the note of the youngest order, a zero one when there is none.
func (c *Cloud) lastAction(ctx context.Context, uuid string) (last actionNote, err error) {
	var answer struct {
		Actions []actionNote `json:"instanceActions"`
	}
	err = c.ask(ctx, nova, "read the actions of instance "+uuid, func(ctx context.Context) error {
		_, err := c.compute.Get(ctx, c.compute.ServiceURL("servers", url.PathEscape(uuid), "os-instance-actions"), &answer, nil)
		return err
	})
	if err != nil || len(answer.Actions) == 0 {
		return actionNote{}, err
	}
	// They come youngest first; times of one form compare as texts do.
	return slices.MaxFunc(answer.Actions, func(a, b actionNote) int { return cmp.Compare(a.Start, b.Start) }), nil
}

// lastFailure says why the youngest action failed, "" if it did not.
func (c *Cloud) lastFailure(ctx context.Context, uuid string) (string, error) {
	last, err := c.lastAction(ctx, uuid)
	if err != nil || last.Message == "" {
		return "", err
	}
	var answer struct {
		Action struct {
			Events []struct{ Event, Result, Details string }
		} `json:"instanceAction"`
	}
	err = c.ask(ctx, nova, "read why "+last.Action+" of instance "+uuid+" failed", func(ctx context.Context) error {
		_, err := c.withDetails().Get(ctx,
			c.compute.ServiceURL("servers", url.PathEscape(uuid), "os-instance-actions", url.PathEscape(last.RequestID)), &answer, nil)
		return err
	})
	if err != nil {
		return "", err
	}
	why := last.Action + " failed"
	for _, e := range answer.Action.Events {
		if e.Result == "Error" && e.Details != "" {
			why += ": " + e.Details
			break
		}
	}
	return fit(why), nil
}

// withDetails is Nova's client at detailsVersion.
func (c *Cloud) withDetails() *gophercloud.ServiceClient {
	client := *c.compute
	client.Microversion = detailsVersion
	return &client
}
