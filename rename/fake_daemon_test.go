package rename

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/testdata/libvirtd"
)

// Numbers of remote_protocol.x.
const (
	procOpen        = 1
	procXML         = 14
	procGetAuto     = 15
	procByName      = 23
	procByUUID      = 24
	procResume      = 28
	procSetAuto     = 29
	procAuthList    = 66
	procPersistent  = 151
	procLibVersion  = 157
	procJobInfo     = 163
	procManagedSave = 183
	procCreate      = 196
	procState       = 212
	procDestroy     = 234
	procBlockJob    = 238
	procShutdown    = 258
	procWakeup      = 267
	procSnapshots   = 274
	procSubscribe   = 316
	procLifecycle   = 318
	procReboot      = 319
	procTime        = 337
	procDefine      = 350
	procAddresses   = 353
	procRename      = 358
	procCheckpoints = 413
)

// A fakeDaemon keeps domains as libvirt does, by its rules of what can be done
// in which state, and speaks its wire protocol. It misbehaves as told.
type fakeDaemon struct {
	t *testing.T
	// before is asked about each request. It may block to be silent.
	before func(proc uint32, n int) misdeed
	// pressed is what a guest does when it is asked to shut down: nil ends it.
	pressed func(d *fakeDomain, flags uint32) error

	mu      sync.Mutex
	domains map[uuid.UUID]*fakeDomain
	conns   map[*fakeConn]bool // whether it has subscribed to events
	asked   map[uint32]int
	lastID  int32
	down    bool // takes no connections
	ended   chan struct{}
}

type misdeed struct {
	err    *libvirt.Error // to answer with
	drop   bool           // end the connection instead of doing anything
	after  bool           // do it, and end the connection instead of answering
	silent bool           // never answer, and do nothing
}

type fakeDomain struct {
	name, xml   string
	id          uuid.UUID
	state       int32
	reason      int32
	number      int32
	transient   bool
	autostart   bool
	managedSave bool
	snapshots   []string
	job         int32
	blockJob    bool
	hung        bool         // its process answers nothing, and ends by SIGKILL alone
	live        string       // what the live definition has besides
	agent       func() error // answers for the agent
	addresses   []Address
}

type fakeConn struct {
	net.Conn
	write sync.Mutex
}

func newFakeDaemon(t *testing.T) *fakeDaemon {
	f := &fakeDaemon{t: t, domains: map[uuid.UUID]*fakeDomain{}, conns: map[*fakeConn]bool{}, asked: map[uint32]int{}, ended: make(chan struct{})}
	t.Cleanup(func() {
		close(f.ended)
		f.cut()
	})
	return f
}

const running, paused, shutoff = 1, 3, 5

// add makes a domain. Its live definition has ACPI.
func (f *fakeDaemon) add(name string, state int32) *fakeDomain {
	d := &fakeDomain{name: name, id: uuid.NewSHA1(uuid.Nil, []byte(name)), state: state, number: -1}
	d.xml = definitionOf(name, d.id.String(), "")
	d.live = "<features><acpi/></features>"
	f.mu.Lock()
	defer f.mu.Unlock()
	if state != shutoff {
		f.lastID++
		d.number = f.lastID
	}
	f.domains[d.id] = d
	return d
}

func definitionOf(name, id, more string) string {
	return fmt.Sprintf("<domain type='kvm'>\n  <name>%s</name>\n  <uuid>%s</uuid>\n%s</domain>\n", name, id, more)
}

// dial is a Dialer.
func (f *fakeDaemon) dial(context.Context) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return nil, fmt.Errorf("connection refused")
	}
	ours, theirs := net.Pipe()
	c := &fakeConn{Conn: theirs}
	f.conns[c] = false
	go f.serve(c)
	return ours, nil
}

// cut ends all connections, as a daemon does that is killed.
func (f *fakeDaemon) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		c.Close()
	}
	clear(f.conns)
}

