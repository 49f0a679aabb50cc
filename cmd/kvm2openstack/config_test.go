package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExpandSecrets(t *testing.T) {
	t.Setenv("K2O_PASSWORD", "p@ss/w:rd%")
	private := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(private, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, in, want, err string }{
		{"plain", "kvm2openstack.db", "kvm2openstack.db", ""},
		{"in a URL it is encoded", "mysql://nova:${K2O_PASSWORD}@db/nova", "mysql://nova:p%40ss%2Fw%3Ard%25@db/nova", ""},
		{"outside of a URL it is not", "${K2O_PASSWORD}", "p@ss/w:rd%", ""},
		{"a file, without its last newline", "mysql://nova:${file:" + private + "}@db/nova", "mysql://nova:s3cret@db/nova", ""},
		{"not set", "${K2O_NOT_SET}", "", "K2O_NOT_SET is not set"},
		{"no such file", "${file:/nonexistent}", "", "/nonexistent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.in
			err := expandSecrets(&got, "config.yaml")
			switch {
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("expandSecrets(%q) = %v, want an error with %q", c.in, err, c.err)
			case c.err == "" && (err != nil || got != c.want):
				t.Errorf("expandSecrets(%q) = %q, %v, want %q", c.in, got, err, c.want)
			}
		})
	}
}

func TestReadNovaConf(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nova.conf")
	text := `[DEFAULT]
state_path = /srv/nova
instances_path = $state_path/instances
instance_name_template = vm-%08x
osapi_compute_unique_server_name_scope = project
[api_database]
connection = mysql+pymysql://nova:se#cret@db1/nova_api?charset=utf8
[database]
connection = mysql+pymysql://nova:se;cret@db1/nova
[libvirt]
images_type = raw
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := novaConfig{ImagesType: "qcow2"}
	if err := n.readNovaConf(file); err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]string{
		"api_database keeps # in a password":  {n.APIDatabase, "mysql+pymysql://nova:se#cret@db1/nova_api?charset=utf8"},
		"main_database keeps ; in a password": {n.MainDatabase, "mysql+pymysql://nova:se;cret@db1/nova"},
		"instances_path knows state_path":     {n.InstancesPath, "/srv/nova/instances"},
		"the template is not interpolated":    {n.InstanceNameTemplate, "vm-%08x"},
		"the scope of unique names":           {n.UniqueNameScope, "project"},
		"the configuration's own word wins":   {n.ImagesType, "qcow2"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
}

// A compute host's nova.conf has no API database.
func TestReadNovaConfOfAComputeHost(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nova.conf")
	if err := os.WriteFile(file, []byte("[DEFAULT]\nhost = kvm01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var n novaConfig
	if err := n.readNovaConf(file); err == nil || !strings.Contains(err.Error(), "nova-api") {
		t.Errorf("readNovaConf = %v, want a word on which nova.conf to take", err)
	}
}
