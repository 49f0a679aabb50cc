//go:build integration

package restart

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A rig is a call on a real domain, as one process hands it to another.
type rig struct {
	UUID, Name, Instance, Dir string
	Socket, SSH, Key, Known   string
	NIC                       string        // model planned since the import
	Call                      string        // forward, swap or back
	OVS                       bool          // its port is one of Open vSwitch, on a device that is there
	Kill                      int           // at which point, 0 for never
	After                     time.Duration // or after which time
}

func need(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set; run testdata/services/with.sh go test -tags integration ./importer/restart/", name)
	}
	return v
}

// instances is the domain's instance directory.
func (r rig) instances() string { return filepath.Join(r.Dir, "instances", r.UUID) }

// disksOfPlan are a definition's disks as an import plans them.
func disksOfPlan(d discover.Domain) (list []plan.Disk) {
	for _, k := range d.Disks {
		if k.Device == "disk" {
			becomes := []string{"disk", "disk.eph0"}[len(list)]
			list = append(list, plan.Disk{Target: k.Target, Path: k.Path, Becomes: becomes, Format: "raw"})
		}
	}
	return list
}

// host is reached by its socket. Only the SSH server sees the daemon's own
// folders; where there is nothing to see, its files are this machine's.
func (r rig) host() discover.Host {
	h := discover.Host{Name: "a", URI: "qemu:///system?socket=" + r.Socket, KeyFile: r.Key, KnownHosts: r.Known}
	if r.SSH != "" {
		h.Files = "sftp://root@" + r.SSH
	}
	return h
}

// setUp notes the import in the journal and in what stands for Nova.
func (r rig) setUp(s shape) error {
	definition, err := r.virsh("dumpxml", "--inactive", r.UUID)
	if err != nil {
		return err
	}
	now, err := discover.Parse([]byte(definition), nil)
	if err != nil {
		return err
	}
	d := plan.Domain{
		Domain: r.Name, Host: "a", UUID: r.UUID, DisplayName: r.Name, NICModel: now.Interfaces[0].Model, Lock: plan.UntilRenamed, Force: true,
		Disks:    disksOfPlan(now),
		MadeFrom: plan.MadeFrom{Digest: now.Digest, Facts: now.Facts()},
	}
	for _, nic := range now.Interfaces {
		d.NICs = append(d.NICs, plan.NIC{MAC: nic.MAC})
	}
	recorded := map[string]any{"domain": d, "instances_path": filepath.Join(r.Dir, "instances")}
	if s.linked {
		recorded["variables"] = rename.DefaultNVRAM(r.Name)
	}
	text, err := yaml.Marshal(recorded)
	if err != nil {
		return err
	}
	n := novaFile{VM: "active", Power: nova.PowerRunning, Locked: true, Model: d.NICModel}
	switch {
	case s.off:
		n.VM, n.Power = "stopped", nova.PowerShutdown
	case s.paused:
		n.VM, n.Power = "paused", nova.PowerPaused
	}
	return errors.Join(r.write(n), r.run(func(l *journal.Recorder) error {
		return l.Write(context.Background(), func(tx *journal.Tx) error {
			return errors.Join(tx.Adopt([]journal.Adoption{{UUID: r.UUID, Host: "a", Domain: r.Name, State: journal.StateImported, Plan: string(text)}}),
				tx.SetInstances([]journal.InstanceID{{UUID: r.UUID, ID: 1, Name: r.Instance}}))
		})
	}))
}

// run is a run of the journal.
func (r rig) run(f func(*journal.Recorder) error) error {
	ctx := context.Background()
	j, err := journal.Open(ctx, filepath.Join(r.Dir, "journal.db"))
	if err != nil {
		return err
	}
	l, err := j.Start(ctx, journal.Run{Command: "test"})
	if err != nil {
		return errors.Join(err, j.Close())
	}
	return errors.Join(f(l), l.End(ctx, ""), j.Close())
}

