//go:build integration

package restart

import (
	"net"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A guest can be asked from a host that SSH leads to: connections begin there,
// and programs run there, whatever is in their words.
func TestRealVantage(t *testing.T) {
	h := discover.Host{
		Name: "there", URI: "qemu+ssh://root@" + need(t, "K2O_TEST_SSH") + "/system",
		KeyFile: need(t, "K2O_TEST_SSH_KEY"), KnownHosts: need(t, "K2O_TEST_KNOWN_HOSTS"),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, from := range []string{"host", "root@" + need(t, "K2O_TEST_SSH")} {
		v, end, err := (&Libvirt{}).Vantage(t.Context(), h, from)
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		out, err := v.Run(t.Context(), "hostname")
		if err != nil || strings.TrimSpace(string(out)) != "k2o-a" { // the name of the private daemon's host
			t.Errorf("%s: it runs on %q, %v", from, out, err)
		}
		const words = `it's "$(false)" ; *`
		if out, err = v.Run(t.Context(), "printf", "%s", words); err != nil || string(out) != words {
			t.Errorf("%s: %q became %q, %v", from, words, out, err)
		}
		if out, err = v.Run(t.Context(), "sh", "-c", "echo sorry; exit 3"); err == nil || !strings.Contains(err.Error(), "sorry") {
			t.Errorf("%s: a program that failed: %q, %v", from, out, err)
		}
		c, err := v.Dial(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", from, err)
		} else {
			c.Close()
		}
		end()
	}
	if _, _, err := (&Libvirt{}).Vantage(t.Context(), h, "root@127.0.0.1:1"); err == nil {
		t.Error("somebody answers at port 1")
	}
}
