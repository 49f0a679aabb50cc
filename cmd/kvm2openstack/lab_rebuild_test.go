//go:build lab

package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/rebuild"
)

// A foretelling is what was said of the fleet before Nova touched it.
type foretelling struct {
	differences map[string][]rebuild.Difference // by the audit
	hardware    map[string]plan.Domain          // by the plan
	config      config
	side        cloudSide
}

// foretell audits the fleet, and reads its plan.
func (l *lab) foretell() foretelling {
	l.t.Helper()
	f := foretelling{differences: map[string][]rebuild.Difference{}, hardware: map[string]plan.Domain{}}
	_, text := l.try("audit", "-o", "json", "--only", labPrefix+"*")
	var audit struct {
		Domains []struct {
			Name    string               `json:"name"`
			Rebuild []rebuild.Difference `json:"rebuild"`
		} `json:"domains"`
	}
	l.must(json.NewDecoder(strings.NewReader(text)).Decode(&audit)) // messages follow it
	for _, d := range audit.Domains {
		f.differences[d.Name] = d.Rebuild
	}
	p, err := loadPlan(l.plan)
	l.must(err)
	for _, d := range p.Domains {
		f.hardware[d.Domain] = d
	}
	f.config, err = loadConfig(l.config)
	l.must(err)
	f.side, err = f.config.readCloud(l.t.Context(), &app{streams: streams{err: &bytes.Buffer{}}})
	l.must(err)
	return f
}

// rebuiltAsForetold holds the definitions that Nova has made against what was
// foretold of them: nothing may differ that nobody foretold, and everything
// that was foretold must be so.
func (l *lab) rebuiltAsForetold(before map[string]look, f foretelling, names []string) {
	l.t.Helper()
	for _, name := range names {
		was, is := l.lookedAt(before[name]), l.lookedAt(l.look(l.fleet[name]))
		c := f.config.Nova.Libvirt.compute()
		c.Major = release(l.t).major
		then := rebuild.Predict(was, f.hardware[name].Hardware(f.side.snapshot), c)
		if diff := rebuild.Compare(then, is); len(diff) > 0 {
			l.t.Errorf("%s is not what was foretold:\n%s", name, differenceLines(diff))
		}
		want := slices.DeleteFunc(slices.Clone(f.differences[name]), func(d rebuild.Difference) bool {
			return d.Field == "firmware_variables" // which no definition tells
		})
		got := rebuild.Compare(was, is)
		if diff := cmp.Diff(differenceLines(want), differenceLines(got)); diff != "" {
			l.t.Errorf("%s differs otherwise than the audit foretold (-foretold +made by Nova):\n%s", name, diff)
		}
		l.t.Logf("%s, as Nova made it, differs in %d things, and %d were foretold", name, len(got), len(want))
	}
}

// lookedAt is a domain by its definition, as an audit reads it.
func (l *lab) lookedAt(k look) discover.Domain {
	l.t.Helper()
	d, err := discover.Parse([]byte(k.definition), nil)
	l.must(err)
	d.Autostart = k.autostart == "enable"
	return d
}

func differenceLines(list []rebuild.Difference) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(strings.Join([]string{string(d.Kind), d.Field, d.Device, d.Now, "->", d.Then}, " ") + "\n")
	}
	return b.String()
}

// everyShape lets Nova have every adoptable shape of the fleet: the guest that
// does not hear is cut off.
func everyShape(text string) string {
	return strings.Replace(restartConfiguration(text), "rules:\n", "rules:\n  - {match: {name: "+deaf+"}, force: true}\n", 1)
}

// TestFleetRebuild has Nova make every shape of the fleet anew, and compares
// with what was foretold. It takes five minutes and more:
// make lab-test RUN=TestFleetRebuild.
func TestFleetRebuild(t *testing.T) {
	l := newLab(t, everyShape)
	const paused, off = "leg-paused01", "leg-off01"
	l.virsh("resume", paused) // a paused guest cannot be restarted
	t.Cleanup(func() { l.virsh("suspend", l.fleet[paused].uuid) })
	before := l.lookAt(adoptable)
	l.command(exitAttention, "plan", "-O", l.plan, "--only", labPrefix+"*")
	f := l.foretell()
	t.Cleanup(func() { l.releaseWhatIsLeft() })
	l.command(exitClean, "import", l.plan, "--yes")
	t.Log(l.command(exitAttention, "rename", l.plan, "--yes", "--start-by", "nova")) // of the power that was cut

	nova := l.newAPI(administrator)
	l.must(nova.action(l.fleet[off].uuid, "os-start", nil)) // it was off, and only renamed
	_, err := nova.settled(l.fleet[off].uuid, "ACTIVE")
	l.must(err)
	l.rebuiltAsForetold(before, f, slices.Sorted(maps.Keys(adoptable)))
	l.must(nova.action(l.fleet[off].uuid, "os-stop", nil))
	_, err = nova.settled(l.fleet[off].uuid, "SHUTOFF")
	l.must(err)

	t.Log(l.command(exitAttention, "release", l.plan, "--yes"))
	l.definedAsBefore(before)
	l.dropConsoles()
	l.nothingLinked()
}

// definedAsBefore: what went through Nova's hands has come back.
func (l *lab) definedAsBefore(before map[string]look) {
	l.t.Helper()
	for name, was := range before {
		now := l.look(l.fleet[name])
		if diff := cmp.Diff(was, now, cmp.AllowUnexported(look{}), cmpopts.IgnoreFields(look{}, "guest")); diff != "" {
			l.t.Errorf("%s is not as it was (-before +after):\n%s", name, diff)
		}
	}
}
