package importer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// What has been final is Nova's: it may have been started anew since. When the
// rest of its import fails, its rows and its links stay.
func TestFinalIsNeverRolledBack(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"no files":         func(w *world) { w.plan.Hosts[0].Files = ""; w.plan.Hosts[0].URI = "qemu+tls://kvm01/system" },
		"legacy disk gone": func(w *world) { w.must(os.Remove(filepath.Join(w.root, "kvm01", "data/guest-0.qcow2"))) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.nova.refuse["Unlock "+uuidOf(0)] = errBoom // as if killed before the journal had the end
			if _, err := w.imports(nil); err != nil {
				t.Fatal(err)
			}
			clear(w.nova.refuse)
			spoil(w)
			s, err := w.imports(nil)
			if err != nil {
				t.Fatal(err)
			}
			if row, there := w.nova.rows[uuidOf(0)]; !there || row.stage != nova.Finished {
				t.Errorf("row = %+v, %v, want it as it was: %+v", row, there, s.Results)
			}
			if got := w.journalStates()[uuidOf(0)]; got != journal.StateHalf {
				t.Errorf("journal has it as %q, want %q", got, journal.StateHalf)
			}
		})
	}
}

// A guest that is started while another host takes its time to answer must not be
// recorded as stopped: Nova would power it off.
func TestFinalLooksAgain(t *testing.T) {
	w := newWorld(t, 1)
	d := w.domain(0)
	d.State = discover.StateShutoff
	w.hosts.then = map[string]func(){"kvm01": func() { d.State = discover.StateRunning }}
	if s, err := w.imports(nil); err != nil || s.Count(Imported) == 0 {
		t.Fatalf("%v, %v", s, err)
	}
	if row := w.nova.rows[uuidOf(0)]; row.vm != "active" || row.power != nova.PowerRunning || row.stage != nova.Finished {
		t.Errorf("recorded as %s and %d, stage %v; it runs", row.vm, row.power, row.stage)
	}
}

// Without the lock nothing more is written, for no domain.
func TestFinalWithoutLock(t *testing.T) {
	w := newWorld(t, 1)
	d := w.domain(0)
	d.State = discover.StateShutoff
	w.hosts.then = map[string]func(){"kvm01": func() { d.State = discover.StateRunning }}
	w.nova.refuse["Repower "+uuidOf(0)] = nova.ErrLockLost
	if _, err := w.imports(nil); !errors.Is(err, nova.ErrLockLost) {
		t.Errorf("the run ended with %v", err)
	}
}
