package journal

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gorm.io/gorm"
)

func open(t *testing.T, location string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func start(t *testing.T, j *Journal) *Recorder {
	t.Helper()
	r, err := j.Start(t.Context(), Run{Command: "kvm2openstack import plan.yaml", Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, r *Recorder, f func(*Tx) error) {
	t.Helper()
	if err := r.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// A file has all tables or none, whatever stops their making.
func TestTablesInOneGo(t *testing.T) {
	j, err := connect(filepath.Join(t.TempDir(), "j.db"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	stop := errors.New("disk full")
	if err := j.db.Callback().Create().Before("gorm:create").Register("test:stop", func(tx *gorm.DB) { _ = tx.AddError(stop) }); err != nil {
		t.Fatal(err)
	}
	if err := j.prepare(t.Context()); !errors.Is(err, stop) {
		t.Fatalf("prepare = %v, want %v", err, stop)
	}
	if found, err := tables(j.db); err != nil || len(found) != 0 {
		t.Errorf("tables %v, %v, want none", found, err)
	}
	if err := j.db.Callback().Create().Remove("test:stop"); err != nil {
		t.Fatal(err)
	}
	if err := j.prepare(t.Context()); err != nil {
		t.Errorf("prepare again: %v", err)
	}
}

// suite is what every kind of journal must do.
func suite(t *testing.T, location string) {
	j := open(t, location)
	r := start(t, j)
	a := Adoption{UUID: "u1", Host: "kvm01", Domain: "web\xff", State: StateBegun, Plan: "domain: web", Definition: "<domain/>"}
	write(t, r, func(tx *Tx) error {
		return errors.Join(tx.Adopt([]Adoption{a, {UUID: "u2", Host: "kvm01", Domain: "db"}}), tx.Begin("records", "u1", "u2"))
	})
	write(t, r, func(tx *Tx) error {
		return errors.Join(
			tx.End("records", Ending{UUID: "u1", Made: `{"id":7}`}, Ending{UUID: "u2", Err: errors.New("deadlock")}),
			tx.SetInstances([]InstanceID{{UUID: "u1", ID: 7, Name: "instance-00000007"}}),
			tx.SetState(StateHalf, "interrupted", "u1"))
	})
	// A rerun notes the domain anew and must not forget its instance.
	write(t, r, func(tx *Tx) error { return tx.Adopt([]Adoption{a}) })

	got, err := j.Adoptions(t.Context(), "u1")
	if err != nil {
		t.Fatal(err)
	}
	want := []Adoption{{UUID: "u1", Host: "kvm01", Domain: "web\uFFFD", State: StateBegun, Plan: "domain: web",
		InstanceID: 7, InstanceName: "instance-00000007", Run: r.RunID(), Left: []string{"records"}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Adoption{}, "Updated")); diff != "" {
		t.Errorf("Adoptions(u1) (-want +got):\n%s", diff)
	}
	if xml, err := j.Definition(t.Context(), "u1"); err != nil || xml != "<domain/>" {
		t.Errorf("Definition(u1) = %q, %v, want <domain/>", xml, err)
	}
	steps, err := j.Steps(t.Context(), "u1", "u2")
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2 || steps[0].Made != `{"id":7}` || steps[0].Ended == nil || steps[1].Error != "deadlock" {
		t.Errorf("Steps(u1, u2) = %+v, want records of both, ended", steps)
	}
	write(t, r, func(tx *Tx) error {
		return errors.Join(tx.BeginUndo("records", "u1"), tx.EndUndo("records", "u1"))
	})
	if steps, _ = j.Steps(t.Context(), "u1", "u2"); len(steps) != 1 || steps[0].UUID != "u2" {
		t.Errorf("Steps after the undo of u1 = %+v, want those of u2", steps)
	}
	write(t, r, func(tx *Tx) error {
		return errors.Join(tx.Begin("rename/hold", "u2"), tx.Begin("rename/stage", "u2"), tx.EndUndoAll("rename/", "u2"))
	})
	if steps, _ = j.Steps(t.Context(), "u2"); len(steps) != 1 || steps[0].Step != "records" {
		t.Errorf("Steps after the undo of all of a restart = %+v, want that of the import", steps)
	}
	write(t, r, func(tx *Tx) error { return tx.SetPlans(map[string]string{"u1": "domain: web, port: p1"}) })
	if got, err = r.Adoptions(t.Context(), "u1"); err != nil || got[0].Plan != "domain: web, port: p1" || got[0].Domain != a.Domain[:3]+"\uFFFD" || got[0].Left != nil {
		t.Errorf("Adoptions(u1) after SetPlans = %+v, %v, want the new plan, all else as before, nothing left", got, err)
	}
	sharedSuite(t, r)
	if err := r.End(t.Context(), "done"); err != nil {
		t.Fatal(err)
	}
	runs, err := j.Runs(t.Context(), 1)
	if err != nil || len(runs) != 1 || runs[0].Ended == nil || runs[0].Outcome != "done" {
		t.Errorf("Runs = %+v, %v, want one that ended", runs, err)
	}
}

// sharedSuite: a thing is begun, made, gone, and begun again.
func sharedSuite(t *testing.T, r *Recorder) {
	t.Helper()
	read := func() []Shared {
		t.Helper()
		all, err := r.Shared(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	f := Shared{Kind: KindFlavor, Project: "p1", Name: "legacy.1c"}
	g := Shared{Kind: KindFlavor, Project: "p2", Name: "legacy.1c"} // the same name for somebody else
	write(t, r, func(tx *Tx) error { return tx.BeginShared(f, g) })
	if all := read(); len(all) != 2 || all[0].Project != "p1" || all[0].Made != nil || all[0].Run != r.RunID() {
		t.Errorf("Shared after Begin = %+v, want two intents", all)
	}
	f.CloudID = "id-1"
	write(t, r, func(tx *Tx) error { return errors.Join(tx.EndShared(f), tx.GoneShared(g)) })
	if all := read(); len(all) != 1 || all[0].Made == nil || all[0].CloudID != "id-1" {
		t.Errorf("Shared after End and Gone = %+v, want the one that was made", all)
	}
	write(t, r, func(tx *Tx) error { return tx.GoneShared(f) })
	if all := read(); len(all) != 0 {
		t.Errorf("Shared after Gone = %+v, want none", all)
	}
	write(t, r, func(tx *Tx) error { return tx.BeginShared(f) })
	if all := read(); len(all) != 1 || all[0].Made != nil || all[0].CloudID != "" {
		t.Errorf("Shared after a second Begin = %+v, want a new intent", all)
	}
}

func TestFile(t *testing.T) {
	suite(t, filepath.Join(t.TempDir(), "a journal? #1 100%.db"))
}

// What guests and hosts have said is kept, whatever it is: a journal that refuses
// a reason would hold up the way back of the domain.
func TestReasonOfAnyText(t *testing.T) { reasonSuite(t, filepath.Join(t.TempDir(), "j.db")) }

func reasonSuite(t *testing.T, location string) {
	t.Helper()
	j := open(t, location)
	r, err := j.Start(t.Context(), Run{Command: "rename --only caf\xe9*"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.End(context.Background(), "caf\xe9") })
	for _, reason := range []string{"it answers 500 Erreur interne caf\xe9", strings.Repeat("no answer; ", 10000), strings.Repeat("\U0001F4A5", 20000), "a\x00b"} {
		write(t, r, func(tx *Tx) error {
			return errors.Join(
				tx.Adopt([]Adoption{{UUID: "u1", State: StateRenaming, Reason: reason}}),
				tx.SetState(StateReturning, reason, "u1"),
				tx.End("health", Ending{UUID: "u1", Err: errors.New(reason)}),
			)
		})
		found, err := j.Adoptions(t.Context(), "u1")
		if err != nil || len(found) != 1 || !utf8.ValidString(found[0].Reason) || len(found[0].Reason) > 20<<10 || found[0].Reason[:1] != reason[:1] && reason[0] < 0x80 {
			t.Errorf("%.40q was kept as %.40q, %v", reason, found[0].Reason, err)
		}
		steps, err := j.Steps(t.Context(), "u1")
		if err != nil || len(steps) != 1 || !utf8.ValidString(steps[0].Error) || steps[0].Error != found[0].Reason {
			t.Errorf("the step keeps %.40q, %v", steps[0].Error, err)
		}
	}
}

func TestTransactionIsAllOrNothing(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	r := start(t, j)
	err := r.Write(t.Context(), func(tx *Tx) error {
		return errors.Join(tx.Begin("records", "u1"), errors.New("boom"))
	})
	if err == nil {
		t.Fatal("Write of a failing function = nil, want its error")
	}
	if steps, _ := j.Steps(t.Context(), "u1"); len(steps) != 0 {
		t.Errorf("Steps after a failed transaction = %+v, want none", steps)
	}
}

func TestWriteAfterCancel(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	r := start(t, j)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// The end of a step that took effect must be noted even when somebody
	// pressed Ctrl-C meanwhile.
	if err := r.Write(ctx, func(tx *Tx) error { return tx.End("records", Ending{UUID: "u1"}) }); err != nil {
		t.Errorf("Write after cancel = %v, want nil", err)
	}
}

func TestOnlyOwnerReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r := start(t, open(t, path))
	write(t, r, func(tx *Tx) error { return tx.Begin("records", "u1") })
	names, err := filepath.Glob(path + "*")
	if err != nil || len(names) < 3 {
		t.Fatalf("files = %v, %v, want the journal, its log and its lock", names, err)
	}
	for _, n := range names {
		info, err := os.Stat(n)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("mode of %s = %v, %v, want nothing for others", n, info.Mode(), err)
		}
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	j := open(t, newer)
	if err := j.db.Model(&shape{}).Where("id = 1").Update("version", version+1).Error; err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign.db")
	f, err := connectFile(foreign, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.db.Exec("CREATE TABLE instances (id integer)").Error; err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		want       error
	}{{"newer", newer, ErrNewer}, {"foreign tables", foreign, ErrForeign}, {"no database", text, nil}, {"directory", dir, ErrForeign}} {
		if j, err := Open(t.Context(), c.path); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("Open(%s) = %v, %v, want error %v", c.name, j, err, c.want)
		}
		if _, err := OpenExisting(t.Context(), c.path); err == nil {
			t.Errorf("OpenExisting(%s) = nil, want an error", c.name)
		}
	}
	if _, err := OpenExisting(t.Context(), filepath.Join(dir, "none.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenExisting(none) = %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("OpenExisting made a journal")
	}
}

// A location that was mistyped, as root perhaps, costs nobody a file: what is
// refused keeps its mode and every byte.
func TestRefusedIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "nova.sqlite")
	f, err := connectFile(foreign, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.db.Exec("CREATE TABLE instances (id integer)").Error; err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "passwd")
	if err := os.WriteFile(text, []byte(strings.Repeat("root:x:0:0::/root:/bin/sh\n", 50)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{foreign, text} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path); err == nil {
			t.Errorf("Open(%s) = nil, want an error", path)
		}
		after, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s was changed: %v", path, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("mode of %s = %v, %v, want it as it was", path, info.Mode(), err)
		}
	}
}

func TestCreationCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	f, err := connectFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.db.AutoMigrate(&Run{}); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	start(t, open(t, path))
}

func TestErrorsHideThePassword(t *testing.T) {
	for _, l := range []string{
		"mysql://k2o:s3cret@127.0.0.1:1/k2o", "mysql://k2o:s3cret@127.0.0.1:1/", "mysql://k2o:s3cret%zz@h/k2o",
		"mysql://k2o:s3cret@127.0.0.1:1/k2o?ssl_ca=/nowhere",
	} {
		j, err := Open(t.Context(), l)
		if err == nil {
			t.Fatalf("Open(%s) = %v, want an error", l, j)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Open(%s) = %v, which holds the password", l, err)
		}
	}
}
