// Package demo holds a legacy data centre for the demonstration and for tests:
// four KVM hosts with the guests that ten years leave behind, what the cloud's
// Keystone and Neutron say, and a Nova to put the guests under.
//
// The hosts are folders of definitions, as they come from hosts that nobody
// may log in to; their disks are empty but valid images of the right size.
// The fleet can be read as a table in generate/fleet.go, which writes
// everything else here.
package demo

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:generate go run ./generate

// The folders have no file that begins with a dot or an underscore, which
// embedding a folder would leave out.
//
//go:embed hosts cloud.json files.json config.yaml
var files embed.FS

// Instances that Nova has before the demonstration begins.
const (
	// ManagedUUID is a guest that Nova itself made.
	ManagedUUID = "8c1c5e0a-7d2f-4a3b-8f61-2d9b0e4f7a10"
	// DeletedUUID runs under libvirt although Nova's row of it was
	// soft-deleted: left alone by audit, destroyed by nova-compute's
	// running_deleted_instance_action if its host joins as it is.
	DeletedUUID = "b7a9f3d4-1e6c-4c58-a2b0-94d5c3e8f621"
)

// Hosts are the names of the data centre's hosts.
func Hosts() []string { return []string{"kvm01", "kvm02", "kvm03", "kvm04"} }

// Unpack writes the data centre below dir: hosts/HOST with the definitions,
// hosts/HOST/root with the host's file tree, cloud.json, and config.yaml,
// which names all of them by absolute paths. A file that exists is replaced,
// but for disk images: they may carry hard links by now.
func Unpack(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("unpack the demonstration: %w", err)
	}
	if err := unpackFiles(dir); err != nil {
		return fmt.Errorf("unpack the demonstration: %w", err)
	}
	if err := unpackImages(dir); err != nil {
		return fmt.Errorf("unpack the demonstration: %w", err)
	}
	return nil
}

// unpackFiles writes everything that is embedded, except the list of images.
func unpackFiles(dir string) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "files.json" {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "config.yaml" {
			text = []byte(strings.ReplaceAll(string(text), "@DIR@", dir))
		}
		return os.WriteFile(to, text, 0o644)
	})
}

// An image is one file of a host's disks, from files.json.
type image struct {
	Host    string `json:"host"`
	Path    string `json:"path"`
	Format  string `json:"format"` // qcow2 or raw
	Bytes   int64  `json:"bytes"`  // virtual size
	Backing string `json:"backing"`
}

func images() ([]image, error) {
	text, err := files.ReadFile("files.json")
	if err != nil {
		return nil, err
	}
	var list []image
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read files.json: %w", err)
	}
	return list, nil
}

func unpackImages(dir string) error {
	list, err := images()
	if err != nil {
		return err
	}
	for _, host := range Hosts() {
		if err := makeRoot(filepath.Join(dir, "hosts", host, "root")); err != nil {
			return err
		}
	}
	for _, i := range list {
		to := filepath.Join(dir, "hosts", i.Host, "root", filepath.FromSlash(i.Path))
		if err := i.write(to); err != nil {
			return fmt.Errorf("image %s of %s: %w", i.Path, i.Host, err)
		}
	}
	return nil
}

// makeRoot makes what a compute host has before any image: instances_path and
// the user nova. Here that user is whoever runs the demonstration, for nobody
// else may be given files without being root.
func makeRoot(root string) error {
	for _, d := range []string{"var/lib/nova/instances", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	entry := fmt.Sprintf("nova:x:%d:%d::/var/lib/nova:/usr/sbin/nologin\n", os.Getuid(), os.Getgid())
	return os.WriteFile(filepath.Join(root, "etc", "passwd"), []byte(entry), 0o644)
}
