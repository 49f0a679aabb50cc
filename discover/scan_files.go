package discover

import (
	"context"
	"net/netip"
	"path"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
)

// maxChain bounds a chain of backing files; QEMU's own recursion ends at 200.
const maxChain = 32

// lookAtFiles looks at the disks of a host's domains and at its instances
// folder. What goes wrong is told in FilesErr and in each File, for a scan
// without files is still worth having. It returns the host's neighbours, which
// are in a file as well.
func lookAtFiles(ctx context.Context, inv *Inventory, shared *ssh.Client, opt Options) map[string][]netip.Addr {
	if opt.SkipFiles {
		inv.FilesErr = "not looked at, as asked"
		return nil
	}
	if len(inv.Domains) > 0 && !slices.ContainsFunc(inv.Domains, opt.Look) {
		inv.FilesErr = "not looked at: none of its domains needs it"
		return nil
	}
	f, err := openFiles(ctx, inv.Host, shared, opt)
	if err != nil {
		inv.FilesErr = err.Error()
		return nil
	}
	defer f.Close()
	place := f.Place(ctx, opt.InstancesPath)
	inv.InstancesDir = &place
	lookAtDisks(ctx, f, inv.Domains, opt.Look)
	inv.Devices = f.devices(ctx, inv.Domains)
	table, err := f.neighbours(ctx)
	if err != nil {
		return nil // It is one witness of several, and no host needs to have it.
	}
	return table
}

// lookAtDisks looks once at each path, however many domains use it: an
// installation CD is often in a hundred drives.
func lookAtDisks(ctx context.Context, f *Files, domains []Domain, look func(Domain) bool) {
	users := map[string][]*Disk{}
	for i := range domains {
		if !look(domains[i]) {
			continue
		}
		for j := range domains[i].Disks {
			if k := &domains[i].Disks[j]; k.Path != "" && (k.Type == "file" || k.Type == "block") {
				users[k.Path] = append(users[k.Path], k)
			}
		}
	}
	paths := make(chan string, len(users))
	for p := range users {
		paths <- p
	}
	close(paths)
	var workers sync.WaitGroup
	for range min(looksAtOnce, len(users)) {
		workers.Go(func() {
			for p := range paths {
				file := f.Look(ctx, p)
				for _, k := range users[p] {
					k.addFile(ctx, f, file)
				}
			}
		})
	}
	workers.Wait()
}

// addFile adds what lies at the disk's path. What libvirt said of sizes and of
// the backing chain goes before what the header says.
func (k *Disk) addFile(ctx context.Context, f *Files, file File) {
	k.File = &file
	if k.CapacityBytes == 0 {
		k.setSizes(file.capacityAs(k.Format), k.AllocationBytes)
	}
	// The header of a raw disk is the guest's to write: a chain "found" there
	// would lead wherever the guest wants.
	if len(k.Backing) == 0 && k.Format == "qcow2" {
		k.Backing = f.chain(ctx, file)
	}
}

// maxDiskBytes is far more than any disk has (QEMU's offsets end at twice as
// much): whoever says more does not know, or has damaged data.
const maxDiskBytes = 1 << 62

// setSizes takes what cannot be for not known.
func (k *Disk) setSizes(capacity, allocation uint64) {
	if capacity > maxDiskBytes {
		capacity = 0
	}
	if allocation > maxDiskBytes {
		allocation = 0
	}
	k.CapacityBytes, k.AllocationBytes = capacity, allocation
}

// capacityAs is the virtual size, if the file is what the definition says.
func (f File) capacityAs(format string) uint64 {
	switch {
	case f.Format == format:
		return f.VirtualBytes
	case format == "raw":
		return f.SizeBytes
	}
	return 0
}

// chain follows the backing files that headers name, nearest first.
func (f *Files) chain(ctx context.Context, file File) (chain []string) {
	for file.Format == "qcow2" && file.Backing != "" && len(chain) < maxChain {
		next := file.Backing
		if hasProtocol(next) {
			return append(chain, next)
		}
		if !path.IsAbs(next) {
			next = path.Join(path.Dir(file.Resolved), next)
		}
		chain = append(chain, next)
		file = f.Look(ctx, next)
	}
	return chain
}
