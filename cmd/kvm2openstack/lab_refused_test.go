//go:build lab

package main

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// one is the guest that single refusals are tried on.
const one = "leg-web01"

// TestLabRefused gives a real cloud what goes wrong in one. Nothing may be
// left half done, and the message must say what to do.
func TestLabRefused(t *testing.T) {
	for name, c := range map[string]func(*lab){
		"wrong password":                    (*lab).wrongPassword,
		"Keystone is down":                  (*lab).keystoneDown,
		"network deleted after the plan":    (*lab).networkDeleted,
		"flavor changed after the plan":     (*lab).flavorChanged,
		"MAC address of somebody's port":    (*lab).portTaken,
		"port taken after the plan":         (*lab).portTakenLater,
		"name that the project cannot see":  (*lab).networkUnseen,
		"Placement without room for it all": (*lab).noRoom,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, nil)
			before := l.dumpCloud()
			c(l)
			if diff := before.diff(l.dumpCloud()); diff != "" {
				t.Errorf("the cloud was changed:\n%s", diff)
			}
			l.nothingLinked()
		})
	}
}

// says fails unless the command ends with the status and says all of the words.
func (l *lab) says(status int, words string, args ...string) {
	l.t.Helper()
	text := l.command(status, args...)
	for word := range strings.SplitSeq(words, "|") {
		if !strings.Contains(text, word) {
			l.t.Errorf("kvm2openstack %s does not say %q:\n%s", strings.Join(args, " "), word, text)
		}
	}
}

func (l *lab) wrongPassword() {
	text, err := os.ReadFile(labEnv(l.t, "OS_CLIENT_CONFIG_FILE"))
	l.must(err)
	const wrong = "not-the-password"
	file := filepath.Join(l.dir, "clouds.yaml")
	l.must(os.WriteFile(file, []byte(strings.ReplaceAll(string(text), labEnv(l.t, "NOVA_DB_PASSWORD"), wrong)), 0o600))
	l.t.Setenv("OS_CLIENT_CONFIG_FILE", file)
	for _, args := range [][]string{{"audit"}, {"plan", "-O", l.plan}} {
		l.says(exitBlocked, "password|k2o-lab", args...)
		if _, said := l.try(args...); strings.Contains(said, wrong) {
			l.t.Errorf("%v printed the password:\n%s", args, said)
		}
	}
}

func (l *lab) keystoneDown() {
	l.command(exitClean, "plan", "-O", l.plan, "--only", one)
	l.script("service.sh", "stop", "keystone")
	defer l.script("service.sh", "start", "keystone")
	l.says(exitBlocked, "Keystone", "import", l.plan, "--yes")
}

// client runs one command of the cloud's client as the administrator and
// gives its JSON.
func (l *lab) client(command string) string {
	l.t.Helper()
	out := l.openstack("k2o-lab", command+" -f json")
	if len(out) == 0 {
		l.t.Fatalf("openstack %s printed nothing", command)
	}
	return string(out[0])
}

// mapped changes the configuration so that the guest belongs to a network.
func (l *lab) mapped(network string) {
	l.t.Helper()
	text, err := os.ReadFile(l.config)
	l.must(err)
	rule := "networks:\n  - {mac: \"" + l.fleet[one].nics[0].mac + "\", network: " + network + "}\n"
	l.must(os.WriteFile(l.config, []byte(strings.Replace(string(text), "networks:\n", rule, 1)), 0o600))
}

func (l *lab) networkDeleted() {
	l.client("network create --share --provider-network-type local lab-passing")
	deleted := false
	defer func() {
		if !deleted {
			l.openstack("k2o-lab", "network delete lab-passing")
		}
	}()
	l.client("subnet create --network lab-passing --subnet-range 10.66.0.0/24 --gateway 10.66.0.1 --no-dhcp lab-passing")
	l.mapped("lab-passing")
	l.command(exitClean, "plan", "-O", l.plan, "--only", one)
	l.openstack("k2o-lab", "network delete lab-passing")
	deleted = true
	l.says(exitBlocked, one+"|there is no network|make what is missing", "import", l.plan, "--yes")
}

