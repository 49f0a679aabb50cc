package onboard

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

// fakeFiles are a host's; a text that begins with "!" is an error.
type fakeFiles map[string]string

func (f fakeFiles) Read(_ context.Context, path string, offset int64, limit int) ([]byte, error) {
	text, ok := f[path]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case strings.HasPrefix(text, "!"):
		return nil, errors.New(text[1:])
	}
	text = text[min(int(offset), len(text)):]
	return []byte(text[:min(limit, len(text))]), nil
}

// List knows the folders of the files.
func (f fakeFiles) List(_ context.Context, dir string) (names []string, err error) {
	if text := f[dir]; strings.HasPrefix(text, "!") {
		return nil, errors.New(text[1:])
	}
	for _, p := range slices.Sorted(maps.Keys(f)) {
		if path.Dir(p) == dir {
			names = append(names, path.Base(p))
		}
	}
	if names == nil {
		return nil, fs.ErrNotExist
	}
	return names, nil
}

// Resolve knows links by a text that begins with "->".
func (f fakeFiles) Resolve(_ context.Context, paths ...string) (real []string, err error) {
	for _, p := range paths {
		for link, text := range f {
			if to, ok := strings.CutPrefix(text, "->"); ok && strings.HasPrefix(p, link+"/") {
				p = to + p[len(link):]
			}
		}
		if text := f[p]; strings.HasPrefix(text, "!") {
			return nil, errors.New(text[1:])
		}
		real = append(real, p)
	}
	return real, nil
}

// noted is an inventory of two domains.
func noted() discover.Inventory {
	return discover.Inventory{
		Host: discover.Host{Name: "seven", ComputeHost: "kvm07"}, Hostname: "kvm07.example.org",
		Domains: []discover.Domain{
			{Name: "db", UUID: "1", State: discover.StateRunning, Disks: []discover.Disk{
				{Target: "vda", Device: "disk", Path: "/images/db.qcow2", Backing: []string{"/images/tpl.qcow2", "/srv/nova/instances/_base/da39"}},
				{Target: "sda", Device: "cdrom"}, {Target: "sdb", Device: "cdrom", Path: "/iso/x.iso"}, {Target: "sdc", Device: "cdrom", Protocol: "rbd"},
				{Target: "fda", Device: "floppy"},
			}},
			{Name: "off", UUID: "2", State: discover.StateShutoff, Disks: []discover.Disk{{Target: "vda", Device: "disk", Backing: []string{"/srv/nova/instances/_base2/x"}}}},
		},
		Unreadable: []discover.Unreadable{{Name: "odd", UUID: "3"}},
	}
}

func TestLook(t *testing.T) {
	files := fakeFiles{
		"/etc/nova/nova.conf":         "[DEFAULT]\nhost = first\nstate_path=/wrong\nstate_path=/srv/nova\ntransport_url = rabbit://nova:s3cret@mq # not a comment\n[libvirt]\nconnection_uri = qemu+tcp://localhost/system\ncpu_power_management = no\n",
		"/etc/nova/nova-compute.conf": "[DEFAULT]\nhost = kvm07\n[image_cache]\nremove_unused_base_images = False\n[libvirt]\ncpu_power_management = True\n",
		"/srv/nova/compute_id":        " " + strings.ToUpper(mine) + "\n",
		"/etc/nova/compute_id":        "nonsense",
		"/etc/hostname":               "system\n# more\n",
	}
	want := Host{
		Name: "seven", Wanted: "kvm07", Libvirt: "kvm07.example.org", System: "system", Domains: 3, Running: 1,
		Guests: map[string]string{"1": "db, running", "2": "off, shutoff", "3": "odd, not read"},
		Empty:  []Drive{{Domain: "db", Target: "sda"}, {Domain: "db", Target: "fda"}},
		Bases:  []Drive{{Domain: "db", Target: "vda", Image: "/srv/nova/instances/_base/da39"}},
		Conf: NovaConf{
			Paths: []string{"/etc/nova/nova.conf", "/etc/nova/nova-compute.conf"}, Host: "kvm07", StatePath: "/srv/nova",
			URI: "qemu+tcp://localhost/system", KeepsBase: true, PowersDown: true,
		},
		Files: []IdentityFile{{"/srv/nova/compute_id", mine}, {"/etc/nova/compute_id", ""}},
	}
	got := Look(t.Context(), noted(), files, ConfPlaces())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Look (-want +got):\n%s", diff)
	}
	if got.ComputeHost() != "kvm07" {
		t.Errorf("ComputeHost = %q, want what the last file says", got.ComputeHost())
	}
}

