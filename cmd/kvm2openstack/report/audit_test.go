package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// What went wrong with a host, whole or in part, is said in every form.
func TestFailures(t *testing.T) {
	inventory := func(name string, change func(*discover.Inventory)) audit.Host {
		i := discover.Inventory{Host: discover.Host{Name: name}}
		change(&i)
		return audit.Host{Inventory: i}
	}
	part := inventory("part", func(i *discover.Inventory) { i.Err = errors.New("host part: dropped") })
	part.Found = 1
	r := audit.Report{Hosts: []audit.Host{
		inventory("dead", func(i *discover.Inventory) { i.Err = errors.New("refused\x1b[2J") }),
		part,
		inventory("blind", func(i *discover.Inventory) { i.FilesErr = "no files URL" }),
		inventory("hung", func(i *discover.Inventory) {
			i.Silent = []discover.Silence{{Name: "db", UUID: "u-1", Err: errors.New("no answer in 15s")}}
		}),
	}}
	var text, asJSON bytes.Buffer
	Failures(&text, r)
	if err := AuditJSON(&asJSON, r, "test"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"host dead was not read: refused", "host part was read in part, 1 domain: dropped",
		"host blind: its files were not looked at: no files URL", "host hung: domain db runs, but its QEMU did not answer: no answer in 15s",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("Failures lacks %q: %s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "\x1b") {
		t.Error("an escape sequence of a host reached the terminal")
	}
	for _, want := range []string{`"silent":[{"name":"db","uuid":"u-1","error":"no answer in 15s"}]`, `"files_error":"no files URL"`, `"error":"host part: dropped"`} {
		if !strings.Contains(asJSON.String(), want) {
			t.Errorf("AuditJSON lacks %s: %s", want, asJSON.String())
		}
	}
}
