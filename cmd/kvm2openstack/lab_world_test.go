//go:build lab

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// labPrefix begins the names of the fleet's domains.
const labPrefix = "leg-"

// A lab is the whole cloud that testdata/lab brings up, and the files of the
// person who adopts its fleet.
type lab struct {
	t      *testing.T
	dir    string
	config string
	plan   string
	fleet  map[string]*legacy // by name
}

// A legacy is one domain of the fleet.
type legacy struct {
	name, uuid string
	nics       []labNIC
}

type labNIC struct{ mac, address string }

// labEnv is a variable that testdata/lab/test.sh sets.
func labEnv(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set; run make lab-test, or in a lab that is up: . testdata/lab/env.sh", name)
	}
	return v
}

// newLab writes a configuration like the lab's own, with a journal that goes
// with the test. edit changes its text, nil leaves it.
func newLab(t *testing.T, edit func(string) string) *lab {
	t.Helper()
	l := &lab{t: t, dir: t.TempDir(), fleet: map[string]*legacy{}}
	l.config, l.plan = filepath.Join(l.dir, "config.yaml"), filepath.Join(l.dir, "plan.yaml")
	labEnv(t, "NOVA_DB_PASSWORD")
	labEnv(t, "OS_CLIENT_CONFIG_FILE")
	text, err := os.ReadFile(labEnv(t, "KVM2OPENSTACK_CONFIG"))
	l.must(err)
	config := string(text) + addressRules
	if edit != nil {
		config = edit(config)
	}
	l.must(os.WriteFile(l.config, []byte(config), 0o600))
	for _, name := range strings.Fields(l.virsh("list", "--all", "--name")) {
		if strings.HasPrefix(name, labPrefix) {
			l.fleet[name] = l.legacy(name)
		}
	}
	if len(l.fleet) < 17 {
		t.Fatalf("libvirt has %d domains of the fleet, want all; run testdata/lab/fleet.sh", len(l.fleet))
	}
	l.greet()
	return l
}

// greet waits until every guest that runs has booted, and makes the host know
// its neighbours: real guests have been talking.
func (l *lab) greet() {
	l.t.Helper()
	for _, g := range l.inState("running") {
		for _, n := range g.nics {
			l.eventually(5*time.Minute, g.name+" answers at "+n.address, func() bool {
				return exec.Command("ping", "-n", "-c", "1", "-W", "2", n.address).Run() == nil
			})
		}
		l.state(g.nics[0].address)
	}
}

// addressRules say the addresses of guests that do not speak.
const addressRules = `rules:
  - {match: {name: leg-off01}, addresses: {"52:54:00:10:00:15": [10.66.0.21]}}
  - {match: {name: leg-paused01}, addresses: {"52:54:00:10:00:16": [10.66.0.22]}}
`

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// output runs a command of the machine.
func (l *lab) output(name string, args ...string) string {
	l.t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}

func (l *lab) virsh(args ...string) string {
	l.t.Helper()
	return strings.TrimSpace(l.output("virsh", append([]string{"-q", "-c", "qemu:///system"}, args...)...))
}

// script runs one of testdata/lab's.
func (l *lab) script(name string, args ...string) string {
	l.t.Helper()
	return l.output(filepath.Join("..", "..", "testdata", "lab", name), args...)
}

// legacy reads a domain. Its addresses follow from its MAC addresses: the
// guests count on that, too.
func (l *lab) legacy(domain string) *legacy {
	l.t.Helper()
	var d struct {
		Name string `xml:"name"`
		UUID string `xml:"uuid"`
		NICs []struct {
			MAC struct {
				Address string `xml:"address,attr"`
			} `xml:"mac"`
		} `xml:"devices>interface"`
	}
	l.must(xml.Unmarshal([]byte(l.virsh("dumpxml", domain)), &d))
	g := &legacy{name: d.Name, uuid: d.UUID}
	for _, n := range d.NICs {
		last, err := strconv.ParseInt(n.MAC.Address[len(n.MAC.Address)-2:], 16, 16)
		l.must(err)
		g.nics = append(g.nics, labNIC{n.MAC.Address, "10.66.0." + strconv.FormatInt(last, 10)})
	}
	return g
}

// command runs kvm2openstack in this process and insists on its exit status.
func (l *lab) command(want int, args ...string) string {
	l.t.Helper()
	got, text := l.try(args...)
	if got != want {
		l.t.Fatalf("kvm2openstack %s ended with status %d, want %d:\n%s", strings.Join(args, " "), got, want, text)
	}
	return text
}

