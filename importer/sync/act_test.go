package sync

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

// atLook has something happen before a host is read for the nth time in a run.
func (w *world) atLook(host string, nth int, happen func()) {
	looks := 0
	w.extra = func(r *Runner) {
		r.Audit.Scan.Parallel = 1
		r.Scan = func(ctx context.Context, hosts []discover.Host, opt discover.Options) discover.Source {
			if hosts[0].Name == host {
				if looks++; looks == nth {
					happen()
				}
			}
			return discover.Scan(ctx, hosts, opt)
		}
	}
}

// meanwhile is what happens between the two looks at a host of which something
// is to be healed.
var meanwhile = []struct {
	name    string
	happen  func(w *world)
	outcome string
	failed  bool
}{
	{"somebody sets it right", func(w *world) {
		w.cell("UPDATE instances SET vm_state = 'active', power_state = 1 WHERE uuid = ?", uuidH1)
	}, "it has changed meanwhile", false},
	{"Nova begins to work on it", func(w *world) {
		w.cell("UPDATE instances SET task_state = 'powering-on' WHERE uuid = ?", uuidH1)
	}, "it has changed meanwhile", false},
	{"the host is gone", func(w *world) { w.must(os.Rename(w.dir+"/hosts/kvm01", w.dir+"/kvm01")) }, "the host could not be read again", true},
	{"a domain cannot be read any more", func(w *world) {
		w.must(os.WriteFile(w.definition("kvm01", "web-01"), nil, 0o644))
	}, "the host could not be read again", true},
	{"the host answers under another name", func(w *world) {
		file := w.dir + "/hosts/kvm01/host.yaml"
		text, err := os.ReadFile(file)
		w.must(err)
		w.must(os.WriteFile(file, []byte(strings.Replace(string(text), "hostname: kvm01", "hostname: kvm77", 1)), 0o644))
	}, "the host could not be read again", true},
}

// What has drifted is looked at once more before anything is done about it.
func TestSyncLooksTwice(t *testing.T) {
	for _, c := range meanwhile {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			policy := w.small()
			w.syncs(policy, true)
			w.cell("UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", uuidH1)
			var before string
			w.atLook("kvm01", 2, func() {
				c.happen(w)
				before = w.dump()
			})
			r := w.syncs(policy, true)
			found := with(r, PowerDiffers)
			if before == "" || len(found) != 1 || !strings.Contains(found[0].Outcome, c.outcome) || found[0].Healed || (r.Failed > 0) != c.failed {
				t.Errorf("sync = %+v with %d failed, want %q, and failed: %v", found, r.Failed, c.outcome, c.failed)
			}
			if w.dump() != before {
				t.Error("something was changed")
			}
		})
	}
}
