package discover

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/testdata/libvirtd"
)

// Numbers of remote_protocol.x.
const (
	procOpen           = 1
	procVersion        = 4
	procNodeInfo       = 6
	procXML            = 14
	procHostname       = 59
	procAuthList       = 66
	procLibVersion     = 157
	procListDomains    = 273
	procListNetworks   = 283
	procDomainStats    = 344
	procDomainState    = 212
	authNone, authSASL = 0, 1
)

// A fakeDaemon speaks libvirt's wire protocol well enough to be scanned, and
// misbehaves as told.
type fakeDaemon struct {
	domains []fakeDomain
	auth    uint32
	// noCheckpoints refuses that filter of the list, as daemons before 5.6 do.
	noCheckpoints bool
	// before is asked about each request; what it returns other than nil goes
	// out in place of the answer. It may block to be silent.
	before func(proc uint32, n int) *misdeed
	// beforeStats is the same for questions for statistics, where it is set.
	beforeStats func(statsAsk) *misdeed
	// counters are what it says of a running domain beside its state.
	counters func(statsAsk, fakeDomain) []fakeStat

	closedConn func() // when set, called as each connection ends

	socket string
	closed chan struct{} // when the test ends
	mu     sync.Mutex
	asked  map[uint32]int
	conns  sync.WaitGroup
}

type misdeed struct {
	code    uint32 // libvirt error to answer with, 0 for none
	message string
	raw     []byte // bytes to send as they are
	drop    bool   // end the connection, after raw
	silent  bool   // never answer this request
	payload []byte // of an answer that is no error
}

// A statsAsk is one question for statistics.
type statsAsk struct {
	domains      []string // names; none means all
	which, flags uint32
	n            int // such questions before
}

// A fakeStat is one counter or name.
type fakeStat struct {
	field string
	value any // string, int32, uint64
}

type fakeDomain struct {
	name  string
	id    int32 // -1 when off
	state uint32
	xml   string
}

func (d fakeDomain) uuid() uuid.UUID { return uuid.NewSHA1(uuid.Nil, []byte(d.name)) }

func newFakeDomain(name string) fakeDomain {
	d := fakeDomain{name: name, id: -1, state: 5}
	d.xml = fmt.Sprintf("<domain type='kvm'><name>%s</name><uuid>%s</uuid><memory unit='KiB'>1024</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><devices/></domain>", name, d.uuid())
	return d
}

// start listens on a socket and gives the host that is there.
func (d *fakeDaemon) start(t *testing.T, name string) Host {
	t.Helper()
	dir, err := os.MkdirTemp("", "k2o") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d.socket = filepath.Join(dir, "libvirt-sock-ro")
	d.asked, d.closed = map[uint32]int{}, make(chan struct{})
	l, err := net.Listen("unix", d.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(d.closed); l.Close(); d.conns.Wait() })
	d.conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.conns.Go(func() { d.serve(conn) })
		}
	})
	return Host{Name: name, URI: "qemu:///system?socket=" + d.socket}
}

func (d *fakeDaemon) serve(conn net.Conn) {
	defer conn.Close()
	if d.closedConn != nil {
		defer d.closedConn()
	}
	go func() { <-d.closed; conn.Close() }()
	var write sync.Mutex
	for {
		head, body, err := libvirtd.ReadMessage(conn)
		if err != nil {
			return
		}
		// As in a real daemon, one request that is stuck does not stop others.
		d.conns.Go(func() { d.answer(conn, &write, head, body) })
	}
}

func (d *fakeDaemon) answer(conn net.Conn, write *sync.Mutex, head, body []byte) {
	proc := binary.BigEndian.Uint32(head[12:])
	d.mu.Lock()
	n := d.asked[proc]
	d.asked[proc]++
	d.mu.Unlock()
	var m *misdeed
	if d.before != nil {
		m = d.before(proc, n)
	}
	if proc == procDomainStats && d.beforeStats != nil {
		m = d.beforeStats(readStatsAsk(body, n))
	}
	status, payload := uint32(0), []byte(nil)
	switch {
	case m == nil:
		payload = d.payload(proc, body)
	case m.raw != nil || m.drop:
		write.Lock()
		defer write.Unlock()
		conn.Write(m.raw)
		if m.drop {
			conn.Close()
		}
		return
	case m.silent:
		return
	case m.payload != nil:
		payload = m.payload
	default:
		status, payload = 1, xdrError(m.code, m.message)
	}
	if payload == nil {
		status, payload = 1, xdrError(1, fmt.Sprintf("unknown procedure: %d", proc))
	}
	write.Lock()
	defer write.Unlock()
	conn.Write(libvirtd.Answer(head, status, payload))
}

