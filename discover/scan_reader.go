package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// ErrNoAnswer is a deadline that passed without an answer.
var ErrNoAnswer = errors.New("no answer")

// ErrLost is a connection that ended while it was needed.
var ErrLost = errors.New("connection lost")

// ErrAuth is a daemon that asks for a login this tool cannot give.
var ErrAuth = errors.New("the daemon asks for a login (SASL or the like), of which this tool has none; use qemu+ssh:// or qemu+tls:// with a client certificate")

// questions are all the calls that this package makes to a daemon. Each of
// them reads; what changes a host cannot even be written down here.
type questions interface {
	ConnectGetHostname() (string, error)
	ConnectGetLibVersion() (uint64, error)
	ConnectGetVersion() (uint64, error)
	NodeGetInfo() (model [32]int8, memoryKiB uint64, cpus, mhz, nodes, sockets, cores, threads int32, err error)

	ConnectListAllNetworks(need int32, flags libvirt.ConnectListAllNetworksFlags) ([]libvirt.Network, uint32, error)
	NetworkGetXMLDesc(libvirt.Network, uint32) (string, error)

	ConnectListAllDomains(need int32, flags libvirt.ConnectListAllDomainsFlags) ([]libvirt.Domain, uint32, error)
	ConnectGetAllDomainStats(domains []libvirt.Domain, stats, flags uint32) ([]libvirt.DomainStatsRecord, error)
	DomainGetState(libvirt.Domain, uint32) (state, reason int32, err error)
	DomainGetXMLDesc(libvirt.Domain, libvirt.DomainXMLFlags) (string, error)

	DomainGetBlockInfo(d libvirt.Domain, disk string, flags uint32) (allocation, capacity, physical uint64, err error)
	DomainInterfaceStats(d libvirt.Domain, tap string) (rxBytes, rxPackets, rxErrs, rxDrop, txBytes, txPackets, txErrs, txDrop int64, err error)
	DomainInterfaceAddresses(d libvirt.Domain, source, flags uint32) ([]libvirt.DomainInterface, error)
	DomainGetGuestInfo(d libvirt.Domain, types, flags uint32) ([]libvirt.TypedParam, error)
	DomainGetMessages(libvirt.Domain, uint32) ([]string, error)
}

// A reader asks one libvirt daemon questions, each with a deadline.
type reader struct {
	lv      questions
	link    link
	frames  *frames
	timeout time.Duration
	// patient readers outlive a call that is not answered in time; others end
	// their connection, for a daemon that is silent once is silent for all.
	patient bool
	gaveUp  atomic.Pointer[unanswered] // why this side ended the connection
}

// oneConn is a dialer of the RPC library for a connection that exists.
type oneConn struct{ conn *frames }

func (c oneConn) Dial() (net.Conn, error) { return c.conn, nil }

// newReader opens the QEMU driver over l. It owns l, also on error.
func newReader(ctx context.Context, l link, timeout time.Duration) (*reader, error) {
	f := &frames{Conn: l.Conn}
	lv := libvirt.NewWithDialer(oneConn{f})
	r := &reader{lv: lv, link: l, frames: f, timeout: timeout}
	_, err := call(ctx, r, "open the QEMU driver", func(questions) (struct{}, error) {
		return struct{}{}, lv.ConnectToURI(libvirt.QEMUSystem)
	})
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// patiently is r for questions that may be left open while others go on.
func (r *reader) patiently() *reader {
	return &reader{lv: r.lv, link: r.link, frames: r.frames, timeout: r.timeout, patient: true}
}

// close ends the connection without a word: the library's Disconnect sends a
// request first and waits for its answer, without end where none comes. A
// daemon frees what belongs to a client when its connection ends. The host's
// files may still be looked at over the same SSH login, which stays.
func (r *reader) close() { r.link.end() }

type answer[T any] struct {
	value T
	err   error
}

// unanswered is the error of a question that got no answer, as opposed to one
// that was answered with an error.
type unanswered struct{ error }

func (e unanswered) Unwrap() error { return e.error }

func isUnanswered(err error) bool {
	var e unanswered
	return errors.As(err, &e)
}

// call asks one question and waits no longer than r.timeout and ctx. The RPC
// library knows neither contexts nor deadlines, and a read deadline on the
// connection would make it lose its place in the stream, so the question runs
// in a goroutine of its own that ends at the latest with the connection. As it
// may outlive the call, ask must only return what it learns.
func call[T any](ctx context.Context, r *reader, act string, ask func(questions) (T, error)) (T, error) {
	got := make(chan answer[T], 1)
	go func() { got <- shielded(r.lv, ask) }()
	timer := time.NewTimer(r.timeout)
	defer timer.Stop()
	var failed error
	select {
	case a := <-got:
		if a.err == nil {
			return a.value, nil
		}
		failed = r.explain(a.err)
	case <-timer.C:
		failed = r.giveUp(fmt.Errorf("%w within %v", ErrNoAnswer, r.timeout))
	case <-ctx.Done():
		failed = r.giveUp(context.Cause(ctx))
	}
	var none T
	return none, fmt.Errorf("%s: %w", act, failed)
}

// giveUp ends the connection of an impatient reader.
func (r *reader) giveUp(why error) error {
	u := &unanswered{why}
	if !r.patient {
		r.gaveUp.CompareAndSwap(nil, u) // before the others' questions fail for it
		r.link.kill()
	}
	return *u
}

// shielded keeps an answer that the RPC library chokes on from ending the
// program, for the other hosts are none the worse for it.
func shielded[T any](lv questions, ask func(questions) (T, error)) (a answer[T]) {
	defer func() {
		if p := recover(); p != nil {
			a.err = fmt.Errorf("the answer cannot be understood: %v", p)
		}
	}()
	a.value, a.err = ask(lv)
	return a
}

// explain says what the RPC library's errors mean. After a loss it reports
// "procedure interrupted" for calls under way and "invalid argument" for all
// later ones.
func (r *reader) explain(err error) error {
	switch {
	case errors.Is(err, libvirt.ErrInterrupted), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		if why := r.gaveUp.Load(); why != nil {
			return *why
		}
		if why := r.frames.cause(); why != nil {
			return unanswered{fmt.Errorf("%w: %w", ErrLost, why)}
		}
		return unanswered{ErrLost}
	case isAuth(err):
		return fmt.Errorf("%w (%s)", ErrAuth, err)
	}
	return err
}

func isAuth(err error) bool {
	var e libvirt.Error
	return errors.As(err, &e) &&
		(e.Code == uint32(libvirt.ErrAuthFailed) || e.Code == uint32(libvirt.ErrAuthUnavailable) || e.Code == uint32(libvirt.ErrAuthCancelled) ||
			strings.Contains(e.Message, "authentication required"))
}

// unsupported tells a daemon that is too old for a call from one that failed.
func unsupported(err error) bool {
	var e libvirt.Error
	return errors.Is(err, libvirt.ErrUnsupported) ||
		errors.As(err, &e) && (e.Code == uint32(libvirt.ErrNoSupport) || e.Code == uint32(libvirt.ErrInvalidArg))
}
