package onboard

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	refused = "2026-11-27 09:40:11.101 4711 ERROR oslo_service.backend.eventlet.service [None req-5 - - - - - -] Error starting thread.: nova.exception.InvalidConfiguration: " +
		"My hypervisor has existing instances, but I appear to be a new service in this database. Possible database configuration error, refusing to start!"
	counts = "2026-11-27 09:50:11.101 4711 WARNING nova.compute.manager [None req-9] While synchronizing instance power states, found 4 instances in the database and 5 instances on the hypervisor."
)

// The titles of what a line says.
const (
	firstStart = "First start refused: the host has domains"
	renamed    = "Start refused: the host was renamed"
	oldService = "Start refused: an older service without exactly one node"
	provider   = "Placement has not made the host's resource provider"
	emptyDrive = "An empty drive disturbs the list of mounts"
	differ     = "libvirt and Nova count differently"
)

// The lines are as nova-compute 31 wrote them, or as its source has them.
var known = map[string]string{
	refused: firstStart,
	"nova.exception.InvalidConfiguration: No local node identity found, but this is not our first startup on this host. Refusing to start after potentially having lost that state!": "Start refused: the host has lost its compute_id",
	"Error starting thread.: nova.exception.InvalidNodeConfiguration: Invalid node identity configuration: Unable to parse UUID from /var/lib/nova/compute_id":                       "Start refused: compute_id cannot be used",
	"nova.exception.InvalidConfiguration: My node 5e has host 'kvm01' but my host is 'kvm02'; Possible rename detected, refusing to start!":                                          renamed,
	"My compute node 5e has hypervisor_hostname kvm01 but virt driver reports it should be kvm1. Possible rename detected, refusing to start!":                                       renamed,
	"Upgrading from service version 61 but found no nodes in the database for host kvm01 to persist locally; Possible rename detected, refusing to start!":                           oldService,
	"Multiple nodes found in database, manual node uuid configuration required":                                                                                                      oldService,
	"ERROR oslo_service.service [-] Error starting thread.: nova.exception_Remote.ComputeHostNotFound_Remote: Compute host kvm01 could not be found.":                                oldService,
	"nova.exception.InvalidConfiguration: Duplicate compute node record found for host kvm01 node kvm01.example.org":                                                                 "Start refused: the host's node has another UUID",

	"ERROR nova.scheduler.client.report [None req-1] [req-2] Failed to create resource provider record in placement API for UUID 5e. Got 409: {\"detail\": \"Conflicting resource provider name: kvm07 already exists.\"}.": provider,
	"ERROR nova.compute.manager nova.exception.ResourceProviderCreationFailed: Failed to create resource provider kvm07":                                                                                                    provider,
	"ERROR nova.virt.libvirt.host [-] Exception handling connection event: TypeError: expected str, bytes or os.PathLike object, not NoneType":                                                                              emptyDrive,
	"Exception handling connection event: TypeError: expected str, bytes or os.PathLike object, not NoneType":                                                                                                               emptyDrive,
	"ERROR nova.scheduler.client.report [req-1] [req-2] Failed to update inventory to [{'VCPU': 1}] for resource provider with UUID 5e.  Got 409: {\"errors\": [{\"code\": \"placement.concurrent_update\"}]}":              "The inventory was written a moment too late",
	counts: differ,
	"WARNING nova.compute.resource_tracker [None req-9] Instance 5e is not being actively managed by this compute host but has allocations referencing this compute host: {}. Skipping heal of allocation because we do not know what to do.": "An allocation of an instance that is not tracked yet",
}

func TestRecognise(t *testing.T) {
	for line, want := range known {
		for how, text := range map[string]string{
			"as it is":     line,
			"wrapped":      strings.ReplaceAll(line, " ", "\n  "),
			"Nova's own":   "\x1b[01;31m" + line + "\x1b[00m",
			"grep's":       strings.ReplaceAll(line, "host", "\x1b[1;31m\x1b[Khost\x1b[m\x1b[K"),
			"in a syslog":  "#033[01;31m" + line + "#033[00m",
			"of odd bytes": "\xff\x00 " + line + " \xfe",
		} {
			if got, ok := Recognise(text); !ok || got.Title != want {
				t.Errorf("%s: Recognise(%q) = %q, %v, want %q", how, text, got.Title, ok, want)
			}
		}
	}
}

