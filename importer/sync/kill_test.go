package sync

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// childEnv makes the test binary a process that syncs a farm for real, and that
// the test kills: "how /path/of/the/farm". How is alone or shared; a shared one
// takes its time, and may have a clock of its own: shared+10m.
const childEnv = "K2O_SYNC_CHILD"

func TestMain(m *testing.M) {
	if how, dir, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		if err := child(how, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A noTest stands where there is no test.
type noTest struct{ testing.TB }

func (noTest) Helper()        {}
func (noTest) Fatal(a ...any) { panic(fmt.Sprint(a...)) }

var farmPolicy = Policy{Heal: []Remedy{"power", "unfinished"}, Import: []plan.Match{{Name: "*"}}, Lease: 3 * time.Second, StopAbove: "100%"}

// child is one run, which says on standard error what it does.
func child(how, dir string) error {
	ctx := context.Background()
	w := (&world{t: noTest{}, dir: dir}).find()
	how, off, _ := strings.Cut(how, "+")
	if off != "" {
		by, err := time.ParseDuration(off)
		if err != nil {
			return err
		}
		w.now = time.Now().Add(by)
	}
	w.extra = func(r *Runner) {
		r.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		if how == "shared" {
			r.Audit.Scan.Parallel = 2
			r.Scan = slowly
		}
	}
	policy := farmPolicy
	if lease, err := time.ParseDuration(w.said("lease", "")); err == nil {
		policy.Lease = lease
	}
	x, err := w.process(ctx, policy, true, how == "shared")
	if err != nil {
		return err
	}
	defer x.close(ctx)
	fmt.Println("begins")
	_, err = x.Run(ctx)
	return err
}

// slowly reads hosts as if they were far away.
func slowly(ctx context.Context, hosts []discover.Host, opt discover.Options) discover.Source {
	time.Sleep(200 * time.Millisecond)
	return discover.Scan(ctx, hosts, opt)
}

// A childProcess is a child that runs.
type childProcess struct {
	*exec.Cmd
	mu  sync.Mutex
	log bytes.Buffer
}

// Write keeps what the child says.
func (c *childProcess) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(text)
}

// said is what the child has said by now.
func (c *childProcess) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

// report has Nova's services report as they do every ten seconds: of a host that
// did not for a minute nothing is imported.
func (w *world) report() {
	w.t.Helper()
	w.change("cell", "UPDATE services SET last_seen_up = ?", time.Now().UTC().Format(time.DateTime))
}

// start starts a child, and returns when it has begun to work.
func (w *world) start(how string) *childProcess {
	w.t.Helper()
	w.report()
	c := &childProcess{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), childEnv+"="+how+" "+w.dir)
	c.Stderr = c
	out, err := c.StdoutPipe()
	w.must(err)
	w.must(c.Start())
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "begins\n" {
		w.t.Fatalf("%s: %v\n%s", how, c.Wait(), c.said())
	}
	return c
}

// wait reports whether the child was killed; any other failure ends the test.
func (w *world) wait(c *childProcess) (killed bool) {
	w.t.Helper()
	err := c.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return true
	}
	if err != nil {
		w.t.Fatalf("sync: %v\n%s", err, c.said())
	}
	return false
}

// befall is what somebody does between two runs: guests of every host are
// started by hand, and a new one is there.
func (w *world) befall(n int) {
	w.t.Helper()
	w.change("cell", "UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid LIKE '%2'")
	w.define(w.hosts[n%len(w.hosts)].Name, fmt.Sprintf("new-%02d", n), uuidOf(900+n), true)
}

// TestSyncKilled kills real processes at any moment: the next run finishes what
// they have begun, and comes to the same end as if nobody had been killed.
func TestSyncKilled(t *testing.T) {
	killAtRandom(t, newFarm(t, 3, 4), newFarm(t, 3, 4), "alone", 25, 120)
}

func killAtRandom(t *testing.T, w, clean *world, how string, kills, attempts int) {
	t.Helper()
	began := time.Now()
	clean.wait(clean.start(how))
	took := time.Since(began)
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 7))
	killed, rounds := 0, 0
	for n := 0; killed < kills && n < attempts; n++ {
		c := w.start(how)
		time.Sleep(time.Duration(random.Int64N(int64(took))))
		_ = c.Process.Kill()
		if w.wait(c) {
			killed++
			took = took * 11 / 10 // The machine may be slower now than it was,
			continue
		}
		took = max(took*3/4, 10*time.Millisecond) // or quicker.
		if rounds++; rounds < 20 {                // It is through, so that nothing would be left to kill.
			w.befall(rounds)
			clean.befall(rounds)
		}
	}
	if killed < kills {
		t.Errorf("only %d processes were killed, want %d", killed, kills)
	}
	for range 2 { // The second has nothing left to do.
		w.wait(w.start(how))
		clean.wait(clean.start(how))
	}
	w.report()
	clean.report()
	if diff := cmp.Diff(clean.plain(), w.plain()); diff != "" {
		t.Errorf("after %d kills (-without +with):\n%s", killed, diff)
	}
	w.allStands()
}

var date = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// plain is a dump without what is different in every farm.
func (w *world) plain() string {
	return date.ReplaceAllString(strings.ReplaceAll(w.dumpFarm(), w.dir, ""), "DATE")
}

// allStands expects that the journal has every domain as imported, and that a
// comparison finds nothing.
func (w *world) allStands() {
	w.t.Helper()
	j, err := journal.Open(w.t.Context(), w.journalURL)
	w.must(err)
	all, err := j.Adoptions(w.t.Context())
	w.must(err)
	w.must(j.Close())
	for _, a := range all {
		if a.State != journal.StateImported || len(a.Left) != 0 {
			w.t.Errorf("%s is %s in the journal, %s, left %v", a.Domain, a.State, a.Reason, a.Left)
		}
	}
	if r := w.syncs(farmPolicy, false); len(r.Drifts) != 0 || r.Stopped != "" {
		w.t.Errorf("a comparison finds %+v, %s", r.Drifts, r.Stopped)
	}
}
