package nova

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

const cell1UUID = "11111111-1111-4111-8111-111111111111"

// conductor is a nova-conductor of the fixture's cell.
func (f *fixture) conductor(host string, version int) {
	f.insert(f.cell, "services", map[string]any{
		"uuid": fmt.Sprintf("c0000000-0000-4000-8000-%012d", version), "host": host, "binary": "nova-conductor", "topic": "conductor",
		"report_count": 1, "disabled": 0, "forced_down": 0, "deleted": 0, "version": version,
	})
}

// rowsOfHosts are what the databases have of hosts, as text.
func (f *fixture) rowsOfHosts() string {
	var all []string
	for _, q := range []string{
		"SELECT COALESCE(uuid, '') || ' ' || host || ' ' || disabled || ' ' || deleted || ' ' || version FROM services ORDER BY id",
		"SELECT uuid || ' ' || host FROM compute_nodes ORDER BY id",
	} {
		all = append(all, f.texts(q)...)
	}
	return strings.Join(all, "\n")
}

func (f *fixture) texts(query string) (all []string) {
	f.t.Helper()
	if strings.HasPrefix(f.config.APIDatabase, "mysql") {
		query = strings.NewReplacer("SELECT ", "SELECT CONCAT_WS('', ", " || ", ", ", " FROM", ") FROM").Replace(query)
	}
	rows, err := f.cell.Query(query)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			f.t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// What is asked of one host alone is what there is of it among all.
func TestHostRecordsOf(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newFixture(t, r.Name, nil)
			f.conductor("ctl1", r.Service)
			c := f.open()
			all, err := c.HostRecords(t.Context())
			if err != nil || len(all.Services) < 2 {
				t.Fatalf("HostRecords = %+v, %v", all, err)
			}
			got, err := c.HostRecordsOf(t.Context(), "kvm02")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(HostRecords{Services: all.Services[1:2], Nodes: all.Nodes[1:2], Mappings: all.Mappings[1:2], Conductors: all.Conductors}, got); diff != "" || got.Services[0].Host != "kvm02" {
				t.Errorf("HostRecordsOf (-want +got):\n%s", diff)
			}
			if got, err := c.HostRecordsOf(t.Context(), "kvm"); err != nil || len(got.Services)+len(got.Nodes)+len(got.Mappings) != 0 {
				t.Errorf("HostRecordsOf a host that is not there = %+v, %v", got, err)
			}
			f.exec(f.cell, "UPDATE compute_nodes SET deleted = id WHERE host = 'kvm03'")
			for uuid, want := range map[string]string{all.Nodes[1].UUID: "kvm02", all.Nodes[2].UUID: "", "": ""} {
				if host, err := c.NodeHost(t.Context(), uuid); err != nil || host != want {
					t.Errorf("NodeHost(%s) = %q, %v, want %q", uuid, host, err, want)
				}
			}
		})
	}
}

