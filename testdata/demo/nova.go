package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	_ "github.com/glebarez/go-sqlite" // registers the driver "sqlite"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// release is the Nova that the demonstration has.
const release = "zed"

// Ids of cloud.json that Nova's rows refer to.
const (
	projectID = "6c1f7c1d7f3a4a0ea2d1f0b9c8e7a651" // legacy
	userID    = "f2a6d4c8b0e14793a5c7e9f1b3d5f708" // admin
	cellUUID  = "6e3b9d4f-2a71-4c8e-9b05-d17f6a3c2e84"
)

// SeedNova makes the databases of a Nova of the release Zed in dir, as SQLite
// files with Nova's own tables: nova_api.sqlite, nova_cell0.sqlite and
// nova_cell1.sqlite. Its nova-compute services have reported just now, so a
// minute later they count as down. Databases of an earlier run are replaced.
func SeedNova(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("seed the demonstration's Nova: %w", err)
	}
	n := &seeder{dir: dir, now: time.Now().UTC()}
	err = errors.Join(n.seed(context.Background()), n.close())
	if err != nil {
		return fmt.Errorf("seed the demonstration's Nova: %w", err)
	}
	return nil
}

// A seeder holds the three databases while they are filled.
type seeder struct {
	dir              string
	now              time.Time
	api, cell0, cell *sql.DB
}

func (n *seeder) seed(ctx context.Context) (err error) {
	if n.api, err = n.create("nova_api", schema.API); err != nil {
		return err
	}
	if n.cell0, err = n.create("nova_cell0", schema.Cell); err != nil {
		return err
	}
	if n.cell, err = n.create("nova_cell1", schema.Cell); err != nil {
		return err
	}
	if err := n.cloud().Insert(ctx, n.api); err != nil {
		return err
	}
	if _, err := n.api.ExecContext(ctx, "UPDATE cell_mappings SET database_connection = ? WHERE uuid = ?", n.url("nova_cell0"), schema.Cell0UUID); err != nil {
		return fmt.Errorf("map cell0: %w", err)
	}
	if err := n.conductor(ctx); err != nil {
		return err
	}
	return n.instances(ctx)
}

// create makes one database file with all tables of its kind, empty.
func (n *seeder) create(name, part string) (*sql.DB, error) {
	file := filepath.Join(n.dir, name+".sqlite")
	for _, old := range []string{file, file + "-wal", file + "-shm", file + "-journal"} {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	// Nothing here is worth a wait for the disk: a seed that a crash cuts off
	// is made anew.
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA synchronous = OFF"); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", file, err), db.Close())
	}
	if err := schema.Create(db, schema.SQLite, release, part); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (n *seeder) url(name string) string {
	return "sqlite:///" + filepath.Join(n.dir, name+".sqlite")
}

