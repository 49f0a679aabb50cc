package libvirtd

import (
	"bytes"
	"encoding/binary"
	"io"
)

// header is a message's length and six words; see virnetprotocol.x.
const header = 28

// ReadMessage reads one message whole.
func ReadMessage(r io.Reader) (head, body []byte, err error) {
	head = make([]byte, header)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head)-header)
	_, err = io.ReadFull(r, body)
	return head, body, err
}

// Answer is the message that answers the one with that head. Status is 0, or 1
// where the payload is an error.
func Answer(head []byte, status uint32, payload []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(header+len(payload)))
	out = append(out, head[4:16]...)
	out = binary.BigEndian.AppendUint32(out, 1) // an answer
	out = append(out, head[20:24]...)
	out = binary.BigEndian.AppendUint32(out, status)
	return append(out, payload...)
}

// An XDR encodes as RFC 4506 says.
type XDR struct{ bytes.Buffer }

// U32 adds a word.
func (x *XDR) U32(v uint32) { x.Write(binary.BigEndian.AppendUint32(nil, v)) }

// U64 adds two words.
func (x *XDR) U64(v uint64) { x.Write(binary.BigEndian.AppendUint64(nil, v)) }

// Text adds a string with its length, filled up to whole words.
func (x *XDR) Text(s string) {
	x.U32(uint32(len(s)))
	x.WriteString(s)
	x.Write(make([]byte, int(padded(uint32(len(s))))-len(s)))
}

func padded(n uint32) uint32 { return (n + 3) / 4 * 4 }

// Error adds one of libvirt's errors, of its QEMU driver.
func (x *XDR) Error(code uint32, message string) {
	x.U32(code)
	x.U32(10) // domain of the error
	x.U32(1)  // there is a message
	x.Text(message)
	x.U32(2) // level
	for range 8 {
		x.U32(0)
	}
}