// A later file says nothing against what an earlier one says, and names are filled
// in when all are read.
func TestLookFindsCache(t *testing.T) {
	const debian = "[DEFAULT]\ncompute_driver = libvirt.LibvirtDriver\n[libvirt]\nvirt_type = kvm\n"
	for name, c := range map[string]struct {
		first, second string
		cache         string
		found         int
	}{
		"as packaged":       {"[DEFAULT]\n", debian, "/var/lib/nova/instances/_base", 0},
		"in the first":      {"[DEFAULT]\ninstances_path = /srv/nova/instances\n", debian, "/srv/nova/instances/_base", 1},
		"in the second":     {"[DEFAULT]\ninstances_path = /srv/vm\n", "[DEFAULT]\ninstances_path=/srv/nova/instances", "/srv/nova/instances/_base", 1},
		"its name alone":    {"[DEFAULT]\nstate_path = /srv/nova\n[image_cache]\nsubdirectory_name = _base2\n", debian, "/srv/nova/instances/_base2", 1},
		"a name to fill in": {"[DEFAULT]\ninstances_path = $state_path/instances\n", "[DEFAULT]\nstate_path = /srv/nova\n", "/srv/nova/instances/_base", 1},
	} {
		h := Look(t.Context(), noted(), fakeFiles{"/etc/nova/nova.conf": c.first, "/etc/nova/nova-compute.conf": c.second}, ConfPlaces())
		if h.Conf.Cache() != c.cache || len(h.Bases) != c.found {
			t.Errorf("%s: cache %q, on it %+v; want %q, and %d", name, h.Conf.Cache(), h.Bases, c.cache, c.found)
		}
	}
}

// The folder of images, and what a disk rests on, may have two names.
func TestLookFollowsLinks(t *testing.T) {
	for name, c := range map[string]struct {
		files fakeFiles
		found int
		says  string
	}{
		"instances_path is a link":  {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT]\n", "/var/lib/nova/instances": "->/srv/nova/instances"}, 1, ""},
		"the image is behind one":   {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT]\ninstances_path = /data", "/srv/nova/instances": "->/data"}, 1, ""},
		"to elsewhere":              {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT]\n", "/var/lib/nova/instances": "->/data"}, 0, ""},
		"by its name, to elsewhere": {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT]\nstate_path = /srv/nova", "/srv/nova/instances/_base": "->/data"}, 1, ""},
		"the host does not say":     {fakeFiles{"/srv/nova/instances/_base/da39": "!no answer within 30s"}, 0, "rest on images in Nova's cache, /var/lib/nova/instances/_base, could not be found out: no answer"},
	} {
		h := Look(t.Context(), noted(), c.files, ConfPlaces())
		if len(h.Bases) != c.found || !strings.Contains(h.Err, c.says) || (c.says == "") != (h.Err == "") {
			t.Errorf("%s: on the cache are %+v, %q; want %d, %q", name, h.Bases, h.Err, c.found, c.says)
		}
	}
}

