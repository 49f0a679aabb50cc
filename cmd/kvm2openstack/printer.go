package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/term"
)

// A printer passes results on and keeps the first error, after which it takes
// no more. A command that changes something goes on without its output; its
// exit status says at the end that not all of it was seen.
type printer struct {
	to  io.Writer
	err error
}

func (p *printer) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.to.Write(b)
	p.err = err
	return n, err
}

// printed is what went wrong with printing, other than that the output itself
// did not get through, which is told at the end whatever else there is to say.
func (a *app) printed(err error) error {
	if p, ok := a.out.(*printer); ok && p.err != nil && errors.Is(err, p.err) {
		return nil
	}
	return err
}

// status is the exit status of a command that ended with code and whose output
// did not get through. A pipe that nobody reads any more is no news to whoever
// closed it.
func (p *printer) status(code int, errOut io.Writer) int {
	broken := exitPipe
	if !errors.Is(p.err, syscall.EPIPE) {
		broken = exitPerson
		fmt.Fprintf(errOut, "kvm2openstack: write the result: %v: not all of it was printed\n", cause(p.err))
	}
	if code >= exitUndone {
		return code
	}
	return broken
}

// terminal is the terminal that w leads to, nil when there is none.
func terminal(w any) *os.File {
	if p, ok := w.(*printer); ok {
		return terminal(p.to)
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// columns is how wide a terminal is: what it says, or what the environment
// does where it says nothing, as over a serial line.
func columns(f *os.File) int {
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		return w
	}
	if w, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && w > 0 {
		return w
	}
	return 80
}

// obeys reports whether w leads to a terminal that colours text and moves its
// cursor as it is told.
func obeys(w any) bool {
	kind := os.Getenv("TERM")
	return kind != "" && kind != "dumb" && terminal(w) != nil
}
