// Package openstack is the cloud's side of an adoption through its own APIs:
// Keystone, Glance, Neutron, Placement and Nova's. Reading (Snapshot) is for
// audit and plan, the rest for import and release. It never touches a database
// and decides nothing: what is to be made stands in the plan.
//
// Every call has a deadline, which counts from when it is sent: only a few are
// in flight at a time (see turns). Reads that fail for a reason that passes are
// repeated; a request that may have been carried out never is.
package openstack

import (
	"log/slog"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// A Cloud is an authenticated connection to the APIs of one region. It may be
// used by several goroutines. The token is renewed when it has expired.
type Cloud struct {
	identity  *gophercloud.ServiceClient // Keystone v3
	image     *gophercloud.ServiceClient // Glance v2
	network   *gophercloud.ServiceClient // Neutron v2.0
	compute   *gophercloud.ServiceClient // Nova v2.1
	placement *gophercloud.ServiceClient

	name    string        // of the entry in clouds.yaml, for errors
	timeout time.Duration // for one call
	who     string        // user, project and roles of the token, for errors
	turns   *turns        // of all clients together
	log     *slog.Logger
}

// A Config says which cloud to open and how.
type Config struct {
	// Name of the entry in clouds.yaml. EnvironmentName stands for the OS_*
	// variables instead.
	Name string
	// Timeout of one call, with its answer; 30 seconds when it is 0.
	Timeout time.Duration
	// Calls that may be in flight at a time, to all services together;
	// DefaultCalls when it is 0.
	Calls int
	// Log gets each call at debug level, without headers and bodies; nil for
	// none.
	Log *slog.Logger

	pause time.Duration // before the first repetition; tests make it short
}

// Microversions that are asked for. Each is older than the oldest release this
// program writes for (Victoria: compute 2.87, placement 1.36), but for the
// consumer types of 1.38, which are sent where Placement has them.
const (
	computeVersion   = "2.61" // extra specs in a flavor's answer
	placementVersion = "1.36" // GET and PUT of allocations with generations
)

// callTimeout is the time of one call when the configuration has none.
const callTimeout = 30 * time.Second

// The services as operators call them, for errors and the log.
const (
	keystone  = "Keystone"
	glance    = "Glance"
	neutron   = "Neutron"
	placement = "Placement"
	nova      = "Nova"
)
