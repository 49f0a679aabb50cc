//go:build lab

package main

import (
	"net/http"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// notIn are the operations that Nova refuses by the state of the server, as it
// does with its own.
var notIn = map[string][]string{
	"SHUTOFF": {"diagnostics", "console log", plan.Screen, "pause, unpause", "suspend, resume", "soft reboot"},
	"PAUSED":  {"diagnostics", "suspend, resume", "soft reboot"},
}

// A question is a request that a state does not allow, and where Nova says so.
type question struct {
	method, path string
	body         any
	reason       string
}

const byState = "nova/compute/api.py check_instance_state"

var questions = map[string]question{
	"diagnostics":     {http.MethodGet, "/diagnostics", nil, "nova/compute/manager.py get_instance_diagnostics wants it to run"},
	"console log":     {http.MethodPost, "/action", map[string]any{"os-getConsoleOutput": map[string]any{}}, "nova/virt/libvirt/driver.py get_console_output"},
	plan.Screen:       {http.MethodPost, "/remote-consoles", map[string]any{"remote_console": map[string]any{"protocol": "vnc", "type": "novnc"}}, "nova/virt/libvirt/driver.py get_vnc_console"},
	"pause, unpause":  {http.MethodPost, "/action", map[string]any{"pause": nil}, byState},
	"suspend, resume": {http.MethodPost, "/action", map[string]any{"suspend": nil}, byState},
	"soft reboot":     {http.MethodPost, "/action", map[string]any{"reboot": map[string]any{"type": "SOFT"}}, byState},
	plan.Start:        {http.MethodPost, "/action", map[string]any{"os-stop": nil}, byState},
}

// notInState asks for what cannot be in the state that the guest is in: Nova's
// answer is that, and nothing happens.
func (d *day) notInState(operation string) {
	d.t.Helper()
	q := questions[operation]
	err := call(d.who().compute, q.method, "servers/"+d.uuid()+q.path, q.body, nil)
	if !refusedWith(err, http.StatusConflict) || strings.Contains(err.Error(), "is locked") {
		d.t.Errorf("%s, which is %s, was told on %s: %v", d.guest.name, d.status, operation, err)
	}
	d.check(operation)
	d.seenBy.add(d, operation, "not in this state", q.reason)
}
