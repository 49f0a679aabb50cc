package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A fakeRow is an instance as the fake keeps it.
type fakeRow struct {
	stage   nova.Stage
	id      int64
	cell    string
	display string
	host    string
	vm      string
	power   int
	locked  bool
	task    string
	volume  bool // attached since
	bare    bool // the API database's rows are gone already
	flavor  int64
	image   string
	model   string // of its interfaces
	rowed   string // ports that have virtual_interfaces rows
	cache   string // ports of the info cache
	size    [4]int // vCPUs, memory, root and ephemeral disk
	disks   string // sizes of its block device mappings
}

// A fakeNova behaves like Nova's databases with a writer: it refuses a second
// uuid, mappings before records, and a final word for what is not mapped.
type fakeNova struct {
	mu       sync.Mutex
	rows     map[string]fakeRow
	last     int64
	computes []nova.Compute
	flavors  []nova.Flavor
	presence map[string]nova.Presence // besides what rows say
	refuse   map[string]error         // by "method uuid"
	violate  []nova.Violation
	calls    map[string]int
	vif      string            // of the ports in info caches, "" for bridge
	deleted  func(uuid string) // called after rows were removed
	inserted func()            // called after mappings were written
	finished func()            // called after instances became final
}

func newFakeNova(computes []nova.Compute) *fakeNova {
	return &fakeNova{
		rows: map[string]fakeRow{}, computes: computes, calls: map[string]int{}, refuse: map[string]error{}, presence: map[string]nova.Presence{},
		flavors: []nova.Flavor{{ID: 1, FlavorID: "1", Name: "m1.small", VCPUs: 1, MemoryMB: 2048, RootGB: 20}},
	}
}

// enter counts a call and fails it as the test has asked for.
func (f *fakeNova) enter(method string, uuids ...string) (leave func(), err error) {
	f.mu.Lock()
	f.calls[method]++
	for _, u := range uuids {
		if e := f.refuse[method+" "+u]; e != nil {
			err = fmt.Errorf("%s: %w", method, e)
		}
	}
	return f.mu.Unlock, err
}

func (f *fakeNova) InUse(_ context.Context, flavors []int64, images []string) (nova.Use, error) {
	leave, err := f.enter("InUse", "")
	defer leave()
	use := nova.Use{Flavors: map[int64]int{}, Images: map[string]int{}}
	for _, r := range f.rows {
		if slices.Contains(flavors, r.flavor) {
			use.Flavors[r.flavor]++
		}
		if slices.Contains(images, r.image) {
			use.Images[r.image]++
		}
	}
	return use, err
}

func (f *fakeNova) SetInfoCache(_ context.Context, cell, uuid string, ports []nova.Port) error {
	leave, err := f.enter("SetInfoCache", uuid)
	defer leave()
	r, ok := f.rows[uuid]
	switch {
	case err != nil:
		return err
	case !ok || r.cell != cell || r.stage == nova.Foreign:
		return nova.ErrNotOurs
	}
	if _, err := nova.NetworkInfo(ports); err != nil {
		return err
	}
	if r.cache = portsText(ports); r.cache != r.rowed {
		return fmt.Errorf("cache of %s would have %s, and its rows %s", uuid, r.cache, r.rowed)
	}
	f.rows[uuid] = r
	return nil
}

// portsText is enough of ports to tell them apart.
func portsText(ports []nova.Port) string {
	var ids []string
	for _, p := range ports {
		ids = append(ids, p.ID)
	}
	return strings.Join(ids, " ")
}

func (f *fakeNova) Computes(context.Context) ([]nova.Compute, error) { return f.computes, nil }
func (f *fakeNova) Flavors(context.Context) ([]nova.Flavor, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.flavors), nil
}

func (f *fakeNova) Presence(_ context.Context, uuids []string) (map[string]nova.Presence, error) {
	leave, err := f.enter("Presence", uuids...)
	defer leave()
	found := maps.Clone(f.presence)
	for _, u := range uuids {
		if r, ok := f.rows[u]; ok {
			found[u] = nova.Presence{Live: true, Host: r.host, Name: r.display, TaskState: r.task,
				Mapping: r.stage >= nova.Mapped && !r.bare, RequestSpec: r.stage >= nova.Mapped && !r.bare}
		}
	}
	return found, err
}

