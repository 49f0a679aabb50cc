//go:build integration

package nova

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A privateServer is a MariaDB that a test may kill.
type privateServer struct {
	t   *testing.T
	dir string
	dsn string
}

func newPrivateServer(t *testing.T) *privateServer {
	t.Helper()
	serverDSN(t) // so that it fails as the others do where no server can be
	s := &privateServer{t: t, dir: t.TempDir()}
	t.Cleanup(func() { s.script("mariadb-down.sh") })
	s.up()
	return s
}

func (s *privateServer) script(name string) {
	s.t.Helper()
	out, err := exec.Command("sh", filepath.Join("..", "testdata", "services", name), s.dir).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (s *privateServer) up() {
	s.t.Helper()
	s.script("mariadb-up.sh")
	env, err := os.ReadFile(filepath.Join(s.dir, "env"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.dsn = strings.TrimSpace(strings.TrimPrefix(string(env), "K2O_TEST_MYSQL="))
}

// kill ends the server as a power cut would.
func (s *privateServer) kill() {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "mariadb", "pid"))
	if err != nil {
		s.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	for syscall.Kill(pid, 0) == nil {
		if stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(stat), ") Z ") {
			return // dead, and only not yet waited for by its parent
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// The server dies after each stage. The same calls again come to the same end,
// and what is taken back afterwards was never marked as deleted: the server's
// own log of all statements says so.
func TestServerKilledBetweenStages(t *testing.T) {
	s := newPrivateServer(t)
	f := newServerFixture(t, s.dsn, "zed")
	in := many(60)
	for _, stage := range []Stage{Recorded, Mapped, Finished} {
		w := f.writer()
		f.rerun(w, in, stage)
		s.kill()
		if err := w.Finish(t.Context(), finals(in)); err == nil {
			t.Errorf("after %s: Finish succeeds without a server", stage)
		}
		s.up()
	}
	w := f.writer()
	f.stages(w, map[string]Stage{in[0].UUID: Finished, in[59].UUID: Finished})
	if n := f.count(f.cell, "instances WHERE host = 'kvm01' AND deleted = 0"); n != 60 {
		t.Errorf("%d instances are final, want 60", n)
	}

	log := filepath.Join(s.dir, "general.log")
	f.exec(f.api, "SET GLOBAL general_log_file = '"+log+"'")
	f.exec(f.api, "SET GLOBAL general_log = 1")
	for _, i := range in {
		if err := w.Delete(t.Context(), i.UUID); err != nil {
			t.Fatal(err)
		}
	}
	f.exec(f.api, "SET GLOBAL general_log = 0")
	checkGeneralLog(t, log, len(in))
	f.gone(in[0].UUID)
}

// rerun does what an import does: it asks what is there and does the rest.
func (f *fixture) rerun(w *Writer, in []Instance, until Stage) {
	f.t.Helper()
	stages, err := w.Written(f.t.Context(), uuidsOf(in))
	if err != nil {
		f.t.Fatal(err)
	}
	var fresh []Instance
	for _, i := range in {
		if stages[i.UUID] == Unwritten {
			fresh = append(fresh, i)
		}
	}
	if _, err := w.InsertInstances(f.t.Context(), kvm01.Cell, fresh); err != nil {
		f.t.Fatal(err)
	}
	if until >= Mapped {
		if err := w.InsertMappings(f.t.Context(), in); err != nil {
			f.t.Fatal(err)
		}
	}
	if until >= Finished {
		if err := w.Finish(f.t.Context(), finals(in)); err != nil {
			f.t.Fatal(err)
		}
	}
}

func checkGeneralLog(t *testing.T, path string, instances int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	updates := 0
	for _, line := range strings.Split(string(text), "\n") {
		if regexp.MustCompile(`(?i)UPDATE .*\bdeleted`).MatchString(line) {
			t.Errorf("the server was sent: %s", line)
		}
		if strings.Contains(line, "UPDATE `instances`") {
			updates++
		}
	}
	if n := strings.Count(string(text), "DELETE FROM instances "); n < instances || updates < instances {
		t.Errorf("the log shows %d DELETE FROM instances and %d UPDATE instances, want %d at least: it is not the log of this", n, updates, instances)
	}
}
