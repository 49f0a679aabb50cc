//go:build lab

package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A recorder takes down what became of the operations of a test, for README.md:
// LAB_RECORD=1 make lab-test. Of a guest with which something failed nothing is
// noted.
type recorder struct {
	mu      sync.Mutex
	results []dayResult
	failed  []string // instances that Nova could not rebuild
}

// add notes what an operation that went as it should amounts to: it works, or
// what the plan says of it.
func (r *recorder) add(d *day, operation, outcome, reason string) {
	r.addIn(d.phase(), d, operation, outcome, reason)
}

// addIn is add for what was begun in a phase, "" for none of README.md's.
func (r *recorder) addIn(phase string, d *day, operation, outcome, reason string) {
	if phase == "" {
		return
	}
	if outcome == "" {
		outcome = works
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, dayResult{operation, phase, d.shape, outcome, reason, ""})
	if d.status == "ERROR" {
		r.failed = append(r.failed, d.uuid())
	}
}

// phase is that of the guest now. Once Nova has made the domain of one that was
// not restarted by us, or by libvirt, it is neither that any more nor renamed by Nova.
func (d *day) phase() string {
	switch {
	case d.renamed && !d.byLibvirt:
		return "renamed"
	case d.byNova:
		return ""
	case d.byLibvirt:
		return "started"
	}
	return "imported"
}

// noted takes down what the plan says of an operation, for one that the test
// then tries.
func (d *day) noted(operation string) {
	effect, reason := d.limited(operation)
	d.seenBy.add(d, operation, effect, reason)
}

// limited is what the plan says of an operation at this time, and why, "" without
// a limit.
func (d *day) limited(operation string) (effect, reason string) {
	var now, always []plan.Limit
	for _, l := range d.whole.Limits(d.plan) {
		switch {
		case l.Operation != operation:
		case !l.UntilRestart:
			always = append(always, l)
		case !d.byNova && !d.renamed:
			now = append(now, l)
		}
	}
	if now == nil { // What fails has no other effect.
		now = always
	}
	var effects, reasons []string
	for _, l := range now {
		effects, reasons = append(effects, l.Effect), append(reasons, l.Reason)
	}
	return strings.Join(effects, "; "), strings.Join(reasons, "; ")
}

// forget drops what was seen of a guest.
func (r *recorder) forget(shape string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = slices.DeleteFunc(r.results, func(x dayResult) bool { return x.Shape == shape })
}

// keep writes what was seen where README.md's table is made from.
func (r *recorder) keep(l *lab) {
	l.t.Helper()
	if os.Getenv("LAB_RECORD") == "" {
		return
	}
	d, err := loadDayTwo(dayTwoFile)
	l.must(err)
	seen := d.of(release(l.t).name)
	seen.Versions = l.versions()
	for i := range r.results {
		r.results[i].Seen = time.Now().UTC().Format(time.DateOnly)
	}
	seen.add(r.results...)
	l.must(d.save(dayTwoFile))
}

func (d dayTwo) save(file string) error {
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// versions are those of the packages that the lab is made of.
func (l *lab) versions() map[string]string {
	l.t.Helper()
	versions := map[string]string{}
	for name, pkg := range map[string]string{"Nova": "nova-compute", "Neutron": "neutron-server", "libvirt": "libvirt-daemon", "QEMU": "qemu-system-x86"} {
		v := l.output("dpkg-query", "-W", "-f=${Version}", pkg)
		if _, rest, epoch := strings.Cut(v, ":"); epoch {
			v = rest
		}
		v, _, _ = strings.Cut(v, "-")
		v, _, _ = strings.Cut(v, "+")
		versions[name] = v
	}
	return versions
}