func (f *fakeNova) Written(_ context.Context, uuids []string) (map[string]nova.Stage, error) {
	leave, err := f.enter("Written", uuids...)
	defer leave()
	stages := map[string]nova.Stage{}
	for _, u := range uuids {
		stages[u] = f.rows[u].stage
	}
	return stages, err
}

func (f *fakeNova) InstanceNames(_ context.Context, uuids []string) (map[string]string, error) {
	leave, err := f.enter("InstanceNames", uuids...)
	defer leave()
	names := map[string]string{}
	for _, u := range uuids {
		if r, ok := f.rows[u]; ok {
			names[u] = fmt.Sprintf("instance-%08x", r.id)
		}
	}
	return names, err
}

func (f *fakeNova) Verify(_ context.Context, expected []nova.Expect) (found []nova.Violation, err error) {
	leave, err := f.enter("Verify")
	defer leave()
	for _, e := range expected {
		r, there := f.rows[e.UUID]
		if !e.Absent && r.bare {
			found = append(found, nova.Violation{UUID: e.UUID, Code: "V3", What: "instance mappings", Expected: "1", Found: "0"})
		}
		if e.Absent && there {
			found = append(found, nova.Violation{UUID: e.UUID, Code: "V22", What: "rows", Expected: "0", Found: "1"})
		}
		if !e.Absent && there && (r.cache != r.rowed || portsText(e.Ports) != r.rowed) {
			found = append(found, nova.Violation{UUID: e.UUID, Code: "V7", What: "ports", Expected: portsText(e.Ports), Found: r.cache + " and " + r.rowed})
		}
		if !e.Absent && there && (e.NICModel != r.model || e.Properties["hw_vif_model"] != r.model) {
			found = append(found, nova.Violation{UUID: e.UUID, Code: "V14", What: "image_hw_vif_model", Expected: e.NICModel, Found: r.model})
		}
		if !e.Absent && there && e.ImageRef != r.image {
			found = append(found, nova.Violation{UUID: e.UUID, Code: "V11", What: "image_ref", Expected: e.ImageRef, Found: r.image})
		}
		if !e.Absent && (r.stage != nova.Finished || r.host != e.Host) {
			found = append(found, nova.Violation{UUID: e.UUID, Code: "V8", What: "host", Expected: e.Host, Found: r.host})
		}
		if e.Locked != nil && there && r.locked != *e.Locked {
			found = append(found, nova.Violation{UUID: e.UUID, Code: "V9", What: "locked", Expected: "true", Found: "false"})
		}
		for _, v := range f.violate {
			if v.UUID == e.UUID {
				found = append(found, v)
			}
		}
	}
	return found, err
}

func (f *fakeNova) Servers(_ context.Context, uuids []string) (all []nova.Server, err error) {
	leave, err := f.enter("Servers")
	defer leave()
	for _, u := range uuids {
		if r, ok := f.rows[u]; ok {
			var networks []nova.ServerNetwork
			for _, id := range strings.Fields(r.cache) {
				networks = append(networks, nova.ServerNetwork{PortID: id, VIFType: cmp.Or(f.vif, "bridge")})
			}
			if len(networks) == 0 {
				networks = []nova.ServerNetwork{{Name: "public", Addresses: []string{"192.0.2.7"}}}
			}
			all = append(all, nova.Server{UUID: u, DisplayName: r.display, Host: r.host, VMState: r.vm, PowerState: r.power, TaskState: r.task, Locked: r.locked,
				InstanceName: fmt.Sprintf("instance-%08x", r.id), VCPUs: r.size[0], MemoryMB: r.size[1], RootGB: r.size[2], EphemeralGB: r.size[3],
				Networks: networks})
		}
	}
	return all, err
}

