package libvirtd

import (
	"encoding/binary"
	"encoding/hex"
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
		head, body, err := ReadMessage(c)
		if err != nil {
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
		x.Error(1, "unknown procedure: "+strconv.Itoa(int(proc))) // as old daemons do
		status = 1
	}
	return Answer(head, status, x.Bytes())
}

// say reports false for a question that this daemon does not know.
func (f *Fleet) say(x *xdr, host int, proc uint32, body []byte) bool {
	switch proc {
	case authList:
		x.U32(1)
		x.U32(0)
	case connectOpen:
	case connectGetHostname:
		x.Text(Name(host))
	case connectGetLibVersion:
		x.U64(9000000)
	case connectGetVersion:
		x.U64(7002000)
	case nodeGetInfo:
		f.node(x)
	case connectListNetworks:
		x.U32(0)
		x.U32(0)
	case connectListAllDomains:
		f.list(x, host, binary.BigEndian.Uint32(body[4:]))
	case getAllDomainStats:
		f.stats(x, host, body)
	case domainGetXMLDesc:
		d, ok := domainIn(body)
		x.Text(f.Definition(host, d))
		return ok
	case domainGetBlockInfo:
		for _, n := range []uint64{1 << 30, GiB << 30, 1 << 30} { // allocation, capacity, physical
			x.U64(n)
		}
	case domainGetMessages:
		x.U32(0)
		x.U32(0)
	default:
		return false
	}
	return true
}

// node has 64 processors and 256 GiB.
func (f *Fleet) node(x *xdr) {
	for range 32 {
		x.U32(0)
	}
	x.U64(256 << 20)
	for _, n := range []uint32{64, 2400, 2, 2, 16, 2} {
		x.U32(n)
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
	x.U32(uint32(len(domains)))
	for _, d := range domains {
		x.domain(host, d)
	}
	x.U32(uint32(len(domains)))
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
	x.U32(count)
	x.Write(some.Bytes())
}

// domainIn reads a domain's number off the name that a message begins with.
func domainIn(body []byte) (int, bool) {
	name := string(body[4 : 4+binary.BigEndian.Uint32(body)])
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	return n, err == nil
}

// An xdr is an answer of this fleet.
type xdr struct{ XDR }

func (x *xdr) domain(host, domain int) {
	x.Text(Domain(host, domain))
	uuid, _ := hex.DecodeString(strings.ReplaceAll(UUID(host, domain), "-", "")) // digits
	x.Write(uuid)
	id := int32(-1)
	if Runs(domain) {
		id = int32(domain + 1)
	}
	x.U32(uint32(id))
}

// figures of one domain: its state, and of its disk how large it is.
func (x *xdr) figures(domain int, which uint32) {
	if which == statsBlock {
		x.U32(2)
		x.Text("block.0.name")
		x.U32(7) // a string
		x.Text("vda")
		x.Text("block.0.capacity")
		x.U32(4) // an unsigned long
		x.U64(GiB << 30)
		return
	}
	x.U32(1)
	x.Text("state.state")
	x.U32(1) // an integer
	state := uint32(5)
	if Runs(domain) {
		state = 1
	}
	x.U32(state)
}
