package discover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// looksAtOnce bounds the looks at one host's files.
const looksAtOnce = 8

// Files looks at the files of one host. It opens them for reading only, and
// reads no more than the header of an image.
type Files struct {
	tree    tree
	timeout time.Duration
	slots   chan struct{} // a look that hangs keeps its slot until it ends
	client  *ssh.Client   // to be closed with the tree; nil when it is not ours
}

// A tree is a host's file tree, however it is reached. Paths are absolute and
// as the host itself sees them.
type tree interface {
	// find follows symbolic links and says what lies at the end of them; it
	// gives fs.ErrNotExist where there is nothing.
	find(path string) (File, error)
	// open opens what find has resolved.
	open(resolved string) (image, error)
	// list names what is in a folder, in no order.
	list(dir string) ([]string, error)
	// link says where the symbolic link at path itself leads.
	link(path string) (string, error)
	Close() error
}

// An image is an opened file.
type image interface {
	io.ReaderAt
	io.Closer
}

// OpenFiles opens the files of h where Host.Files or its URI says they are.
// ctx bounds the opening only; each look has Options.CallTimeout.
func OpenFiles(ctx context.Context, h Host, opt Options) (*Files, error) {
	f, err := openFiles(ctx, h, nil, opt.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open files of host %s: %w", h.Name, err)
	}
	return f, nil
}

// openFiles uses the SSH connection that carries libvirt where the files are
// on the same server.
func openFiles(ctx context.Context, h Host, shared *ssh.Client, opt Options) (*Files, error) {
	p, err := h.filesPlace()
	if err != nil {
		return nil, err
	}
	f := &Files{timeout: opt.CallTimeout, slots: make(chan struct{}, looksAtOnce)}
	if p.prefix != "" {
		local, err := openLocalTree(p.prefix)
		if err != nil {
			return nil, err
		}
		f.tree = local
		return f, nil
	}
	if p.host == "" {
		return nil, errNoFiles
	}
	ctx, cancel := withCallTimeout(ctx, opt)
	defer cancel()
	client := shared
	if client == nil || !p.shared {
		if client, err = dialSSH(ctx, h, login{p.user, p.host, p.port}); err != nil {
			return nil, err
		}
		f.client = client
	}
	remote, err := openRemoteTree(ctx, client)
	if err != nil {
		f.Close() // f.tree stays nil, which a nil *remoteTree in it would not be
		return nil, err
	}
	f.tree = remote
	return f, nil
}

// Close ends the session. A look that still hangs ends with it.
func (f *Files) Close() error {
	var err error
	if f.tree != nil {
		err = f.tree.Close()
	}
	if f.client != nil {
		f.client.Close() // the session above it has had its say
	}
	return err
}

// Look says what lies at path on the host, after symbolic links. It never
// fails: what cannot be looked at has File.Error, what is not there
// File.Missing. A look that takes longer than Options.CallTimeout, as on a dead
// NFS server, is given up and goes on alone.
func (f *Files) Look(ctx context.Context, path string) File {
	ctx, cancel := withCallTimeout(ctx, Options{CallTimeout: f.timeout})
	defer cancel()
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return File{Error: fmt.Sprintf("look at %q: %v (earlier looks at this host hang)", path, context.Cause(ctx))}
	}
	found := make(chan File, 1)
	go func() {
		defer func() { <-f.slots }()
		found <- look(f.tree, path)
	}()
	select {
	case file := <-found:
		return file
	case <-ctx.Done():
		return File{Error: fmt.Sprintf("look at %q: %v", path, context.Cause(ctx))}
	}
}

// Place is Look for a folder that may still have to be made: where there is
// nothing, File.FS is that of the nearest parent that exists, on which the
// folder would come to lie.
func (f *Files) Place(ctx context.Context, dir string) File {
	file := f.Look(ctx, dir)
	if !file.Missing {
		return file
	}
	for parent := path.Dir(path.Clean(dir)); ; parent = path.Dir(parent) {
		p := f.Look(ctx, parent)
		switch {
		case p.Error != "":
			return File{Error: p.Error}
		case !p.Missing:
			return File{Missing: true, FS: p.FS}
		case parent == "/":
			return file
		}
	}
}

func look(t tree, p string) File {
	if !path.IsAbs(p) {
		return File{Error: fmt.Sprintf("look at %q: the path is not absolute", p)}
	}
	file, err := t.find(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return File{Missing: true}
	case err != nil:
		return File{Error: fmt.Sprintf("look at %q: %v", p, err)}
	}
	if file.Kind == "file" || file.Kind == "block" {
		readHeader(t, &file)
	}
	return file
}

// readHeader leaves File.Format empty where the file cannot be read, which the
// user of the scan may well not be allowed to.
func readHeader(t tree, file *File) {
	img, err := t.open(file.Resolved)
	if err != nil {
		return
	}
	defer img.Close()
	format, virtual, backing, snapshots, err := imageHeader(img)
	if err != nil && format == "" {
		return
	}
	file.Format, file.VirtualBytes, file.Backing, file.InternalSnapshots = format, virtual, backing, snapshots
	if format == "raw" {
		file.VirtualBytes = rawSize(img, file)
	}
}

// rawSize is the size of the file, or of the device behind it: a device node's
// own size is 0.
func rawSize(img image, file *File) uint64 {
	if s, ok := img.(io.Seeker); ok && file.Kind == "block" {
		if end, err := s.Seek(0, io.SeekEnd); err == nil && end > 0 {
			return uint64(end)
		}
	}
	return file.SizeBytes
}

// kindOf is File.Kind.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m.IsDir():
		return "dir"
	case m&fs.ModeCharDevice != 0:
		return "char"
	case m&fs.ModeDevice != 0:
		return "block"
	}
	return "other"
}

// hasProtocol tells "rbd:pool/x" and "json:{...}" from a path, as QEMU does
// (path_has_protocol in block.c): a colon before any slash.
func hasProtocol(name string) bool {
	before, _, found := strings.Cut(name, ":")
	return found && !strings.Contains(before, "/")
}
