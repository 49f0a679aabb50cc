package rename

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// A Console is a text to wait for on a serial port whose output the host keeps
// in a file.
type Console struct {
	Files  Files
	Mark   ConsoleMark
	Text   string        // as it stands there: "login:"
	Within time.Duration // from the start: 2 minutes by default
}

// A ConsoleMark remembers where such a file ended before a start. QEMU begins
// the file anew or goes on with it, as the definition says (append), so its
// last bytes are remembered too.
type ConsoleMark struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	Tail  []byte `json:"tail"`
}

const (
	consoleTail  = 64
	consoleLimit = 4 << 20 // of output after a start that is looked through
)

// MarkConsole looks at a file of Saved.Consoles while the domain is off.
func MarkConsole(ctx context.Context, files Files, path string) (ConsoleMark, error) {
	m := ConsoleMark{Path: path}
	f, err := files.Stat(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil // made at the start
	}
	if err != nil {
		return m, fmt.Errorf("look at the console: %w", err)
	}
	m.Bytes = f.Bytes
	if m.Tail, err = files.Read(ctx, path, max(m.Bytes-consoleTail, 0), consoleTail); err != nil {
		return m, fmt.Errorf("look at the console: %w", err)
	}
	return m, nil
}

// begin is where the output of the present run begins.
func (m ConsoleMark) begin(ctx context.Context, files Files) (int64, error) {
	tail, err := files.Read(ctx, m.Path, max(m.Bytes-consoleTail, 0), consoleTail)
	if err != nil {
		return 0, err
	}
	if bytes.HasPrefix(tail, m.Tail) {
		return m.Bytes, nil
	}
	return 0, nil
}

func (c *Console) until(ctx context.Context) (said string, tries int, err error) {
	return untilAnswered(ctx, func() (string, error) {
		from, err := c.Mark.begin(ctx, c.Files)
		if err != nil {
			return "", fmt.Errorf("read the console: %w", err)
		}
		text, err := c.Files.Read(ctx, c.Mark.Path, from, consoleLimit)
		if err != nil {
			return "", fmt.Errorf("read the console: %w", err)
		}
		if !bytes.Contains(text, []byte(c.Text)) {
			return "", fmt.Errorf("%q is not among %d bytes; the last line is %q", c.Text, len(text), lastLine(text))
		}
		return fmt.Sprintf("%q was written", c.Text), nil
	})
}