func (f *fakeNova) InsertInstances(_ context.Context, cell string, in []nova.Instance) (map[string]int64, error) {
	var uuids []string
	for _, i := range in {
		uuids = append(uuids, i.UUID)
	}
	leave, err := f.enter("InsertInstances", uuids...)
	defer leave()
	if err != nil {
		return nil, err // all or none
	}
	for _, i := range in {
		if _, ok := f.rows[i.UUID]; ok {
			return nil, fmt.Errorf("%w: %s", nova.ErrInstanceExists, i.UUID)
		}
		if i.Host.Cell != cell {
			return nil, fmt.Errorf("%s is not in cell %s", i.Host.Host, cell)
		}
	}
	ids := map[string]int64{}
	for _, i := range in {
		f.last++
		ids[i.UUID] = f.last
		var bound []nova.Port
		for _, p := range i.Ports {
			if p.VIFType != "" {
				bound = append(bound, p)
			}
		}
		f.rows[i.UUID] = fakeRow{stage: nova.Recorded, id: f.last, cell: cell, display: i.DisplayName, locked: true, task: "migrating",
			flavor: i.Flavor.ID, image: i.ImageRef, model: i.ImageProperties["hw_vif_model"], rowed: portsText(i.Ports), cache: portsText(bound),
			size: [4]int{i.Flavor.VCPUs, i.Flavor.MemoryMB, i.Flavor.RootGB, i.Flavor.EphemeralGB}}
	}
	return ids, nil
}

func (f *fakeNova) InsertMappings(_ context.Context, in []nova.Instance) error {
	var uuids []string
	for _, i := range in {
		uuids = append(uuids, i.UUID)
	}
	leave, err := f.enter("InsertMappings", uuids...)
	defer leave()
	for _, u := range uuids {
		if f.rows[u].stage < nova.Recorded {
			err = errors.Join(err, fmt.Errorf("%s is not recorded", u))
		}
	}
	if err != nil {
		return err
	}
	for _, u := range uuids {
		r := f.rows[u]
		r.stage, r.bare = max(r.stage, nova.Mapped), false
		f.rows[u] = r
	}
	if f.inserted != nil {
		f.inserted()
	}
	return nil
}

func (f *fakeNova) Finish(_ context.Context, finals []nova.Final) error {
	leave, _ := f.enter("Finish")
	defer leave()
	var errs []error
	for _, x := range finals {
		r := f.rows[x.UUID]
		if err := f.refuse["Finish "+x.UUID]; err != nil {
			errs = append(errs, fmt.Errorf("finish instance %s: %w", x.UUID, err))
			continue
		}
		if r.stage == nova.Finished {
			continue
		}
		if r.cache != r.rowed {
			errs = append(errs, fmt.Errorf("finish instance %s: its info cache has %q of %q", x.UUID, r.cache, r.rowed))
			continue
		}
		if r.stage != nova.Mapped {
			errs = append(errs, fmt.Errorf("finish instance %s: it is %s", x.UUID, r.stage))
			continue
		}
		r.stage, r.host, r.vm, r.power, r.task = nova.Finished, x.Host.Host, x.VMState, x.PowerState, ""
		f.rows[x.UUID] = r
	}
	if f.finished != nil {
		f.finished()
	}
	return errors.Join(errs...)
}

func (f *fakeNova) Unlock(_ context.Context, uuids []string) error {
	leave, err := f.enter("Unlock", uuids...)
	defer leave()
	for _, u := range uuids {
		if r, ok := f.rows[u]; ok && err == nil {
			r.locked = false
			f.rows[u] = r
		}
	}
	return err
}

// idle is the guard of all that Heal changes.
func (f *fakeNova) idle(uuid string, on nova.Compute) (fakeRow, error) {
	r, ok := f.rows[uuid]
	switch {
	case !ok || r.stage != nova.Finished:
		return r, nova.ErrNotOurs
	case r.host != on.Host || r.cell != on.Cell:
		return r, nova.ErrMoved
	case r.task != "":
		return r, nova.ErrBusy
	}
	return r, nil
}

