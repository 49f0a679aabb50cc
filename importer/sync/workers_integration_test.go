//go:build integration

package sync

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// onServer has farms keep Nova's databases and their journal on the MariaDB that
// K2O_TEST_MYSQL names, as they are in a cloud that was upgraded.
func onServer(t *testing.T) {
	t.Helper()
	dsn := os.Getenv("K2O_TEST_MYSQL")
	if dsn == "" {
		t.Fatal("K2O_TEST_MYSQL is not set; testdata/services/with.sh sets it")
	}
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	server, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	usual, n := newDatabase, 0
	t.Cleanup(func() { newDatabase = usual })
	newDatabase = func(w *world, part string) *sql.DB {
		n++
		name := fmt.Sprintf("k2o_sync_%d_%d", os.Getpid(), n)
		exec := func(q string) {
			_, err := server.Exec(q)
			w.must(err)
		}
		for _, s := range []string{name, name + "_journal"} {
			exec("CREATE DATABASE " + s)
			t.Cleanup(func() { exec("DROP DATABASE " + s) })
		}
		one := c.Clone()
		one.DBName = name
		db, err := sql.Open("mysql", one.FormatDSN())
		w.must(err)
		w.write("release", "zed-upgraded")
		w.must(schema.Create(db, schema.MariaDB, "zed-upgraded", part))
		user := url.UserPassword(c.User, c.Passwd)
		w.write(part+".dsn", one.FormatDSN())
		w.write(part+".url", fmt.Sprintf("mysql+pymysql://%s@%s/%s?charset=utf8", user, c.Addr, name))
		w.write("journal.url", fmt.Sprintf("mysql://%s@%s/%s_journal", user, c.Addr, name))
		return db
	}
}

func (w *world) write(name, text string) {
	w.t.Helper()
	w.must(os.WriteFile(w.dir+"/"+name, []byte(text), 0o600))
}

// keepLog has the database itself note each time that an instance becomes
// Nova's, and each time that its states are changed.
func (w *world) keepLog() {
	w.t.Helper()
	w.change("cell", "CREATE TABLE k2o_test_log (id int AUTO_INCREMENT PRIMARY KEY, uuid varchar(36), what varchar(20))")
	w.change("cell", `CREATE TRIGGER k2o_test AFTER UPDATE ON instances FOR EACH ROW
		INSERT INTO k2o_test_log (uuid, what) SELECT NEW.uuid, IF(OLD.host IS NULL, 'imported', 'repowered')
		WHERE OLD.host IS NULL AND NEW.host IS NOT NULL OR OLD.vm_state <> NEW.vm_state`)
}

// wantLog expects that the database has noted something of so many domains, of
// each once, and begins a new log.
func (w *world) wantLog(what string, domains int) {
	w.t.Helper()
	db := w.open("cell")
	defer db.Close()
	var all, each int
	w.must(db.QueryRow("SELECT COUNT(*), COUNT(DISTINCT uuid) FROM k2o_test_log WHERE what = ?", what).Scan(&all, &each))
	if all != domains || each != domains {
		w.t.Errorf("%d times %s, of %d domains, want each of %d once", all, what, each, domains)
	}
	w.change("cell", "DELETE FROM k2o_test_log")
}

var dealt = regexp.MustCompile(`msg="dealt with".* uuid=(\S+) .*outcome=(\S+)`)

// dealtWith counts what children say that they have dealt with.
func dealtWith(children ...*childProcess) map[string]int {
	times := map[string]int{}
	for _, c := range children {
		for _, m := range dealt.FindAllStringSubmatch(c.said(), -1) {
			if m[2] == "imported" || m[2] == "healed" {
				times[m[1]]++
			}
		}
	}
	return times
}

