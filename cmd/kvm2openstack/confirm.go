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

// answer is a line, unless there is none when the run is to end: a signal that
// ends it in good order does not end the reading.
func (a *app) answer(ctx context.Context) (string, error) {
	type answer struct {
		line string
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(a.in).ReadString('\n')
		read <- answer{line, err}
	}()
	select {
	case r := <-read:
		return r.line, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
