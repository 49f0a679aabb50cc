package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// confirm asks before something is changed. Without a terminal nobody can
// answer, and silence is no consent; nor is Ctrl-C.
func (a *app) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	if terminal(a.in) == nil {
		return refused(fmt.Errorf("%s: nobody can be asked, for standard input is no terminal; give --yes to go ahead", question))
	}
	fmt.Fprintf(a.err, "%s? [y/N] ", question)
	answer, err := a.answer(ctx)
	if ctx.Err() != nil {
		fmt.Fprintln(a.err)
		return stopped(fmt.Errorf("%s: %w", question, context.Canceled))
	}
	if err != nil {
		return refused(fmt.Errorf("%s: no answer: %w", question, err))
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return refused(fmt.Errorf("%s: answered no; nothing was changed", question))
	}
	return nil
}

// answer is a line, unless there is none when the run is to end.
func (a *app) answer(ctx context.Context) (line string, err error) {
	type answer struct {
		line string
		err  error
	}
	r, ok := unlessDone(ctx, func() (r answer) {
		r.line, r.err = bufio.NewReader(a.in).ReadString('\n')
		return r
	})
	if !ok {
		return "", ctx.Err()
	}
	return r.line, r.err
}

// unlessDone is what read returns, unless the run is to end before: a signal
// that ends it in good order does not end the reading of a terminal.
func unlessDone[T any](ctx context.Context, read func() T) (result T, ok bool) {
	all := make(chan T, 1)
	go func() { all <- read() }()
	select {
	case result = <-all:
		return result, true
	case <-ctx.Done():
		return result, false
	}
}