func TestHostRecords(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newFixture(t, r.Name, nil)
			f.conductor("ctl1", r.Service)
			f.conductor("ctl2", r.Service-1)
			f.exec(f.cell, "UPDATE services SET deleted = id WHERE host = 'kvm02'")
			f.exec(f.cell, "UPDATE services SET forced_down = 1, disabled = NULL, disabled_reason = 'AUTO: lost', last_seen_up = NULL WHERE host = 'kvm03'")
			f.exec(f.cell, "UPDATE compute_nodes SET deleted = id WHERE host = 'kvm02'")
			off := f.insert(f.api, "cell_mappings", map[string]any{"uuid": "c2", "name": "off", "database_connection": "mysql://x:y@127.0.0.1:1/z", "disabled": 1})
			f.insert(f.api, "host_mappings", map[string]any{"host": "kvm09", "cell_id": off})
			got, err := f.open().HostRecords(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Services) != 3 || len(got.Nodes) != 3 || len(got.Mappings) != 4 || got.Conductors[cell1UUID] != r.Service-1 {
				t.Fatalf("HostRecords = %+v", got)
			}
			one, two, three := got.Services[0], got.Services[1], got.Services[2]
			if one.Host != "kvm01" || one.UUID == "" || one.ID == 0 || one.Cell != cell1UUID || one.CellName != "cell1" || one.Version != r.Service || !one.Up || one.Reports != 1 || one.Deleted || one.Seen.IsZero() {
				t.Errorf("kvm01's service is %+v", one)
			}
			if !two.Deleted || !three.ForcedDown || three.Up || three.Disabled || three.Reason != "AUTO: lost" || one.Reason != "" || !three.Seen.IsZero() {
				t.Errorf("kvm02's service is %+v, want it deleted; kvm03's %+v, want it forced down and never seen", two, three)
			}
			if n := got.Nodes[0]; n.UUID != "aaaaaaaa-0000-4000-8000-000000000001" || n.Host != "kvm01" || n.Name != "kvm01" || n.Deleted || !got.Nodes[1].Deleted {
				t.Errorf("nodes are %+v", got.Nodes)
			}
			if m := got.Mappings[0]; m.Host != "kvm01" || m.Cell != cell1UUID || m.CellName != "cell1" || m.Closed != "" {
				t.Errorf("kvm01's mapping is %+v", m)
			}
			if m := got.Mappings[3]; m.Host != "kvm09" || !m.Disabled || m.CellName != "off" || m.Closed == "" {
				t.Errorf("kvm09's mapping is %+v, want one to a cell that is disabled", m)
			}
		})
	}
}

func TestHostService(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newFixture(t, r.Name, nil)
			f.conductor("ctl1", r.Service)
			before := f.rowsOfHosts()
			w, ctx := f.writer(), context.Background()
			s := NewService{Cell: cell1UUID, Host: "kvm09", UUID: "59000000-0000-4000-8000-000000000009", Version: r.Service, Reason: "guests"}
			for range 2 { // The second time it is there.
				if err := w.AddService(ctx, s); err != nil {
					t.Fatal(err)
				}
			}
			// Nothing that Nova's own row has may be missing: what is NULL where
			// Nova's models have a default is not found, or not understood.
			if n := f.count(f.cell, "services WHERE host = 'kvm09' AND uuid = ? AND `binary` = 'nova-compute' AND topic = 'compute' AND report_count = 0 AND disabled = 1 AND disabled_reason = 'guests' AND deleted = 0 AND forced_down = 0 AND version = ? AND last_seen_up IS NULL AND created_at IS NOT NULL", s.UUID, r.Service); n != 1 {
				t.Errorf("%d rows as they should be, want 1:\n%s", n, f.rowsOfHosts())
			}
			other := s
			other.UUID = "59000000-0000-4000-8000-00000000000a"
			if err := w.AddService(ctx, other); !errors.Is(err, ErrHostTaken) {
				t.Errorf("AddService beside another = %v, want %v", err, ErrHostTaken)
			}
			if err := w.RemoveService(ctx, other); err != nil {
				t.Error(err)
			}
			if n := f.count(f.cell, "services WHERE host = 'kvm09'"); n != 1 {
				t.Errorf("RemoveService of another's UUID left %d rows", n)
			}
			for range 2 {
				if err := w.RemoveService(ctx, s); err != nil {
					t.Error(err)
				}
			}
			if after := f.rowsOfHosts(); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
			other.Cell = "nowhere"
			if err := w.AddService(ctx, other); err == nil {
				t.Error("AddService to a cell that is not there succeeded")
			}
		})
	}
}

