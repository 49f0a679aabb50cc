package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Sockets of libvirtd and of the split daemon virtqemud, below /run or, on old
// hosts, /var/run, which links there. Read-only ones first: what comes in
// through them can change nothing.
var (
	readOnlySockets = []string{"/run/libvirt/libvirt-sock-ro", "/run/libvirt/virtqemud-sock-ro"}
	writableSockets = []string{"/run/libvirt/libvirt-sock", "/run/libvirt/virtqemud-sock"}
)

// A link is one connection to a libvirt daemon.
type link struct {
	net.Conn
	readOnly bool
	// kill ends the connection at once, whatever the peer does or does not.
	// Over SSH everything else on the same login ends with it.
	kill func()
	// leave ends this connection alone; nil where kill does no more than that.
	leave func()
}

// end ends a connection that went well.
func (l link) end() {
	if l.leave != nil {
		l.leave()
		return
	}
	l.kill()
}

// A transport makes links to one host.
type transport struct {
	host Host
	addr address
	ssh  *ssh.Client // nil unless the host is reached by SSH
}

// openTransport checks the host and, for SSH, logs in. Other transports
// connect with their first link.
func openTransport(ctx context.Context, h Host) (*transport, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	a, err := h.address()
	if err != nil {
		return nil, err
	}
	t := &transport{host: h, addr: a}
	if a.transport == overSSH {
		t.ssh, err = dialSSH(ctx, h, login{a.user, a.host, a.port})
	}
	return t, err
}

// dial makes a link. Without writable it takes a read-only socket where the
// transport has sockets and the host has such a one; with writable, which only
// the guest agents' answers need, the other way round. TLS and TCP know no
// read-only connections.
func (t *transport) dial(ctx context.Context, writable bool) (link, error) {
	switch t.addr.transport {
	case overTLS:
		return dialTLS(ctx, t.host, t.addr)
	case overTCP:
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.addr.hostPort())
		if err != nil {
			return link{}, fmt.Errorf("connect: %w", causeOf(ctx, err))
		}
		return link{Conn: conn, kill: func() { conn.Close() }}, nil
	}
	return t.dialSockets(ctx, t.sockets(writable))
}

func (t *transport) sockets(writable bool) []string {
	if s := t.addr.options.Get("socket"); s != "" {
		return []string{s}
	}
	if writable {
		return append(writableSockets[:2:2], readOnlySockets...)
	}
	return append(readOnlySockets[:2:2], writableSockets...)
}

// dialSockets takes the first socket that answers.
func (t *transport) dialSockets(ctx context.Context, paths []string) (link, error) {
	var failed []error
	for _, p := range paths {
		l, err := t.dialSocket(ctx, p)
		if err == nil {
			l.readOnly = strings.HasSuffix(p, "-ro")
			return l, nil
		}
		if ctx.Err() != nil {
			return link{}, fmt.Errorf("connect to libvirt socket %s: %w", p, context.Cause(ctx))
		}
		failed = append(failed, fmt.Errorf("%s: %w", p, err))
	}
	return link{}, fmt.Errorf("connect to libvirt socket (is the daemon running?): %w", joinLine(failed))
}

func (t *transport) dialSocket(ctx context.Context, path string) (link, error) {
	if t.ssh == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err != nil {
			return link{}, errors.Unwrap(err) // the path is said already
		}
		return link{Conn: conn, kill: func() { conn.Close() }}, nil
	}
	// Opening a channel knows no context, and neither closing nor a deadline of
	// the channel wakes a reader while the server is frozen: only ending the
	// whole SSH connection does.
	kill := func() { t.ssh.Close() }
	stop := context.AfterFunc(ctx, kill)
	defer stop()
	conn, err := t.ssh.Dial("unix", path)
	if err != nil {
		return link{}, err
	}
	return link{Conn: conn, kill: kill, leave: func() { conn.Close() }}, nil
}

// close ends what all links of the host share.
func (t *transport) close() {
	if t.ssh != nil {
		t.ssh.Close()
	}
}

// joinLine is errors.Join on one line.
func joinLine(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	joined := errs[0]
	for _, e := range errs[1:] {
		joined = fmt.Errorf("%w; %w", joined, e)
	}
	return joined
}