func (f *fakeNova) Repower(_ context.Context, x nova.Final, was nova.Power) error {
	leave, err := f.enter("Repower", x.UUID)
	defer leave()
	r, guard := f.idle(x.UUID, x.Host)
	switch {
	case errors.Join(err, guard) != nil:
		return errors.Join(err, guard)
	case r.vm == x.VMState && r.power == x.PowerState:
		return nil
	case r.vm != was.VMState || r.power != was.PowerState:
		return fmt.Errorf("Nova has changed its states meanwhile, to %s and %d", r.vm, r.power)
	}
	r.vm, r.power = x.VMState, x.PowerState
	f.rows[x.UUID] = r
	return nil
}

func (f *fakeNova) SetPorts(_ context.Context, on nova.Compute, uuid string, ports []nova.Port, gone []string) error {
	leave, err := f.enter("SetPorts", uuid)
	defer leave()
	r, guard := f.idle(uuid, on)
	_, unbound := nova.NetworkInfo(ports)
	if err := errors.Join(err, guard, unbound); err != nil {
		return err
	}
	rowed := slices.DeleteFunc(strings.Fields(r.rowed), func(id string) bool { return slices.Contains(gone, id) })
	for _, p := range ports {
		if !slices.Contains(rowed, p.ID) {
			rowed = append(rowed, p.ID)
		}
	}
	slices.Sort(rowed)
	ids := strings.Fields(portsText(ports))
	slices.Sort(ids)
	if !slices.Equal(rowed, ids) {
		return fmt.Errorf("%s would have rows of ports %v, and %v in its cache", uuid, rowed, ids)
	}
	r.cache, r.rowed = portsText(ports), portsText(ports)
	f.rows[uuid] = r
	return nil
}

func (f *fakeNova) SetFlavor(_ context.Context, on nova.Compute, uuid string, x nova.Flavor, disks []nova.BlockDevice) error {
	leave, err := f.enter("SetFlavor", uuid)
	defer leave()
	r, guard := f.idle(uuid, on)
	if err := errors.Join(err, guard); err != nil {
		return err
	}
	r.flavor, r.size, r.disks = x.ID, [4]int{x.VCPUs, x.MemoryMB, x.RootGB, x.EphemeralGB}, fmt.Sprint(disks)
	f.rows[uuid] = r
	return nil
}

func (f *fakeNova) Delete(_ context.Context, uuid string) error {
	leave, err := f.enter("Delete", uuid)
	defer leave()
	switch r := f.rows[uuid]; {
	case err != nil:
		return err
	case r.stage == nova.Foreign:
		return nova.ErrNotOurs
	case r.volume:
		return fmt.Errorf("%w: a volume is attached", nova.ErrInUse)
	}
	delete(f.rows, uuid)
	if f.deleted != nil {
		f.deleted(uuid)
	}
	return nil
}

// dump is everything that Nova knows, but for ids: a rerun may use others.
func (f *fakeNova) dump() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, u := range slices.Sorted(maps.Keys(f.rows)) {
		r := f.rows[u]
		r.id, r.flavor = 0, 0
		fmt.Fprintf(&b, "%s %+v\n", u, r)
	}
	return b.String()
}

// fakeHosts are hosts whose domains are literals and whose files are folders.
type fakeHosts struct {
	then    map[string]func() // what happens right after a host has told its states, once
	mu      sync.Mutex
	domains map[string][]discover.Domain // by host
	dead    map[string]error             // by host
	asked   int                          // how often hosts were asked for states
	scanned int
	gone    map[string]bool  // UUIDs that States does not have
	full    map[string]bool  // UUIDs whose directory cannot be made
	shells  map[string]Shell // by host; none is a host that lets nobody in
}

func (h *fakeHosts) Scan(ctx context.Context, hosts []discover.Host) discover.Source {
	return func(yield func(discover.Inventory) bool) {
		for _, x := range hosts {
			h.mu.Lock()
			h.scanned++
			inv := discover.Inventory{Host: x, Domains: slices.Clone(h.domains[x.Name]), Err: h.dead[x.Name]}
			h.mu.Unlock()
			if inv.Err != nil {
				inv.Domains = nil
			}
			if ctx.Err() != nil || !yield(inv) {
				return
			}
		}
	}
}

