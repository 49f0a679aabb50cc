package onboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A fakeWorld is one host, kvm07, with a nova-compute of 2025.1, and a Nova and
// a Placement that behave as the real ones do: they refuse what those refuse.
type fakeWorld struct {
	t *testing.T

	mu        sync.Mutex
	records   nova.HostRecords
	providers []cloud.Provider
	files     map[string]string
	owners    map[string]string
	instances int
	presence  map[string]nova.Presence // of guests
	running   string                   // "", "first" or "normal"
	calls     []string
	made      int
	fail      map[string]error // what goes wrong, by what is done; it has not happened then
	mute      bool             // nova-compute does nothing once it is started
	late      int              // looks for which Placement has no inventories once nova-compute runs as it is to be
	log       []string         // of nova-compute
	system    string           // the system's name, kvm07 unless said
}

const state, idFile = "/var/lib/nova", "/var/lib/nova/compute_id"

func newFakeWorld(t *testing.T) *fakeWorld {
	s := sound()
	s.fresh()
	return &fakeWorld{
		t: t, records: s.c.Records, providers: s.c.Providers, files: map[string]string{}, owners: map[string]string{}, fail: map[string]error{},
	}
}

// did notes a call, and lets it fail.
func (f *fakeWorld) did(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	f.calls = append(f.calls, call)
	if err := f.fail[strings.Fields(call)[0]]; err != nil {
		return err
	}
	return nil
}

func (f *fakeWorld) HostRecordsOf(_ context.Context, host string) (nova.HostRecords, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report()
	r := nova.HostRecords{Conductors: f.records.Conductors}
	r.Services = only(f.records.Services, host, func(s nova.HostService) string { return s.Host })
	r.Nodes = only(f.records.Nodes, host, func(n nova.HostNode) string { return n.Host })
	r.Mappings = only(f.records.Mappings, host, func(m nova.HostMapping) string { return m.Host })
	return r, nil
}

// only are a host's rows.
func only[T any](rows []T, host string, of func(T) string) []T {
	return slices.DeleteFunc(slices.Clone(rows), func(row T) bool { return !strings.EqualFold(of(row), host) })
}

func (f *fakeWorld) NodeHost(_ context.Context, uuid string) (string, error) {
	for _, n := range f.records.Nodes {
		if !n.Deleted && n.UUID == uuid {
			return n.Host, nil
		}
	}
	return "", nil
}

func (f *fakeWorld) InstancesOn(context.Context, string) (int, error) { return f.instances, nil }

func (f *fakeWorld) Presence(_ context.Context, uuids []string) (map[string]nova.Presence, error) {
	found := map[string]nova.Presence{}
	for _, id := range uuids {
		if p, ok := f.presence[id]; ok {
			found[id] = p
		}
	}
	return found, f.fail["Presence"]
}

func (f *fakeWorld) AddService(_ context.Context, s nova.NewService) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("AddService %s", s.Host); err != nil {
		return err
	}
	if f.own() >= 0 {
		return nova.ErrHostTaken
	}
	if slices.ContainsFunc(f.records.Services, func(o nova.HostService) bool { return o.UUID == s.UUID }) {
		return errors.New("Duplicate entry for key services_uuid_idx") // of a row that is only marked as deleted, too
	}
	f.records.Services = append(f.records.Services, nova.HostService{ID: 20, UUID: s.UUID, Host: s.Host, Cell: s.Cell, CellName: "cell1", Version: s.Version, Disabled: true})
	return nil
}

func (f *fakeWorld) RemoveService(_ context.Context, s nova.NewService) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("RemoveService %s", s.Host); err != nil {
		return err
	}
	f.records.Services = slices.DeleteFunc(f.records.Services, func(o nova.HostService) bool { return o.UUID == s.UUID })
	return nil
}

func (f *fakeWorld) MapHost(_ context.Context, host, cell string) (int64, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("MapHost %s", host); err != nil {
		return 0, false, err
	}
	f.records.Mappings = append(f.records.Mappings, nova.HostMapping{ID: 77, Host: host, Cell: cell, CellName: "cell1"})
	return 77, true, nil
}

func (f *fakeWorld) UnmapHost(_ context.Context, host string, id int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("UnmapHost %s", host); err != nil {
		return err
	}
	f.records.Mappings = slices.DeleteFunc(f.records.Mappings, func(m nova.HostMapping) bool { return m.ID == id && m.Host == host })
	return nil
}

