package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// What is half done needs a person, whatever the form of the output.
func TestStatusOfHalf(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(t.Context(), filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Start(t.Context(), journal.Run{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	half := journal.Adoption{UUID: "0dd00000-0000-4000-8000-000000000001", Host: "kvm01", Domain: "web", State: journal.StateBegun}
	if err := r.Write(t.Context(), func(tx *journal.Tx) error { return tx.Adopt([]journal.Adoption{half}) }); err != nil {
		t.Fatal(err)
	}
	if err := r.End(t.Context(), "stopped"); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte("journal: journal.db\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"table", "json"} {
		var out, errs bytes.Buffer
		got := run(t.Context(), []string{"status", "--config", config, "-o", form}, streams{in: strings.NewReader(""), out: &out, err: &errs})
		if got != exitPerson || !strings.Contains(out.String(), "kvm01") {
			t.Errorf("status -o %s ended with %d, want %d\n%s%s", form, got, exitPerson, out.String(), errs.String())
		}
	}
}