// change lets a test do something to the domains.
func (f *fakeDaemon) change(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}

func (f *fakeDaemon) count(proc uint32) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[proc]
}

// stop ends a domain's process, and tells everybody.
func (f *fakeDaemon) stop(d *fakeDomain, detail int32) {
	f.mu.Lock()
	d.state, d.reason, d.number = shutoff, detail+1, -1
	f.mu.Unlock()
	f.event(d, 5, detail)
}

func (f *fakeDaemon) event(d *fakeDomain, kind, detail int32) {
	f.emit(procLifecycle, d, func(x *xdr) { x.i32(kind); x.i32(detail) })
}

func (f *fakeDaemon) reboot(d *fakeDomain) { f.emit(procReboot, d, func(*xdr) {}) }

// emit writes an event to all subscribers. Callback 1 is of the lifecycle, 2 of
// reboots.
func (f *fakeDaemon) emit(proc uint32, d *fakeDomain, more func(*xdr)) {
	var x xdr
	x.U32(proc - procLifecycle + 1)
	f.mu.Lock()
	x.domain(d)
	var to []*fakeConn
	for c, subscribed := range f.conns {
		if subscribed {
			to = append(to, c)
		}
	}
	f.mu.Unlock()
	more(&x)
	for _, c := range to {
		c.send([6]uint32{0x20008086, 1, proc, 2, 0, 0}, x.Bytes())
	}
}

func (c *fakeConn) send(head [6]uint32, payload []byte) {
	out := binary.BigEndian.AppendUint32(nil, uint32(28+len(payload)))
	for _, word := range head {
		out = binary.BigEndian.AppendUint32(out, word)
	}
	c.write.Lock()
	defer c.write.Unlock()
	c.Write(append(out, payload...))
}

func (f *fakeDaemon) serve(c *fakeConn) {
	defer c.Close()
	for {
		head, body, err := libvirtd.ReadMessage(c)
		if err != nil {
			return
		}
		// As in a real daemon, one request that is stuck does not stop others.
		go f.answer(c, head, body)
	}
}

func (f *fakeDaemon) answer(c *fakeConn, head, body []byte) {
	proc := binary.BigEndian.Uint32(head[12:])
	f.mu.Lock()
	n := f.asked[proc]
	f.asked[proc]++
	before := f.before
	f.mu.Unlock()
	var m misdeed
	if before != nil {
		m = before(proc, n)
	}
	if m.silent {
		<-f.ended
		return
	}
	if m.drop {
		c.Close()
		return
	}
	reply := [6]uint32{0x20008086, 1, proc, 1, binary.BigEndian.Uint32(head[20:]), 0}
	err := m.err
	var x xdr
	if err == nil {
		err = f.do(c, proc, body, &x)
	}
	if m.after {
		c.Close()
		return
	}
	if err != nil {
		reply[5] = 1
		c.send(reply, xdrError(*err))
		return
	}
	c.send(reply, x.Bytes())
}

func refusal(code libvirt.ErrorNumber, format string, args ...any) *libvirt.Error {
	return &libvirt.Error{Code: uint32(code), Message: fmt.Sprintf(format, args...)}
}

// do is what libvirt does with a request.
func (f *fakeDaemon) do(c *fakeConn, proc uint32, body []byte, x *xdr) *libvirt.Error {
	in := &reading{body}
	switch proc {
	case procAuthList:
		x.U32(1)
		x.U32(0)
		return nil
	case procOpen:
		return nil
	case procLibVersion:
		x.U64(9000000)
		return nil
	case procSubscribe:
		f.change(func() { f.conns[c] = true })
		x.U32(in.u32() + 1)
		return nil
	case procDefine:
		return f.define(in.text(), x)
	case procByName:
		return f.byName(in.text(), x)
	case procByUUID:
		return f.ofDomain(proc, uuid.UUID(in.take(16)), in, x)
	}
	_ = in.text()
	id := uuid.UUID(in.take(16))
	in.u32()
	if proc == procShutdown {
		return f.shutdown(id, in.u32())
	}
	if proc == procTime {
		return f.agent(id, x)
	}
	return f.ofDomain(proc, id, in, x)
}

