package install

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var grant = regexp.MustCompile(`(?m)^grant (.+) on (\w+)\.(\w+|\*) to '(\w+)'@'%';$`)

// A privilege is one line of a file of grants.
type privilege struct{ verbs, schema, table, user string }

func privileges(t *testing.T, file string) (all []privilege) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range grant.FindAllStringSubmatch(string(text), -1) {
		all = append(all, privilege{m[1], m[2], m[3], m[4]})
	}
	if n := strings.Count(string(text), ";\n"); n != len(all) || n < 30 {
		t.Fatalf("%s has %d statements, %d of them are grants", file, n, len(all))
	}
	return all
}

// TestGrantsRead: one word more, and it would not be reading.
func TestGrantsRead(t *testing.T) {
	for _, p := range privileges(t, "grants-read.sql") {
		if !regexp.MustCompile(`^select( \([a-z_, ]+\))?$`).MatchString(p.verbs) || p.table == "*" {
			t.Errorf("%+v is more than reading one table", p)
		}
	}
}

// TestGrantsWriteReads: who writes must see all that who reads sees.
func TestGrantsWriteReads(t *testing.T) {
	write := privileges(t, "grants-write.sql")
	for _, p := range privileges(t, "grants-read.sql") {
		p.user = "kvm2openstack"
		if !slices.Contains(write, p) {
			t.Errorf("grants-write.sql does not have %+v", p)
		}
	}
}

// TestGrantsReleases: every table and column is in every release of Nova, but
// for those that the files say come with some.
func TestGrantsReleases(t *testing.T) {
	absent := map[string][]string{
		"victoria": {"nova_api.alembic_version", "nova.alembic_version", "nova.share_mapping"},
		"zed":      {"nova_api.migrate_version", "nova.migrate_version", "nova.share_mapping"},
		"epoxy":    {"nova_api.migrate_version", "nova.migrate_version"},
		"hibiscus": {"nova_api.migrate_version", "nova.migrate_version"},
	}
	for release, without := range absent {
		there := map[string]bool{}
		for file, schema := range map[string]string{"api.tsv": "nova_api", "cell.tsv": "nova"} {
			text, err := os.ReadFile(filepath.Join("../../../testdata/schema", release, file))
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				f := strings.Split(line, "\t")
				there[schema+"."+f[0]] = true
				there[schema+"."+f[0]+"."+f[2]] = true
			}
		}
		for _, p := range append(privileges(t, "grants-read.sql"), privileges(t, "grants-write.sql")...) {
			table := p.schema + "." + p.table
			if p.schema == "kvm2openstack" || slices.Contains(without, table) {
				if there[table] {
					t.Errorf("%s has %s after all", release, table)
				}
				continue
			}
			if !there[table] {
				t.Errorf("%s has no %s", release, table)
			}
			for _, list := range regexp.MustCompile(`\(([^)]*)\)`).FindAllStringSubmatch(p.verbs, -1) {
				for column := range strings.SplitSeq(list[1], ", ") {
					if !there[table+"."+column] {
						t.Errorf("%s has no column %s in %s", release, column, table)
					}
				}
			}
		}
	}
}
