package discover

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
)

// Facts of libvirt's wire protocol (virnetprotocol.x, remote_protocol.x,
// qemu_protocol.x): a packet is its length, a header of six words, a payload.
const (
	frameHeader   = 28
	frameMax      = 33554432 + 4 // VIR_NET_MESSAGE_MAX and the length word
	remoteProg    = 0x20008086
	qemuProg      = 0x20008087
	keepaliveProg = 0x6b656570
)

// frames lets only libvirt packets through. The RPC library believes the
// length that a peer sends: an SSH server or a web server behind the wrong
// port would make it allocate gigabytes, and a length below that of the header
// is a panic.
type frames struct {
	net.Conn
	head [frameHeader + 4]byte // with the first word of the payload
	have int                   // bytes of head
	body uint32                // bytes of the payload still to come

	mu   sync.Mutex
	lost error // why reading ended
}

// Read is called by one goroutine only.
func (f *frames) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if bad := f.inspect(p[:n]); bad != nil {
		n, err = 0, bad
	}
	if err != nil {
		f.mu.Lock()
		f.lost = err
		f.mu.Unlock()
	}
	return n, err
}

// cause is why reading ended, nil while it goes on.
func (f *frames) cause() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

func (f *frames) inspect(b []byte) error {
	for len(b) > 0 {
		if f.body > 0 {
			k := min(f.body, uint32(len(b)))
			f.body -= k
			b = b[k:]
			continue
		}
		k := copy(f.head[f.have:f.wanted()], b)
		f.have += k
		b = b[k:]
		if err := f.checkHead(); err != nil {
			return err
		}
		if f.have >= frameHeader && f.have == f.wanted() {
			f.body = binary.BigEndian.Uint32(f.head[:]) - uint32(f.have)
			f.have = 0
		}
	}
	return nil
}

// lists are the procedures whose answer begins with a number of elements.
var lists = map[uint32]bool{273: true, 283: true, 344: true} // domains, networks, statistics

// wanted is how much of a packet is looked at: the header, and of a list that
// was not refused its length, which the library believes as well.
func (f *frames) wanted() int {
	if f.have >= frameHeader && lists[f.word(3)] && f.word(4) == 1 && f.word(6) == 0 && f.word(0) > frameHeader+3 {
		return frameHeader + 4
	}
	return frameHeader
}

func (f *frames) word(n int) uint32 { return binary.BigEndian.Uint32(f.head[4*n:]) }

func (f *frames) checkHead() error {
	if f.have < 4 {
		return nil
	}
	size := binary.BigEndian.Uint32(f.head[:])
	if size < frameHeader || size > frameMax {
		return f.foreign()
	}
	if f.have < 8 {
		return nil
	}
	switch f.word(1) {
	case remoteProg, qemuProg, keepaliveProg:
	default:
		return f.foreign()
	}
	if f.have > frameHeader+3 && f.word(7) > size/24 {
		return fmt.Errorf("an answer of %d bytes claims %d elements", size, f.word(7))
	}
	return nil
}

func (f *frames) foreign() error {
	return fmt.Errorf("what answers does not speak libvirt's protocol: it sent %q", f.head[:f.have])
}