func (f *fakeWorld) HostProviders(_ context.Context, names ...string) ([]cloud.Provider, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []cloud.Provider
	for _, p := range f.providers {
		if slices.Contains(names, p.Name) {
			found = append(found, p)
		}
	}
	return found, nil
}

func (f *fakeWorld) DisableService(_ context.Context, uuid, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("DisableService %s", f.running); err != nil {
		return err
	}
	i := f.own()
	if i < 0 || f.records.Services[i].UUID != uuid {
		return cloud.ErrNotFound
	}
	f.records.Services[i].Disabled, f.records.Services[i].Reason = true, reason
	return nil
}

func (f *fakeWorld) EnableService(_ context.Context, uuid string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("EnableService"); err != nil {
		return err
	}
	i := f.own()
	if i < 0 || f.records.Services[i].UUID != uuid {
		return cloud.ErrNotFound
	}
	f.records.Services[i].Disabled, f.records.Services[i].Reason = false, ""
	return nil
}

// DeleteService soft-deletes service and nodes, and takes mapping and provider
// out, as nova-api does.
func (f *fakeWorld) DeleteService(_ context.Context, uuid string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("DeleteService"); err != nil {
		return err
	}
	if f.instances > 0 {
		return cloud.ErrHosting
	}
	i := f.own()
	if i < 0 || f.records.Services[i].UUID != uuid {
		return nil
	}
	f.records.Services[i].Deleted = true
	for i, n := range f.records.Nodes {
		if n.Host == "kvm07" {
			f.records.Nodes[i].Deleted = true
		}
	}
	f.records.Mappings = slices.DeleteFunc(f.records.Mappings, func(m nova.HostMapping) bool { return m.Host == "kvm07" })
	f.providers = slices.DeleteFunc(f.providers, func(p cloud.Provider) bool { return p.Name == "kvm07.example.org" })
	return nil
}

// own is the index of the host's service, -1 without.
func (f *fakeWorld) own() int {
	return slices.IndexFunc(f.records.Services, func(s nova.HostService) bool { return s.Host == "kvm07" && !s.Deleted })
}

func (f *fakeWorld) Read(_ context.Context, path string, _ int64, limit int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, ok := f.files[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text[:min(limit, len(text))]), nil
}

func (f *fakeWorld) Give(_ context.Context, path string, text []byte, user string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("Give %s", path); err != nil {
		return err
	}
	if was, ok := f.files[path]; ok && was != string(text) {
		return errors.New("something else is there already")
	}
	f.files[path], f.owners[path] = string(text), user
	return nil
}

func (f *fakeWorld) Remove(_ context.Context, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.did("Remove %s", path); err != nil {
		return err
	}
	delete(f.files, path)
	return nil
}

func (f *fakeWorld) Close() error { return nil }

// lastWord is that of a command, without what bounds its time.
func lastWord(command string) string {
	if _, own, ok := strings.Cut(command, "\ntimeout -k 10 100 sh -c '"); ok {
		command, _, _ = strings.Cut(own, "'\n")
	}
	return command[strings.LastIndex(command, " ")+1:]
}

// Run knows the commands of the settings below.
func (f *fakeWorld) Run(_ context.Context, command string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	word := lastWord(command)
	if err := f.did("%s", word); err != nil {
		return "", err
	}
	switch word {
	case "-n": // uname
		return cmp.Or(f.system, "kvm07"), nil
	case "$FIRST_START-first":
		if f.running != "" {
			f.t.Errorf("a first start while %s runs", f.running)
		}
		if f.files[FirstStartFile] != FirstStartConf || f.owners[FirstStartFile] != "nova" {
			f.t.Errorf("a first start without its file: %q of %q", f.files[FirstStartFile], f.owners[FirstStartFile])
		}
		f.running = "first"
	case "first-stop":
		if f.running == "first" {
			f.running = ""
		}
	case "start":
		if f.running == "first" {
			f.t.Error("a normal start beside a first start")
		}
		f.running = "normal"
	case "stop":
		if f.running == "normal" {
			f.running = ""
		}
	case "running":
		if f.running != "normal" {
			return "", ErrStatus
		}
	default:
		f.t.Errorf("unknown command %q", command)
	}
	return "", nil
}

