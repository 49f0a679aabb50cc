package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"
)

// load fills an empty database with the journal that an earlier version has
// written: one adoption that was imported, with its step, and from version 2 on
// a flavor that was made for it. Each dump adds to the one before.
func load(t *testing.T, db *gorm.DB, old int, server string) {
	t.Helper()
	for n := range old {
		loadDump(t, db, fmt.Sprintf("shape%d.%s.sql", n+1, server))
	}
}

func loadDump(t *testing.T, db *gorm.DB, dump string) {
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

// upgradeSuite opens a journal of an earlier version as the commands do.
func upgradeSuite(t *testing.T, location string, from int) {
	t.Helper()
	// Whoever only looks reads it as it is, and leaves it so.
	old, err := OpenExisting(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	wantOld(t, old)
	if is, err := readShape(old.db); is != from || err != nil {
		t.Errorf("after OpenExisting the version is %d, %v, want %d still", is, err, from)
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
		if all, err := r.Shared(t.Context()); err != nil || len(all) != min(from, 2) {
			t.Errorf("Shared = %+v, %v, want the one that was begun, and from version 2 the flavor", all, err)
		}
		if steps, err := r.Steps(t.Context(), "u1"); err != nil || len(steps) != 1 {
			t.Errorf("Steps = %+v, %v, want the one of before", steps, err)
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
		t.Errorf("Adoptions of before = %+v, %v, want the one that it has", all, err)
	}
	if xml, err := j.Definition(t.Context(), "u1"); err != nil || xml != "<domain/>" {
		t.Errorf("Definition of before = %q, %v, want <domain/>", xml, err)
	}
	if steps, err := j.Steps(t.Context(), "u1"); err != nil || len(steps) != 1 || steps[0].Made != `{"id":7}` {
		t.Errorf("Steps of before = %+v, %v, want the one that it has", steps, err)
	}
}

func TestUpgrade(t *testing.T) {
	for from := 1; from < version; from++ {
		t.Run(fmt.Sprint("from ", from), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j.db")
			f, err := connectFile(path, true)
			if err != nil {
				t.Fatal(err)
			}
			load(t, f.db, from, "sqlite")
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			upgradeSuite(t, path, from)
		})
	}
}

// A program that knows only shape 2 would take a renamed domain for an imported
// one, so it must refuse a journal that has any.
func TestUpgradeTellsOlderPrograms(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	r := start(t, j)
	write(t, r, func(tx *Tx) error {
		return errors.Join(tx.Adopt([]Adoption{{UUID: "u1", State: StateImported}}), tx.SetState(StateRenaming, "", "u1"), tx.Begin("shutdown", "u1"))
	})
	if is, err := readShape(j.db); is < 3 || err != nil {
		t.Errorf("version = %d, %v, want at least 3", is, err)
	}
	all, err := r.Adoptions(t.Context())
	if err != nil || len(all) != 1 || all[0].State != StateRenaming || len(all[0].Left) != 1 {
		t.Errorf("Adoptions = %+v, %v, want the one that is under way, with its step", all, err)
	}
}

// A creation by version 1 that was cut short before it wrote its version.
func TestUpgradeOfCreationCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	f, err := connectFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	load(t, f.db, 1, "sqlite")
	if err := errors.Join(f.db.Exec("DELETE FROM k2o_shape").Error, f.Close()); err != nil {
		t.Fatal(err)
	}
	j := open(t, path)
	write(t, start(t, j), func(tx *Tx) error { return tx.BeginShared(Shared{Kind: KindFlavor}) })
	if is, err := readShape(j.db); is != version || err != nil {
		t.Errorf("version = %d, %v, want %d", is, err, version)
	}
}