func (h *fakeHosts) States(_ context.Context, x discover.Host) (map[string]discover.State, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	if then := h.then[x.Name]; then != nil {
		delete(h.then, x.Name)
		defer then()
	}
	if err := h.dead[x.Name]; err != nil {
		return nil, err
	}
	states := map[string]discover.State{}
	for _, d := range h.domains[x.Name] {
		if !h.gone[d.UUID] {
			states[d.UUID] = d.State
		}
	}
	return states, nil
}

func (h *fakeHosts) Files(ctx context.Context, x discover.Host) (Files, error) {
	t, err := instancedir.Open(ctx, x, nil)
	return fullDisk{t, h.full}, err
}

func (h *fakeHosts) Shell(_ context.Context, x discover.Host) (sh Shell, end func(), err error) {
	if sh := h.shells[x.Name]; sh != nil {
		return sh, func() {}, nil
	}
	return nil, nil, errNoShell
}

var errNoShell = errors.New("no SSH server is there")

// fullDisk fails after the directory was begun.
type fullDisk struct {
	*instancedir.Tree
	full map[string]bool
}

func (f fullDisk) Make(ctx context.Context, w instancedir.Want) (instancedir.Made, error) {
	if !f.full[w.UUID] {
		return f.Tree.Make(ctx, w)
	}
	w.Infos = nil
	made, err := f.Tree.Make(ctx, w)
	return made, errors.Join(err, errFull)
}

var errFull = errors.New("no space left on device")

func (h *fakeHosts) Look(ctx context.Context, x discover.Host) (View, error) {
	return instancedir.OpenView(ctx, x, nil)
}

var errKilled = errors.New("killed")

// A fuse stops the process at its n-th effect: before it, or right after it.
// From then on nothing has an effect any more, and nothing is answered.
type fuse struct {
	mu    sync.Mutex
	left  int
	after bool
	blown bool
}

func (f *fuse) read() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.blown {
		return errKilled
	}
	return nil
}

func (f *fuse) effect(do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.blown {
		return errKilled
	}
	if f.left--; f.left > 0 {
		return do()
	}
	f.blown = true
	if f.after {
		_ = do() // Nobody is left to hear of it.
	}
	return errKilled
}

// dyingNova, dyingHosts and dyingLedger are the world seen from a process
// that is about to be killed.
type dyingNova struct {
	*fakeNova
	fuse *fuse
}