func (l *lab) flavorChanged() {
	l.command(exitClean, "plan", "-O", l.plan, "--only", one)
	name := lineWith(l.t, l.plan, "flavor: {name: ")
	name = strings.TrimPrefix(strings.Split(name, ",")[0], "flavor: {name: ")
	l.client("flavor create --private --vcpus 7 --ram 64 --disk 1 " + name)
	defer l.openstack("k2o-lab", "flavor delete "+name)
	l.says(exitBlocked, one+"|"+name+"|7 vCPU", "import", l.plan, "--yes")
}

// lineWith is the first line of a file that holds the text, without its
// indentation.
func lineWith(t *testing.T, file, text string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, text) {
			return line
		}
	}
	t.Fatalf("%s has no line %q", file, text)
	return ""
}

// takenPort makes a port of the guest's MAC address that somebody else uses.
func (l *lab) takenPort() (gone func()) {
	l.t.Helper()
	l.client("port create --network legacy-net --mac-address " + l.fleet[one].nics[0].mac +
		" --device 11111111-2222-4333-8444-555555555555 --device-owner compute:elsewhere lab-taken")
	return func() { l.openstack("k2o-lab", "port delete lab-taken") }
}

func (l *lab) portTaken() {
	defer l.takenPort()()
	l.says(exitBlocked, "nothing can be imported", "plan", "-O", l.plan, "--only", one)
	text, err := os.ReadFile(l.plan)
	l.must(err)
	if !strings.Contains(string(text), "11111111-2222-4333-8444-555555555555") {
		l.t.Errorf("the plan does not name who has the port:\n%s", text)
	}
}

func (l *lab) portTakenLater() {
	l.command(exitClean, "plan", "-O", l.plan, "--only", one)
	defer l.takenPort()()
	l.says(exitBlocked, one+"|11111111-2222-4333-8444-555555555555", "import", l.plan, "--yes")
}

func (l *lab) networkUnseen() {
	l.client("network create --provider-network-type local lab-private")
	defer l.openstack("k2o-lab", "network delete lab-private")
	l.client("subnet create --network lab-private --subnet-range 10.66.0.0/24 --gateway 10.66.0.1 --no-dhcp lab-private")
	l.mapped("lab-private")
	l.says(exitBlocked, "nothing can be imported", "plan", "-O", l.plan, "--only", one)
	text, err := os.ReadFile(l.plan)
	l.must(err)
	if !strings.Contains(string(text), "lab-private") || !strings.Contains(string(text), "legacy") {
		l.t.Errorf("the plan does not say that the project cannot see the network:\n%s", text)
	}
}

// noRoom reserves almost all of the node's memory in Placement, where the ratio
// of 4 leaves 300 MiB: some of the fleet no longer fits, and the plan says so.
func (l *lab) noRoom() {
	db := l.database("placement")
	var reserved int
	const memory = "resource_class_id = 1" // MEMORY_MB in os_resource_classes
	l.must(db.QueryRow("SELECT reserved FROM inventories WHERE " + memory).Scan(&reserved))
	defer func() {
		l.script("service.sh", "restart", "nova-compute") // It writes its inventory anew.
		l.eventually(2*time.Minute, "nova-compute has written its inventory", func() bool {
			var now int
			l.must(db.QueryRow("SELECT reserved FROM inventories WHERE " + memory).Scan(&now))
			return now == reserved
		})
	}()
	l.change(db, "UPDATE inventories SET reserved = total - 75 WHERE "+memory)
	text := l.command(exitAttention, "plan", "-O", l.plan, "--only", "leg-*")
	content, err := os.ReadFile(l.plan)
	l.must(err)
	if !strings.Contains(string(content), "MEMORY_MB") {
		l.t.Errorf("the plan does not say that Placement has no room:\n%s\n%s", text, content)
	}
}

func (l *lab) change(db *sql.DB, statement string) {
	l.t.Helper()
	_, err := db.Exec(statement)
	l.must(err)
}

