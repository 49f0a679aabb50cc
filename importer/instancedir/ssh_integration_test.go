//go:build integration

package instancedir

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pkg/sftp"

	"github.com/lightcloud/kvm2openstack/discover"
)

func env(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set; testdata/services/with.sh sets it", name)
	}
	return v
}

// realHost is the SSH server of the tests, which sees this machine's files. It
// logs in as root, so the owner is one that the machine has.
func realHost(t *testing.T) (*Tree, Want) {
	t.Helper()
	d := discover.Host{
		Name: "ssh", URI: "qemu+ssh://root@" + env(t, "K2O_TEST_SSH") + "/system",
		KeyFile: env(t, "K2O_TEST_SSH_KEY"), KnownHosts: env(t, "K2O_TEST_KNOWN_HOSTS"),
	}
	tree, err := Open(t.Context(), d, discover.DialSSH)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	h := newHost(t)
	w := h.want()
	w.InstancesPath, w.Owner = h.path(w.InstancesPath), "root"
	for i := range w.Links {
		w.Links[i].From = h.path(w.Links[i].From)
	}
	h.remove("/var/lib/images")
	h.symlink(h.path("/data/pool"), "/var/lib/images")
	return tree, w
}

func TestSSH(t *testing.T) {
	tree, w := realHost(t)
	h := host{t, filepath.Dir(filepath.Dir(filepath.Dir(filepath.Dir(w.InstancesPath))))}
	before := h.dump()
	made, err := tree.Make(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Warnings) != 0 || made.Links[0].Inode != h.inode("/data/pool/web 1's.qcow2") {
		t.Errorf("Make = %+v, want the disk's inode and no warnings", made)
	}
	if done, err := tree.Done(t.Context(), w); !done || err != nil {
		t.Errorf("Done = %v, %v, want true", done, err)
	}
	if _, err := tree.Make(t.Context(), w); err != nil {
		t.Errorf("second Make = %v", err)
	}
	// The last name stays over SSH, too.
	h.remove(legacy)
	left, err := tree.Remove(t.Context(), w)
	if err != nil || len(left) != 1 || !strings.Contains(left[0].Why, "last name") {
		t.Errorf("Remove after the legacy name went = %v, %v, want the link left", left, err)
	}
	h.must(os.Link(h.path(dir+"/disk.eph0"), h.path(legacy)))
	left, err = tree.Remove(t.Context(), w)
	if diff := cmp.Diff(before, h.dump()); err != nil || len(left) != 0 || diff != "" {
		t.Errorf("Remove = %v, %v (-before +after):\n%s", left, err, diff)
	}
}

// elsewhere is a file on another file system than that of a folder.
func elsewhere(t *testing.T, folder string) *os.File {
	t.Helper()
	var here, there syscall.Stat_t
	if err := syscall.Stat(folder, &here); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/dev/shm", "/var/tmp", "/tmp", "/run"} {
		if err := syscall.Stat(dir, &there); err != nil || there.Dev == here.Dev {
			continue
		}
		if f, err := os.CreateTemp(dir, "k2o"); err == nil {
			t.Cleanup(func() { _ = os.Remove(f.Name()) })
			return f
		}
	}
	t.Fatalf("there is no other file system than that of %s", folder)
	return nil
}

func TestSSHAcrossFileSystems(t *testing.T) {
	tree, w := realHost(t)
	f := elsewhere(t, t.TempDir())
	w.Links[1].From = f.Name()
	if _, err := tree.Make(t.Context(), w); err == nil || !strings.Contains(err.Error(), ErrOtherFileSystem.Error()) {
		t.Errorf("Make across file systems = %v, want %v", err, ErrOtherFileSystem)
	}
	if _, err := os.Stat(filepath.Join(w.InstancesPath, w.UUID)); err == nil {
		t.Error("a refused Make left a directory")
	}
}

// TestSFTPSync: what was renamed in a directory outlives a power cut, by the word
// of OpenSSH's own server.
func TestSFTPSync(t *testing.T) {
	dir := t.TempDir()
	server := exec.CommandContext(t.Context(), "/usr/lib/openssh/sftp-server", "-e", "-l", "VERBOSE")
	var log strings.Builder
	server.Stderr = &log
	in, err1 := server.StdinPipe()
	out, err2 := server.StdoutPipe()
	if err := errors.Join(err1, err2, server.Start()); err != nil {
		t.Fatal(err)
	}
	client, err := sftp.NewClientPipe(out, in)
	if err != nil {
		t.Fatal(err)
	}
	r := &remote{Client: client}
	if err := put(r, filepath.Join(dir, "saved.json"), strings.NewReader("all"), keptMode, nil); err != nil {
		t.Error(err)
	}
	if err := r.sync(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
	_ = client.Close()
	_ = server.Wait() // It says how its input ended.
	renamed := strings.Index(log.String(), `saved.json"`)
	if flushed := strings.LastIndex(log.String(), `fsync "`+dir+`"`); renamed < 0 || flushed < renamed {
		t.Errorf("the directory was not flushed after the file got its name:\n%s", log.String())
	}
}

// TestSSHFiles keeps and copies files on a real host, and makes a connection
// anew.
func TestSSHFiles(t *testing.T) {
	d := discover.Host{
		Name: "ssh", URI: "qemu+ssh://root@" + env(t, "K2O_TEST_SSH") + "/system",
		KeyFile: env(t, "K2O_TEST_SSH_KEY"), KnownHosts: env(t, "K2O_TEST_KNOWN_HOSTS"),
	}
	f, err := OpenFiles(t.Context(), d, discover.DialSSH)
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t)
	kept, copied := h.path("/kept/saved.json"), h.path("/etc/copy")
	if err := f.WriteKept(t.Context(), kept, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if text, err := f.ReadKept(t.Context(), kept); string(text) != "secret" || err != nil {
		t.Errorf("ReadKept over a new connection = %q, %v", text, err)
	}
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info, err)
	}
	if err := f.Copy(t.Context(), kept, copied); err != nil {
		t.Error(err)
	}
	if id, err := f.Stat(t.Context(), copied); err != nil || id.Inode != h.inode("/etc/copy") || id.Bytes != 6 {
		t.Errorf("Stat = %+v, %v", id, err)
	}
	if err := f.RemoveKept(t.Context(), filepath.Dir(kept), "saved.json"); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
