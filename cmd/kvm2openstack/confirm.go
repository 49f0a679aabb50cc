package main

import (
	"bufio"
	"fmt"
	"strings"
)

// confirm asks before something is changed. Without a terminal nobody can
// answer, and silence is no consent.
func (a *app) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if terminal(a.in) == nil {
		return refused(fmt.Errorf("%s: nobody can be asked, for standard input is no terminal; give --yes to go ahead", question))
	}
	fmt.Fprintf(a.err, "%s? [y/N] ", question)
	answer, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil {
		return refused(fmt.Errorf("%s: no answer: %w", question, err))
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return refused(fmt.Errorf("%s: answered no; nothing was changed", question))
	}
	return nil
}
