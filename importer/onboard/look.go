package onboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// Files are a host's, for looking.
type Files interface {
	reader
	List(ctx context.Context, dir string) ([]string, error)
	Resolve(ctx context.Context, paths ...string) ([]string, error)
}

type reader interface {
	Read(ctx context.Context, path string, offset int64, limit int) ([]byte, error)
}

// ConfPlaces are where nova-compute's packages have their configuration, in the
// order in which it is read: RDO's, everybody's, Debian's for the compute host.
func ConfPlaces() []string {
	return []string{"/usr/share/nova/nova-dist.conf", "/etc/nova/nova.conf", "/etc/nova/nova-compute.conf"}
}

// confLimit bounds what is read of a configuration file.
const confLimit = 4 << 20

// Look puts together what libvirt has said of a host and what its files say.
// files is nil where nobody may look at them. places are those of nova-compute's
// configuration.
func Look(ctx context.Context, inv discover.Inventory, files Files, places []string) Host {
	h := Host{Name: inv.Host.Name, Wanted: inv.Host.ComputeHost, Libvirt: inv.Hostname, Domains: inv.Found(), Guests: map[string]string{}}
	if inv.Err != nil {
		h.Err = inv.Err.Error()
	}
	cache := imageCache{dir: h.Conf.Cache()}
	if files != nil {
		h.Conf = readConf(ctx, files, places, &h.Err)
		h.System = firstLine(ctx, files, "/etc/hostname")
		h.Files = readIdentities(ctx, files, h.Conf.IdentityPlaces(), &h.Err)
		cache = findCache(ctx, files, h.Conf.Cache(), inv.Domains, &h.Err)
	} else {
		h.Conf.Err = "nobody may look at its files"
	}
	for _, u := range inv.Unreadable {
		if u.UUID != "" {
			h.Guests[u.UUID] = u.Name + ", not read"
		}
	}
	for _, d := range inv.Domains {
		h.Guests[d.UUID] = fmt.Sprintf("%s, %s", d.Name, d.State)
		if d.State.Active() {
			h.Running++
		}
		h.Empty = append(h.Empty, emptyDrives(d)...)
		h.Bases = append(h.Bases, cache.under(d)...)
	}
	return h
}

// readConf reads what there is. A file that is not there is none of this host's;
// with one that is, and cannot be read, nothing is known of what the others say.
func readConf(ctx context.Context, files Files, places []string, failed *string) (c NovaConf) {
	for _, p := range places {
		text, err := files.Read(ctx, p, 0, confLimit)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			c, err = c.Add(p, text)
		}
		if err != nil {
			*failed = cmp.Or(*failed, fmt.Sprintf("%s could not be read, so it is not known what nova-compute calls itself, nor where it has its images: %v", p, err))
			return NovaConf{Err: err.Error()}
		}
	}
	if err := unnamed(ctx, files, places); err != nil {
		*failed = cmp.Or(*failed, err.Error())
		return NovaConf{Err: err.Error()}
	}
	return c
}

// confFolders are those of which nova-compute reads all *.conf besides, whatever
// files it is given (oslo_config/cfg.py find_config_dirs). Which of them comes first
// depends on how it is started.
var confFolders = []string{"/etc/nova/nova.conf.d", "/etc/nova/nova-compute.conf.d"}

// unnamed fails where there are such files that places does not have.
func unnamed(ctx context.Context, files Files, places []string) error {
	var found []string
	for _, dir := range confFolders {
		names, err := files.List(ctx, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s could not be read, whose files nova-compute reads as well: %w", dir, err)
		}
		for _, n := range names {
			if p := path.Join(dir, n); path.Ext(n) == ".conf" && !slices.Contains(places, p) {
				found = append(found, p)
			}
		}
	}
	if len(found) > 0 {
		return fmt.Errorf("nova-compute reads %s as well, and which counts last depends on how it is started: name all of its files in that order (onboard: config_files)",
			strings.Join(found, ", "))
	}
	return nil
}

func firstLine(ctx context.Context, files reader, p string) string {
	text, err := files.Read(ctx, p, 0, 256)
	if err != nil {
		return "" // it is asked for in case nova.conf says nothing
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

// readIdentities is never nil unless one may be there that could not be read.
func readIdentities(ctx context.Context, files reader, places []string, failed *string) []IdentityFile {
	found := []IdentityFile{}
	for _, p := range places {
		text, err := files.Read(ctx, p, 0, identityLength)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			*failed = cmp.Or(*failed, fmt.Sprintf("its compute_id could not be read: %v", err))
			return nil
		}
		id, _ := ParseIdentity(text) // "" is what it says then
		found = append(found, IdentityFile{p, id})
	}
	return found
}

// emptyDrives have no medium.
func emptyDrives(d discover.Domain) (found []Drive) {
	for _, k := range d.Disks {
		if (k.Device == "cdrom" || k.Device == "floppy") && k.Path == "" && k.Protocol == "" {
			found = append(found, Drive{Domain: d.Name, Target: k.Target})
		}
	}
	return found
}
