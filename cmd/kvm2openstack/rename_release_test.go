package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// A released one that was renamed is restarted first. Where that cannot be
// done, it is not released either; the others are.
func TestReleaseOfRenamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	config, plan := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "plan.yaml")
	command := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		got := run(t.Context(), append(args, "--config", config), streams{in: strings.NewReader(""), out: &out, err: &errs})
		if got != want {
			t.Errorf("%v ended with %d, want %d\n%s%s", args, got, want, out.String(), errs.String())
		}
		return out.String() + errs.String()
	}
	command(exitClean, "demo", "--dir", dir)
	command(exitClean, "import", plan, "--yes", "--only", "h1", "--only", "h2", "--only", "h3")
	setState(t, filepath.Join(dir, "kvm2openstack.db"), "h1", journal.StateRenamed)
	setState(t, filepath.Join(dir, "kvm2openstack.db"), "h3", journal.StateRenaming)

	expect(t, command(exitPerson, "status"), "renaming: nothing was begun; next: rename PLAN goes on from there, release PLAN takes it back")
	expect(t, command(exitBlocked, "release", plan, "--only", "h1", "--only", "h2"),
		"2 domains and remove their links; 1 guest was renamed since, and restarted for it under the legacy name")
	later := filepath.Join(dir, "later.yaml")
	command(exitAttention, "plan", "-O", later)
	if said := command(exitBlocked, "release", later); !strings.Contains(said, "3 domains of the plan were adopted before") || strings.Contains(said, "renamed since") {
		t.Errorf("a later plan would restart what another has renamed:\n%s", said)
	}
	expect(t, command(exitBlocked, "release", plan, "--yes", "--only", "h1", "--only", "h2"),
		"h1 ", "refused", "it is a folder of definitions", "h2 ", "1 released")
	expect(t, command(exitBlocked, "rename", plan, "--only", "h1", "--only", "h3"),
		"restart 1 guest on 1 host under Nova's names, 1 of them, which an earlier run had begun, at once")
	expect(t, command(exitClean, "rename", plan, "--only", "h1"), "h1 ", "already there")
	expect(t, command(exitBlocked, "rename", plan, "--only", "h1", "--nic", "e1000"), "1 of them, renamed before, for interfaces of another model")
	expect(t, command(exitBlocked, "rename", plan, "--yes", "--only", "h1", "--nic", "e1000"), "h1 ", "refused", "it is a folder of definitions")
	expect(t, command(exitPerson, "rename", plan, "--yes", "--only", "h3"), "h3 ", "half done")
}

func expect(t *testing.T, out string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("it does not say %q:\n%s", w, out)
		}
	}
}

// setState is what a run that was killed, or another one, has left.
func setState(t *testing.T, file, domain string, state journal.State) {
	t.Helper()
	j, err := journal.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	r, err := j.Start(t.Context(), journal.Run{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.End(t.Context(), "")
	all, err := j.Adoptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Domain == domain {
			err = r.Write(t.Context(), func(tx *journal.Tx) error { return tx.SetState(state, "", a.UUID) })
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}