func (d *realDomain) adoption() (a journal.Adoption) {
	d.t.Helper()
	j, err := journal.Open(d.t.Context(), filepath.Join(d.Dir, "journal.db"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer j.Close()
	found, err := j.Adoptions(d.t.Context(), d.UUID)
	if err != nil || len(found) != 1 {
		d.t.Fatalf("%d adoptions, %v", len(found), err)
	}
	return found[0]
}

// call goes forward or back.
func (r rig) call() (result Result, points int, err error) { return r.callWith(&killer{at: r.Kill}) }

func (r rig) callWith(k *killer) (result Result, points int, err error) {
	err = r.run(func(l *journal.Recorder) error {
		found, err := l.Adoptions(context.Background(), r.UUID)
		if err != nil {
			return err
		}
		var was recorded
		if err := yaml.Unmarshal([]byte(found[0].Plan), &was); err != nil {
			return err
		}
		hosts := &Libvirt{}
		defer hosts.Close()
		restarter := &Restarter{Nova: r, Writer: killWriter{r, k}, Hosts: killHosts{hosts, k}, Journal: killLedger{l, k}}
		if r.OVS {
			p := ovsPort()
			p.MAC, p.HostID, p.DeviceID, p.VIFDetails["bridge_name"] = was.Domain.NICs[0].MAC, "a", r.UUID, "lo"
			restarter.Ports = KnownPorts{p}
		}
		j := Job{
			Plan: was.Domain, Reach: r.host(), Adoption: found[0], InstanceName: r.Instance,
			Compute: nova.Compute{Host: "a", Node: "a", NodeID: 1, Up: true},
		}
		j.Plan.NICModel = cmp.Or(r.NIC, j.Plan.NICModel)
		o := Options{Steady: 10 * time.Millisecond, Shutdown: rename.Shutdown{Deadline: time.Millisecond}, Resume: true, Patience: k.patience}
		switch r.Call {
		case "back":
			result = restarter.Back(context.Background(), j, o)
		case "swap":
			result = restarter.Swap(context.Background(), j, o)
		default:
			result = restarter.Forward(context.Background(), j, o)
		}
		return nil
	})
	return result, k.n, err
}

// A novaFile stands for Nova's row of the instance.
type novaFile struct {
	VM, Task string
	Power    int
	Locked   bool
	Model    string // of the interfaces
}

func (r rig) path() string { return filepath.Join(r.Dir, "nova.json") }

func (r rig) write(n novaFile) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(r.path()+".new", text, 0o600), os.Rename(r.path()+".new", r.path()))
}

func (r rig) read() (n novaFile, err error) {
	text, err := os.ReadFile(r.path())
	if err != nil {
		return n, err
	}
	return n, json.Unmarshal(text, &n)
}

func (d *realDomain) nova() novaFile {
	d.t.Helper()
	n, err := d.read()
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// Restart reads the row.
func (r rig) Restart(context.Context, string, string) (nova.Restart, error) {
	n, err := r.read()
	return nova.Restart{Host: "a", VMState: n.VM, PowerState: n.Power, TaskState: n.Task, Held: n.Task != "", Locked: n.Locked}, err
}

// ComputeUp: it always is.
func (r rig) ComputeUp(context.Context, string, string) (bool, error) { return true, nil }

// NICModel reads the model.
func (r rig) NICModel(context.Context, string, string) (string, error) {
	n, err := r.read()
	return n.Model, err
}

// Claimed: nothing is attached.
func (r rig) Claimed(context.Context, string, string) error { return nil }

type killWriter struct {
	rig
	k *killer
}

func (w killWriter) change(f func(n *novaFile)) error {
	return w.k.effect("row", func() error {
		n, err := w.read()
		f(&n)
		return errors.Join(err, w.write(n))
	})
}

func (w killWriter) Hold(context.Context, nova.Compute, string) error {
	return w.change(func(n *novaFile) { n.Task, n.Locked = adopting, true })
}

func (w killWriter) Settle(_ context.Context, f nova.Final) error {
	return w.change(func(n *novaFile) {
		n.VM, n.Power, n.Task, n.Locked = f.VMState, f.PowerState, "", n.Locked && !f.Unlock
	})
}

func (w killWriter) SetNICModel(_ context.Context, _ nova.Compute, _, model string) error {
	return w.change(func(n *novaFile) { n.Model = model })
}

func (r rig) virsh(args ...string) (string, error) {
	out, err := exec.Command("virsh", append([]string{"-q", "-c", "qemu:///system?socket=" + r.Socket}, args...)...).CombinedOutput()
	return string(out), err
}

func (d *realDomain) must(args ...string) string {
	d.t.Helper()
	out, err := d.virsh(args...)
	if err != nil {
		d.t.Fatalf("virsh %v: %v\n%s", args, err, out)
	}
	return out
}

func (d *realDomain) define(text string) (string, error) {
	file := filepath.Join(d.Dir, "domain.xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", err
	}
	out, err := d.virsh("define", file)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return out, err
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

func fileThere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
