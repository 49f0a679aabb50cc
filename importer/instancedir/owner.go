package instancedir

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// ownerOf finds a user in the host's own /etc/passwd, for numbers differ
// between hosts; nil when the host has no such user.
func (t *Tree) ownerOf(name string) (*owner, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, ok := t.owners[name]; ok {
		return &o, nil
	}
	text, err := t.readFile("/etc/passwd")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up user %s on the host: %w", name, err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		f := strings.Split(line, ":")
		if len(f) < 4 || f[0] != name {
			continue
		}
		uid, err1 := strconv.Atoi(f[2])
		gid, err2 := strconv.Atoi(f[3])
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("look up user %s on the host: %w", name, err)
		}
		t.owners[name] = owner{uid, gid}
		return &owner{uid, gid}, nil
	}
	return nil, nil
}

// unreadable says why the owner could not read a disk by its mode, and how to
// allow it; "" when it can. libvirt gives a file back to root when its domain
// stops and leaves the mode, so only what others may do counts.
func unreadable(n node, who *owner, name string) string {
	if n.mode&0o004 != 0 || who != nil && n.uid == who.uid && n.mode&0o400 != 0 {
		return ""
	}
	return fmt.Sprintf("disk %s has mode %04o and owner %d:%d, so Nova's user %s may not read it once the domain is off: chmod 0644 %s",
		n.path, n.mode, n.uid, n.gid, name, quote(n.path))
}