// try runs kvm2openstack in this process.
func (l *lab) try(args ...string) (status int, text string) {
	l.t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	status = run(ctx, append(args, "--config", l.config), streams{in: strings.NewReader(""), out: &stdout, err: &stderr})
	text = stdout.String() + stderr.String()
	if password := labEnv(l.t, "NOVA_DB_PASSWORD"); strings.Contains(text, password) {
		l.t.Errorf("%v printed a password:\n%s", args, text)
	}
	return status, text
}

// openstack gives commands to the cloud's own client, all to one process
// because each takes seconds to start, and returns what they printed as JSON.
// The client's interactive mode goes on after an error and says so on stderr.
func (l *lab) openstack(cloud string, commands ...string) []json.RawMessage {
	l.t.Helper()
	out, failures := l.openstackTry(cloud, commands...)
	if failures != "" {
		l.t.Fatalf("openstack as %s: %s\n%s", cloud, strings.Join(commands, "; "), failures)
	}
	return out
}

func (l *lab) openstackTry(cloud string, commands ...string) (values []json.RawMessage, failures string) {
	l.t.Helper()
	var stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "openstack") // Any argument would be the command.
	cmd.Env = append(os.Environ(), "OS_CLOUD="+cloud)
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	this := release(l.t)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != this.ends {
		l.t.Fatalf("openstack: %v\n%s", err, &stderr)
	}
	failures = stderr.String()
	if this.aside != nil {
		failures = this.aside.ReplaceAllString(failures, "")
	}
	return jsonValues(l.t, string(out)), strings.TrimSpace(failures)
}

// promptOf is what the client prints before each command.
var promptOf = regexp.MustCompile(`\(openstack\) ?`)

// jsonValues are the JSON values in what the client printed.
func jsonValues(t *testing.T, out string) (values []json.RawMessage) {
	t.Helper()
	for d := json.NewDecoder(strings.NewReader(promptOf.ReplaceAllString(out, "\n"))); ; {
		var v json.RawMessage
		err := d.Decode(&v)
		if err == io.EOF {
			return values
		}
		if err != nil {
			t.Fatalf("openstack printed something else than JSON: %v\n%s", err, out)
		}
		values = append(values, v)
	}
}

// A labServer is one line of "openstack server list --long".
type labServer struct {
	ID       string
	Name     string
	Status   string
	Task     *string             `json:"Task State"`
	Power    any                 `json:"Power State"`
	Networks map[string][]string `json:"Networks"`
	Image    string              `json:"Image Name"`
	Flavor   string              `json:"Flavor"`
	Host     string
}

// servers are what the client lists for everybody's projects, by id.
func (l *lab) servers() map[string]labServer {
	l.t.Helper()
	var list []labServer
	l.must(json.Unmarshal(l.openstack("k2o-lab", "server list --long --all-projects -f json")[0], &list))
	m := map[string]labServer{}
	for _, s := range list {
		m[s.ID] = s
	}
	return m
}

// state is what a guest says of itself.
func (l *lab) state(address string) map[string]string {
	l.t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	var last error
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		r, err := client.Get("http://" + address + "/state")
		if last = err; err != nil {
			continue
		}
		text, err := io.ReadAll(r.Body)
		r.Body.Close()
		if last = err; err == nil && r.StatusCode == http.StatusOK {
			return guestState(string(text))
		}
	}
	l.t.Fatalf("guest at %s does not say its state: %v", address, last)
	return nil
}

// guestState has the lines that come once by their name, and those of disks
// and interfaces by both.
func guestState(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name == "disk" || name == "nic" {
			device, rest, _ := strings.Cut(value, " ")
			name, value = name+" "+device, rest
		}
		m[name] = value
	}
	return m
}

// running are the fleet's domains in that state, by libvirt, that have an
// address.
func (l *lab) inState(state string) (list []*legacy) {
	l.t.Helper()
	for _, g := range l.fleet {
		if len(g.nics) > 0 && l.virsh("domstate", g.uuid) == state {
			list = append(list, g)
		}
	}
	return list
}

// log is what a daemon has logged since the mark was taken.
type logMark struct {
	path string
	size int64
}

func (l *lab) markLog(service string) logMark {
	l.t.Helper()
	m := logMark{path: filepath.Join(labLogs, service+".log")}
	info, err := os.Stat(m.path)
	l.must(err)
	m.size = info.Size()
	return m
}

// service is whose log it is.
func (m logMark) service() string { return strings.TrimSuffix(filepath.Base(m.path), ".log") }

const labLogs = "/var/log/k2o-lab"

func (l *lab) logged(m logMark) string {
	l.t.Helper()
	f, err := os.Open(m.path)
	l.must(err)
	defer f.Close()
	_, err = f.Seek(m.size, io.SeekStart)
	l.must(err)
	text, err := io.ReadAll(f)
	l.must(err)
	return string(text)
}
