// Package openstack is the cloud's side of an adoption through its own APIs:
// Keystone, Glance, Neutron, Placement and Nova's. Reading (Snapshot) is for
// audit and plan, the rest for import and release. It never touches a database
// and decides nothing: what is to be made stands in the plan.
package openstack

import (
	"log/slog"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// A Cloud is an authenticated connection to the APIs of one region.
type Cloud struct {
	identity  *gophercloud.ServiceClient // Keystone v3
	image     *gophercloud.ServiceClient // Glance v2
	network   *gophercloud.ServiceClient // Neutron v2.0
	compute   *gophercloud.ServiceClient // Nova v2.1
	placement *gophercloud.ServiceClient

	name    string        // of the entry in clouds.yaml, for errors
	timeout time.Duration // for one call
	log     *slog.Logger
}

// Microversions that are asked for. Each is older than the oldest release this
// program writes for (Victoria: compute 2.87, placement 1.36), but for the
// consumer types of 1.38, which are sent where Placement has them.
const (
	computeVersion   = "2.61" // extra specs in a flavor's answer
	placementVersion = "1.36" // GET and PUT of allocations with generations
)

// callTimeout is the deadline of one call when the configuration has none.
const callTimeout = 30 * time.Second
