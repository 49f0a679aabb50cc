//go:build lab

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"go.yaml.in/yaml/v3"
)

// An api is the cloud as one of its users reaches it. Starting the cloud's own
// client takes seconds, and the matrix asks thousands of times. It belongs to
// no test, so that several may share it.
type api struct {
	compute, network, image, placement *gophercloud.ServiceClient
}

// The users of the lab's cloud: its administrator, and whom the adopted
// instances belong to.
const (
	administrator = "k2o-lab"
	owner         = "k2o-lab-legacy"
)

// newAPI logs in as an entry of clouds.yaml.
func (l *lab) newAPI(name string) *api {
	l.t.Helper()
	provider, err := openstack.AuthenticatedClient(context.Background(), l.login(name)) // a test that ends still has to clear away
	l.must(err)
	provider.HTTPClient.Timeout = 5 * time.Minute
	a := &api{}
	for _, c := range []struct {
		client **gophercloud.ServiceClient
		open   func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)
	}{{&a.compute, openstack.NewComputeV2}, {&a.network, openstack.NewNetworkV2}, {&a.image, openstack.NewImageV2}, {&a.placement, openstack.NewPlacementV1}} {
		*c.client, err = c.open(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
		l.must(err)
	}
	a.compute.Microversion, a.placement.Microversion = "2.90", "1.38"
	return a
}

// login reads what clouds.yaml says of a user.
func (l *lab) login(name string) gophercloud.AuthOptions {
	l.t.Helper()
	text, err := os.ReadFile(labEnv(l.t, "OS_CLIENT_CONFIG_FILE"))
	l.must(err)
	var file struct {
		Clouds map[string]struct {
			Auth struct {
				URL      string `yaml:"auth_url"`
				User     string `yaml:"username"`
				Password string `yaml:"password"`
				Project  string `yaml:"project_name"`
			}
		}
	}
	l.must(yaml.Unmarshal(text, &file))
	auth := file.Clouds[name].Auth
	if auth.User == "" {
		l.t.Fatalf("clouds.yaml has no cloud %s", name)
	}
	return gophercloud.AuthOptions{
		IdentityEndpoint: auth.URL, Username: auth.User, Password: auth.Password, TenantName: auth.Project, DomainName: "Default", AllowReauth: true,
	}
}

// call is one request. Its error begins with the status and says what the
// service said, without the noise around it.
func call(c *gophercloud.ServiceClient, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	opts := &gophercloud.RequestOpts{JSONBody: body, JSONResponse: into, OkCodes: []int{200, 201, 202, 204}}
	_, err := c.Request(ctx, method, c.ServiceURL(strings.Split(path, "/")...), opts)
	var refused gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &refused) {
		return &refusal{refused.Actual, faultOf(refused.Body)}
	}
	return err
}

// A refusal is an answer that is none of the good ones.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.text) }

// refusedWith tells an answer by its status.
func refusedWith(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == status
}

// faultOf is the message in what a service answers instead: {KIND: {"message": …}}.
func faultOf(body []byte) string {
	var kinds map[string]struct{ Message string }
	if json.Unmarshal(body, &kinds) == nil {
		for _, k := range kinds {
			return k.Message
		}
	}
	return string(body)
}

func (a *api) action(uuid, name string, args any) error {
	return call(a.compute, http.MethodPost, "servers/"+uuid+"/action", map[string]any{name: args}, nil)
}

// A shown is a server as the API shows it.
type shown struct {
	ID, Name, Status string
	Task             *string `json:"OS-EXT-STS:task_state"`
	VMState          string  `json:"OS-EXT-STS:vm_state"`
	Power            int     `json:"OS-EXT-STS:power_state"`
	Instance         string  `json:"OS-EXT-SRV-ATTR:instance_name"`
	Host             string  `json:"OS-EXT-SRV-ATTR:host"`
	Locked           bool
	Metadata         map[string]string
	Tags             []string
	Image            any
	Flavor           struct {
		Name                        string `json:"original_name"`
		VCPUs, RAM, Disk, Ephemeral int
	}
	Addresses map[string][]struct {
		Addr string
		MAC  string `json:"OS-EXT-IPS-MAC:mac_addr"`
	}
	Groups []struct{ Name string } `json:"security_groups"`
	Fault  struct{ Message, Details string }
}

func (s shown) String() string {
	task := ""
	if s.Task != nil {
		task = ", task " + *s.Task
	}
	if s.Fault.Message != "" {
		task += ": " + s.Fault.Message
	}
	return s.Status + task
}

func (a *api) show(uuid string) (shown, error) {
	var answer struct{ Server shown }
	err := call(a.compute, http.MethodGet, "servers/"+uuid, nil, &answer)
	return answer.Server, err
}

// settled waits until a server is in the status, without a task, and gives up
// as soon as it is in ERROR instead.
func (a *api) settled(uuid, status string) (shown, error) {
	for end := time.Now().Add(10 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		s, err := a.show(uuid)
		switch {
		case err != nil:
			return s, err
		case s.Status == status && s.Task == nil:
			return s, nil
		case s.Status == "ERROR" && s.Task == nil || time.Now().After(end):
			return s, fmt.Errorf("it does not become %s but is %v", status, s)
		}
	}
}

// idle waits until a server has no task, whatever its status is then.
func (a *api) idle(uuid string) (shown, error) {
	for end := time.Now().Add(10 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		s, err := a.show(uuid)
		if err != nil || s.Task == nil {
			return s, err
		}
		if time.Now().After(end) {
			return s, fmt.Errorf("it does not end: %v", s)
		}
	}
}

// gone waits until there is no such server.
func (a *api) gone(uuid string) error {
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		s, err := a.show(uuid)
		if refusedWith(err, http.StatusNotFound) {
			return nil
		}
		if err != nil || time.Now().After(end) {
			return fmt.Errorf("it is still there: %v %w", s, err)
		}
	}
}
