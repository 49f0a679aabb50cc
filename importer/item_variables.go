package importer

import (
	"path"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// variables are the EFI variables of a legacy domain: its file, or why that
// cannot have a second name. Both are empty for a guest without.
type variables struct{ from, why string }

// variablesOf finds those of a domain as it is now. libvirt would read those in
// qcow2 under another name than the raw ones that Nova's domain asks for.
func variablesOf(d discover.Domain) variables {
	from, err := rename.NVRAMInUse(string(d.XML), d.Firmware.NVRAMLive, d.Name)
	switch {
	case err != nil:
		return variables{why: err.Error()}
	case strings.HasSuffix(from, ".qcow2"):
		return variables{why: from + " is in format qcow2, and Nova's are raw"}
	}
	return variables{from: from}
}

// wants is all that the host is to have of the item.
func (it *item) wants() instancedir.Want {
	w := it.want
	if it.efi == (variables{}) {
		return w
	}
	w.Variables = instancedir.Variables{From: it.efi.from, Why: it.efi.why, Dir: path.Dir(rename.DefaultNVRAM(it.id.Name))}
	if it.id.Name != "" {
		w.Variables.Name = path.Base(rename.DefaultNVRAM(it.id.Name))
	}
	return w
}

// formerVariables are the EFI variables by the name of an instance that is no
// more: a release was killed between its rows and its links. Zero where an
// import has nothing of the kind to take away.
func (it *item) formerVariables() instancedir.Variables {
	former := it.earlier.InstanceName
	if it.stage != nova.Unwritten || it.efi.from == "" || former == "" {
		return instancedir.Variables{}
	}
	name := rename.DefaultNVRAM(former)
	return instancedir.Variables{From: it.efi.from, Dir: path.Dir(name), Name: path.Base(name)}
}

// toMake is wants for the import. What has become Nova's had it before, and Nova
// may have made the domain anew since, with variables under its own name alone.
func (it *item) toMake() instancedir.Want {
	w := it.wants()
	if it.stage == nova.Finished {
		w.Variables = instancedir.Variables{}
	}
	return w
}
