package instancedir

import (
	"fmt"
	"path"
	"strings"
)

// maxSymlinks is Linux's own limit for one path (path_resolution(7)).
const maxSymlinks = 40

// resolve follows symbolic links as the host would, and stays inside its tree:
// an absolute target begins at the tree's root, and ".." ends there. The last
// part may be missing.
func (t *Tree) resolve(p string) (string, error) {
	cur, rest := "/", split(p)
	for hops := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		if part == ".." {
			cur = path.Dir(cur)
			continue
		}
		next := path.Join(cur, part)
		if known, ok := t.known(next); ok && len(rest) > 0 {
			cur = known
			continue
		}
		n, err := t.one(next)
		if err != nil {
			return "", err
		}
		switch n.kind {
		case symlink:
			if hops++; hops > maxSymlinks {
				return "", fmt.Errorf("%q: %w: too many symbolic links", p, ErrPath)
			}
			target, err := t.readLink(next)
			if err != nil {
				return "", fmt.Errorf("read symbolic link %q: %w", next, err)
			}
			if path.IsAbs(target) {
				cur = "/"
			}
			rest = append(split(target), rest...)
		case directory:
			t.learn(next, next)
			cur = next
		default:
			if n.kind != missing && len(rest) > 0 {
				return "", fmt.Errorf("%q: %w: %q is no directory", p, ErrPath, next)
			}
			return path.Join(append([]string{next}, rest...)...), nil
		}
	}
	return cur, nil
}

func split(p string) []string {
	return strings.FieldsFunc(p, func(r rune) bool { return r == '/' })
}

func (t *Tree) known(p string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, ok := t.resolved[p]
	return r, ok
}

func (t *Tree) learn(p, resolved string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.resolved[p] = resolved
}

func (t *Tree) one(p string) (node, error) {
	nodes, err := t.look(p)
	if err != nil {
		return node{}, fmt.Errorf("look at %q: %w", p, err)
	}
	return nodes[0], nil
}
