package discover

import (
	"context"
	"fmt"
	"net"
	"os/user"

	"golang.org/x/crypto/ssh"
)

// DialSSH logs in where the files of h are reached by SFTP: at the host of an
// sftp:// in Host.Files, else at that of a qemu+ssh:// URI. The host key is
// checked against known_hosts; the user is proved by the agent and key files.
// It does not read ~/.ssh/config: aliases, jump hosts and host certificates'
// principals set there are unknown to it. The caller closes the client.
func DialSSH(ctx context.Context, h Host) (*ssh.Client, error) {
	p, err := h.filesPlace()
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", h.Name, err)
	}
	if p.host == "" {
		return nil, fmt.Errorf("host %s: its URI and files URL name no SSH server", h.Name)
	}
	return dialSSH(ctx, h, login{p.user, p.host, p.port})
}

// A login is an SSH server and the user to be there.
type login struct{ user, host, port string }

func (l login) hostPort() string { return net.JoinHostPort(l.host, l.port) }

// dialSSH has a deadline only if ctx has one.
func dialSSH(ctx context.Context, h Host, l login) (*ssh.Client, error) {
	if l.user == "" {
		u, err := user.Current()
		if err != nil {
			return nil, fmt.Errorf("find the user to log in as: %w", err)
		}
		l.user = u.Username
	}
	keys, err := hostKeys(h)
	if err != nil {
		return nil, err
	}
	id, err := identities(ctx, h)
	if err != nil {
		return nil, err
	}
	defer id.close()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.hostPort())
	if err != nil {
		return nil, fmt.Errorf("connect to SSH server: %w", causeOf(ctx, err))
	}
	// The handshake knows no context: closing the connection under it is what
	// ends the wait for a server that accepts and then says nothing.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c, chans, reqs, err := ssh.NewClientConn(conn, l.hostPort(), &ssh.ClientConfig{
		User:              l.user,
		Auth:              id.methods(),
		HostKeyCallback:   keys.check,
		HostKeyAlgorithms: keys.algorithms(l.hostPort()),
	})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("log in as %s at %s: %w", l.user, l.hostPort(), id.explain(causeOf(ctx, err)))
	}
	return ssh.NewClient(c, chans, reqs), nil
}

// causeOf prefers the reason the context ended for over what its end did to
// the call: "use of closed network connection" tells nobody of a deadline.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
