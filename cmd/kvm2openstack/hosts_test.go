package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

// TestHostOfTheConfiguration: --host narrows the configured hosts down, and
// does not forget how they are reached.
func TestHostOfTheConfiguration(t *testing.T) {
	const uri = "qemu+ssh://root@kvm01/system"
	c := config{file: filepath.Join(t.TempDir(), "kvm2openstack.yaml"), Hosts: []hostConfig{
		{URI: uri, Name: "one", ComputeHost: "kvm01.example.org", KeyFile: "/k/id", KnownHosts: "/k/known"},
		{URI: "qemu+ssh://root@kvm02/system", KeyFile: "/k/other"},
	}}
	for _, test := range []struct {
		uri  string
		want discover.Host
	}{
		{uri, discover.Host{URI: uri, Name: "one", ComputeHost: "kvm01.example.org", KeyFile: "/k/id", KnownHosts: "/k/known"}},
		{"qemu+ssh://root@kvm03/system", discover.Host{URI: "qemu+ssh://root@kvm03/system", Name: "kvm03"}},
	} {
		s := selection{uris: []string{test.uri}}
		hosts, err := s.hosts(c)
		if err != nil || len(hosts) != 1 || hosts[0] != test.want {
			t.Errorf("--host %s = %+v, %v, want %+v", test.uri, hosts, err, test.want)
		}
	}
	if hosts, err := (&selection{}).hosts(c); err != nil || len(hosts) != 2 {
		t.Errorf("no --host = %+v, %v, want both", hosts, err)
	}
}

// TestConfiguredHost: files lie beside the configuration, and what the URI says
// otherwise is refused, as in an inventory.
func TestConfiguredHost(t *testing.T) {
	c := config{file: "/etc/kvm2openstack/config.yaml", Hosts: []hostConfig{{URI: "qemu+ssh://root@kvm01/system", KeyFile: "id", KnownHosts: "/k/known"}}}
	hosts, err := c.hosts()
	if err != nil || hosts[0].KeyFile != "/etc/kvm2openstack/id" || hosts[0].KnownHosts != "/k/known" {
		t.Errorf("hosts = %+v, %v", hosts, err)
	}
	c.Hosts[0].URI += "?keyfile=/k/other"
	if _, err := c.hosts(); err == nil || !strings.Contains(err.Error(), "entry 1: key_file and the URI's own option differ") {
		t.Errorf("another key in the URI: %v", err)
	}
}
