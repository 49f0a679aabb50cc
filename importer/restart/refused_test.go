package restart

import (
	"errors"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// What must not be begun is refused, and nothing was changed.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		shape shape
		world func(w *fakeWorld, j *Job)
		want  error
		says  string
	}{
		{"gone", byLibvirt, func(w *fakeWorld, _ *Job) { delete(w.domains, w.uuid) }, rename.ErrGone, ""},
		{"renamed by somebody", byLibvirt, func(w *fakeWorld, _ *Job) { w.domains[w.uuid].name = "web-old" }, ErrStranger, "web-old"},
		{"changed since", byLibvirt, func(w *fakeWorld, _ *Job) {
			d := w.domains[w.uuid]
			d.definition = strings.Replace(d.definition, ">1048576<", ">2097152<", 2)
		}, ErrChanged, "memory was 1024 MiB, is 2048 MiB"},
		{"disk moved", byLibvirt, func(w *fakeWorld, _ *Job) { w.create("/srv/images/web.qcow2", "root disk") }, ErrUnlinked, "inode"},
		{"link gone", byLibvirt, func(w *fakeWorld, _ *Job) { delete(w.files, w.dir()+"/disk.eph0") }, ErrUnlinked, "missing"},
		{"firmware gone", byLibvirt, func(w *fakeWorld, _ *Job) { delete(w.files, "/usr/share/OVMF/OVMF_CODE_4M.fd") }, ErrMissing, "OVMF_CODE"},
		{"machine type gone", byNova, func(w *fakeWorld, _ *Job) { w.noMachine = rename.ErrMachine }, rename.ErrMachine, "virsh edit"},
		{"runs on a snapshot", byLibvirt, func(w *fakeWorld, _ *Job) {
			d := w.domains[w.uuid]
			d.live = strings.Replace(d.live, "web.qcow2", "web.snap1", 1)
		}, ErrChanged, "snap1"},
		{"job under way", byLibvirt, func(w *fakeWorld, _ *Job) { w.domains[w.uuid].busy = rename.ErrBusy }, rename.ErrBusy, ""},
		{"name taken", byLibvirt, func(w *fakeWorld, _ *Job) { w.others[w.instance] = true }, rename.ErrNameTaken, ""},
		{"paused", shape{paused: true}, func(*fakeWorld, *Job) {}, rename.ErrPaused, ""},
		{"Nova is busy", byLibvirt, func(w *fakeWorld, _ *Job) { w.row.task = "pausing" }, nova.ErrBusy, "pausing"},
		{"Nova becomes busy", byLibvirt, func(w *fakeWorld, _ *Job) {
			w.on["write "+renameShelf.file(w.uuid)] = func() { w.row.task = "pausing" }
		}, nova.ErrBusy, "pausing"},
		{"rescued", byLibvirt, func(w *fakeWorld, _ *Job) { w.row.vm = "rescued" }, ErrInNova, "rescued"},
		{"on another host", byLibvirt, func(_ *fakeWorld, j *Job) { j.Compute.Host = "kvm02" }, nova.ErrMoved, "kvm02"},
		{"nova-compute is down", byNova, func(w *fakeWorld, _ *Job) { w.computeDown = true }, ErrInNova, "nova-compute"},
		{"nova-compute is down, and is to prove it", shape{opt: Options{Prove: true}}, func(w *fakeWorld, _ *Job) { w.computeDown = true }, ErrInNova, "nova-compute"},
		{"never imported", byLibvirt, func(_ *fakeWorld, j *Job) { j.Adoption.Plan = "" }, ErrState, ""},
		{"host away", byLibvirt, func(w *fakeWorld, _ *Job) { w.away = true }, ErrAway, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, openJournal(t), c.shape)
			j := w.job(c.shape)
			c.world(w, &j)
			before := w.dump()
			r, _ := w.call(0, 0, func(r *Restarter) Result { return r.Forward(t.Context(), j, quick(c.shape.opt)) })
			if r.Outcome != Refused || c.want != nil && !errors.Is(r.Err, c.want) || !strings.Contains(r.Reason, c.says) || r.Reason == "" {
				t.Errorf("%s at %s: %v; want refused with %v", r.Outcome, r.Step, r.Err, c.want)
			}
			w.row.task = strings.ReplaceAll(w.row.task, "pausing", "")
			before = strings.ReplaceAll(before, "pausing", "")
			if after := w.dump(); after != before || w.state().State != journal.StateImported {
				t.Errorf("%s: something was changed:\n%s", w.state().State, after)
			}
		})
	}
}

func TestRefusedByOptions(t *testing.T) {
	for _, o := range []Options{{StartBy: ByNova}, {Prove: true}} {
		w := newWorld(t, openJournal(t), byLibvirt)
		r, _ := w.call(0, 0, func(r *Restarter) Result {
			r.Servers = nil
			return r.Forward(t.Context(), w.job(byLibvirt), quick(o))
		})
		if r.Outcome != Refused || !errors.Is(r.Err, ErrNoServers) {
			t.Errorf("%+v without an API: %s: %v", o, r.Outcome, r.Err)
		}
	}
}

// Only what is imported, or on its way, goes forward, whoever calls.
func TestRefusedByState(t *testing.T) {
	for _, state := range []journal.State{
		journal.StateBegun, journal.StateHalf, journal.StateFailed, journal.StateReleasing, journal.StateReleased, journal.StateSwapping,
	} {
		w := newWorld(t, openJournal(t), byLibvirt)
		j := w.job(byLibvirt)
		w.run(func() {
			w.must(w.ledger.Write(t.Context(), func(tx *journal.Tx) error { return tx.SetState(state, "", w.uuid) }))
		})
		before := w.dump()
		r, _ := w.call(0, 0, func(r *Restarter) Result { return r.Forward(t.Context(), j, quick(Options{})) })
		if r.Outcome != Refused || !errors.Is(r.Err, ErrState) || w.dump() != before || w.state().State != state {
			t.Errorf("%s: %s: %v; the journal says %s", state, r.Outcome, r.Err, w.state().State)
		}
	}
}
