package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// ErrReadOnly is a daemon of which only the read-only socket could be reached.
var ErrReadOnly = errors.New("only the daemon's read-only socket can be reached, by which no domain can be changed; connect as root or as a member of the libvirt group, and name no socket that ends in -ro")

// Dialer gives the way to a host's libvirt daemon to those who change domains,
// which nothing in this package does: each call makes a connection of its own,
// over SSH with a login of its own, on which no word has been exchanged yet.
//
// The context bounds the making of a connection, not its life. Close ends it at
// once, whatever the other side does or does not, and wakes who waits for it.
func Dialer(h Host) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := dialWritable(ctx, h)
		if err != nil {
			return nil, fmt.Errorf("host %s: %w", h.Name, err)
		}
		return conn, nil
	}
}

func dialWritable(ctx context.Context, h Host) (net.Conn, error) {
	a, err := h.address()
	if err != nil {
		return nil, err
	}
	if a.transport == fromDir {
		return nil, errors.New("it is a folder of definitions; there is no daemon to talk to")
	}
	t, err := openTransport(ctx, h)
	if err != nil {
		return nil, err
	}
	l, err := t.dial(ctx, true)
	if err == nil && l.readOnly {
		l.kill()
		err = ErrReadOnly
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return &ownConn{frames{Conn: l.Conn}, l.kill}, nil
}

// An ownConn shares nothing with other connections, so that ending it the hard
// way is the right way.
type ownConn struct {
	frames
	kill func()
}

func (c *ownConn) Close() error {
	c.kill()
	return nil
}
