package instancedir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"sync"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// A remote backend is a host's files over SFTP. Version 3 of the protocol
// tells neither inode nor link count; stat, where the host lets us run it, does.
type remote struct {
	*sftp.Client
	stat  statter   // nil where no command may be run
	conn  io.Closer // what the SFTP session runs on
	fsids sync.Map  // directory -> file system
}

func newRemote(conn *ssh.Client) (*remote, error) {
	client, err := sftp.NewClient(conn)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("open SFTP: %w", err)
	}
	r := &remote{Client: client, conn: conn}
	if s := (shellStat{sshRunner(conn)}); s.works() {
		r.stat = s
	}
	return r, nil
}

func (r *remote) Close() error { return errors.Join(r.Client.Close(), r.conn.Close()) }

func (r *remote) look(paths ...string) ([]node, error) {
	nodes := make([]node, len(paths))
	for i, p := range paths {
		info, err := r.Lstat(p)
		if errors.Is(err, fs.ErrNotExist) {
			nodes[i] = node{path: p}
			continue
		}
		if err != nil {
			return nil, err
		}
		nodes[i] = fileNode(p, info)
		if st, ok := info.Sys().(*sftp.FileStat); ok {
			nodes[i].uid, nodes[i].gid = int(st.UID), int(st.GID)
		}
	}
	return nodes, nil
}

// identify adds what only the host itself knows: file systems and inodes.
func (r *remote) identify(nodes []node) error {
	if r.stat != nil {
		return r.stat.identify(nodes)
	}
	for i := range nodes {
		if nodes[i].kind == missing {
			continue
		}
		dir := nodes[i].path
		if nodes[i].kind != directory {
			dir = path.Dir(dir)
		}
		id, err := r.fileSystem(dir)
		if err != nil {
			return err
		}
		nodes[i].fsid = id
	}
	return nil
}

// fileSystem asks by statvfs@openssh.com, once for each directory. Servers
// without it leave it to the link itself to fail.
func (r *remote) fileSystem(dir string) (string, error) {
	if id, ok := r.fsids.Load(dir); ok {
		return id.(string), nil
	}
	id := ""
	if _, ok := r.HasExtension("statvfs@openssh.com"); ok {
		v, err := r.StatVFS(dir)
		if err != nil {
			return "", fmt.Errorf("look at the file system of %q: %w", dir, err)
		}
		if v.Fsid != 0 {
			id = strconv.FormatUint(v.Fsid, 16)
		}
	}
	r.fsids.Store(dir, id)
	return id, nil
}

func (r *remote) readLink(p string) (string, error) { return r.ReadLink(p) }

func (r *remote) readFile(p string) ([]byte, error) {
	f, err := r.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func (r *remote) list(dir string) ([]string, error) {
	infos, err := r.ReadDir(dir)
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Name()
	}
	return names, err
}

func (r *remote) mkdir(p string) error { return r.Mkdir(p) }

func (r *remote) chmod(p string, mode fs.FileMode) error { return r.Chmod(p, mode) }

func (r *remote) chown(p string, o owner) error { return r.Chown(p, o.uid, o.gid) }

func (r *remote) link(from, to string) error {
	if _, ok := r.HasExtension("hardlink@openssh.com"); !ok {
		return errors.New("the host's SFTP server cannot make hard links")
	}
	err := r.Link(from, to)
	var status *sftp.StatusError
	if errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxFailure {
		return fmt.Errorf("%w (the server gives no reason; another file system or a full one are the usual ones)", err)
	}
	return err
}

func (r *remote) replace(n newFile) error {
	if err := r.Remove(n.temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := r.OpenFile(n.temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY) // follows no link
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(n.text))
	if _, ok := r.HasExtension("fsync@openssh.com"); ok {
		err = errors.Join(err, f.Sync())
	}
	if n.who != nil {
		err = errors.Join(err, f.Chown(n.who.uid, n.who.gid))
	}
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return r.PosixRename(n.temporary, n.path)
}

func (r *remote) remove(p string) error { return r.Remove(p) }

// sync has no word of its own in SFTP. OpenSSH's server opens a directory like a
// file, for reading, and flushes it; of another one the host writes directories
// within seconds.
func (r *remote) sync(dir string) error {
	if _, ok := r.HasExtension("fsync@openssh.com"); !ok {
		return nil
	}
	f, err := r.Open(dir)
	if err != nil {
		var refused *sftp.StatusError
		if errors.As(err, &refused) || errors.Is(err, fs.ErrPermission) {
			return nil
		}
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
