package restart

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

const adopting = "adopting"

// errDown is a database server that does not answer.
var errDown = errors.New("connection refused")

type fakeRecords struct{ w *fakeWorld }

func (f fakeRecords) Restart(context.Context, string, string) (nova.Restart, error) {
	w := f.w
	w.tick()
	if w.dbDown {
		return nova.Restart{}, errDown
	}
	return nova.Restart{
		Host: "kvm01", VMState: w.row.vm, PowerState: w.row.power, TaskState: w.row.task, Held: w.row.task == adopting, Locked: w.row.locked,
	}, nil
}

func (f fakeRecords) ComputeUp(context.Context, string, string) (bool, error) {
	if f.w.dbDown {
		return false, errDown
	}
	return !f.w.computeDown, nil
}

func (f fakeRecords) NICModel(context.Context, string, string) (string, error) {
	if f.w.dbDown {
		return "", errDown
	}
	return f.w.model, nil
}

func (f fakeRecords) Claimed(context.Context, string, string) error { return f.w.claim }

type fakeWriter struct{ w *fakeWorld }

func (f fakeWriter) Hold(context.Context, nova.Compute, string) error {
	f.w.tick()
	return f.w.effect("hold", func() error {
		switch {
		case f.w.dbDown:
			return errDown
		case f.w.row.task != "" && f.w.row.task != adopting:
			return fmt.Errorf("%w: its task is %s", nova.ErrBusy, f.w.row.task)
		}
		f.w.row.task, f.w.row.locked = adopting, true
		return nil
	})
}

func (f fakeWriter) Settle(_ context.Context, final nova.Final) error {
	return f.w.effect("settle "+final.VMState, func() error {
		switch {
		case f.w.dbDown:
			return errDown
		case f.w.row.task != "" && f.w.row.task != adopting:
			return nova.ErrBusy
		}
		f.w.row.vm, f.w.row.power, f.w.row.task = final.VMState, final.PowerState, ""
		if final.Unlock {
			f.w.row.locked = false
		}
		return nil
	})
}

// SetNICModel changes two databases.
func (f fakeWriter) SetNICModel(_ context.Context, _ nova.Compute, _, model string) error {
	if err := f.w.effect("model in the cell", func() error { f.w.model = model; return nil }); err != nil {
		return err
	}
	return f.w.effect("model in the API database", func() error { f.w.spec = model; return nil })
}

type fakeServers struct{ w *fakeWorld }

func (f fakeServers) Server(context.Context, string) (status, task, host, fault string, err error) {
	w := f.w
	w.tick()
	status = nova.Server{VMState: w.row.vm}.Status()
	return status, w.row.task, "kvm01", w.fault, nil
}

func (f fakeServers) Start(context.Context, string) error {
	return f.w.effect("os-start", func() error {
		if f.w.row.task != "" || f.w.row.vm != "stopped" {
			return fmt.Errorf("409: cannot start while vm_state %s, task_state %s", f.w.row.vm, f.w.row.task)
		}
		f.w.row.task = "powering-on" // and what runs is destroyed first (driver.py, power_on and _hard_reboot)
		f.w.jobs = append([]func(){f.w.cutOff}, f.w.regenerate()...)
		return nil
	})
}

func (f fakeServers) HardReboot(context.Context, string) error {
	return f.w.effect("os-reboot", func() error {
		if f.w.row.task != "" || f.w.row.vm != "active" && f.w.row.vm != "stopped" {
			return fmt.Errorf("409: cannot reboot while vm_state %s, task_state %s", f.w.row.vm, f.w.row.task)
		}
		f.w.row.task = "reboot_started_hard"
		f.w.jobs = append([]func(){f.w.cutOff}, f.w.regenerate()...)
		return nil
	})
}

// cutOff is how Nova begins to make a domain anew.
func (w *fakeWorld) cutOff() {
	if d := w.domains[w.uuid]; d != nil && d.live != "" {
		w.wrong = append(w.wrong, "the power of a running guest was cut")
		w.stops++
		d.live = ""
	}
}

// tick is a moment in which nova-compute goes on, whoever else lives or dies.
func (w *fakeWorld) tick() {
	if len(w.jobs) == 0 || w.computeDown {
		return
	}
	job := w.jobs[0]
	w.jobs = w.jobs[1:]
	job()
}

// regenerate is what nova-compute does to start an instance: it undefines the
// domain with its EFI variables, defines its own, and starts that
// (nova/virt/libvirt/driver.py, _hard_reboot).
func (w *fakeWorld) regenerate() []func() {
	undefine := func() {
		d := w.domains[w.uuid]
		if !w.keeps {
			delete(w.files, variablesOf(d, d.definition))
		}
		delete(w.domains, w.uuid)
	}
	define := func() {
		w.domains[w.uuid] = &fakeDomain{name: w.instance, definition: w.novaDefinition()}
	}
	finish := func(vm string, power int) func() {
		return func() { w.row.vm, w.row.power, w.row.task = vm, power, "" }
	}
	start := func() {
		if err := w.start(w.domains[w.uuid].definition, false); err != nil {
			w.fault = err.Error()
			w.jobs = []func(){finish("stopped", nova.PowerShutdown)}
		}
	}
	switch w.novaFails {
	case "start": // refused before anything was touched
		w.fault = "No valid image"
		return []func(){finish("stopped", nova.PowerShutdown)}
	case "define":
		w.fault = "Failed to get \"write\" lock"
		return []func(){undefine, finish("stopped", nova.PowerShutdown)}
	case "error":
		w.fault = "internal error: qemu unexpectedly closed the monitor"
		return []func(){undefine, define, finish("error", nova.PowerShutdown)}
	}
	return []func(){undefine, define, start, finish("active", nova.PowerRunning)}
}

// novaDefinition is what Nova makes of its records.
func (w *fakeWorld) novaDefinition() string {
	efi := ""
	if strings.Contains(w.legacyDef, "efi") || strings.Contains(w.legacyDef, "nvram") {
		efi = "implicit"
	}
	text, err := rename.Apply(definitionOf(w.uuid, w.name, efi), rename.Change{
		Name: w.instance, Disks: map[string]string{"vda": w.dir() + "/disk", "vdb": w.dir() + "/disk.eph0"},
		NICs: map[string]rename.NIC{"52:54:00:10:00:50": {Model: w.model, Bridge: "brqfc4c19ff-92", Target: "tap95d105a7-3d"}},
	})
	if err != nil {
		panic(err)
	}
	if w.ovs { // Nova's os-vif plugs the tap.
		text = strings.Replace(text, "<interface type='bridge'>", "<interface type='ethernet'>", 1)
		text = strings.Replace(text, "      <source bridge='brqfc4c19ff-92'/>\n", "", 1)
	}
	return strings.Replace(text, "  <memory", "  <metadata>\n    <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/>\n  </metadata>\n  <memory", 1)
}

// fakeLedger is the real journal, which can be killed and can fail too.
type fakeLedger struct{ w *fakeWorld }

func (f fakeLedger) Write(ctx context.Context, write func(*journal.Tx) error) error {
	return f.w.effect("journal", func() error { return f.w.ledger.Write(ctx, write) })
}

func (f fakeLedger) Steps(ctx context.Context, uuids ...string) ([]journal.Step, error) {
	return f.w.ledger.Steps(ctx, uuids...)
}

func (f fakeLedger) Adoptions(ctx context.Context, uuids ...string) ([]journal.Adoption, error) {
	return f.w.ledger.Adoptions(ctx, uuids...)
}