// TestLabNeutronDies kills Neutron while ports are made. The same command
// again finishes what it began.
func TestLabNeutronDies(t *testing.T) {
	l := newLab(t, nil)
	before := l.dumpCloud()
	l.command(exitAttention, "plan", "-O", l.plan, "--only", labPrefix+"*")
	t.Cleanup(func() { l.releaseWhatIsLeft() })

	killed := make(chan bool)
	go func() {
		defer close(killed)
		killed <- l.killNeutronAtPort()
	}()
	status, text := l.try("import", l.plan, "--yes")
	if !<-killed {
		t.Fatalf("the import ended with status %d before it had made a port:\n%s", status, text)
	}
	t.Logf("import without Neutron ended with status %d:\n%s", status, text)
	if status != exitUndone && status != exitPerson {
		t.Errorf("the import ended with status %d, want %d or %d", status, exitUndone, exitPerson)
	}
	for _, word := range []string{"Neutron", "port", "leg-"} {
		if !strings.Contains(text, word) {
			t.Errorf("nothing says %q", word)
		}
	}
	l.script("service.sh", "start", "neutron-server")
	l.reported()
	l.command(exitClean, "import", l.plan, "--yes")
	l.command(exitClean, "verify", l.plan)
	l.listed()
	l.command(exitClean, "release", l.plan, "--yes")
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was:\n%s", diff)
	}
	l.nothingLinked()
}

// reported waits for a heartbeat of Neutron's L2 agent. One that was on its way
// to a server that died is given up after a minute and more, and Neutron binds
// no port to the host of an agent that it takes for dead.
func (l *lab) reported() {
	l.t.Helper()
	db := l.database("neutron")
	var since string
	l.must(db.QueryRow("SELECT UTC_TIMESTAMP()").Scan(&since))
	l.eventually(5*time.Minute, "Neutron hears of its L2 agent", func() bool {
		var n int
		l.must(db.QueryRow("SELECT COUNT(*) FROM agents WHERE `binary` = ? AND heartbeat_timestamp >= ?",
			labEnv(l.t, "K2O_LAB_L2_AGENT"), since).Scan(&n))
		return n > 0
	})
}

// killNeutronAtPort kills Neutron as soon as it has a port of the run. It runs
// beside the test and must not end it.
func (l *lab) killNeutronAtPort() bool {
	db, err := sql.Open("mysql", os.Getenv("K2O_LAB_MYSQL")+"neutron")
	if err != nil {
		return false
	}
	defer db.Close()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var n int
		if db.QueryRow("SELECT COUNT(*) FROM standardattributes WHERE description LIKE 'kvm2openstack: %leg-%'").Scan(&n) == nil && n > 0 {
			return exec.Command("../../testdata/lab/service.sh", "kill", "neutron-server").Run() == nil
		}
	}
	return false
}

// TestLabPlacementConflicts has Placement refuse every allocation for a while,
// as if somebody else changed the provider all the time.
func TestLabPlacementConflicts(t *testing.T) {
	l := newLab(t, nil)
	before := l.dumpCloud()
	var refused atomic.Int32
	var willing atomic.Bool
	real := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: "127.0.0.1:8778"})
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/allocations/") || willing.Load() {
			real.ServeHTTP(w, r)
			return
		}
		refused.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"errors": [{"status": 409, "code": "placement.concurrent_update", "detail": "resource provider generation conflict"}]}`))
	}))
	t.Cleanup(proxy.Close)
	l.overridden("placement", proxy.URL)

	l.command(exitClean, "plan", "-O", l.plan, "--only", one)
	t.Cleanup(func() { l.releaseWhatIsLeft() })
	l.says(exitUndone, one+"|allocation|Placement", "import", l.plan, "--yes")
	if n := refused.Load(); n != 10 {
		t.Errorf("Placement was asked %d times for one allocation, want 10", n)
	}
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Errorf("something was left behind:\n%s", diff)
	}
	willing.Store(true)
	l.command(exitClean, "import", l.plan, "--yes")
	l.command(exitClean, "verify", l.plan)
	l.command(exitClean, "release", l.plan, "--yes")
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was:\n%s", diff)
	}
}

// overridden has the configuration's cloud use another address for a service.
func (l *lab) overridden(service, address string) {
	l.t.Helper()
	text, err := os.ReadFile(labEnv(l.t, "OS_CLIENT_CONFIG_FILE"))
	l.must(err)
	file := filepath.Join(l.dir, "clouds.yaml")
	with := strings.Replace(string(text), "    region_name:", "    "+service+"_endpoint_override: "+address+"\n    region_name:", 1)
	l.must(os.WriteFile(file, []byte(with), 0o600))
	l.t.Setenv("OS_CLIENT_CONFIG_FILE", file)
}
