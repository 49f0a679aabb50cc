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
// Nova's API all the time: its answers must not take more than twice as long as
// before.
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
	t.Logf("an answer of the API took %v before (of %d), %v meanwhile (of %d)", median(quiet), len(quiet), median(busy), len(busy))
	if len(busy) < 5 || median(busy) > 2*median(quiet) {
		t.Errorf("the API's answers took %v before the run and %v during it", median(quiet), median(busy))
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

// asking asks the API for a server over and over, until the returned function
// is called, which gives how long each answer took.
func (l *lab) asking(a *api) (stop func() []time.Duration) {
	var took []time.Duration
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
			if call(a.compute, http.MethodGet, "servers/detail?all_tenants=1&limit=1", nil, nil) == nil {
				took = append(took, time.Since(began))
			}
			time.Sleep(100 * time.Millisecond) // as somebody who works with it, not as a load
		}
	}()
	return func() []time.Duration {
		close(end)
		<-ended
		return took
	}
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2].Round(time.Millisecond)
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