// What another thing says must not be explained as one of these.
func TestRecogniseNothingElse(t *testing.T) {
	for _, other := range []string{
		"", " ", "\n", "\x1b[0m", "web-1", "name=nova", "a guest with spaces", "\xff\xfe", strings.Repeat("x", 1<<20),
		"INFO nova.compute.manager [-] Looking for unclaimed instances stuck in BUILDING status",
		"ERROR nova.volume.cinder TypeError: expected str, bytes or os.PathLike object, not NoneType",
		"WARNING nova.compute.resource_tracker No compute node record for kvm01: nova.exception_Remote.ComputeHostNotFound_Remote: Compute host kvm01 could not be found.",
		"ERROR nova.scheduler.client.report Failed to update inventory to [{}] for resource provider with UUID 5e.  Got 409: {\"errors\": [{\"code\": \"placement.inventory.inuse\"}]}",
	} {
		if got, ok := Recognise(other); ok {
			t.Errorf("Recognise(%q) = %q", other, got.Title)
		}
		if got := Text(other); len(got) > 0 {
			t.Errorf("Text(%q) = %q", other, got[0].Title)
		}
	}
}

func TestLooksLogged(t *testing.T) {
	for _, line := range []string{
		refused, counts, "\x1b[00;36mINFO nova.compute.manager [\x1b[01;36m-] Looking",
		"ERROR  nova.compute.manager\t[-] text", "CRITICAL nova [-] x.y", "nova.exception.NovaException: text",
	} {
		if !LooksLogged(line) {
			t.Errorf("LooksLogged(%q) = false", line)
		}
	}
	for _, name := range []string{"", "web-1", "INFO", "ERROR web", "an INFO server", "nova.exception.web", "db WARNING nova.example", "CRITICAL nova guest", "K2O-101"} {
		if LooksLogged(name) {
			t.Errorf("LooksLogged(%q) = true", name)
		}
	}
}

func TestRead(t *testing.T) {
	huge := strings.Repeat("y", 3*longest)
	log := strings.Join([]string{"", huge, refused + huge, counts, huge + counts, "INFO nova.service [-] x", refused}, "\n")
	found, lines, err := Read(iotest.HalfReader(strings.NewReader(log + "\r\n" + counts + "\r\n")))
	if err != nil || lines != 8 {
		t.Fatalf("Read = %d lines, %v, want 8", lines, err)
	}
	if len(found) != 2 || found[0].Title != firstStart || found[0].First != 3 || found[0].Times != 2 ||
		found[1].Title != differ || found[1].First != 4 || found[1].Times != 2 {
		t.Errorf("Read = %+v", found)
	}
	broken := errors.New("broken")
	_, _, err = Read(io.MultiReader(strings.NewReader(refused+"\n"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "read line 2 of the log") {
		t.Errorf("Read of what breaks: %v", err)
	}
	// In the middle of a line that is longer than what is looked at.
	_, _, err = Read(io.MultiReader(strings.NewReader(huge), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("Read of a long line that breaks: %v", err)
	}
}

// Every thing says enough, once, and is the first to know its own lines.
func TestLogLinesSayEnough(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range LogLines {
		if l.Title == "" || l.Meaning == "" || l.Fact == "" || l.Remedy == "" || l.says == nil || seen[l.Title] {
			t.Errorf("too little, or twice: %+v", l)
		}
		seen[l.Title] = true
	}
	for _, title := range known {
		seen[title] = false
	}
	for title, untried := range seen {
		if untried {
			t.Errorf("no line of the tests is %q", title)
		}
	}
}
