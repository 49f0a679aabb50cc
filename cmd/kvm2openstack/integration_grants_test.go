//go:build integration

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/nova"
)

// Codes of MariaDB's refusals.
const (
	erNoSuchTable = 1146
	erTableAccess = 1142
	erColumn      = 1143
)

// absent are tables in the grants that Zed does not have.
var absent = []string{"nova_api.migrate_version", "nova.migrate_version", "nova.share_mapping"}

// granted is a user of the site's server with no more than a file of grants
// gives.
type granted struct {
	*site
	user, password string
	db             *sql.DB
}

// grant makes a user and carries a shipped file out, with the names that the
// site's databases have.
func (s *site) grant(file, account string) *granted {
	s.t.Helper()
	g := &granted{site: s, user: "k2o_" + uuid.NewString()[:8], password: uuid.NewString()}
	root, err := sql.Open("mysql", s.dsn.FormatDSN())
	s.must(err)
	_, err = root.Exec(fmt.Sprintf("CREATE USER %s@'127.0.0.1' IDENTIFIED BY '%s'", g.user, g.password))
	s.must(err)
	s.t.Cleanup(func() {
		_, err := root.Exec(fmt.Sprintf("DROP USER %s@'127.0.0.1'", g.user))
		s.must(err)
		root.Close()
	})
	for _, statement := range g.statements(file, account) {
		_, err := root.Exec(statement)
		var refused *mysql.MySQLError
		if errors.As(err, &refused) && refused.Number == erNoSuchTable && slices.ContainsFunc(absent, func(name string) bool { return strings.Contains(statement, s.named(name)) }) {
			continue
		}
		if err != nil {
			s.t.Fatalf("%s: %v", statement, err)
		}
	}
	c := s.dsn.Clone()
	c.User, c.Passwd = g.user, g.password
	g.db, err = sql.Open("mysql", c.FormatDSN())
	s.must(err)
	s.t.Cleanup(func() { g.db.Close() })
	return g
}

var sqlComment = regexp.MustCompile(`(?m)^--.*$`)

// statements are those of a shipped file, for this site and this user.
func (g *granted) statements(file, account string) (list []string) {
	g.t.Helper()
	text, err := os.ReadFile("install/" + file)
	g.must(err)
	for one := range strings.SplitSeq(sqlComment.ReplaceAllString(string(text), ""), ";") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		if !strings.HasSuffix(one, "to '"+account+"'@'%'") {
			g.t.Fatalf("%s: %q grants to somebody else than %s", file, one, account)
		}
		one = strings.Replace(one, "'"+account+"'@'%'", g.user+"@'127.0.0.1'", 1)
		list = append(list, tableName.ReplaceAllStringFunc(one, g.named))
	}
	if len(list) < 10 {
		g.t.Fatalf("%s has %d statements", file, len(list))
	}
	return list
}

var tableName = regexp.MustCompile(`\b(nova_api|nova|kvm2openstack)\.(\w+|\*)`)

// named is a table of the shipped files as it is called on the server.
func (s *site) named(name string) string {
	s.t.Helper()
	schema, table, _ := strings.Cut(name, ".")
	key := map[string]string{"nova_api": "api", "nova": "cell1", "kvm2openstack": "journal"}[schema]
	if s.databases[key] == nil {
		s.t.Fatalf("the site has no database for %s", name)
	}
	return s.column(s.databases[key], "SELECT DATABASE()")[0] + "." + table
}

// as is the site's configuration with this user for Nova's databases. The
// journal is a file, or in the schema where the site has one.
func (g *granted) as(host string) string {
	g.t.Helper()
	mine := strings.NewReplacer(g.dsn.User+":"+g.dsn.Passwd, g.user+":"+g.password)
	text := mine.Replace(g.configuration(g.url("api"), host))
	text = strings.Replace(text, "nova:\n", fmt.Sprintf("nova:\n  cells: {cell1: %q}\n", mine.Replace(g.url("cell1"))), 1)
	if g.databases["journal"] != nil {
		text = strings.Replace(text, "journal: journal.db", fmt.Sprintf("journal: %q", "mysql"+strings.TrimPrefix(mine.Replace(g.url("journal")), "mysql+pymysql")), 1)
	}
	return text
}

// mayNot insists that the server refuses a statement for want of a privilege.
func (g *granted) mayNot(statement string) {
	g.t.Helper()
	_, err := g.db.Exec(statement)
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) || refused.Number != erTableAccess && refused.Number != erColumn {
		g.t.Errorf("%s as %s: %v, want a refusal", statement, g.user, err)
	}
}

