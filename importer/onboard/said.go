package onboard

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// lastLines is how much of a log is shown.
const lastLines = 20

// A Failure is one of nova-compute's, with the end of its log. The error itself
// names what is known of that, and quotes nothing of it.
type Failure struct {
	Err error
	Log []string
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap is for errors.Is.
func (f *Failure) Unwrap() error { return f.Err }

// withLog adds to an error of nova-compute's what that has said last. log prints
// it; "" for nothing.
func (w *work) withLog(ctx context.Context, err error, log string) error {
	if log == "" || !errors.Is(err, ErrSilent) && !errors.Is(err, ErrStatus) {
		return err
	}
	text, failed := w.run(context.WithoutCancel(ctx), log)
	lines := lastWords(text)
	if failed != nil || len(lines) == 0 {
		return err // which is worth more than why its log is not there
	}
	for _, known := range Text(strings.Join(lines, "\n")) {
		err = fmt.Errorf("%w; by its log: %s", err, known.Title)
	}
	return &Failure{err, lines}
}

// lastWords are the last lines of a log, of the last start alone where systemd
// has noted a first one.
func lastWords(text string) []string {
	if i := strings.LastIndex(text, "Starting "+firstUnit); i > 0 {
		text = text[i:]
	}
	text = strings.TrimSpace(colour.ReplaceAllString(text, ""))
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(len(lines)-lastLines, 0):]
}
