package rename

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// A Dialer makes a connection to the libvirt daemon of one host, on which
// domains may be changed and nothing has been said yet. The context bounds the
// making of it, not its life. Closing the connection must end it at once and
// wake whoever waits for it: that is the only way to end a call to a daemon
// that no longer answers.
type Dialer func(ctx context.Context) (net.Conn, error)

// calls are all the calls of libvirt that this package makes. Undefine is not
// among them: between undefining a domain and defining it anew there is none.
type calls interface {
	ConnectGetLibVersion() (uint64, error)
	ConnectGetDomainCapabilities(emulator, arch, machine, virtType libvirt.OptString, flags libvirt.ConnectGetDomainCapabilitiesFlags) (string, error)

	DomainLookupByUUID(libvirt.UUID) (libvirt.Domain, error)
	DomainLookupByName(string) (libvirt.Domain, error)
	DomainGetState(libvirt.Domain, uint32) (state, reason int32, err error)
	DomainGetXMLDesc(libvirt.Domain, libvirt.DomainXMLFlags) (string, error)
	DomainIsPersistent(libvirt.Domain) (int32, error)
	DomainGetAutostart(libvirt.Domain) (int32, error)
	DomainHasManagedSaveImage(libvirt.Domain, uint32) (int32, error)
	DomainListAllSnapshots(d libvirt.Domain, need int32, flags uint32) ([]libvirt.DomainSnapshot, int32, error)
	DomainListAllCheckpoints(d libvirt.Domain, need int32, flags uint32) ([]libvirt.DomainCheckpoint, int32, error)
	DomainGetJobInfo(libvirt.Domain) (kind int32, elapsed, remaining, dataTotal, dataDone, dataLeft, memTotal, memDone, memLeft, fileTotal, fileDone, fileLeft uint64, err error)
	DomainGetBlockJobInfo(d libvirt.Domain, disk string, flags uint32) (found, kind int32, bandwidth, at, end uint64, err error)
	DomainInterfaceAddresses(d libvirt.Domain, source, flags uint32) ([]libvirt.DomainInterface, error)
	DomainGetTime(d libvirt.Domain, flags uint32) (seconds int64, nanoseconds uint32, err error)

	DomainShutdownFlags(libvirt.Domain, libvirt.DomainShutdownFlagValues) error
	DomainDestroyFlags(libvirt.Domain, libvirt.DomainDestroyFlagsValues) error
	DomainResume(libvirt.Domain) error
	DomainPmWakeup(d libvirt.Domain, flags uint32) error
	DomainRename(d libvirt.Domain, name libvirt.OptString, flags uint32) (int32, error)
	DomainDefineXMLFlags(xml string, flags libvirt.DomainDefineFlags) (libvirt.Domain, error)
	DomainSetAutostart(d libvirt.Domain, on int32) error
	DomainCreateWithFlags(d libvirt.Domain, flags uint32) (libvirt.Domain, error)
	DomainCreateXML(xml string, flags libvirt.DomainCreateFlags) (libvirt.Domain, error)
}

// A connection is one libvirt connection. It may be used by several at once.
type connection struct {
	lv     *libvirt.Libvirt
	conn   *watched
	gaveUp atomic.Pointer[unanswered] // why this side ended it
}

// oneConn is a dialer of the RPC library for a connection that exists.
type oneConn struct{ conn net.Conn }

func (c oneConn) Dial() (net.Conn, error) { return c.conn, nil }

// connect dials and opens the QEMU driver, both within limit.
func connect(ctx context.Context, dial Dialer, limit time.Duration) (*connection, error) {
	dialling, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w within %v", ErrNoAnswer, limit))
	defer cancel()
	raw, err := dial(dialling)
	if err != nil {
		return nil, fmt.Errorf("connect to libvirt: %w", unanswered{err})
	}
	w := &watched{Conn: raw}
	c := &connection{lv: libvirt.NewWithDialer(oneConn{w}), conn: w}
	_, err = ask(ctx, c, request{act: "open the QEMU driver", limit: limit}, func(calls) (none struct{}, err error) {
		return none, c.lv.ConnectToURI(libvirt.QEMUSystem)
	})
	if err != nil {
		c.end(err)
		return nil, err
	}
	return c, nil
}

