package restart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"

	"github.com/lightcloud/kvm2openstack/rename"
)

// A fakeFile is an inode.
type fakeFile struct {
	inode   uint64
	content string
}

func (w *fakeWorld) create(path, content string) {
	w.inodes++
	w.files[path] = &fakeFile{w.inodes, content}
}

func sortedPaths(files map[string]*fakeFile) []string { return slices.Sorted(maps.Keys(files)) }

// fakeFiles are the host's.
type fakeFiles struct{ w *fakeWorld }

func (f fakeFiles) Close() error { return nil }

func (f fakeFiles) file(path string) (*fakeFile, error) {
	if file := f.w.files[path]; file != nil {
		return file, nil
	}
	return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
}

func (f fakeFiles) Stat(_ context.Context, path string) (rename.File, error) {
	file, err := f.file(path)
	if err != nil {
		return rename.File{}, err
	}
	return rename.File{Path: path, Device: 1, Inode: file.inode, Bytes: int64(len(file.content))}, nil
}

func (f fakeFiles) Read(_ context.Context, path string, offset int64, limit int) ([]byte, error) {
	file, err := f.file(path)
	if err != nil {
		return nil, err
	}
	text := file.content[min(int(offset), len(file.content)):]
	return []byte(text[:min(limit, len(text))]), nil
}

func (f fakeFiles) Copy(_ context.Context, from, to string) error {
	return f.w.effect("copy to "+to, func() error {
		file, err := f.file(from)
		if f.w.full != "" && strings.HasPrefix(to, f.w.full) {
			err = syscall.ENOSPC
		}
		if err == nil {
			f.w.create(to, file.content)
		}
		return err
	})
}

func (f fakeFiles) ReadKept(ctx context.Context, path string) ([]byte, error) {
	return f.Read(ctx, path, 0, 1<<20)
}

func (f fakeFiles) WriteKept(_ context.Context, path string, text []byte) error {
	return f.w.effect("write "+path, func() error { f.w.create(path, string(text)); return nil })
}

func (f fakeFiles) Remove(_ context.Context, path string) error {
	return f.w.effect("remove "+path, func() error { delete(f.w.files, path); return nil })
}

func (f fakeFiles) RemoveKept(ctx context.Context, dir string, names ...string) error {
	for _, name := range names {
		if err := f.Remove(ctx, dir+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

func (f fakeFiles) Link(_ context.Context, from, to string) error {
	return f.w.effect("link "+to, func() error {
		file, err := f.file(from)
		if err == nil && f.w.files[to] != nil {
			err = fs.ErrExist
		}
		err = cmp.Or(err, f.w.noLink)
		if err == nil {
			f.w.files[to] = file
		}
		return err
	})
}

func (f fakeFiles) Unlink(_ context.Context, name, other string) error {
	return f.w.effect("unlink "+name, func() error {
		if f.w.files[name] == nil {
			return nil
		}
		if f.w.files[other] != f.w.files[name] {
			return errors.New("not proven")
		}
		delete(f.w.files, name)
		return nil
	})
}

func (f fakeFiles) IsBridge(_ context.Context, name string) (bool, error) {
	return f.w.bridges[name], nil
}
