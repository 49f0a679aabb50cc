package importer_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // registers the driver "mysql"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

const (
	publicNetwork  = "c10d0000-0000-4000-8000-000000000001"
	privateNetwork = "c10d0000-0000-4000-8000-000000000002"
)

// A fileCloud is a cloud whose APIs keep all they know in one file, so that
// it outlives the process that is killed. Each request is one replacement of
// the file, but for flavors, which are rows of Nova's.
type fileCloud struct {
	place
	mu *sync.Mutex
}

type cloudState struct {
	Ports       map[string]cloud.Port
	Allocations map[string]cloud.Allocation
	Images      map[string]string // project by id
	Last        int               // id
}

// cloud is nil for a place without one.
func (p place) cloud() *fileCloud {
	if _, err := os.Stat(p.path("cloud.json")); err != nil {
		return nil
	}
	return &fileCloud{p, &sync.Mutex{}}
}

// withCloud gives the domains of a place ports to be made and to be taken, or
// none, a placeholder image, and some a flavor to be made.
func (p place) withCloud(t *testing.T) place {
	t.Helper()
	s := cloudState{Ports: map[string]cloud.Port{}, Allocations: map[string]cloud.Allocation{}, Images: map[string]string{}}
	planned, err := plan.Load(p.path("plan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range planned.Domains {
		d := &planned.Domains[n]
		d.Placeholder = true
		made := plan.NIC{MAC: fmt.Sprintf("52:54:00:00:00:%02x", n), Network: "public", NetworkID: publicNetwork, Addresses: []string{fmt.Sprintf("192.0.2.%d", n+1)}, CreatePort: true}
		there := plan.NIC{MAC: fmt.Sprintf("52:54:00:00:01:%02x", n), Network: "private", NetworkID: privateNetwork, Addresses: []string{},
			Port: fmt.Sprintf("c10d0000-0000-4000-8000-%012d", 100+n)}
		d.NICs = [][]plan.NIC{{made}, {made, there}, {there}, {}}[n%4]
		if n%4 == 1 {
			d.Flavor = plan.Flavor{Name: "legacy.2c2048m20d", Create: true, VCPUs: 2, MemoryMB: 2048, RootGB: 20}
		}
		if n%4 == 1 || n%4 == 2 {
			s.Ports[there.Port] = cloud.Port{ID: there.Port, MAC: there.MAC, NetworkID: privateNetwork, ProjectID: d.ProjectID, VIFType: "unbound"}
		}
	}
	f, err := os.Create(p.path("plan.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(plan.Write(f, planned), f.Close(), p.writeState(s)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p place) readState() (s cloudState, err error) {
	text, err := os.ReadFile(p.path("cloud.json"))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

func (p place) writeState(s cloudState) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path("cloud.json.new"), text, 0o644); err != nil {
		return err
	}
	return os.Rename(p.path("cloud.json.new"), p.path("cloud.json"))
}

// dumpCloud is what the APIs know, "" without any.
func (p place) dumpCloud() (string, error) {
	s, err := p.readState()
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	s.Last = 0
	text, _ := json.MarshalIndent(s, "", " ")
	return string(text), err
}

// change is one request, which takes a while, as over a network.
func (f *fileCloud) change(do func(*cloudState) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	time.Sleep(time.Millisecond)
	s, err := f.readState()
	if err == nil {
		err = do(&s)
	}
	if err == nil {
		err = f.writeState(s)
	}
	time.Sleep(time.Millisecond) // It has taken effect, and the answer is on its way.
	return err
}

func (s *cloudState) newID() string {
	s.Last++
	return fmt.Sprintf("c10d0000-0000-4000-8000-%012d", 1000+s.Last)
}

func (f *fileCloud) snapshot() *cloud.Snapshot {
	network := func(id, name, cidr string) cloud.Network {
		return cloud.Network{ID: id, Name: name, ProjectID: "admin", Shared: true, Subnets: []cloud.Subnet{{ID: id, Name: name, CIDR: netip.MustParsePrefix(cidr)}}}
	}
	return &cloud.Snapshot{Live: true, Networks: []cloud.Network{network(publicNetwork, "public", "192.0.2.0/24"), network(privateNetwork, "private", "10.0.0.0/8")}}
}

func (f *fileCloud) PortsOf(_ context.Context, instances []string) (found []cloud.Port, err error) {
	s, err := f.readState()
	for _, p := range s.Ports {
		if slices.Contains(instances, p.DeviceID) {
			found = append(found, p)
		}
	}
	return found, err
}

func (f *fileCloud) Port(_ context.Context, id string) (cloud.Port, error) {
	s, err := f.readState()
	if p, ok := s.Ports[id]; ok || err != nil {
		return p, err
	}
	return cloud.Port{}, cloud.ErrNotFound
}

func (f *fileCloud) CreatePort(_ context.Context, n cloud.NewPort) (p cloud.Port, err error) {
	return p, f.change(func(s *cloudState) error {
		for _, other := range s.Ports {
			if other.NetworkID == n.NetworkID && strings.EqualFold(other.MAC, n.MAC) {
				return cloud.ErrTaken
			}
		}
		p = cloud.Port{ID: s.newID(), MAC: n.MAC, NetworkID: n.NetworkID, ProjectID: n.ProjectID, DeviceID: n.Instance,
			DeviceOwner: "compute:" + n.Zone, VIFType: "unbound", FixedIPs: n.FixedIPs, Description: cloud.Mark + n.Comment}
		s.Ports[p.ID] = p
		return nil
	})
}

// update changes a port that is there.
func (f *fileCloud) update(id string, do func(*cloud.Port) error) (p cloud.Port, err error) {
	return p, f.change(func(s *cloudState) error {
		var ok bool
		if p, ok = s.Ports[id]; !ok {
			return cloud.ErrNotFound
		}
		if err := do(&p); err != nil {
			return err
		}
		s.Ports[id] = p
		return nil
	})
}

func (f *fileCloud) TakePort(_ context.Context, id, instance, zone string) (cloud.Port, error) {
	return f.update(id, func(p *cloud.Port) error {
		if p.DeviceID != "" && p.DeviceID != instance {
			return cloud.ErrTaken
		}
		p.DeviceID, p.DeviceOwner = instance, "compute:"+zone
		return nil
	})
}

func (f *fileCloud) BindPort(_ context.Context, id, host string) (cloud.Port, error) {
	return f.update(id, func(p *cloud.Port) error {
		p.HostID, p.VIFType, p.VIFDetails = host, "bridge", map[string]any{"port_filter": true}
		return nil
	})
}

func (f *fileCloud) UnbindPort(_ context.Context, id, instance string) error {
	_, err := f.update(id, func(p *cloud.Port) error {
		if p.DeviceID == instance {
			p.HostID, p.VIFType, p.VIFDetails = "", "unbound", nil
		}
		return nil
	})
	if errors.Is(err, cloud.ErrNotFound) {
		return nil
	}
	return err
}

// FreePort takes two requests.
func (f *fileCloud) FreePort(_ context.Context, id, instance string) error {
	p, err := f.update(id, func(p *cloud.Port) error {
		if p.DeviceID == instance {
			p.DeviceID, p.DeviceOwner, p.HostID, p.VIFType, p.VIFDetails = "", "", "", "unbound", nil
		}
		return nil
	})
	if errors.Is(err, cloud.ErrNotFound) {
		return nil
	}
	if err != nil || !p.Ours() || p.DeviceID != "" {
		return err
	}
	return f.change(func(s *cloudState) error { delete(s.Ports, id); return nil })
}

func (f *fileCloud) Allocations(_ context.Context, instances []string) (map[string]cloud.Allocation, error) {
	s, err := f.readState()
	for u := range s.Allocations {
		if !slices.Contains(instances, u) {
			delete(s.Allocations, u)
		}
	}
	return s.Allocations, err
}

func (f *fileCloud) Allocate(_ context.Context, a cloud.Allocation) error {
	return f.change(func(s *cloudState) error { s.Allocations[a.Instance] = a; return nil })
}

func (f *fileCloud) Deallocate(_ context.Context, instance string) error {
	return f.change(func(s *cloudState) error { delete(s.Allocations, instance); return nil })
}

func (f *fileCloud) EnsurePlaceholder(_ context.Context, project string) (id string, made bool, err error) {
	err = f.change(func(s *cloudState) error {
		for is, of := range s.Images {
			if of == project {
				id = is
				return nil
			}
		}
		id, made = s.newID(), true
		s.Images[id] = project
		return nil
	})
	return id, made, err
}

func (f *fileCloud) DeletePlaceholder(_ context.Context, id string) error {
	return f.change(func(s *cloudState) error { delete(s.Images, id); return nil })
}

// inNova does what Nova's API does to the API database, in one transaction.
func (f *fileCloud) inNova(ctx context.Context, do func(*sql.Tx) error) error {
	driver, dsn := "sqlite", "file:"+f.path("api.db")+"?_pragma=busy_timeout(10000)"
	if server := f.said("api.dsn", ""); server != "" {
		driver, dsn = "mysql", server
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (f *fileCloud) EnsureFlavor(ctx context.Context, n cloud.NewFlavor) (id string, made bool, err error) {
	err = f.inNova(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRow("SELECT flavorid FROM flavors WHERE name = ?", n.Name).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		id, made = "made-"+n.Name, true
		done, err := tx.Exec(`INSERT INTO flavors (created_at, name, flavorid, vcpus, memory_mb, root_gb, ephemeral_gb, swap, rxtx_factor, vcpu_weight, disabled, is_public)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0, 1, 0, 0, 0)`, time.Now().UTC().Truncate(time.Second), n.Name, id, n.VCPUs, n.MemoryMB, n.RootGB, n.EphemeralGB)
		if err != nil {
			return err
		}
		row, err := done.LastInsertId()
		if err != nil {
			return err
		}
		_, err = tx.Exec("INSERT INTO flavor_projects (flavor_id, project_id) VALUES (?, ?)", row, n.ProjectID)
		return err
	})
	return id, made, err
}

func (f *fileCloud) DeleteFlavor(ctx context.Context, id string) error {
	return f.inNova(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM flavor_projects WHERE flavor_id IN (SELECT id FROM flavors WHERE flavorid = ?)", id)
		if err == nil {
			_, err = tx.Exec("DELETE FROM flavors WHERE flavorid = ?", id)
		}
		return err
	})
}

// TestKillWithCloud is TestKill with everything that an import makes through
// the cloud's APIs.
func TestKillWithCloud(t *testing.T) {
	killAtRandom(t, newPlace(t, "zed").withCloud(t), 20, 80)
}