// writes are statements that would change a table, each by its verb. They
// change nothing if they are let through after all.
func writes(table, column string) map[string]string {
	return map[string]string{
		"INSERT": fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM %[1]s WHERE 1 = 0", table, column),
		"UPDATE": fmt.Sprintf("UPDATE %s SET %s = %[2]s WHERE 1 = 0", table, column),
		"DELETE": fmt.Sprintf("DELETE FROM %s WHERE 1 = 0", table),
		"DROP":   fmt.Sprintf("DROP TABLE %s", table),
		"ALTER":  fmt.Sprintf("ALTER TABLE %s ADD k2o INT", table),
	}
}

// tables are those of the two databases as the files of grants call them, with
// a column of each.
func (s *site) tables() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for name, key := range map[string]string{"nova_api": "api", "nova": "cell1"} {
		for _, table := range s.column(s.databases[key], "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()") {
			all[name+"."+table] = s.column(s.databases[key], "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? LIMIT 1", table)[0]
		}
	}
	return all
}

// TestGrantsRead: who may only read can look at everything, and the server
// lets nothing be written, whatever the command would do.
func TestGrantsRead(t *testing.T) {
	s := newSite(t, localHost(t))
	g := s.grant("grants-read.sql", "kvm2openstack_ro")
	all := s.command(exitBlocked, "audit", "--explain")
	s.command(exitAttention, "plan", "-O", s.plan)
	s.command(warned(), "import", s.plan, "--yes")
	before := s.dump()
	verified, stood := s.command(exitClean, "verify", s.plan), s.command(exitClean, "status")
	managed := s.command(exitBlocked, "audit", "--explain")

	s.write("config.yaml", g.as(localHost(t)))
	for _, c := range []struct {
		status int
		args   []string
		want   string
	}{
		{exitBlocked, []string{"audit", "--explain"}, managed},
		{exitClean, []string{"verify", s.plan}, verified},
		{exitClean, []string{"verify"}, verified},
		{exitClean, []string{"status"}, stood},
		{exitPerson, []string{"release", s.plan, "--yes"}, "denied"},
	} {
		if out := s.command(c.status, c.args...); !strings.Contains(out, c.want) {
			t.Errorf("%v says something else to who may only read:\n%s\ninstead of\n%s", c.args, out, c.want)
		}
	}
	if diff := cmp.Diff(before, s.dump()); diff != "" {
		t.Errorf("databases differ (-before +after):\n%s", diff)
	}

	s.write("config.yaml", s.configuration(s.url("api"), localHost(t)))
	s.command(exitClean, "release", s.plan, "--yes")
	s.write("config.yaml", g.as(localHost(t)))
	if out := s.command(exitBlocked, "audit", "--explain"); out != all {
		t.Errorf("audit says something else to who may only read:\n%s\ninstead of\n%s", out, all)
	}
	s.must(os.Remove(s.plan))
	s.command(exitAttention, "plan", "-O", s.plan)
	before = s.dump()
	if out := s.command(exitUndone, "import", s.plan, "--yes"); !strings.Contains(out, "denied") {
		t.Errorf("import does not say that it was denied:\n%s", out)
	}
	if diff := cmp.Diff(before, s.dump()); diff != "" {
		t.Errorf("databases differ after a denied import (-before +after):\n%s", diff)
	}
	for table, column := range s.tables() {
		for _, statement := range writes(s.named(table), column) {
			g.mayNot(statement)
		}
	}
	g.mayNot("SELECT database_connection FROM " + s.named("nova_api.cell_mappings"))
	g.mayNot("SELECT token_hash FROM " + s.named("nova.console_auth_tokens"))
}

// TestGrantsWrite: who may import can go the whole way and back, with the
// journal on the server, and can change nothing of Nova's but the tables of an
// instance.
func TestGrantsWrite(t *testing.T) {
	host := localHost(t)
	s := newSite(t, host)
	s.databases["journal"] = s.create("k2o_way_journal_"+uuid.NewString()[:8], "")
	g := s.grant("grants-write.sql", "kvm2openstack")
	before := s.novaDump()
	n := len(s.adopted())
	g.log()

	s.write("config.yaml", cutOff(g.as(host)))
	s.command(exitAttention, "plan", "-O", s.plan)
	s.command(warned(), "import", s.plan, "--yes")
	s.command(exitClean, "verify", s.plan)
	expect(t, s.command(exitUndone, "rename", s.plan, "--yes"), "3 renamed, 1 refused, 1 rolled back")
	s.command(exitClean, "verify", s.plan)
	s.novaAdds(s.guests[0])
	g.rewrites(s.guests[1])
	expect(t, s.command(exitAttention, "release", s.plan, "--yes"), fmt.Sprintf("%d released", n))
	if diff := cmp.Diff(before, s.novaDump()); diff != "" {
		t.Errorf("databases differ after release (-before +after):\n%s", diff)
	}

	may := g.may()
	for table, column := range s.tables() {
		for verb, statement := range writes(s.named(table), column) {
			if !slices.Contains(may[table], verb) {
				g.mayNot(statement)
			}
		}
	}
	for _, table := range []string{"nova.services", "nova.compute_nodes", "nova_api.cell_mappings", "nova_api.flavors"} {
		if len(may[table]) > 0 {
			t.Errorf("README says that %s is never touched, and the grants allow %v", table, may[table])
		}
	}
	g.used(may)
}

