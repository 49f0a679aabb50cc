package onboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
)

// ErrNoShell says that no command can be given on the host.
var ErrNoShell = errors.New("no command can be given on this host: its address leads to no machine's shell (SSH, or this machine)")

// ErrStatus says that a command came to its end, and not to a good one.
var ErrStatus = errors.New("it failed")

// commandTimeout bounds one command. Nova's daemons take their time to end.
const commandTimeout = 2 * time.Minute

// A Machine is a host on which an onboarding is at work.
type Machine interface {
	reader
	io.Closer
	Give(ctx context.Context, path string, text []byte, user string) error
	Remove(ctx context.Context, path string) error
	// Run gives a command to the host's shell and returns what it said. Its error
	// does not name the command.
	Run(ctx context.Context, command string) (string, error)
}

// OpenMachine reaches a host: over SSH, or where libvirt's socket is on this
// machine directly.
func OpenMachine(ctx context.Context, h discover.Host) (Machine, error) {
	files, err := instancedir.OpenFiles(ctx, h, discover.DialSSH)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(h.URI)
	switch {
	case err == nil && u.Scheme == "qemu" && u.Host == "" && h.Files == "":
		return machine{files, runHere, func() error { return nil }}, nil
	case err == nil && u.Scheme == "dir", strings.HasPrefix(h.Files, "file:"):
		return nil, errors.Join(ErrNoShell, files.Close())
	}
	there := &remote{dial: func(ctx context.Context) (*ssh.Client, error) { return discover.DialSSH(ctx, h) }}
	if _, err := there.connection(ctx); err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return machine{files, there.run, there.close}, nil
}

type machine struct {
	*instancedir.Files
	run   func(ctx context.Context, script string) ([]byte, error)
	leave func() error
}

// Close ends both connections.
func (m machine) Close() error { return errors.Join(m.Files.Close(), m.leave()) }

// mostSaid is how much of what a command says is kept, in bytes.
const mostSaid = 4096

// Run has a deadline of its own. What the command says goes through a file, for
// a daemon that it leaves behind would else keep the session open.
func (m machine) Run(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("no end within %v", commandTimeout))
	defer cancel()
	script := fmt.Sprintf("out=$(mktemp) || exit; (\n%s\n) </dev/null >\"$out\" 2>&1; rc=$?; head -c %d \"$out\"; rm -f \"$out\"; exit $rc", command, mostSaid)
	out, err := m.run(ctx, script)
	said := strings.TrimSpace(string(out))
	switch {
	case ctx.Err() != nil:
		return said, context.Cause(ctx)
	case ended(err):
		return said, fmt.Errorf("%w: %w: %s", ErrStatus, err, said)
	case err != nil:
		return said, fmt.Errorf("%w: %s", err, said)
	}
	return said, nil
}

// ended: the error is the command's own, and not one of the way to the host.
func ended(err error) bool {
	var here *exec.ExitError
	var there *ssh.ExitError
	return errors.As(err, &here) || errors.As(err, &there)
}

// run gives a command to the host.
func (w *work) run(ctx context.Context, command string) (string, error) {
	said, err := w.machine.Run(ctx, command)
	if err != nil {
		err = fmt.Errorf("give %q on the host: %w", command, err)
	}
	return said, err
}

// runHere runs a script on this machine.
func runHere(ctx context.Context, script string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	cmd.WaitDelay = time.Second
	return cmd.CombinedOutput()
}

// A remote runs scripts where SSH leads to, whatever the login shell is there.
// A connection that was lost, or given up with a deadline or an interruption, is
// made anew by the next script: what was begun on the host can be ended there.
type remote struct {
	dial func(context.Context) (*ssh.Client, error)

	mu     sync.Mutex
	client *ssh.Client // nil until needed, and after a loss
}

func (r *remote) run(ctx context.Context, script string) ([]byte, error) {
	client, err := r.connection(ctx)
	if err != nil {
		return nil, err
	}
	// Neither opening a session nor waiting for its end knows a context; only
	// the end of the connection wakes who waits for a host that hangs.
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	out, err := runThere(client, script)
	var exit *ssh.ExitError
	if late := !stop(); late || err != nil && !errors.As(err, &exit) {
		r.drop(client)
	}
	return out, err
}

func runThere(client *ssh.Client, script string) ([]byte, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	defer session.Close()
	// One buffer for both by itself would be written to by two at a time.
	return session.CombinedOutput("exec /bin/sh -c " + quoted(script))
}

func (r *remote) connection(ctx context.Context) (*ssh.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	client, err := r.dial(ctx)
	if err != nil {
		return nil, err
	}
	r.client = client
	return client, nil
}

// drop forgets a connection that is of no more use.
func (r *remote) drop(client *ssh.Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == client {
		r.client = nil
	}
	_ = client.Close() // an error says that it is closed already
}

func (r *remote) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		return nil
	}
	client := r.client
	r.client = nil
	return client.Close()
}
