package discover

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// HostsFromDir gives one host per sub-folder of dir, for audits without access
// to the hosts. A folder is what can be copied from a host:
//
//	HOST/NAME.xml              definition (virsh dumpxml, or /etc/libvirt/qemu);
//	                           one with <domain id=...> was dumped while it ran
//	HOST/NAME.live.xml         live definition beside an inactive NAME.xml
//	HOST/autostart/NAME.xml    NAME is started with the host
//	HOST/save/NAME.save        NAME has a managed save image
//	HOST/snapshot/NAME/*.xml   NAME has snapshots
//	HOST/checkpoint/NAME/*.xml NAME has checkpoints
//	HOST/networks/*.xml        libvirt networks
//	HOST/host.yaml             what no definition tells, all of it optional:
//	                           hostname, cpus, memory_kib, libvirt, qemu, and
//	                           for each of domains: state, persistent,
//	                           addresses, drops, disks, agent_os
//	HOST/root/                 the host's file tree, as far as it was copied
func HostsFromDir(dir string) ([]Host, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("read hosts from %s: %w", dir, err)
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return nil, fmt.Errorf("read hosts from %s: %w", dir, err)
	}
	var hosts []Host
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			hosts = append(hosts, dirHost(filepath.Join(abs, e.Name())))
		case e.Type()&fs.ModeSymlink != 0 && !strings.HasSuffix(e.Name(), ".xml"):
			return nil, fmt.Errorf("read hosts from %s: %s is a symbolic link, which is not followed", dir, e.Name())
		}
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("read hosts from %s: no folder in it; there must be one per host, with that host's NAME.xml files", dir)
	}
	return hosts, nil
}

func dirHost(path string) Host {
	h := Host{Name: filepath.Base(path), URI: (&url.URL{Scheme: "dir", Path: path}).String()}
	root := filepath.Join(path, "root")
	if info, err := os.Lstat(root); err == nil && info.IsDir() {
		h.Files = (&url.URL{Scheme: "file", Path: root}).String()
	}
	return h
}

// scanDir reads the folder of one host. Disk.File is left nil.
func scanDir(ctx context.Context, h Host, opt Options) Inventory {
	began := time.Now()
	inv := Inventory{Host: h, Hostname: h.Name, ReadOnly: true}
	u, err := url.Parse(h.URI)
	if err != nil || u.Scheme != "dir" || u.Path == "" {
		inv.Err = fmt.Errorf("read folder of %s: %q is no dir:///path", h.Name, h.URI)
		return inv
	}
	// A Root refuses every path and symbolic link that leads out of the folder:
	// it may come from somebody else's archive.
	root, err := os.OpenRoot(u.Path)
	if err != nil {
		inv.Err = fmt.Errorf("read folder of %s: %w", h.Name, err)
		return inv
	}
	defer root.Close()
	f := folder{root: root, inv: &inv, keep: opt.KeepXML}
	inv.Err = f.read(ctx)
	inv.Took = time.Since(began)
	return inv
}
