package main

import (
	"bytes"
	"database/sql"
	"encoding/xml"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptCommands are what the scripts can do besides running the command.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"status":    checkStatus,
	"define":    defineDomains,
	"beat":      beat,
	"cloud":     makeCloud,
	"sql":       runSQL,
	"fill":      fillFile,
	"bytes":     writeBytes,
	"listen":    listen,
	"samefile":  checkSameFile,
	"shows":     checkShows,
	"printable": checkPrintable,
	"terminal":  onTerminal,
	"fits":      checkFits,
	"aligned":   checkAligned,
	"unread":    unread,
	"valid":     checkValid,
}

// beat has the demonstration's nova-compute report until the script ends: a minute
// after the last report it is down, and a script may take longer.
//
//	beat d
func beat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: beat DEMONSTRATION")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0]+"/nova_cell1.sqlite")+"?mode=rw&_pragma=busy_timeout(5000)")
	ts.Check(err)
	report := func() error {
		_, err := db.Exec("UPDATE services SET last_seen_up = ? WHERE `binary` = 'nova-compute'", time.Now().UTC())
		return err
	}
	ts.Check(report())
	over := make(chan struct{})
	ts.Defer(func() {
		close(over)
		db.Close()
	})
	go func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(5 * time.Second):
				_ = report() // One may meet the end of the script.
			}
		}
	}()
}

// defineDomains adds domains to a host of the demonstration, one for each line
// of a file: a name as Go quotes strings, and where its disk is to be, when
// that is not the host's pool. Each has a UUID of its own and a disk file.
//
//	define d/hosts/kvm01 names
func defineDomains(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: define HOST-FOLDER FILE")
	}
	host := ts.MkAbs(args[0])
	for i, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[1])), "\n") {
		quoted, err := strconv.QuotedPrefix(line)
		ts.Check(err)
		name, err := strconv.Unquote(quoted)
		ts.Check(err)
		disk := fmt.Sprintf("/var/lib/libvirt/images/odd-%02d.qcow2", i)
		if rest := strings.TrimSpace(line[len(quoted):]); rest != "" {
			disk, err = strconv.Unquote(rest)
			ts.Check(err)
		}
		copyDisk(ts, host, disk)
		ts.Check(os.WriteFile(filepath.Join(host, fmt.Sprintf("odd-%02d.xml", i)), definitionOf(name, i, disk), 0o644))
	}
}

// copyDisk gives a path of the host a disk image, unless something is there.
func copyDisk(ts *testscript.TestScript, host, disk string) {
	to := filepath.Join(host, "root", filepath.FromSlash(disk))
	if _, err := os.Lstat(to); err == nil {
		return
	}
	image, err := os.ReadFile(filepath.Join(host, "root/var/lib/libvirt/images/web-01.qcow2"))
	ts.Check(err)
	ts.Check(os.MkdirAll(filepath.Dir(to), 0o755))
	ts.Check(os.WriteFile(to, image, 0o644))
}

// definitionOf is a domain that nothing but its name and its disk's path can
// be held against.
func definitionOf(name string, i int, disk string) []byte {
	var n, d bytes.Buffer
	_ = xml.EscapeText(&n, []byte(name)) // a buffer takes everything
	_ = xml.EscapeText(&d, []byte(disk))
	return fmt.Appendf(nil, `<domain type='kvm'><name>%s</name><uuid>0dd00000-0000-4000-8000-%012x</uuid>
<memory unit='MiB'>4096</memory><vcpu>2</vcpu>
<os><type arch='x86_64' machine='pc-i440fx-4.2'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/></features>
<on_poweroff>destroy</on_poweroff><devices><emulator>/usr/bin/kvm</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>
<graphics type='vnc' listen='0.0.0.0'/><video><model type='virtio'/></video></devices></domain>
`, n.String(), i, d.String())
}

// fillFile makes a file of so many MiB between two texts:
// fill FILE 50 '<domain><description>' '</description></domain>'
func fillFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: fill FILE MIB BEFORE AFTER")
	}
	mib, err := strconv.Atoi(args[1])
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = f.WriteString(args[2])
	ts.Check(err)
	for range mib {
		_, err = f.Write(bytes.Repeat([]byte{'x'}, 1<<20))
		ts.Check(err)
	}
	_, err = f.WriteString(args[3])
	ts.Check(err)
	ts.Check(f.Close())
}

// writeBytes makes a file of bytes that a script cannot hold, given as Go
// quotes them: bytes FILE '"\xff"'
func writeBytes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bytes FILE QUOTED")
	}
	text, err := strconv.Unquote(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// checkSameFile fails unless two names, the second as Go quotes it, are one
// file: samefile d/disk '"d/new\nline"'
func checkSameFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samefile FILE QUOTED")
	}
	other, err := strconv.Unquote(args[1])
	ts.Check(err)
	a, err := os.Lstat(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := os.Lstat(ts.MkAbs(other))
	ts.Check(err)
	if !os.SameFile(a, b) {
		ts.Fatalf("%s and %s are two files", args[0], args[1])
	}
}

// listen sets a variable to the address of a server that behaves badly:
//
//	listen VARIABLE silent|drops|http|refuses
func listen(ts *testscript.TestScript, neg bool, args []string) {
	answers := map[string]func(net.Conn){
		"silent":  func(net.Conn) {},
		"drops":   func(c net.Conn) { _, _ = c.Read(make([]byte, 4)); _ = c.Close() },
		"http":    func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) },
		"refuses": nil,
	}
	if answer, known := answers[args[len(args)-1]]; neg || len(args) != 2 || !known {
		ts.Fatalf("usage: listen VARIABLE silent|drops|http|refuses")
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv(args[0], l.Addr().String())
		if answer == nil {
			ts.Check(l.Close())
			return
		}
		ts.Defer(func() { _ = l.Close() })
		go serve(l, answer)
	}
}

// serve keeps every connection until the listener is closed.
func serve(l net.Listener, answer func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		go answer(c)
	}
}

// checkShows looks for a string, given as Go quotes it, in a file or in what
// the last command printed: shows stdout '"a\u00a0b"'. Unlike stdout it takes
// no pattern, so that names need no escapes of their own.
func checkShows(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] shows stdout|stderr|FILE QUOTED")
	}
	want, err := strconv.Unquote(args[1])
	ts.Check(err)
	if found := strings.Contains(ts.ReadFile(args[0]), want); found == neg {
		ts.Fatalf("%s in %s: %v", args[1], args[0], found)
	}
}

// checkPrintable fails where what was printed could move a terminal's cursor,
// turn text around or is not UTF-8: printable stdout stderr
func checkPrintable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: printable stdout|stderr|FILE...")
	}
	for _, name := range args {
		for i, line := range strings.Split(ts.ReadFile(name), "\n") {
			if bad := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); bad >= 0 || !utf8.ValidString(line) {
				ts.Fatalf("%s, line %d is not printable: %q", name, i+1, line)
			}
		}
	}
}