// leases are those of the last round.
func (w *world) leases() []journal.Lease {
	w.t.Helper()
	j, err := journal.Open(w.t.Context(), w.journalURL)
	w.must(err)
	defer j.Close()
	var all []journal.Lease
	for round := int64(1); ; round++ {
		some, err := j.Leases(w.t.Context(), round)
		w.must(err)
		if len(some) == 0 && round > 30 {
			return all
		}
		if len(some) > 0 {
			all = some
		}
	}
}

func (w *world) startAll(n int, how ...string) (children []*childProcess) {
	w.t.Helper()
	for i := range n {
		children = append(children, w.start(how[i%len(how)]))
	}
	return children
}

// Four processes on one inventory, one with a clock that is ten minutes ahead
// and one that is as much behind: each host is read by one of them, and each
// domain is imported, and later healed, by one of them.
func TestWorkersShareARun(t *testing.T) {
	onServer(t)
	w := newFarm(t, 12, 4)
	w.write("lease", "10m") // nobody is to take over from one that the machine has no time for
	w.keepLog()
	for _, c := range []struct {
		what string
		n    int
	}{{"imported", 48}, {"repowered", 12}} {
		children := w.startAll(4, "shared", "shared+10m", "shared", "shared+-10m")
		for _, c := range children {
			if w.wait(c) {
				t.Fatal("a process was killed by somebody")
			}
		}
		w.wantLog(c.what, c.n)
		times := dealtWith(children...)
		for uuid, n := range times {
			if n != 1 {
				t.Errorf("%s was dealt with %d times", uuid, n)
			}
		}
		owners := map[string]int{}
		for _, l := range w.leases() {
			owners[l.Owner]++
			if l.Tries != 1 || l.Done == 0 {
				t.Errorf("%s: %d tries, done %d, want one", l.Item, l.Tries, l.Done)
			}
		}
		if len(times) != c.n || len(owners) < 2 {
			t.Errorf("%d domains were %s by %v, want %d by several", len(times), c.what, owners, c.n)
		}
		w.change("cell", "UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid LIKE '%2'")
		w.change("cell", "DELETE FROM k2o_test_log")
	}
}

// Of four processes two are killed in the middle of their work: the others take
// it over when their leases have run out, and finish it.
func TestWorkersTakeOver(t *testing.T) {
	onServer(t)
	w := newFarm(t, 12, 4)
	w.keepLog()
	children := w.startAll(4, "shared")
	for n := range 2 {
		w.until(children[n], "msg=begun item=read/")
		_ = children[n].Process.Kill()
	}
	for n, c := range children {
		if killed := w.wait(c); killed != (n < 2) {
			t.Fatalf("process %d was killed: %v", n, killed)
		}
	}
	taken := 0
	for _, l := range w.leases() {
		if l.Done == 0 {
			t.Errorf("%s was not done", l.Item)
		}
		if l.Tries > 1 {
			taken++
		}
	}
	if taken == 0 {
		t.Error("nothing was taken over from the killed processes")
	}
	w.wantLog("imported", 48)
	w.allStands()
}

// One is killed while it imports: the others finish its domains.
func TestWorkersTakeOverAnImport(t *testing.T) {
	onServer(t)
	w := newFarm(t, 4, 8)
	w.keepLog()
	children := w.startAll(2, "shared")
	w.until(children[0], "step=mappings")
	_ = children[0].Process.Kill()
	if !w.wait(children[0]) || w.wait(children[1]) {
		t.Fatal("the wrong process was killed")
	}
	w.wait(w.start("shared")) // what was half done then
	w.wantLog("imported", 32)
	w.allStands()
}

// until waits until a child has said something.
func (w *world) until(c *childProcess, text string) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); !strings.Contains(c.said(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("it never said %q:\n%s", text, c.said())
		}
	}
}

// TestSyncKilledOnServer is TestSyncKilled with everything on a server, which
// may see a killed connection a moment longer than we do.
func TestSyncKilledOnServer(t *testing.T) {
	onServer(t)
	killAtRandom(t, newFarm(t, 3, 4), newFarm(t, 3, 4), "alone", 20, 100)
}
