package onboard

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// An imageCache is where Nova keeps the images that instances rest on.
type imageCache struct {
	dir  string
	real map[string]string // folder and images, without the symbolic links in their paths
}

// findCache follows the links of all that the host's disks rest on, each once:
// instances_path may be one, and then the same image has two names.
func findCache(ctx context.Context, files Files, dir string, domains []discover.Domain, failed *string) imageCache {
	c := imageCache{dir: dir, real: map[string]string{}}
	paths := []string{dir}
	for _, d := range domains {
		for _, k := range d.Disks {
			for _, b := range k.Backing {
				if _, seen := c.real[b]; !seen && b != dir {
					c.real[b] = b
					paths = append(paths, b)
				}
			}
		}
	}
	if len(paths) == 1 {
		return c // no disk rests on anything
	}
	real, err := files.Resolve(ctx, paths...)
	if err != nil {
		*failed = cmp.Or(*failed, fmt.Sprintf("whether its disks rest on images in Nova's cache, %s, could not be found out: %v", dir, err))
		return c
	}
	for i, p := range paths {
		c.real[p] = real[i]
	}
	return c
}

// under are a domain's disks with an image of the cache below them.
func (c imageCache) under(d discover.Domain) (found []Drive) {
	for _, k := range d.Disks {
		for _, b := range k.Backing {
			if inside(b, c.dir) || inside(c.real[b], c.real[c.dir]) {
				found = append(found, Drive{Domain: d.Name, Target: k.Target, Image: b})
				break
			}
		}
	}
	return found
}

// inside: the path is one below the folder.
func inside(p, dir string) bool { return dir != "" && strings.HasPrefix(p, dir+"/") }
