package instancedir

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/pkg/sftp"
)

// A filer is a backend that opens files.
type filer interface {
	backend
	open(p string) (openFile, error)
	create(p string) (openFile, error) // that is not there; follows no link
	rename(from, to string) error      // replaces
	flush(f openFile) error            // its content is on disk
	answered(err error) bool           // the host has said so, the connection is fine
}

// An openFile is what an *os.File and an *sftp.File have in common.
type openFile interface {
	io.ReadWriteSeeker
	io.Closer
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
	Sync() error
}

func (l *local) open(p string) (openFile, error) { return fileOrNil(os.Open(l.real(p))) }

func (l *local) create(p string) (openFile, error) {
	return fileOrNil(os.OpenFile(l.real(p), os.O_CREATE|os.O_EXCL|os.O_WRONLY, keptMode))
}

func (l *local) rename(from, to string) error { return os.Rename(l.real(from), l.real(to)) }

func (l *local) flush(f openFile) error { return f.Sync() }

func (l *local) answered(error) bool { return true }

func (r *remote) open(p string) (openFile, error) { return fileOrNil(r.Client.Open(p)) }

func (r *remote) create(p string) (openFile, error) {
	return fileOrNil(r.OpenFile(p, os.O_CREATE|os.O_EXCL|os.O_WRONLY))
}

func (r *remote) rename(from, to string) error { return r.PosixRename(from, to) }

func (r *remote) flush(f openFile) error {
	if _, ok := r.HasExtension("fsync@openssh.com"); !ok {
		return nil // The host writes it within seconds.
	}
	return f.Sync()
}

// answered tells errors of the server, and our own, from those of a connection
// that is of no more use.
func (r *remote) answered(err error) bool {
	var status *sftp.StatusError
	if errors.As(err, &status) {
		return status.FxCode() != sftp.ErrSSHFxConnectionLost && status.FxCode() != sftp.ErrSSHFxNoConnection
	}
	for _, lost := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, os.ErrClosed, sftp.ErrSSHFxConnectionLost} {
		if errors.Is(err, lost) {
			return false
		}
	}
	return true
}

// fileOrNil keeps a nil pointer out of the interface.
func fileOrNil[F openFile](f F, err error) (openFile, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
