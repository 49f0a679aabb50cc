package cloud

import (
	"errors"
	"strings"
)

// ErrBusy: Nova has a task of its own with the instance, or the instance is in
// a state in which Nova does not do what is asked.
var ErrBusy = errors.New("the instance is not in a state for it")

// A Server is an instance as Nova's API shows it to an administrator.
type Server struct {
	UUID         string
	Status       string // ACTIVE, SHUTOFF, ERROR, ...: for people
	VMState      string // active, stopped, paused, error, ...
	Task         string // task_state, "" for none
	Power        int    // 1 running, 3 paused, 4 shut down, as nova.PowerRunning has it
	Host         string // services.host, "" for none
	InstanceName string // what Nova calls the domain
	Locked       bool
	// Fault is why the last thing that Nova did with the instance went wrong,
	// as far as Nova's API tells; "" while it does something, and when it went
	// well. The log of nova-compute on Host has all of it.
	Fault string
}

// Active reports whether the instance runs and Nova is through with it.
func (s Server) Active() bool { return s.VMState == "active" && s.Task == "" }

// Starting reports whether Nova is about to make the instance's domain.
func (s Server) Starting() bool { return s.Task == "powering-on" }

// Rebooting reports whether a hard reboot is under way (nova/compute/task_states.py).
func (s Server) Rebooting() bool {
	switch s.Task {
	case "rebooting_hard", "reboot_pending_hard", "reboot_started_hard":
		return true
	}
	return false
}

// State reads like "ACTIVE", or "SHUTOFF, task powering-on".
func (s Server) State() string {
	parts := []string{s.Status}
	if s.Task != "" {
		parts = append(parts, "task "+s.Task)
	}
	return strings.Join(parts, ", ")
}
