//go:build integration

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a restart rests on goes in the middle of it: while its guest is being shut
// down, for good as far as the run can tell. The guest is not left off, and the
// same command ends it once the thing is back, without another restart.

// A loss takes something away when the run says a word.
type loss struct {
	mu   sync.Mutex
	said bytes.Buffer
	word string
	take func()
	once sync.Once
}

func (l *loss) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said.Write(p)
	if strings.Contains(l.said.String(), l.word) {
		l.once.Do(l.take)
	}
	return len(p), nil
}

func TestRenameDatabaseGone(t *testing.T) {
	s := newSite(t, sshHost(t))
	s.impatient(sshHost(t))
	d := newDoor(t, s.dsn.Addr)
	text, err := os.ReadFile(s.config)
	s.must(err)
	s.write("config.yaml", strings.ReplaceAll(string(text), s.dsn.Addr, d.addr))
	_, err = s.databases["api"].Exec("UPDATE cell_mappings SET database_connection = REPLACE(database_connection, ?, ?)", s.dsn.Addr, d.addr)
	s.must(err)
	s.losing(d.shut, d.open)
}

func TestRenameJournalFull(t *testing.T) {
	s := newSite(t, sshHost(t))
	s.impatient(sshHost(t))
	small := s.path("small")
	s.must(os.Mkdir(small, 0o700))
	if err := syscall.Mount("none", small, "tmpfs", 0, "size=2m"); errors.Is(err, syscall.EPERM) {
		t.Skip("only root can mount a small file system")
	} else {
		s.must(err)
	}
	t.Cleanup(func() { s.must(syscall.Unmount(small, syscall.MNT_DETACH)) })
	text, err := os.ReadFile(s.config)
	s.must(err)
	s.write("config.yaml", strings.Replace(string(text), "journal: journal.db", "journal: small/journal.db", 1))
	filler := filepath.Join(small, "filler")
	s.losing(func() {
		f, err := os.Create(filler)
		s.must(err)
		defer f.Close()
		for err == nil {
			_, err = f.Write(make([]byte, 512))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Error(err)
		}
	}, func() { s.must(os.Remove(filler)) })
}

// losing restarts the running guest, for which something is taken away while it
// is asked to shut down, and later given back.
func (s *site) losing(take, giveBack func()) {
	s.t.Helper()
	before, defined := s.dump(), s.definitions()
	g := s.guests[0]
	s.command(exitClean, "plan", "-O", s.plan, "--only", g.name)
	s.command(warned(), "import", s.plan, "--yes")

	var out bytes.Buffer
	l := &loss{word: g.name + ": shutdown", take: take}
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	defer cancel()
	status := run(ctx, []string{"rename", s.plan, "--yes", "--config", s.config}, streams{in: strings.NewReader(""), out: &out, err: l})
	said := out.String() + l.said.String()
	s.t.Logf("without it:\n%s", said)
	if status != exitPerson || !strings.Contains(said, "1 half done") {
		s.t.Errorf("it ended with status %d, want %d and \"1 half done\"", status, exitPerson)
	}
	if name, state := virsh(s.t, "domname", g.uuid), virsh(s.t, "domstate", g.uuid); !strings.HasPrefix(name, "instance-") || state != "running" {
		s.t.Errorf("it is called %s and is %s", name, state)
	}
	process := s.process(g.uuid)

	giveBack()
	expect(s.t, s.command(exitPerson, "status"), "renaming", "next: rename PLAN")
	_, said = s.try("rename", s.plan, "--yes")
	s.t.Logf("with it:\n%s", said)
	expect(s.t, said, "1 renamed")
	if now := s.process(g.uuid); now != process {
		s.t.Errorf("it was started once more: %s, and now %s", process, now)
	}
	s.command(exitClean, "verify", s.plan)
	_, said = s.try("release", s.plan, "--yes")
	expect(s.t, said, "1 returned", "1 released")
	if diff := cmp.Diff(defined, s.definitions()); diff != "" {
		s.t.Errorf("definitions differ after release (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(before, s.dump()); diff != "" {
		s.t.Errorf("databases differ after release (-before +after):\n%s", diff)
	}
}

// A door is a way to a server that can be shut.
type door struct {
	t        *testing.T
	addr, to string
	mu       sync.Mutex
	l        net.Listener
	through  []net.Conn
}

func newDoor(t *testing.T, to string) *door {
	t.Helper()
	d := &door{t: t, to: to, addr: "127.0.0.1:0"}
	d.open()
	t.Cleanup(d.shut)
	return d
}

func (d *door) open() {
	l, err := net.Listen("tcp", d.addr)
	if err != nil {
		d.t.Error(err)
		return
	}
	d.l, d.addr = l, l.Addr().String()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", d.to)
			if err != nil {
				in.Close()
				continue
			}
			d.mu.Lock()
			d.through = append(d.through, in, out)
			d.mu.Unlock()
			go pass(in, out)
			go pass(out, in)
		}
	}()
}

func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from) // It ends when either side does.
	to.Close()
}

func (d *door) shut() {
	d.l.Close()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.through {
		c.Close()
	}
	d.through = nil
}
