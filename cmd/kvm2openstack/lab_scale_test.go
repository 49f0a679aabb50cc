//go:build lab

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// many is how many domains are imported in one run.
const many = 100

// TestFullScale imports a hundred domains that are shut off in one run, and asks
// Nova's API all the time: it must answer every time, and half of its answers must
// not take more than twice as long as before.
func TestFullScale(t *testing.T) {
	l := newLab(t, nil)
	l.must(appendRules(l.config, addressesOfMany()))
	l.roomForMany()
	l.defineMany()
	a := l.newAPI(administrator)
	before := l.dumpCloud()
	_, text := l.try("plan", "-O", l.plan, "--only", "scale-*")
	t.Log(text)
	t.Cleanup(func() { l.releaseWhatIsLeft() })

	asked := l.asking(a)
	time.Sleep(10 * time.Second)
	quiet := asked()
	asked = l.asking(a)
	began := time.Now()
	l.command(exitClean, "import", l.plan, "--yes")
	took := time.Since(began)
	busy := asked()
	rows := l.newRows(before)
	t.Logf("%d domains in %.1f s: %.1f domains/s, %d rows, %.0f rows/s", many, took.Seconds(), many/took.Seconds(), rows, float64(rows)/took.Seconds())
	t.Logf("answers of the API before: %v; meanwhile: %v", quiet, busy)
	for _, err := range slices.Concat(quiet.failed, busy.failed) {
		t.Errorf("the API did not answer: %v", err)
	}
	if len(busy.took) < 5 || busy.within(50) > 2*quiet.within(50) {
		t.Errorf("the API's answers took %v before the run and %v during it", quiet.within(50), busy.within(50))
	}
	l.command(exitClean, "verify", l.plan)
	l.command(exitClean, "release", l.plan, "--yes")
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was:\n%s", diff)
	}
}

// defineMany defines domains with a disk and an interface, and starts none.
func (l *lab) defineMany() {
	l.t.Helper()
	text, err := os.ReadFile("../../testdata/lab/fleet/leg-off01.xml")
	l.must(err)
	var names []string
	l.t.Cleanup(func() {
		for _, name := range names {
			l.virsh("undefine", name)
			l.must(os.Remove("/var/lib/libvirt/images/" + name + ".qcow2"))
		}
	})
	for n := range many {
		b := batch{"scale", 0}
		name := fmt.Sprintf("scale-%03d", n)
		definition := fleetMAC.ReplaceAllString(b.cloneOf(string(text)), fmt.Sprintf("52:54:00:20:00:%02x", n))
		definition = fleetUUID.ReplaceAllString(definition, fmt.Sprintf("6c656700-0000-4000-8000-%012d", 1000+n))
		definition = strings.ReplaceAll(definition, "scale-off01", name)
		file := filepath.Join(l.dir, name+".xml")
		l.must(os.WriteFile(file, []byte(definition), 0o644))
		l.output("qemu-img", "create", "-q", "-f", "qcow2", "/var/lib/libvirt/images/"+name+".qcow2", "48M")
		l.must(os.Chmod("/var/lib/libvirt/images/"+name+".qcow2", 0o644))
		names = append(names, name)
		l.virsh("define", file)
	}
}

// answers are how long those of an API took, the quickest first, and what came
// instead of one.
type answers struct {
	took   []time.Duration
	failed []error
}

// within is how long that percentage of them took at most.
func (a answers) within(percent int) time.Duration {
	if len(a.took) == 0 {
		return 0
	}
	return a.took[min(len(a.took)*percent/100, len(a.took)-1)].Round(time.Millisecond)
}

func (a answers) String() string {
	return fmt.Sprintf("%d, half of them within %v, 95%% within %v, all within %v, and %d failures",
		len(a.took), a.within(50), a.within(95), a.within(100), len(a.failed))
}

// asking asks the API for a server over and over, until the returned function
// is called, which gives what came of it.
func (l *lab) asking(a *api) (stop func() answers) {
	var all answers
	end, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			default:
			}
			began := time.Now()
			if err := call(a.compute, http.MethodGet, "servers/detail?all_tenants=1&limit=1", nil, nil); err != nil {
				all.failed = append(all.failed, fmt.Errorf("after %v: %w", time.Since(began).Round(time.Millisecond), err))
			} else {
				all.took = append(all.took, time.Since(began))
			}
			time.Sleep(100 * time.Millisecond) // as somebody who works with it, not as a load
		}
	}()
	return func() answers {
		close(end)
		<-ended
		slices.Sort(all.took)
		return all
	}
}

// newRows is how many rows the databases have more than before.
func (l *lab) newRows(before cloudDump) int {
	l.t.Helper()
	rows := 0
	for row := range l.dumpCloud() {
		if !before[row] {
			rows++
		}
	}
	return rows
}

// roomForMany lets Placement take as many domains as there are, on a machine of
// two processors and a small disk.
func (l *lab) roomForMany() {
	l.t.Helper()
	before := map[int]float64{} // ratios by resource class
	rows, err := l.database("placement").Query("SELECT resource_class_id, allocation_ratio FROM inventories")
	l.must(err)
	defer rows.Close()
	for rows.Next() {
		var class int
		var ratio float64
		l.must(rows.Scan(&class, &ratio))
		before[class] = ratio
	}
	l.must(rows.Err())
	set := func(class int, ratio float64) {
		_, err := l.database("placement").Exec("UPDATE inventories SET allocation_ratio = ? WHERE resource_class_id = ?", ratio, class)
		l.must(err)
	}
	for class, ratio := range before {
		set(class, 16*ratio)
		l.t.Cleanup(func() { set(class, ratio) })
	}
}

// addressesOfMany are rules with the addresses of the domains, which never speak.
func addressesOfMany() string {
	var b strings.Builder
	for n := range many {
		fmt.Fprintf(&b, "  - {match: {name: scale-%03d}, addresses: {\"52:54:00:20:00:%02x\": [10.66.0.%d]}}\n", n, n, 50+n)
	}
	return b.String()
}
