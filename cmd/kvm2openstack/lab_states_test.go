//go:build lab

package main

import (
	"net/http"
	"os/exec"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// notIn are the operations that Nova refuses by the state of the server, as it
// does with its own.
var notIn = map[string][]string{
	"SHUTOFF": {"diagnostics", "console log", "pause, unpause", "suspend, resume", "soft reboot", plan.Start},
	"PAUSED":  {"diagnostics", "suspend, resume", "soft reboot", plan.Start, plan.Rescue, plan.Resize, plan.Rebuild},
}

// A question is a request that a state does not allow, and where Nova says so.
type question struct {
	method, path string
	body         any
	status       int // of the answer
	reason       string
}

const byState = "nova/compute/api.py check_instance_state"

var questions = map[string]question{
	"diagnostics":     {http.MethodGet, "/diagnostics", nil, http.StatusConflict, "nova/compute/manager.py get_instance_diagnostics wants it to run"},
	"console log":     {http.MethodPost, "/action", map[string]any{"os-getConsoleOutput": map[string]any{}}, http.StatusNotFound, "nova/virt/libvirt/driver.py get_console_output"},
	"pause, unpause":  {http.MethodPost, "/action", map[string]any{"pause": nil}, http.StatusConflict, byState},
	"suspend, resume": {http.MethodPost, "/action", map[string]any{"suspend": nil}, http.StatusConflict, byState},
	"soft reboot":     {http.MethodPost, "/action", map[string]any{"reboot": map[string]any{"type": "SOFT"}}, http.StatusConflict, byState},
	plan.Start:        {http.MethodPost, "/action", map[string]any{"os-stop": nil}, http.StatusConflict, byState},
}

// notInState asks for what cannot be in the state that the guest is in: Nova's
// answer is that, and nothing happens.
func (d *day) notInState(operation string) {
	d.t.Helper()
	q := questions[operation]
	err := call(d.who().compute, q.method, "servers/"+d.uuid()+q.path, q.body, nil)
	if operation == "diagnostics" {
		d.log = d.markLog("nova-compute") // It has a traceback for that, see undiagnosed.
	}
	d.refusedInState(operation, err, q.status, q.reason)
}

// refusedInState: that was Nova's answer to an operation, and the guest is as it
// was.
func (d *day) refusedInState(operation string, err error, status int, reason string) {
	d.t.Helper()
	if !refusedWith(err, status) || strings.Contains(err.Error(), "is locked") {
		d.t.Errorf("%s, which is %s, was told on %s: %v", d.guest.name, d.status, operation, err)
	}
	d.check(operation)
	d.seenBy.add(d, operation, "not in this state", reason)
}

// noScreen: of a guest that is off Nova gives out the address of a screen, and
// nothing is there.
func (d *day) noScreen() {
	d.t.Helper()
	out, err := exec.CommandContext(d.t.Context(), "/usr/bin/python3", "../../testdata/lab/screen.py", d.console()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the proxy has closed the connection") {
		d.t.Errorf("the proxy shows a screen of %s, which is off, or says something else: %v\n%s", d.guest.name, err, out)
	}
	d.check(plan.Screen)
	d.seenBy.add(d, plan.Screen, "not in this state", "nova/virt/libvirt/driver.py get_vnc_console reads the screen's port from the domain")
}
