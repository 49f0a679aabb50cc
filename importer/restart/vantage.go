package restart

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/rename"
)

// ownHost is the plan's word for the guest's own host.
const ownHost = "host"

// Vantage logs in where guests are asked from.
func (l *Libvirt) Vantage(ctx context.Context, h discover.Host, from string) (rename.Vantage, func(), error) {
	if from != ownHost {
		h = discover.Host{Name: from, URI: "qemu+ssh://" + from + "/system", KeyFile: h.KeyFile, KnownHosts: h.KnownHosts}
	}
	return Shell(ctx, h)
}

// Shell logs in at a host. One that is reached by a socket of this machine is
// this machine.
func Shell(ctx context.Context, h discover.Host) (rename.Vantage, func(), error) {
	if u, err := url.Parse(h.URI); err == nil && u.Host == "" && h.Files == "" {
		return rename.Here{}, func() {}, nil
	}
	client, err := discover.DialSSH(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	return there{client}, func() { _ = client.Close() }, nil
}

// there is a machine that SSH leads to.
type there struct{ *ssh.Client }

// Dial connects from there.
func (t there) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return t.DialContext(ctx, network, address)
}

// lastWord is how long a host has to end a program that it is told to end.
const lastWord = time.Second

// Run runs a program there, whose session ends with ctx. A host that does not
// end it then hangs, and the connection is of no use to anybody.
func (t there) Run(ctx context.Context, argv ...string) ([]byte, error) {
	out, err := t.run(ctx, argv)
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	return out, err
}

func (t there) run(ctx context.Context, argv []string) ([]byte, error) {
	over := make(chan struct{})
	defer close(over)
	// Neither opening a session nor waiting for its end knows a context; only the
	// end of the connection wakes who waits for a host that hangs.
	defer context.AfterFunc(ctx, func() { t.closeUnless(over) })()
	session, err := t.NewSession()
	if err != nil {
		return nil, fmt.Errorf("%s: the connection has ended, or takes no program: %w", argv[0], err)
	}
	defer context.AfterFunc(ctx, func() { _ = session.Close() })()
	defer session.Close()
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" // for the login shell
	}
	out, err := session.CombinedOutput(strings.Join(words, " "))
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s", argv[0], err, strings.TrimSpace(string(out)))
	}
	return out, nil
}

func (t there) closeUnless(over <-chan struct{}) {
	select {
	case <-over:
	case <-time.After(lastWord):
		_ = t.Close()
	}
}