func (n *seeder) close() error {
	var errs []error
	for _, db := range []*sql.DB{n.api, n.cell0, n.cell} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// cloud is what nova-manage and the services wrote.
func (n *seeder) cloud() schema.Seed {
	cell := schema.CellSeed{Name: "cell1", UUID: cellUUID, URL: n.url("nova_cell1"), DB: n.cell}
	for i, host := range Hosts() {
		cell.Hosts = append(cell.Hosts, schema.HostSeed{
			Host: host, Node: host + ".example.net", AvailabilityZone: "nova",
			UUID:  fmt.Sprintf("a4c81f0%d-6b2e-4d97-8f35-0e9b7c5d2a16", i+1),
			VCPUs: 64, MemoryMB: 512 * 1024, LocalGB: 8000, CPURatio: 16, RAMRate: 1.5,
		})
	}
	return schema.Seed{
		Release: release, Now: n.now, Cells: []schema.CellSeed{cell},
		Flavors: []schema.FlavorSeed{
			{ID: "1", Name: "m1.tiny", VCPUs: 1, MemoryMB: 1024, RootGB: 10},
			{ID: "2", Name: "m1.small", VCPUs: 1, MemoryMB: 2048, RootGB: 20},
			{ID: "3", Name: "m1.medium", VCPUs: 2, MemoryMB: 4096, RootGB: 40},
			{ID: "4", Name: "m1.large", VCPUs: 4, MemoryMB: 8192, RootGB: 80},
			{ID: "5", Name: "m1.xlarge", VCPUs: 8, MemoryMB: 16384, RootGB: 160},
			{ID: "6", Name: "m1.8c24g300", VCPUs: 8, MemoryMB: 24576, RootGB: 300},
			{ID: "7", Name: "db.4c16g", VCPUs: 4, MemoryMB: 16384, RootGB: 80, EphemeralGB: 200},
			{ID: "8", Name: "app.4c8g", VCPUs: 4, MemoryMB: 8192, RootGB: 40},
			{ID: "9", Name: "legacy.2c4g60", VCPUs: 2, MemoryMB: 4096, RootGB: 60, Private: true, Projects: []string{projectID}},
			{ID: "10", Name: "legacy.2c2g10", VCPUs: 2, MemoryMB: 2048, RootGB: 10, Private: true, Projects: []string{projectID}},
			{ID: "11", Name: "legacy.1c1g4", VCPUs: 1, MemoryMB: 1024, RootGB: 4, Private: true, Projects: []string{projectID}},
			{ID: "12", Name: "legacy.2c4g20", VCPUs: 2, MemoryMB: 4096, RootGB: 20, Private: true, Projects: []string{projectID}},
			{ID: "13", Name: "legacy.2c4g80", VCPUs: 2, MemoryMB: 4096, RootGB: 80, Private: true, Projects: []string{projectID}},
			{ID: "14", Name: "legacy.2c4g100", VCPUs: 2, MemoryMB: 4096, RootGB: 100, Private: true, Projects: []string{projectID}},
			{ID: "15", Name: "legacy.2c4g40d200", VCPUs: 2, MemoryMB: 4096, RootGB: 40, EphemeralGB: 200, Private: true, Projects: []string{projectID}},
			{ID: "16", Name: "legacy.2c8g80", VCPUs: 2, MemoryMB: 8192, RootGB: 80, Private: true, Projects: []string{projectID}},
			{ID: "17", Name: "legacy.4c8g100", VCPUs: 4, MemoryMB: 8192, RootGB: 100, Private: true, Projects: []string{projectID}},
			{ID: "18", Name: "legacy.4c8g120", VCPUs: 4, MemoryMB: 8192, RootGB: 120, Private: true, Projects: []string{projectID}},
			{ID: "19", Name: "legacy.4c16g120", VCPUs: 4, MemoryMB: 16384, RootGB: 120, Private: true, Projects: []string{projectID}},
			{ID: "20", Name: "legacy.8c32g200d500", VCPUs: 8, MemoryMB: 32768, RootGB: 200, EphemeralGB: 500, Private: true, Projects: []string{projectID}},
		},
		Quotas:       map[string]map[string]int{projectID: {"instances": 500, "cores": 1000, "ram": 2 * 1024 * 1024}},
		DefaultQuota: map[string]int{"instances": 10, "cores": 20, "ram": 51200},
	}
}

// conductor is the second kind of service whose version tells the release.
func (n *seeder) conductor(ctx context.Context) error {
	r, err := schema.Find(release)
	if err != nil {
		return err
	}
	_, err = schema.Insert(ctx, n.cell, "services", map[string]any{
		"uuid": "c5d9e3b7-0a48-4f16-9e72-b3d8a1f6c054", "host": "controller01", "binary": "nova-conductor", "topic": "conductor",
		"report_count": 1, "disabled": 0, "forced_down": 0, "deleted": 0, "version": r.Service, "last_seen_up": n.stamp(0),
	})
	return err
}

// stamp is a moment before the seeding, as Nova's columns have it.
func (n *seeder) stamp(ago time.Duration) string {
	return n.now.Add(-ago).Format(time.DateTime)
}