func (f *fakeDaemon) byName(name string, x *xdr) *libvirt.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.domains {
		if d.name == name {
			x.domain(d)
			return nil
		}
	}
	return refusal(libvirt.ErrNoDomain, "Domain not found: no domain with matching name '%s'", name)
}

func (f *fakeDaemon) define(text string, x *xdr) *libvirt.Error {
	is, err := readFacts(text)
	if err != nil {
		return refusal(libvirt.ErrXMLError, "XML error")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := uuid.MustParse(is.UUID)
	for _, d := range f.domains {
		if d.id == id && d.name != is.Name || d.id != id && d.name == is.Name {
			return refusal(libvirt.ErrOperationFailed, "domain '%s' already exists with uuid %s", d.name, d.id)
		}
	}
	d := f.domains[id]
	if d == nil {
		d = &fakeDomain{name: is.Name, id: id, state: shutoff, number: -1}
		f.domains[id] = d
	}
	d.xml, d.transient = text, false
	x.domain(d)
	return nil
}

// shutdown leaves it to the guest what it does.
func (f *fakeDaemon) shutdown(id uuid.UUID, flags uint32) *libvirt.Error {
	f.mu.Lock()
	d, pressed := f.domains[id], f.pressed
	active := d != nil && d.state == running
	hung := d != nil && d.hung
	f.mu.Unlock()
	if hung {
		<-f.ended
	}
	if !active {
		return refusal(libvirt.ErrOperationInvalid, "Requested operation is not valid: domain is not running")
	}
	if pressed == nil {
		go f.stop(d, 0)
		return nil
	}
	if err := pressed(d, flags); err != nil {
		return refusal(libvirt.ErrAgentUnresponsive, "%v", err)
	}
	return nil
}

func (f *fakeDaemon) agent(id uuid.UUID, x *xdr) *libvirt.Error {
	f.mu.Lock()
	agent := f.domains[id].agent
	f.mu.Unlock()
	if agent == nil {
		return refusal(libvirt.ErrAgentUnresponsive, "Guest agent is not responding: QEMU guest agent is not connected")
	}
	if err := agent(); err != nil {
		return refusal(libvirt.ErrInternalError, "%v", err)
	}
	x.U64(1)
	x.U32(0)
	return nil
}

func (f *fakeDaemon) ofDomain(proc uint32, id uuid.UUID, in *reading, x *xdr) *libvirt.Error {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.domains[id]
	if d == nil {
		return refusal(libvirt.ErrNoDomain, "Domain not found: no domain with matching uuid '%s'", id)
	}
	switch proc {
	case procByUUID:
		x.domain(d)
	case procState:
		x.i32(d.state)
		x.i32(d.reason)
	case procXML:
		return d.describe(in.u32(), x)
	case procPersistent:
		x.flag(!d.transient)
	case procGetAuto:
		x.flag(d.autostart)
	case procSetAuto:
		d.autostart = in.u32() != 0
	case procManagedSave:
		x.flag(d.managedSave)
	case procSnapshots:
		x.U32(uint32(len(d.snapshots)))
		for _, s := range d.snapshots {
			x.Text(s)
			x.domain(d)
		}
		x.U32(uint32(len(d.snapshots)))
	case procCheckpoints:
		x.U32(0)
		x.U32(0)
	case procJobInfo:
		x.i32(d.job)
		x.Write(make([]byte, 11*8))
	case procBlockJob:
		x.flag(d.blockJob)
		x.Write(make([]byte, 4+3*8))
	case procAddresses:
		x.addresses(d.addresses)
	default:
		return f.alter(proc, d, in, x)
	}
	return nil
}

// alter does what changes one domain.
func (f *fakeDaemon) alter(proc uint32, d *fakeDomain, in *reading, x *xdr) *libvirt.Error {
	active := d.state != shutoff
	switch proc {
	case procResume, procWakeup:
		if !active {
			return refusal(libvirt.ErrOperationInvalid, "domain is not running")
		}
		d.state = running
	case procDestroy:
		if !active {
			return refusal(libvirt.ErrOperationInvalid, "domain is not running")
		}
		if d.hung && in.u32() == uint32(libvirt.DomainDestroyGraceful) {
			return refusal(libvirt.ErrSystemError, "Failed to terminate process 4711 with SIGTERM: Device or resource busy")
		}
		d.state, d.reason, d.number = shutoff, 2, -1
		go f.event(d, 5, 1)
	case procCreate:
		if active {
			return refusal(libvirt.ErrOperationInvalid, "domain is already running")
		}
		f.lastID++
		d.state, d.number = running, f.lastID
		if in.u32()&1 != 0 {
			d.state = paused
		}
		x.domain(d)
		go f.event(d, 2, 0)
	case procRename:
		in.u32() // there is a name
		return f.rename(d, in.text(), x)
	default:
		return refusal(libvirt.ErrRPC, "unknown procedure: %d", proc)
	}
	return nil
}

// rename refuses what qemuDomainRename and virDomainObjListRename refuse.
func (f *fakeDaemon) rename(d *fakeDomain, to string, x *xdr) *libvirt.Error {
	switch {
	case d.state != shutoff:
		return refusal(libvirt.ErrOperationInvalid, "cannot rename active domain")
	case d.transient:
		return refusal(libvirt.ErrOperationInvalid, "cannot rename a transient domain")
	case d.managedSave:
		return refusal(libvirt.ErrOperationInvalid, "domain with a managed saved state can't be renamed")
	case d.name == to:
		return refusal(libvirt.ErrOperationInvalid, "Can't rename domain to itself")
	}
	for _, other := range f.domains {
		if other.name == to {
			return refusal(libvirt.ErrOperationInvalid, "domain with name '%s' already exists", to)
		}
	}
	d.xml = string(bytes.Replace([]byte(d.xml), []byte("<name>"+d.name), []byte("<name>"+to), 1))
	d.name = to
	x.U32(0)
	return nil
}

func (d *fakeDomain) describe(flags uint32, x *xdr) *libvirt.Error {
	text := d.xml
	if flags&2 == 0 { // not INACTIVE
		text = definitionOf(d.name, d.id.String(), d.live)
	}
	x.Text(text)
	return nil
}

// xdr is an answer of this daemon.
type xdr struct{ libvirtd.XDR }

func (x *xdr) i32(v int32) { x.U32(uint32(v)) }

func (x *xdr) flag(on bool) {
	if on {
		x.U32(1)
	} else {
		x.U32(0)
	}
}

func (x *xdr) domain(d *fakeDomain) {
	x.Text(d.name)
	x.Write(d.id[:])
	x.i32(d.number)
}

// addresses puts each on an interface of its own.
func (x *xdr) addresses(all []Address) {
	x.U32(uint32(len(all)))
	for i, a := range all {
		x.Text(fmt.Sprintf("eth%d", i))
		x.U32(1) // there is a MAC
		x.Text(a.MAC)
		x.U32(1) // address
		x.i32(0)
		x.Text(a.IP.String())
		x.U32(uint32(a.Prefix))
	}
}

func xdrError(e libvirt.Error) []byte {
	var x xdr
	x.Error(e.Code, e.Message)
	return x.Bytes()
}

// reading decodes as RFC 4506 says.
type reading struct{ left []byte }

func (r *reading) take(n int) []byte {
	taken := slices.Clone(r.left[:n])
	r.left = r.left[n:]
	return taken
}

func (r *reading) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }

func (r *reading) text() string {
	n := int(r.u32())
	s := string(r.take(n))
	r.take((4 - n%4) % 4)
	return s
}
