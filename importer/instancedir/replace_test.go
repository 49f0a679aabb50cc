package instancedir

import (
	"os"
	"testing"
)

// The directory belongs to Nova's user. What that user has put where disk.info
// is written first is not written through: it could lead to any file of root's.
func TestReplaceFollowsNoLink(t *testing.T) {
	for _, b := range backends {
		h := newHost(t)
		h.mkdir(dir)
		h.write("/etc/shadow", "root:*")
		h.symlink("../../../../../etc/shadow", dir+"/"+infoTemporary)
		if _, err := b.open(h).Make(t.Context(), h.want()); err != nil {
			t.Errorf("%s: Make = %v", b.name, err)
		}
		if text, err := os.ReadFile(h.path("/etc/shadow")); err != nil || string(text) != "root:*" {
			t.Errorf("%s: the file behind the link is now %q, %v", b.name, text, err)
		}
		if info, err := os.Lstat(h.path(dir + "/" + infoName)); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: disk.info is %v, %v", b.name, info, err)
		}
	}
}

// What a run left that was killed while it wrote is written anew.
func TestReplaceAfterCrash(t *testing.T) {
	for _, b := range backends {
		h := newHost(t)
		h.mkdir(dir)
		h.write(dir+"/"+infoTemporary, `{"half`)
		if _, err := b.open(h).Make(t.Context(), h.want()); err != nil {
			t.Errorf("%s: Make = %v", b.name, err)
		}
		if _, err := os.Lstat(h.path(dir + "/" + infoTemporary)); err == nil {
			t.Errorf("%s: %s is still there", b.name, infoTemporary)
		}
	}
}
