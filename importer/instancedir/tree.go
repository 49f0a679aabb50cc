package instancedir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A Tree is the file tree of one host. Its methods may be called from several
// goroutines.
type Tree struct {
	backend
	mu       sync.Mutex
	resolved map[string]string // directories after symbolic links
	owners   map[string]owner
}

// A Dialer opens an SSH connection to a host, as discover.DialSSH does.
type Dialer func(context.Context, discover.Host) (*ssh.Client, error)

// backend is what the ways to a host's files have in common. Paths have no
// symbolic links but perhaps the last part, which is never followed.
type backend interface {
	looker
	changer
	Close() error
}

// looker reads. Names that are not there give nodes of kind missing.
type looker interface {
	look(paths ...string) ([]node, error)
	identify(nodes []node) error // fills in file system, inode and links where they can be known
	readLink(p string) (string, error)
	readFile(p string) ([]byte, error)
	list(dir string) ([]string, error)
}

// changer changes. None of it can replace a file that is there, except replace.
type changer interface {
	mkdir(p string) error
	chmod(p string, mode fs.FileMode) error
	chown(p string, o owner) error
	link(from, to string) error
	replace(f newFile) error // whole or not at all
	remove(p string) error   // a file or an empty directory
	sync(dir string) error   // entries of dir are on disk
}

// maxFile bounds what is read whole: /etc/passwd and disk.info are small.
const maxFile = 4 << 20

type kind int

const (
	missing kind = iota
	file
	directory
	symlink
	other
)

// A node is what one name leads to.
type node struct {
	path     string
	kind     kind
	mode     fs.FileMode
	uid, gid int
	size     int64
	mtime    time.Time
	fsid     string // equal where hard links are possible; "" when not known
	dev      uint64
	inode    uint64 // 0 when it cannot be known
	links    uint64 // 0 when it cannot be known
}

// A newFile is a small file as it is to be: mode 0644, and owned by who unless
// that is nil. Until it is complete it has its temporary name.
type newFile struct {
	path, temporary string
	text            []byte
	who             *owner
}

// An owner is a user on the host, by number.
type owner struct{ uid, gid int }

// Open opens the file tree of a host as Host.Files says: a folder, SFTP, or
// by its URI. dial is needed for SFTP only. The error is ErrNoFiles where the
// URI leads to no files (tcp, tls).
func Open(ctx context.Context, h discover.Host, dial Dialer) (*Tree, error) {
	b, err := open(ctx, h, dial)
	if err != nil {
		return nil, fmt.Errorf("open files of %s: %w", h.Name, err)
	}
	return newTree(b), nil
}

func newTree(b backend) *Tree {
	return &Tree{backend: b, resolved: map[string]string{"/": "/"}, owners: map[string]owner{}}
}

func open(ctx context.Context, h discover.Host, dial Dialer) (backend, error) {
	where := h.Files
	if where == "" {
		where = h.URI
	}
	u, err := url.Parse(where)
	if err != nil {
		return nil, errors.New("its address cannot be read")
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "file" && h.Files != "":
		return newLocal(u.Path)
	case scheme == "sftp" || scheme == "qemu+ssh":
		client, err := dial(ctx, h)
		if err != nil {
			return nil, err
		}
		// Neither the session nor stat knows a context.
		stop := context.AfterFunc(ctx, func() { _ = client.Close() })
		defer stop()
		r, err := newRemote(client)
		if ctx.Err() != nil {
			return nil, errors.Join(context.Cause(ctx), err)
		}
		if err != nil {
			return nil, err // not a nil pointer in the interface
		}
		return r, nil
	case scheme == "qemu" && u.Host == "":
		return newLocal("/")
	}
	return nil, fmt.Errorf("%w by %s: name a files: address for it (sftp://host or file:///folder)", ErrNoFiles, u.Scheme)
}