func TestLookWithout(t *testing.T) {
	inv := noted()
	for name, c := range map[string]struct {
		files   Files
		host    string
		looked  bool
		says    string // Err
		confErr string
	}{
		"files":                         {nil, "kvm07", false, "", "nobody may look"},
		"nova.conf":                     {fakeFiles{}, "kvm07", true, "", ""},
		"permission":                    {fakeFiles{"/etc/nova/nova.conf": "!permission denied"}, "kvm07", true, "/etc/nova/nova.conf could not be read, so it is not known what nova-compute calls itself", ""},
		"permission for one of two":     {fakeFiles{"/etc/nova/nova.conf": "!permission denied", "/etc/nova/nova-compute.conf": "[DEFAULT]\nhost = x\n"}, "kvm07", true, "permission denied", ""},
		"permission for the last":       {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT]\nhost = x\n", "/etc/nova/nova-compute.conf": "!permission denied"}, "kvm07", true, "/etc/nova/nova-compute.conf could not be read", ""},
		"a folder of files":             {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT]\n", "/etc/nova/nova.conf.d/50-local.conf": "[DEFAULT]\nhost = x\n"}, "kvm07", true, "/etc/nova/nova.conf.d/50-local.conf as well", ""},
		"a folder of others":            {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT]\nhost = x\n", "/etc/nova/nova.conf.d/50-local.conf.bak": "[DEFAULT]\nhost = y\n"}, "x", true, "", ""},
		"permission for a folder":       {fakeFiles{"/etc/nova/nova-compute.conf.d": "!permission denied"}, "kvm07", true, "/etc/nova/nova-compute.conf.d could not be read", ""},
		"a host in it":                  {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT]\n", "/etc/hostname": "kvm7\n"}, "kvm7", true, "", ""},
		"sense in it":                   {fakeFiles{"/etc/nova/nova.conf": "[DEFAULT\ns3cret"}, "kvm07", true, "is no option", ""},
		"permission for its compute_id": {fakeFiles{"/var/lib/nova/compute_id": "!permission denied"}, "kvm07", false, "compute_id could not be read: permission denied", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := Look(t.Context(), inv, c.files, ConfPlaces())
			if h.ComputeHost() != c.host || h.looked() != c.looked || !strings.Contains(h.Err, c.says) || (c.says == "") != (h.Err == "") ||
				!strings.Contains(h.Conf.Err, c.confErr) || h.Err == "" && (c.confErr == "") != (h.Conf.Err == "") {
				t.Errorf("Look = %+v, compute host %q", h, h.ComputeHost())
			}
			if strings.Contains(h.Err+h.Conf.Err, "s3cret") {
				t.Errorf("a line of nova.conf is told: %q", h.Err)
			}
		})
	}
	inv.Err = errors.New("host seven: no answer")
	if h := Look(t.Context(), inv, nil, nil); h.Err != "host seven: no answer" {
		t.Errorf("Err = %q", h.Err)
	}
}

func TestParseIdentity(t *testing.T) {
	for text, want := range map[string]string{
		mine: mine, mine + "\n": mine, "  " + mine + "  ": mine, strings.ReplaceAll(mine, "-", ""): mine,
		"": "", "x": "", mine[:35]: "", "     " + mine: "", mine + "\n" + mine: "",
	} {
		if got, err := ParseIdentity([]byte(text)); got != want || (want == "") != (err != nil) {
			t.Errorf("ParseIdentity(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestTouched(t *testing.T) {
	before := []Host{{Name: "a", Guests: map[string]string{"1": "web, running", "2": "db, running", "3": "off, shutoff"}}, {Name: "b"}, {Name: "c"}}
	after := []Host{{Name: "a", Guests: map[string]string{"1": "web, running", "2": "db, shutoff", "4": "new, running"}}, {Name: "b"}, {Name: "c", Err: "host c: no answer"}}
	want := []string{
		"a: domain 2 was db, running and is db, shutoff", "a: domain 3 was off, shutoff and is gone", "a: domain 4 was not there and is new, running",
		"c: it could not be read again: host c: no answer",
	}
	if diff := cmp.Diff(want, Touched(before, after)); diff != "" {
		t.Errorf("Touched (-want +got):\n%s", diff)
	}
}
