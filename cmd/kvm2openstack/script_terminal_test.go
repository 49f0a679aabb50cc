package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
	"golang.org/x/text/width"
)

// onTerminal runs a command with standard output, standard error or both on a
// terminal of so many columns. The terminal's contents go to one file, what
// did not go there to another:
//
//	terminal 20 out screen rest status 2 kvm2openstack audit
func onTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 7 || !slices.Contains([]string{"out", "err", "both"}, args[1]) || args[4] != "status" {
		ts.Fatalf("usage: terminal COLUMNS out|err|both SCREEN REST status N COMMAND ARG...")
	}
	columns, err := strconv.Atoi(args[0])
	ts.Check(err)
	master, slave, err := openTerminal(columns)
	ts.Check(err)
	var rest bytes.Buffer
	cmd := scriptCommand(ts, args[6:])
	cmd.Stdout, cmd.Stderr = &rest, &rest
	if args[1] != "err" {
		cmd.Stdout = slave
	}
	if args[1] != "out" {
		cmd.Stderr = slave
	}
	screen := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(master) // ends with EIO when the last writer has gone
		screen <- all
	}()
	ts.Check(cmd.Start())
	ts.Check(slave.Close())
	err = cmd.Wait()
	shown := bytes.ReplaceAll(<-screen, []byte("\r\n"), []byte("\n"))
	ts.Check(master.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), shown, 0o644))
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), rest.Bytes(), 0o644))
	ts.Logf("[%s]\n%q\n[%s]\n%s", args[2], shown, args[3], rest.Bytes())
	if got := cmd.ProcessState.ExitCode(); strconv.Itoa(got) != args[5] {
		ts.Fatalf("ended with status %d (%v), want %s", got, err, args[5])
	}
}

// scriptCommand is a command in the script's folder and environment.
func scriptCommand(ts *testscript.TestScript, args []string) *exec.Cmd {
	path, err := exec.LookPath(args[0])
	if err != nil {
		for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
			if _, err := os.Stat(filepath.Join(dir, args[0])); err == nil {
				path = filepath.Join(dir, args[0])
				break
			}
		}
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TERM", "NO_COLOR", "COLUMNS", "KVM2OPENSTACK_CONFIG", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

// openTerminal makes a terminal of so many columns: what a program prints on
// slave is read from master.
func openTerminal(columns int) (master, slave *os.File, err error) {
	if master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: uint16(columns)}))
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	return master, slave, err
}

var escapeSequence = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// checkFits fails where a line is wider than so many columns, but for lines
// that match one of the patterns: fits 100 screen '^next: '
func checkFits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fits COLUMNS FILE PATTERN...")
	}
	columns, err := strconv.Atoi(args[0])
	ts.Check(err)
	lines := strings.FieldsFunc(escapeSequence.ReplaceAllString(ts.ReadFile(args[1]), ""), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range lines {
		excepted := slices.ContainsFunc(args[2:], func(p string) bool { return regexp.MustCompile(p).MatchString(line) })
		if n := cells(line); n > columns && !excepted {
			ts.Fatalf("%d columns are more than %d: %q", n, columns, line)
		}
	}
}

// cells counts the columns that a terminal takes for s, rune by rune as the C
// library's wcwidth does.
func cells(s string) (n int) {
	for _, r := range s {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// checkAligned fails unless what the pattern's first group matches begins, on
// every line that it matches, below the title: aligned FILE VERDICT '^kvm.* (ready)'
func checkAligned(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: aligned FILE TITLE PATTERN")
	}
	at, seen := -1, 0
	pattern := regexp.MustCompile(args[2])
	for _, line := range strings.Split(escapeSequence.ReplaceAllString(ts.ReadFile(args[0]), ""), "\n") {
		if at < 0 {
			if i := strings.Index(line, args[1]); i >= 0 {
				at = cells(line[:i])
			}
			continue
		}
		if found := pattern.FindStringSubmatchIndex(line); found != nil {
			seen++
			if got := cells(line[:found[2]]); got != at {
				ts.Fatalf("%q is at column %d, its title at %d: %q", args[2], got, at, line)
			}
		}
	}
	if seen == 0 {
		ts.Fatalf("%q is below no title %q", args[2], args[1])
	}
}

// unread runs a command whose standard output nobody reads any more, and keeps
// what it says on standard error:
//
//	unread stderr 141 kvm2openstack audit
func unread(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: unread STDERR STATUS COMMAND ARG...")
	}
	reader, writer, err := os.Pipe()
	ts.Check(err)
	ts.Check(reader.Close())
	var errOut bytes.Buffer
	cmd := scriptCommand(ts, args[2:])
	cmd.Stdout, cmd.Stderr = writer, &errOut
	err = cmd.Run()
	ts.Check(writer.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), errOut.Bytes(), 0o644))
	ts.Logf("[%s]\n%s", args[0], errOut.Bytes())
	if got := cmd.ProcessState.ExitCode(); strconv.Itoa(got) != args[1] {
		ts.Fatalf("ended with status %d (%v), want %s", got, err, args[1])
	}
}