// payload is nil for a procedure that this daemon does not have.
func (d *fakeDaemon) payload(proc uint32, body []byte) []byte {
	var x xdr
	switch proc {
	case procAuthList:
		x.U32(1)
		x.U32(d.auth)
	case procOpen:
		return []byte{}
	case procHostname:
		x.Text("fake")
	case procLibVersion:
		x.U64(9000000)
	case procVersion:
		x.U64(7002000)
	case procNodeInfo:
		for range 32 {
			x.U32(0)
		}
		x.U64(16 << 20)
		for range 6 {
			x.U32(4)
		}
	case procListNetworks:
		x.U32(0)
		x.U32(0)
	case procListDomains:
		if d.noCheckpoints && binary.BigEndian.Uint32(body[4:]) == 16384 {
			return nil
		}
		d.list(&x, binary.BigEndian.Uint32(body[4:]))
	case procDomainStats:
		d.stats(&x, readStatsAsk(body, 0))
	case procXML, procDomainState:
		return d.ofDomain(proc, body)
	default:
		return nil
	}
	return x.Bytes()
}

func (d *fakeDaemon) list(x *xdr, flags uint32) {
	if flags != 3 && flags != 1 { // nothing is persistent, autostarted, saved, ...
		x.U32(0)
		x.U32(0)
		return
	}
	listed := slices.DeleteFunc(slices.Clone(d.domains), func(f fakeDomain) bool { return flags == 1 && f.id < 0 })
	x.U32(uint32(len(listed)))
	for _, f := range listed {
		x.domain(f)
	}
	x.U32(uint32(len(listed)))
}

func (d *fakeDaemon) stats(x *xdr, ask statsAsk) {
	wanted := slices.DeleteFunc(slices.Clone(d.domains), func(f fakeDomain) bool {
		return len(ask.domains) > 0 && !slices.Contains(ask.domains, f.name) || ask.flags&1 != 0 && f.id < 0
	})
	x.U32(uint32(len(wanted)))
	for _, f := range wanted {
		x.domain(f)
		stats := []fakeStat{{"state.state", int32(f.state)}}
		if d.counters != nil {
			stats = append(stats, d.counters(ask, f)...)
		}
		x.U32(uint32(len(stats)))
		for _, s := range stats {
			x.stat(s)
		}
	}
}

// readStatsAsk reads a list of domains and two words.
func readStatsAsk(body []byte, n int) statsAsk {
	ask := statsAsk{n: n, which: binary.BigEndian.Uint32(body[len(body)-8:]), flags: binary.BigEndian.Uint32(body[len(body)-4:])}
	many := binary.BigEndian.Uint32(body)
	body = body[4:]
	for range many {
		size := binary.BigEndian.Uint32(body)
		ask.domains = append(ask.domains, string(body[4:4+size]))
		body = body[4+(size+3)/4*4+20:] // with UUID and id
	}
	return ask
}

func (d *fakeDaemon) ofDomain(proc uint32, body []byte) []byte {
	size := binary.BigEndian.Uint32(body)
	name := string(body[4 : 4+size])
	for _, f := range d.domains {
		if f.name != name {
			continue
		}
		var x xdr
		if proc == procXML {
			x.Text(f.xml)
		} else {
			x.U32(f.state)
			x.U32(0)
		}
		return x.Bytes()
	}
	return nil
}

// xdr is an answer of this daemon.
type xdr struct{ libvirtd.XDR }

func (x *xdr) domain(f fakeDomain) {
	x.Text(f.name)
	id := f.uuid()
	x.Write(id[:])
	x.U32(uint32(f.id))
}

func (x *xdr) stat(s fakeStat) {
	x.Text(s.field)
	switch v := s.value.(type) {
	case int32:
		x.U32(1)
		x.U32(uint32(v))
	case uint64:
		x.U32(4)
		x.U64(v)
	case string:
		x.U32(7)
		x.Text(v)
	}
}

func xdrError(code uint32, message string) []byte {
	var x xdr
	x.Error(code, message)
	return x.Bytes()
}