// novaDump is dump without the journal.
func (s *site) novaDump() []string {
	s.t.Helper()
	return slices.DeleteFunc(s.dump(), func(line string) bool { return strings.HasPrefix(line, "journal.") })
}

// novaAdds puts in what Nova would have written about an instance since.
func (s *site) novaAdds(g *guest) {
	s.t.Helper()
	for key, statement := range map[string]string{
		"cell1": "INSERT INTO instance_faults (created_at, instance_uuid, code, message, deleted) VALUES (NOW(), ?, 500, 'made up', 0)",
		"api":   "INSERT INTO instance_group_member (group_id, instance_uuid) SELECT id, ? FROM instance_groups",
	} {
		_, err := s.databases[key].Exec(statement, g.uuid)
		s.must(err)
	}
}

// rewrites does what needs more than databases, or that something has happened:
// what an import does where ports are bound, a rename where the model of
// interfaces changes, and sync where domains have grown or changed their state.
func (g *granted) rewrites(guest *guest) {
	g.t.Helper()
	c, err := loadConfig(g.config)
	g.must(err)
	cloud, err := c.openNova(g.t.Context(), &app{})
	g.must(err)
	defer cloud.Close()
	w, err := cloud.Writer(g.t.Context(), "test")
	g.must(err)
	computes, err := cloud.Computes(g.t.Context())
	g.must(err)
	for _, model := range []string{"e1000", "rtl8139", ""} {
		g.must(w.SetNICModel(g.t.Context(), computes[0], guest.uuid, model))
	}
	g.must(w.SetInfoCache(g.t.Context(), computes[0].Cell, guest.uuid, nil))
	flavors, err := cloud.Flavors(g.t.Context())
	g.must(err)
	g.must(w.SetFlavor(g.t.Context(), computes[0], guest.uuid, flavors[1], []nova.BlockDevice{{Device: "/dev/vdb", SizeGB: 2}}))
	g.must(w.SetPorts(g.t.Context(), computes[0], guest.uuid, nil, nil))
	paused := nova.Power{VMState: "paused", PowerState: 3}
	g.must(w.Repower(g.t.Context(), nova.Final{UUID: guest.uuid, Host: computes[0], VMState: "stopped", PowerState: 4}, paused))
	g.must(w.Close())
}

// may are the verbs that the shipped file allows on each table of Nova's.
func (g *granted) may() map[string][]string {
	g.t.Helper()
	text, err := os.ReadFile("install/grants-write.sql")
	g.must(err)
	may := map[string][]string{}
	for _, m := range grantLine.FindAllStringSubmatch(string(text), -1) {
		for _, verb := range []string{"INSERT", "UPDATE", "DELETE"} {
			if slices.Contains(strings.Split(m[1], ", "), strings.ToLower(verb)) {
				may[m[2]] = append(may[m[2]], verb)
			}
		}
	}
	return may
}

var grantLine = regexp.MustCompile(`(?m)^grant (.*) on ((?:nova|nova_api)\.\w+) to `)

// log has the server keep what this user says to it.
func (g *granted) log() {
	g.t.Helper()
	root, err := sql.Open("mysql", g.dsn.FormatDSN())
	g.must(err)
	for _, statement := range []string{"SET GLOBAL log_output = 'TABLE'", "TRUNCATE TABLE mysql.general_log", "SET GLOBAL general_log = 1"} {
		_, err := root.Exec(statement)
		g.must(err)
	}
	g.t.Cleanup(func() {
		_, err := root.Exec("SET GLOBAL general_log = 0")
		g.must(err)
		root.Close()
	})
}

var changed = regexp.MustCompile("(?i)^\\s*(INSERT|UPDATE|DELETE)\\s+(?:INTO\\s+|FROM\\s+)?`?(\\w+)`?")

// used insists that every allowed change was made in this test: what nobody
// needs is not granted.
func (g *granted) used(may map[string][]string) {
	g.t.Helper()
	db, err := sql.Open("mysql", g.dsn.FormatDSN())
	g.must(err)
	defer db.Close()
	did := map[string]bool{}
	for _, text := range g.column(db, "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE user_host LIKE ?", "%"+g.user+"%") {
		if m := changed.FindStringSubmatch(text); m != nil {
			did[strings.ToUpper(m[1])+" "+m[2]] = true
		}
	}
	for table, verbs := range may {
		_, name, _ := strings.Cut(table, ".")
		for _, verb := range verbs {
			if !did[verb+" "+name] && !slices.Contains(absent, table) {
				g.t.Errorf("grants-write.sql allows %s on %s, and nothing here needed it", verb, table)
			}
		}
	}
}
