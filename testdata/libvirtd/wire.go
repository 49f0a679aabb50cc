package libvirtd

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Numbers of remote_protocol.x.
const (
	connectOpen           = 1
	connectGetVersion     = 4
	nodeGetInfo           = 6
	domainGetXMLDesc      = 14
	connectGetHostname    = 59
	authList              = 66
	connectGetLibVersion  = 157
	domainGetBlockInfo    = 194
	connectListAllDomains = 273
	connectListNetworks   = 283
	getAllDomainStats     = 344
	domainGetMessages     = 426
)

// header is a message's length and six words; see virnetprotocol.x.
const header = 28

// Filters of connectListAllDomains, and a group of
// getAllDomainStats.
const (
	listActive, listInactive, listPersistent = 1, 2, 4
	statsBlock                               = 32
)

// serve answers one connection, each question for itself as a daemon does.
func (f *Fleet) serve(host int, c net.Conn) {
	f.connected(host, c)
	ended := make(chan struct{})
	var write sync.Mutex
	var answers sync.WaitGroup
	defer func() {
		close(ended)
		_ = c.Close() // It may have been closed by the other side.
		answers.Wait()
		f.disconnected(host, c)
	}()
	go func() {
		select {
		case <-f.closed:
			_ = c.Close()
		case <-ended:
		}
	}()
	for {
		head := make([]byte, header)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head)-header)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		f.asked.Add(1)
		if f.Silent != nil && f.Silent(host) {
			continue
		}
		answers.Go(func() {
			f.wait(host, ended)
			out := f.answer(host, head, body)
			write.Lock()
			defer write.Unlock()
			_, _ = c.Write(out) // Who does not listen any more does not mind.
		})
	}
}

func (f *Fleet) wait(host int, ended chan struct{}) {
	if f.Delay == nil {
		return
	}
	t := time.NewTimer(f.Delay(host))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ended:
	}
}

// answer is the whole message.
func (f *Fleet) answer(host int, head, body []byte) []byte {
	var x xdr
	proc, status := binary.BigEndian.Uint32(head[12:]), uint32(0)
	if !f.say(&x, host, proc, body) {
		x.Reset()
		x.refuse(proc)
		status = 1
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(header+x.Len()))
	out = append(out, head[4:16]...)
	out = binary.BigEndian.AppendUint32(out, 1) // an answer
	out = append(out, head[20:24]...)
	out = binary.BigEndian.AppendUint32(out, status)
	return append(out, x.Bytes()...)
}

// say reports false for a question that this daemon does not know.
func (f *Fleet) say(x *xdr, host int, proc uint32, body []byte) bool {
	switch proc {
	case authList:
		x.u32(1)
		x.u32(0)
	case connectOpen:
	case connectGetHostname:
		x.text(Name(host))
	case connectGetLibVersion:
		x.u64(9000000)
	case connectGetVersion:
		x.u64(7002000)
	case nodeGetInfo:
		f.node(x)
	case connectListNetworks:
		x.u32(0)
		x.u32(0)
	case connectListAllDomains:
		f.list(x, host, binary.BigEndian.Uint32(body[4:]))
	case getAllDomainStats:
		f.stats(x, host, body)
	case domainGetXMLDesc:
		d, ok := domainIn(body)
		x.text(f.Definition(host, d))
		return ok
	case domainGetBlockInfo:
		for _, n := range []uint64{1 << 30, GiB << 30, 1 << 30} { // allocation, capacity, physical
			x.u64(n)
		}
	case domainGetMessages:
		x.u32(0)
		x.u32(0)
	default:
		return false
	}
	return true
}

// node has 64 processors and 256 GiB.
func (f *Fleet) node(x *xdr) {
	for range 32 {
		x.u32(0)
	}
	x.u64(256 << 20)
	for _, n := range []uint32{64, 2400, 2, 2, 16, 2} {
		x.u32(n)
	}
}

func (f *Fleet) list(x *xdr, host int, filter uint32) {
	var domains []int
	for d := range f.Domains {
		switch {
		case filter&listPersistent != 0, filter&listActive != 0 && Runs(d), filter&listInactive != 0 && !Runs(d):
			domains = append(domains, d)
		}
	}
	x.u32(uint32(len(domains)))
	for _, d := range domains {
		x.domain(host, d)
	}
	x.u32(uint32(len(domains)))
}

// stats are of all domains, or of those that the question lists.
func (f *Fleet) stats(x *xdr, host int, body []byte) {
	wanted := map[int]bool{}
	rest := body[4:]
	for range binary.BigEndian.Uint32(body) {
		d, _ := domainIn(rest)
		wanted[d] = true
		rest = rest[4+padded(binary.BigEndian.Uint32(rest))+20:] // with UUID and id
	}
	all, which := len(wanted) == 0, binary.BigEndian.Uint32(rest)
	var some xdr
	count := uint32(0)
	for d := range f.Domains {
		if all || wanted[d] {
			some.domain(host, d)
			some.figures(d, which)
			count++
		}
	}
	x.u32(count)
	x.Write(some.Bytes())
}

func padded(n uint32) uint32 { return (n + 3) / 4 * 4 }

// domainIn reads a domain's number off the name that a message begins with.
func domainIn(body []byte) (int, bool) {
	name := string(body[4 : 4+binary.BigEndian.Uint32(body)])
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	return n, err == nil
}

// An xdr encodes as RFC 4506 says.
type xdr struct{ bytes.Buffer }

func (x *xdr) u32(v uint32) { x.Write(binary.BigEndian.AppendUint32(nil, v)) }
func (x *xdr) u64(v uint64) { x.Write(binary.BigEndian.AppendUint64(nil, v)) }

func (x *xdr) text(s string) {
	x.u32(uint32(len(s)))
	x.WriteString(s)
	x.Write(make([]byte, int(padded(uint32(len(s))))-len(s)))
}

func (x *xdr) domain(host, domain int) {
	x.text(Domain(host, domain))
	uuid, _ := hex.DecodeString(strings.ReplaceAll(UUID(host, domain), "-", "")) // digits
	x.Write(uuid)
	id := int32(-1)
	if Runs(domain) {
		id = int32(domain + 1)
	}
	x.u32(uint32(id))
}

// figures of one domain: its state, and of its disk how large it is.
func (x *xdr) figures(domain int, which uint32) {
	if which == statsBlock {
		x.u32(2)
		x.text("block.0.name")
		x.u32(7) // a string
		x.text("vda")
		x.text("block.0.capacity")
		x.u32(4) // an unsigned long
		x.u64(GiB << 30)
		return
	}
	x.u32(1)
	x.text("state.state")
	x.u32(1) // an integer
	state := uint32(5)
	if Runs(domain) {
		state = 1
	}
	x.u32(state)
}

// refuse says that it does not know the procedure, as old daemons do.
func (x *xdr) refuse(proc uint32) {
	x.u32(1)
	x.u32(10) // domain of the error
	x.u32(1)  // there is a message
	x.text("unknown procedure: " + strconv.Itoa(int(proc)))
	x.u32(2) // level
	for range 8 {
		x.u32(0)
	}
}
