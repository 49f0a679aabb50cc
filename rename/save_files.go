package rename

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// A File is what a file of the host is known by. Two names with the same Device
// and Inode are one file.
type File struct {
	Path   string `json:"path"`
	Device uint64 `json:"device"`
	Inode  uint64 `json:"inode"`
	Bytes  int64  `json:"bytes"`
}

// Same reports whether the two are one file, whatever their names.
func (f File) Same(other File) bool { return f.Device == other.Device && f.Inode == other.Inode }

// Files are a host's files. Every method bounds its own time, and its errors
// name the path.
type Files interface {
	// Stat follows symbolic links. A file that is not there is fs.ErrNotExist.
	Stat(ctx context.Context, path string) (File, error)
	// Copy makes to a copy of from, content, owner and mode: whole and durable
	// when it returns, and under its name only then. What was at to is replaced.
	Copy(ctx context.Context, from, to string) error
	// Read gives at most limit bytes from offset on, or less at the end.
	Read(ctx context.Context, path string, offset int64, limit int) ([]byte, error)
}

// SaveFiles looks at every disk and at the EFI variables of a saved domain, in
// that order. A block device has the inode of its node.
func SaveFiles(ctx context.Context, files Files, s Saved) ([]File, error) {
	paths := s.Disks
	if s.NVRAM != "" {
		paths = append(paths[:len(paths):len(paths)], s.NVRAM)
	}
	found := make([]File, len(paths))
	for i, p := range paths {
		f, err := files.Stat(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("look at the files of the domain: %w", err)
		}
		found[i] = f
	}
	return found, nil
}

// ErrMoved is a disk that is not the file it was.
var ErrMoved = errors.New("a disk is not the file it was")

// CheckFiles makes sure that the saved files are where and what they were.
// Their sizes are allowed to change: guests write.
func CheckFiles(ctx context.Context, files Files, saved []File) error {
	for _, was := range saved {
		is, err := files.Stat(ctx, was.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w: %s is gone", ErrMoved, was.Path)
		case err != nil:
			return fmt.Errorf("look at the files of the domain: %w", err)
		case !is.Same(was):
			return fmt.Errorf("%w: %s was inode %d of device %d and is inode %d of device %d", ErrMoved, was.Path, was.Inode, was.Device, is.Inode, is.Device)
		}
	}
	return nil
}

// CopyNVRAM copies EFI variables, and makes sure that a domain that writes them
// is off: a copy made while a guest runs may be half of two states. A domain
// that is off is not started between the look and the copy by anything but this
// tool, unless somebody does so at that very moment; then the copy is as good
// as one of a running guest.
func (d *Domain) CopyNVRAM(ctx context.Context, files Files, from, to string) error {
	state, err := d.State(ctx)
	if err != nil {
		return err
	}
	if state != StateShutoff {
		return fmt.Errorf("copy EFI variables: %w (state %s)", ErrActive, state)
	}
	if err := files.Copy(ctx, from, to); err != nil {
		return fmt.Errorf("copy EFI variables: %w", err)
	}
	return nil
}
