package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"
)

// load fills an empty database with the journal that version 1 has written:
// one adoption that was imported, with its step.
func load(t *testing.T, db *gorm.DB, dump string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", dump))
	if err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if err := db.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// upgradeSuite opens a journal of version 1 as the commands do.
func upgradeSuite(t *testing.T, location string) {
	t.Helper()
	// Whoever only looks reads it as it is, and leaves it so.
	old, err := OpenExisting(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	wantOld(t, old)
	if is, err := readShape(old.db); is != 1 || err != nil {
		t.Errorf("after OpenExisting the version is %d, %v, want 1 still", is, err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // The second time there is nothing to upgrade.
		j := open(t, location)
		if is, err := readShape(j.db); is != version || err != nil {
			t.Errorf("after Open the version is %d, %v, want %d", is, err, version)
		}
		wantOld(t, j)
		r := start(t, j)
		write(t, r, func(tx *Tx) error { return tx.BeginShared(Shared{Kind: KindImage, Project: "p", Name: "n"}) })
		if all, err := r.Shared(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("Shared = %+v, %v, want the one that was begun", all, err)
		}
		if err := errors.Join(r.End(t.Context(), ""), j.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func wantOld(t *testing.T, j *Journal) {
	t.Helper()
	all, err := j.Adoptions(t.Context())
	if err != nil || len(all) != 1 || all[0].InstanceName != "instance-00000007" || all[0].State != StateImported || all[0].Plan != "domain: {domain: web}" {
		t.Errorf("Adoptions of version 1 = %+v, %v, want the one that it has", all, err)
	}
	if xml, err := j.Definition(t.Context(), "u1"); err != nil || xml != "<domain/>" {
		t.Errorf("Definition of version 1 = %q, %v, want <domain/>", xml, err)
	}
	if steps, err := j.Steps(t.Context(), "u1"); err != nil || len(steps) != 1 || steps[0].Made != `{"id":7}` {
		t.Errorf("Steps of version 1 = %+v, %v, want the one that it has", steps, err)
	}
}

func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	f, err := connectFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	load(t, f.db, "shape1.sqlite.sql")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	upgradeSuite(t, path)
}

// A creation by version 1 that was cut short before it wrote its version.
func TestUpgradeOfCreationCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	f, err := connectFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	load(t, f.db, "shape1.sqlite.sql")
	if err := errors.Join(f.db.Exec("DELETE FROM k2o_shape").Error, f.Close()); err != nil {
		t.Fatal(err)
	}
	j := open(t, path)
	write(t, start(t, j), func(tx *Tx) error { return tx.BeginShared(Shared{Kind: KindFlavor}) })
	if is, err := readShape(j.db); is != version || err != nil {
		t.Errorf("version = %d, %v, want %d", is, err, version)
	}
}