// end closes the connection without a word: the library's Disconnect sends a
// request first and waits for its answer, without end where none comes. What is
// under way fails, with why as its reason.
func (c *connection) end(why error) {
	c.gaveUp.CompareAndSwap(nil, &unanswered{why})
	c.conn.Close() // an error would say that it is closed already
}

// over is closed when the connection has ended, whoever ended it.
func (c *connection) over() <-chan struct{} { return c.lv.Disconnected() }

func (c *connection) isOver() bool { return c.gaveUp.Load() != nil || !c.lv.IsConnected() }

// A request is what a call is to do, for its error, and how long it may take.
type request struct {
	act   string
	limit time.Duration
	// patient calls leave the connection as it is when they are not answered
	// in time; others end it, so that the next call begins anew.
	patient bool
}

// ask makes one call and waits for it no longer than its limit and ctx. The
// library knows neither contexts nor deadlines, and a read deadline on the
// connection would make it lose its place in the stream, so the call runs in a
// goroutine of its own, which ends at the latest with the connection. As it may
// outlive ask, f must change nothing but what it returns.
func ask[T any](ctx context.Context, c *connection, q request, f func(calls) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		var a answer
		defer func() { got <- a }()
		// An answer that the library chokes on must not end the program, in
		// which other domains are being restarted.
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("the answer cannot be understood: %v", p)
			}
		}()
		a.value, a.err = f(c.lv)
	}()
	timer := time.NewTimer(q.limit)
	defer timer.Stop()
	var failed error
	select {
	case a := <-got:
		if a.err == nil {
			return a.value, nil
		}
		failed = c.explain(a.err)
	case <-timer.C:
		failed = c.giveUp(q, fmt.Errorf("%w within %v", ErrNoAnswer, q.limit))
	case <-ctx.Done():
		failed = c.giveUp(q, context.Cause(ctx))
	}
	var none T
	return none, fmt.Errorf("%s: %w", q.act, failed)
}

func (c *connection) giveUp(q request, why error) error {
	if !q.patient {
		c.end(why)
	}
	return unanswered{why}
}

// explain says what the library's errors mean. After a loss it reports
// "procedure interrupted" for calls under way and "invalid argument" for all
// later ones.
func (c *connection) explain(err error) error {
	var answered libvirt.Error
	switch {
	case libvirt.IsNotFound(err):
		return fmt.Errorf("%w (%w)", ErrGone, err)
	case errors.As(err, &answered), errors.Is(err, libvirt.ErrUnsupported):
		return err // whatever became of the connection since
	case errors.Is(err, libvirt.ErrInterrupted), errors.Is(err, syscall.EINVAL), errors.Is(err, net.ErrClosed), c.conn.cause() != nil:
		return c.loss()
	}
	return err
}

// loss is why the connection ended.
func (c *connection) loss() error {
	if why := c.gaveUp.Load(); why != nil {
		return *why
	}
	if why := c.conn.cause(); why != nil {
		return unanswered{fmt.Errorf("%w: %w", ErrLost, why)}
	}
	return unanswered{ErrLost}
}

// watched keeps why a connection ended. To the library all ends are the same:
// it takes some errors for passing ones, a TCP connection that timed out among
// them, and goes on reading.
type watched struct {
	net.Conn
	mu   sync.Mutex
	lost error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err != nil {
		w.note(err)
		err = io.EOF
	}
	return n, err
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	if err != nil {
		w.note(err)
	}
	return n, err
}

func (w *watched) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost == nil {
		w.lost = err
	}
}

func (w *watched) cause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}
