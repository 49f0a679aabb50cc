package instancedir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
)

// ErrLost says that the host's files could not be reached, or no longer: what
// was under way may have been done.
var ErrLost = errors.New("the host's files do not answer")

// ErrNoInode says that the host does not tell which names are one file.
var ErrNoInode = errors.New("SFTP alone does not tell which names are one file; let the account run stat(1) on the host")

// Files are a host's files around a restart, which takes minutes: a connection
// that is lost meanwhile is made anew by the next call. Its methods may be
// called from several goroutines, and each bounds its own time.
type Files struct {
	dial func(context.Context) (filer, error)

	mu   sync.Mutex
	conn filer // nil until needed, and after a loss
}

// Limits of one call: copies are of EFI variables, at most a few MiB.
const (
	fileTimeout = 30 * time.Second
	copyTimeout = 2 * time.Minute
)

// OpenFiles is Open for a restart.
func OpenFiles(ctx context.Context, h discover.Host, dial Dialer) (*Files, error) {
	f := &Files{dial: func(ctx context.Context) (filer, error) {
		b, err := open(ctx, h, dial)
		if err != nil {
			return nil, fmt.Errorf("open files of %s: %w", h.Name, err)
		}
		return b.(filer), nil // local and remote are
	}}
	return f, f.do(ctx, fileTimeout, func(*Tree, filer) error { return nil })
}

// Close ends the session with the host.
func (f *Files) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn == nil {
		return nil
	}
	conn := f.conn
	f.conn = nil
	return conn.Close()
}

// do calls use with the host's tree as it is now: nothing is remembered of
// symbolic links from one call to the next.
func (f *Files) do(ctx context.Context, limit time.Duration, use func(*Tree, filer) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	conn, err := f.connection(ctx)
	if errors.Is(err, ErrNoFiles) || errors.Is(err, ErrPath) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // SFTP calls know no context.
	err = use(newTree(conn), conn)
	late := !stop()
	if late || err != nil && !conn.answered(err) {
		f.drop(conn)
	}
	switch {
	case err == nil:
		return nil // whatever the time
	case late:
		return fmt.Errorf("%w: %w (%w)", ErrLost, context.Cause(ctx), err)
	case !conn.answered(err):
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}

func (f *Files) connection(ctx context.Context) (filer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn != nil {
		return f.conn, nil
	}
	conn, err := f.dial(ctx)
	if err != nil {
		return nil, err
	}
	f.conn = conn
	return conn, nil
}

// drop forgets a connection that is of no more use.
func (f *Files) drop(conn filer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn == conn {
		f.conn = nil
	}
	_ = conn.Close() // An error says that it is closed already.
}

// A FileID is what a file is known by, whatever its names.
type FileID struct {
	Device, Inode uint64 // never 0
	Bytes         int64
}

// Stat follows symbolic links. A file that is not there is fs.ErrNotExist, and
// one of which only SFTP tells ErrNoInode.
func (f *Files) Stat(ctx context.Context, p string) (id FileID, err error) {
	err = f.do(ctx, fileTimeout, func(t *Tree, _ filer) error {
		n, err := t.stat(p)
		id = FileID{n.dev, n.inode, n.size}
		return err
	})
	if err != nil {
		return FileID{}, fmt.Errorf("look at %q: %w", p, err)
	}
	return id, nil
}

// stat is what a name leads to in the end, with its inode.
func (t *Tree) stat(p string) (node, error) {
	if err := plain(p); err != nil {
		return node{}, err
	}
	real, err := t.resolve(p)
	if err != nil {
		return node{}, err
	}
	nodes, err := t.look(real)
	if err != nil {
		return node{}, err
	}
	if nodes[0].kind == missing {
		return node{}, fs.ErrNotExist
	}
	if err := t.identify(nodes); err != nil {
		return node{}, err
	}
	if nodes[0].inode == 0 {
		return node{}, ErrNoInode
	}
	return nodes[0], nil
}

// Read gives at most limit bytes from offset on, or less at the end.
func (f *Files) Read(ctx context.Context, p string, offset int64, limit int) (text []byte, err error) {
	err = f.do(ctx, fileTimeout, func(t *Tree, conn filer) error {
		real, err := t.place(p)
		if err != nil {
			return err
		}
		file, err := conn.open(real)
		if err != nil {
			return err
		}
		defer file.Close()
		if _, err := file.Seek(offset, io.SeekStart); err != nil {
			return err
		}
		text, err = io.ReadAll(io.LimitReader(file, int64(limit)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", p, err)
	}
	return text, nil
}

// place follows all symbolic links of a path.
func (t *Tree) place(p string) (string, error) {
	if err := plain(p); err != nil {
		return "", err
	}
	return t.resolve(p)
}

// placeNew follows the links of the folder; what has the name itself would be
// replaced, not followed.
func (t *Tree) placeNew(p string) (string, error) {
	if err := plain(p); err != nil {
		return "", err
	}
	dir, err := t.resolve(path.Dir(p))
	return path.Join(dir, path.Base(p)), err
}