// Nova's row of a host with instances stays, whoever wrote it.
func TestRemoveHostInUse(t *testing.T) {
	f := newFixture(t, "epoxy", nil)
	w, ctx := f.writer(), context.Background()
	s := NewService{Cell: cell1UUID, Host: "kvm09", UUID: "59000000-0000-4000-8000-000000000009", Version: 68}
	if err := w.AddService(ctx, s); err != nil {
		t.Fatal(err)
	}
	f.exec(f.cell, "UPDATE compute_nodes SET host = 'kvm09' WHERE host = 'kvm03'")
	id, made, err := w.MapHost(ctx, "kvm09", cell1UUID)
	if err != nil || !made {
		t.Fatal(id, made, err)
	}
	f.addInstance(1, map[string]any{"host": "kvm09"})
	f.addInstance(2, map[string]any{"host": "kvm09", "deleted": 2})
	f.addInstance(3, map[string]any{"host": "kvm09", "uuid": markerUUID})
	if n, err := w.cloud.InstancesOn(ctx, "kvm09"); n != 1 || err != nil {
		t.Errorf("InstancesOn = %d, %v, want the one that is neither deleted nor Nova's marker", n, err)
	}
	if err := w.RemoveService(ctx, s); !errors.Is(err, ErrHostInUse) {
		t.Errorf("RemoveService = %v, want %v", err, ErrHostInUse)
	}
	if err := w.UnmapHost(ctx, "kvm09", id); !errors.Is(err, ErrHostInUse) {
		t.Errorf("UnmapHost = %v, want %v", err, ErrHostInUse)
	}
	if f.count(f.cell, "services WHERE host = 'kvm09'") != 1 || f.count(f.api, "host_mappings WHERE host = 'kvm09'") != 1 {
		t.Error("records of a host with instances are gone")
	}
	f.exec(f.cell, "UPDATE instances SET deleted = id WHERE host = 'kvm09' AND uuid <> ?", markerUUID)
	if err := errors.Join(w.RemoveService(ctx, s), w.UnmapHost(ctx, "kvm09", id)); err != nil {
		t.Errorf("once the instances are gone: %v", err)
	}
}

func TestMapHost(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newFixture(t, r.Name, func(s *schema.Seed) { s.Cells[0].Hosts[2].Unmapped = true })
			f.conductor("ctl1", r.Service)
			w, ctx := f.writer(), context.Background()
			if _, _, err := w.MapHost(ctx, "kvm09", cell1UUID); err == nil || !strings.Contains(err.Error(), "no node") {
				t.Errorf("MapHost of a host without a node = %v", err)
			}
			id, made, err := w.MapHost(ctx, "kvm03", cell1UUID)
			if err != nil || !made || f.count(f.api, "host_mappings h JOIN cell_mappings c ON c.id = h.cell_id WHERE h.id = ? AND h.host = 'kvm03' AND c.uuid = ? AND h.created_at IS NOT NULL", id, cell1UUID) != 1 {
				t.Fatalf("MapHost = %d, %v, %v", id, made, err)
			}
			if again, made, err := w.MapHost(ctx, "kvm03", cell1UUID); again != id || made || err != nil {
				t.Errorf("MapHost again = %d, %v, %v, want %d, which was there", again, made, err, id)
			}
			if err := w.UnmapHost(ctx, "kvm02", id); err != nil {
				t.Error(err)
			}
			if n := f.count(f.api, "host_mappings"); n != 3 {
				t.Errorf("UnmapHost of another host left %d mappings", n)
			}
			for range 2 {
				if err := w.UnmapHost(ctx, "kvm03", id); err != nil {
					t.Error(err)
				}
			}
			if n := f.count(f.api, "host_mappings"); n != 2 {
				t.Errorf("%d mappings are left, want those of before", n)
			}
			f.exec(f.api, "UPDATE host_mappings SET cell_id = (SELECT MIN(id) FROM cell_mappings) WHERE host = 'kvm01'")
			if _, _, err := w.MapHost(ctx, "kvm01", cell1UUID); !errors.Is(err, ErrHostTaken) {
				t.Errorf("MapHost of what is mapped elsewhere = %v, want %v", err, ErrHostTaken)
			}
		})
	}
}
