package report

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// A diskPlace is where disks lie, and how they are kept there.
type diskPlace struct{ format, place, linkable string }

type diskCount struct {
	disks    int
	gib      uint64
	unknown  int // size not known
	domains  int
	domainOf string // of the disk before, so that a domain counts once
}

// A diskView is one line of the table of disks.
type diskView struct {
	Format, Place, Linkable string
	Disks, Domains          int
	Size                    string
	Bar                     bar

	gib uint64
}

// mostPlaces is how many places are named, the largest ones.
const mostPlaces = 40

func (t *tally) addDisks(h audit.Host, d audit.Domain) {
	for _, k := range d.Disks {
		if k.Device != "disk" && k.Device != "lun" {
			continue
		}
		at := diskPlace{diskFormat(k), place(k), linkable(k, h.InstancesDir)}
		c := t.disks[at]
		if c == nil {
			c = &diskCount{}
			t.disks[at] = c
		}
		c.disks++
		c.gib += (k.CapacityBytes + 1<<30 - 1) >> 30
		if k.CapacityBytes == 0 {
			c.unknown++
		}
		if id := d.Host + "\x00" + d.Name; c.domainOf != id {
			c.domainOf = id
			c.domains++
		}
	}
}

// diskFormat is what the image is, or what its definition says it is.
func diskFormat(k discover.Disk) string {
	if k.File != nil && k.File.Format != "" {
		return Line(k.File.Format)
	}
	return Line(cmp.Or(k.Format, "not known"))
}

// place is where a disk lies, up to the folder, volume group or pool.
func place(k discover.Disk) string {
	switch {
	case k.Type == "network":
		return Line(k.Protocol + " " + before(k.Path, "/"))
	case k.Type == "volume":
		return Line("storage pool " + before(k.Path, "/"))
	case k.Path == "":
		return Line(k.Type)
	case k.Type == "block" || k.File != nil && k.File.Kind == "block":
		return Line("block device in " + path.Dir(k.Path))
	}
	return Line(path.Dir(k.Path))
}

func before(s, sep string) string {
	b, _, _ := strings.Cut(s, sep)
	return b
}

// linkable says whether a disk's file can get the second name that Nova needs.
func linkable(k discover.Disk, instances *discover.File) string {
	f := k.File
	switch {
	case k.Type != "file":
		return "no file"
	case f == nil:
		return "not looked at"
	case f.Missing:
		return "missing"
	case f.Error != "":
		return "not readable"
	case f.Kind != "file":
		return "no file"
	case instances == nil || instances.Missing || instances.FS == "" || f.FS == "":
		return "not known"
	case f.FS != instances.FS:
		return "other file system"
	}
	return "yes"
}

// diskViews are the places, the largest first.
func (t *tally) diskViews() []diskView {
	var views []diskView
	for at, c := range t.disks {
		views = append(views, diskView{
			Format: at.format, Place: at.place, Linkable: at.linkable,
			Disks: c.disks, Domains: c.domains, Size: diskSize(c.gib, c.unknown), gib: c.gib,
		})
	}
	slices.SortFunc(views, func(a, b diskView) int {
		return cmp.Or(cmp.Compare(b.gib, a.gib), cmp.Compare(b.Disks, a.Disks),
			cmp.Compare(a.Place, b.Place), cmp.Compare(a.Format, b.Format), cmp.Compare(a.Linkable, b.Linkable))
	})
	if len(views) > mostPlaces+1 {
		rest := diskView{Place: "others: " + strconv.Itoa(len(views)-mostPlaces)}
		for _, v := range views[mostPlaces:] {
			rest.Disks += v.Disks
			rest.gib += v.gib
		}
		rest.Size = diskSize(rest.gib, 0)
		views = append(views[:mostPlaces:mostPlaces], rest)
	}
	var most uint64
	for _, v := range views {
		most = max(most, v.gib)
	}
	for i := range views {
		views[i].Bar.of = float64(most)
		views[i].Bar.add("share", float64(views[i].gib))
	}
	return views
}

func diskSize(gib uint64, unknown int) string {
	switch {
	case unknown > 0 && gib == 0:
		return "not known"
	case unknown > 0:
		return "more than " + inGB(int(gib))
	}
	return inGB(int(gib))
}

// diskSum is how large all disks of a domain are together, and how many.
func diskSum(d audit.Domain) (gib uint64, size string, n int) {
	unknown := 0
	for _, k := range d.Disks {
		if k.Device != "disk" && k.Device != "lun" {
			continue
		}
		n++
		if k.CapacityBytes == 0 {
			unknown++
		}
	}
	if n == 0 {
		return 0, "none", 0
	}
	gib = diskGB(d)
	return gib, diskSize(gib, unknown), n
}