func (d dyingNova) Computes(ctx context.Context) ([]nova.Compute, error) {
	return d.computes, d.fuse.read()
}
func (d dyingNova) Presence(ctx context.Context, u []string) (map[string]nova.Presence, error) {
	if err := d.fuse.read(); err != nil {
		return nil, err
	}
	return d.fakeNova.Presence(ctx, u)
}
func (d dyingNova) Written(ctx context.Context, u []string) (map[string]nova.Stage, error) {
	if err := d.fuse.read(); err != nil {
		return nil, err
	}
	return d.fakeNova.Written(ctx, u)
}
func (d dyingNova) InstanceNames(ctx context.Context, u []string) (map[string]string, error) {
	if err := d.fuse.read(); err != nil {
		return nil, err
	}
	return d.fakeNova.InstanceNames(ctx, u)
}
func (d dyingNova) Verify(ctx context.Context, e []nova.Expect) ([]nova.Violation, error) {
	if err := d.fuse.read(); err != nil {
		return nil, err
	}
	return d.fakeNova.Verify(ctx, e)
}
func (d dyingNova) InsertInstances(ctx context.Context, cell string, in []nova.Instance) (ids map[string]int64, err error) {
	err = d.fuse.effect(func() error { ids, err = d.fakeNova.InsertInstances(ctx, cell, in); return err })
	return ids, err
}
func (d dyingNova) InsertMappings(ctx context.Context, in []nova.Instance) error {
	return d.fuse.effect(func() error { return d.fakeNova.InsertMappings(ctx, in) })
}
func (d dyingNova) SetInfoCache(ctx context.Context, cell, uuid string, ports []nova.Port) error {
	return d.fuse.effect(func() error { return d.fakeNova.SetInfoCache(ctx, cell, uuid, ports) })
}
func (d dyingNova) InUse(ctx context.Context, flavors []int64, images []string) (nova.Use, error) {
	if err := d.fuse.read(); err != nil {
		return nova.Use{}, err
	}
	return d.fakeNova.InUse(ctx, flavors, images)
}
func (d dyingNova) Finish(ctx context.Context, x []nova.Final) error {
	return d.fuse.effect(func() error { return d.fakeNova.Finish(ctx, x) })
}
func (d dyingNova) Unlock(ctx context.Context, u []string) error {
	return d.fuse.effect(func() error { return d.fakeNova.Unlock(ctx, u) })
}
func (d dyingNova) Servers(ctx context.Context, u []string) ([]nova.Server, error) {
	if err := d.fuse.read(); err != nil {
		return nil, err
	}
	return d.fakeNova.Servers(ctx, u)
}
func (d dyingNova) Repower(ctx context.Context, f nova.Final, was nova.Power) error {
	return d.fuse.effect(func() error { return d.fakeNova.Repower(ctx, f, was) })
}
func (d dyingNova) SetPorts(ctx context.Context, on nova.Compute, uuid string, ports []nova.Port, gone []string) error {
	return d.fuse.effect(func() error { return d.fakeNova.SetPorts(ctx, on, uuid, ports, gone) })
}
func (d dyingNova) SetFlavor(ctx context.Context, on nova.Compute, uuid string, f nova.Flavor, disks []nova.BlockDevice) error {
	return d.fuse.effect(func() error { return d.fakeNova.SetFlavor(ctx, on, uuid, f, disks) })
}
func (d dyingNova) Delete(ctx context.Context, u string) error {
	bare := func() error { // the first of Delete's own transactions
		d.mu.Lock()
		defer d.mu.Unlock()
		if r, ok := d.rows[u]; ok && !r.volume && r.stage != nova.Foreign {
			r.bare = true
			d.rows[u] = r
		}
		return nil
	}
	if err := d.fuse.effect(bare); err != nil {
		return err
	}
	return d.fuse.effect(func() error { return d.fakeNova.Delete(ctx, u) })
}

type dyingHosts struct {
	*fakeHosts
	fuse *fuse
}

func (d dyingHosts) States(ctx context.Context, h discover.Host) (map[string]discover.State, error) {
	if err := d.fuse.read(); err != nil {
		return nil, err
	}
	return d.fakeHosts.States(ctx, h)
}

func (d dyingHosts) Files(ctx context.Context, h discover.Host) (Files, error) {
	f, err := d.fakeHosts.Files(ctx, h)
	return dyingFiles{f, d.fuse}, err
}

type dyingFiles struct {
	Files
	fuse *fuse
}

func (d dyingFiles) Make(ctx context.Context, w instancedir.Want) (m instancedir.Made, err error) {
	err = d.fuse.effect(func() error { m, err = d.Files.Make(ctx, w); return err })
	return m, err
}
func (d dyingFiles) RemoveVariables(ctx context.Context, v instancedir.Variables) (l []instancedir.Left, err error) {
	err = d.fuse.effect(func() error { l, err = d.Files.RemoveVariables(ctx, v); return err })
	return l, err
}

func (d dyingFiles) Remove(ctx context.Context, w instancedir.Want) (l []instancedir.Left, err error) {
	err = d.fuse.effect(func() error { l, err = d.Files.Remove(ctx, w); return err })
	return l, err
}
func (d dyingFiles) Done(ctx context.Context, w instancedir.Want) (bool, error) {
	if err := d.fuse.read(); err != nil {
		return false, err
	}
	return d.Files.Done(ctx, w)
}

type dyingLedger struct {
	Ledger
	fuse *fuse
}

func (d dyingLedger) Write(ctx context.Context, f func(*journal.Tx) error) error {
	return d.fuse.effect(func() error { return d.Ledger.Write(ctx, f) })
}
