package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func says(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// holds fails unless dir has the one file, with that text.
func holds(t *testing.T, dir, name, text string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the folder holds %v, want %s alone", entries, name)
	}
	if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
		t.Errorf("%s holds %q (%v), want %q", name, got, err, text)
	}
}

func TestWriteWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r")
	for _, text := range []string{"first", "second, longer", "3"} {
		if err := writeWhole(path, says(text)); err != nil {
			t.Fatal(err)
		}
		holds(t, dir, "r", text)
	}
}

// An earlier file stays what it was, whatever goes wrong and however late.
func TestWriteWholeFails(t *testing.T) {
	full := func(f *wholeFile) error {
		d, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		f.buf = bufio.NewWriter(d)
		return errors.Join(err, says("half")(f))
	}
	tests := map[string]struct {
		spoil func(*wholeFile) error
		want  error
	}{
		"writer gives up":     {func(f *wholeFile) error { return errors.Join(says("half")(f), f.buf.Flush(), io.ErrUnexpectedEOF) }, io.ErrUnexpectedEOF},
		"disk is full":        {full, syscall.ENOSPC},
		"file closed":         {func(f *wholeFile) error { return errors.Join(says("half")(f), f.out.Close()) }, fs.ErrClosed},
		"file beside is gone": {func(f *wholeFile) error { return errors.Join(says("half")(f), os.Remove(f.out.Name())) }, fs.ErrNotExist},
	}
	for name, test := range tests {
		dir := t.TempDir()
		path := filepath.Join(dir, "r")
		if err := os.WriteFile(path, []byte("good"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := writeWhole(path, func(w io.Writer) error { return test.spoil(w.(*wholeFile)) })
		if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), "the earlier file is unchanged") || strings.Contains(err.Error(), ".kvm2openstack-") {
			t.Errorf("%s: error is %v, want %v and what became of the earlier file", name, err, test.want)
		}
		holds(t, dir, "r", "good")
	}
}

func TestWriteWholeDropped(t *testing.T) {
	dir := t.TempDir()
	f, err := newWholeFile(filepath.Join(dir, "r"))
	if err != nil {
		t.Fatal(err)
	}
	f.drop()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("dropped, the folder holds %v (%v)", entries, err)
	}
}

func TestKeepEarlier(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r")
	for i, text := range []string{"first", "second", "third"} {
		f, err := newWholeFile(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.drop()
		name, err := f.keepEarlier()
		if want := map[bool]string{true: path + ".bak"}[i > 0]; err != nil || name != want {
			t.Errorf("keepEarlier = %q, %v, want %q", name, err, want)
		}
		if err := errors.Join(says(text)(f), f.keep()); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path + ".bak"); err != nil || string(got) != "second" {
		t.Errorf("the earlier file holds %q (%v), want the second", got, err)
	}
}

// The rights of a file that is replaced are kept, and so is a link to it.
func TestWriteWholeKeepsRightsAndLink(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	path := filepath.Join(elsewhere, "r")
	if err := os.WriteFile(path, []byte("good"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(filepath.Join(dir, "link"), says("better")); err != nil {
		t.Fatal(err)
	}
	holds(t, elsewhere, "r", "better")
	holds(t, dir, "link", "better")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("rights are %v (%v), want 0640", info.Mode(), err)
	}
}

// A link to a file that is not there yet stays a link, too.
func TestWriteWholeMakesWhereLinkLeads(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	for link, to := range map[string]string{"second": "first", "first": filepath.Join(elsewhere, "r")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeWhole(filepath.Join(dir, "second"), says("text")); err != nil {
		t.Fatal(err)
	}
	holds(t, elsewhere, "r", "text")
	if to, err := os.Readlink(filepath.Join(dir, "second")); err != nil || to != "first" {
		t.Errorf("the link leads to %q (%v), want where it led", to, err)
	}
}

// What cannot be written to is told before anything is done.
func TestNewWholeFileRefuses(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                             "it is a folder",
		filepath.Join(dir, "none", "r"): "make a file in " + filepath.Join(dir, "none"),
		filepath.Join(dir, strings.Repeat("n", 300)): "name too long",
	} {
		if _, err := newWholeFile(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("newWholeFile(%s): %v, want %q", path, err, want)
		}
	}
}

// A device takes what is written and stays a device.
func TestWriteWholeDevice(t *testing.T) {
	if err := writeWhole("/dev/null", says("text")); err != nil {
		t.Error(err)
	}
	if err := writeWhole("/dev/full", says("text")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("/dev/full: %v, want %v", err, syscall.ENOSPC)
	}
	if info, err := os.Stat("/dev/full"); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Errorf("/dev/full is %v (%v) now", info.Mode(), err)
	}
}