// report is what nova-compute 31 does between two looks: it comes one thing
// further each time (nova/compute/manager.py init_host, resource_tracker.py).
func (f *fakeWorld) report() {
	if f.running == "" || f.mute {
		return
	}
	i := f.own()
	id := f.files[idFile]
	switch {
	case i < 0 && f.running == "normal":
		f.log, f.running = append(f.log, "My hypervisor has existing instances"), ""
	case i >= 0 && id == "":
		f.log, f.running = append(f.log, "No local node identity found"), ""
	case i < 0:
		f.made++
		if id == "" {
			id = fmt.Sprintf("dddddddd-0000-4000-8000-%012d", f.made)
			f.files[idFile], f.owners[idFile] = id, "nova"
		}
		f.records.Services = append(f.records.Services, nova.HostService{
			ID: 21, UUID: fmt.Sprintf("eeeeeeee-0000-4000-8000-%012d", f.made), Host: "kvm07", Cell: cell1, CellName: "cell1", Version: 68, Up: true,
		})
	default:
		s := &f.records.Services[i]
		s.Up, s.Reports, s.Seen = true, s.Reports+1, time.Unix(int64(s.Reports), 0)
		f.track(id)
	}
}

// track makes node, provider and inventories, one after the other.
func (f *fakeWorld) track(id string) {
	at := slices.IndexFunc(f.providers, func(p cloud.Provider) bool { return p.Name == "kvm07.example.org" })
	switch {
	case !slices.ContainsFunc(f.records.Nodes, func(n nova.HostNode) bool { return n.Host == "kvm07" && !n.Deleted }):
		f.records.Nodes = append(f.records.Nodes, nova.HostNode{ID: 22, UUID: id, Host: "kvm07", Name: "kvm07.example.org", Cell: cell1, CellName: "cell1"})
	case at < 0:
		f.providers = append(f.providers, cloud.Provider{UUID: id, Name: "kvm07.example.org"})
	case f.running == "normal" && f.late > 0:
		f.late, f.providers[at].Inventories = f.late-1, nil
	case f.providers[at].UUID == id:
		f.providers[at].Inventories = map[string]cloud.Inventory{"VCPU": {Total: 8}, "MEMORY_MB": {Total: 16}, "DISK_GB": {Total: 9}}
	}
}

// is says how the world stands, but for what has only been deleted softly.
func (f *fakeWorld) is() string {
	var b strings.Builder
	for _, s := range f.records.Services {
		if !s.Deleted {
			fmt.Fprintf(&b, "service %s %s disabled=%v up=%v\n", s.Host, s.Cell, s.Disabled, s.Up)
		}
	}
	for _, n := range f.records.Nodes {
		if !n.Deleted {
			fmt.Fprintf(&b, "node %s %s\n", n.Host, n.Name)
		}
	}
	for _, m := range f.records.Mappings {
		fmt.Fprintf(&b, "mapping %s %s\n", m.Host, m.Cell)
	}
	for _, p := range f.providers {
		fmt.Fprintf(&b, "provider %s %d\n", p.Name, len(p.Inventories))
	}
	for _, p := range slices.Sorted(maps.Keys(f.files)) {
		fmt.Fprintf(&b, "file %s\n", p)
	}
	fmt.Fprintf(&b, "running %q\n", f.running)
	return b.String()
}

// onboarder is one with a journal on disk.
func (f *fakeWorld) onboarder(path string) *Onboarder {
	f.t.Helper()
	return f.with(newLedger(f.t, path))
}

// newLedger is the journal of a run.
func newLedger(t *testing.T, path string) Ledger {
	t.Helper()
	j, err := journal.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Start(t.Context(), journal.Run{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(r.End(context.Background(), ""), j.Close()) })
	return r
}

func (f *fakeWorld) with(l Ledger) *Onboarder {
	return &Onboarder{
		Nova: f, Writer: f, API: f, Journal: l, Log: slog.New(slog.DiscardHandler), Every: time.Microsecond,
		Open: func(context.Context, discover.Host) (Machine, error) { return f, f.fail["Open"] },
		Settings: Settings{
			FirstStart: "lab $FIRST_START-first", FirstStop: "lab first-stop", Start: "lab start", Stop: "lab stop", Running: "lab running", Timeout: 2 * time.Second,
		},
	}
}

// job is the host as it is now.
func (f *fakeWorld) job(way Way) Job {
	h := sound().h
	h.Files = readIdentities(f.t.Context(), f, []string{idFile}, &h.Err)
	return Job{
		Host: h, Way: way,
		Cloud: Cloud{Release: nova.Release{Major: 31, Services: 68}, Records: f.records, Open: []nova.OpenCell{{UUID: cell1, Name: "cell1"}}},
	}
}

func journalFile(t *testing.T) string { return filepath.Join(t.TempDir(), "j.db") }
