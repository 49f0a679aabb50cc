package discover

import (
	"context"
	"errors"
	"fmt"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// A remoteTree is a host's file tree over SFTP. SFTP tells neither inode nor
// number of links.
type remoteTree struct {
	sftp *sftp.Client
}

func openRemoteTree(ctx context.Context, client *ssh.Client) (*remoteTree, error) {
	// The opening knows no context, and a frozen server answers nothing: the
	// connection has to go.
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	c, err := sftp.NewClient(client)
	if err != nil {
		return nil, fmt.Errorf("open SFTP session: %w", causeOf(ctx, err))
	}
	return &remoteTree{c}, nil
}

func (t *remoteTree) Close() error { return t.sftp.Close() }

func (t *remoteTree) find(p string) (File, error) {
	resolved, err := t.sftp.RealPath(p)
	if err != nil {
		return File{}, err
	}
	info, err := t.sftp.Stat(resolved)
	if err != nil {
		return File{}, err
	}
	file := File{Kind: kindOf(info.Mode()), Resolved: resolved, SizeBytes: uint64(info.Size())}
	file.FS, err = t.fileSystem(resolved)
	return file, err
}

// fileSystem identifies the file system by statvfs@openssh.com, for SFTP has
// no device number. A server without that extension leaves it unknown.
func (t *remoteTree) fileSystem(resolved string) (string, error) {
	v, err := t.sftp.StatVFS(resolved)
	var status *sftp.StatusError
	switch {
	case errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxOpUnsupported:
		return "", nil
	case err != nil:
		return "", err
	case v.Fsid == 0:
		return "", nil // some file systems have no id, and two of those are not the same
	}
	return fmt.Sprintf("fsid %x", v.Fsid), nil
}

func (t *remoteTree) list(dir string) (names []string, err error) {
	found, err := t.sftp.ReadDir(dir)
	for _, info := range found {
		names = append(names, info.Name())
	}
	return names, err
}

func (t *remoteTree) link(p string) (string, error) { return t.sftp.ReadLink(p) }

func (t *remoteTree) open(resolved string) (image, error) { return t.sftp.Open(resolved) }
