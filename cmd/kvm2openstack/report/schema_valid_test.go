package report

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/rebuild"
	"github.com/lightcloud/kvm2openstack/testdata/demo"
)

// strictly compiles a schema for tests: what it does not describe is wrong,
// while other readers must take fields that they do not know.
func strictly(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(schemaFile(name))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	closeObjects(doc)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeObjects(doc any) {
	switch v := doc.(type) {
	case map[string]any:
		if v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}

func parsed(t *testing.T, text []byte) any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return doc
}

// reports are audits of every kind: a whole fleet, and what can go wrong.
func reports(t *testing.T) map[string]audit.Report {
	t.Helper()
	dir := t.TempDir()
	if err := demo.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	hosts, err := discover.HostsFromDir(dir + "/hosts")
	if err != nil {
		t.Fatal(err)
	}
	fleet, err := audit.Run(context.Background(), audit.Input{Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	wrong := audit.Host{Found: 1, Capacity: &audit.Capacity{Placement: true}, Inventory: discover.Inventory{
		Err: errors.New("refused"), FilesErr: "no login", Silent: []discover.Silence{{Name: "db", Err: errors.New("no answer")}},
	}}
	return map[string]audit.Report{
		"fleet": fleet, "nothing": {},
		"failures": {Hosts: []audit.Host{wrong}, Unreadable: []discover.Unreadable{{Name: "x", Err: errors.New("no XML")}}},
	}
}

func TestAuditJSONIsValid(t *testing.T) {
	s := strictly(t, AuditSchema)
	for name, r := range reports(t) {
		var out bytes.Buffer
		if err := AuditJSON(&out, r, "test"); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(parsed(t, out.Bytes())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An audit is compared with each other one, read back from what was printed.
func TestChangesJSONIsValid(t *testing.T) {
	s := strictly(t, ChangesSchema)
	all := reports(t)
	for before := range all {
		var printed bytes.Buffer
		if err := AuditJSON(&printed, all[before], "test"); err != nil {
			t.Fatal(err)
		}
		b, err := ReadBaseline(&printed, nil)
		if err != nil {
			t.Fatalf("%s: %v", before, err)
		}
		for now, r := range all {
			var out bytes.Buffer
			c := audit.Compare(r, b)
			if err := ChangesJSON(&out, r, c, "test"); err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(parsed(t, out.Bytes())); err != nil {
				t.Errorf("%s since %s: %v", now, before, err)
			}
			if changed := c.Totals.Now != c.Totals.Same || c.Totals.Then != c.Totals.Same; changed != (now != before) {
				t.Errorf("%s since %s: %+v", now, before, c.Totals)
			}
		}
	}
}

// A domain with something in every field is described, too, and one with
// nothing in any.
func TestWholeDomainIsValid(t *testing.T) {
	s := strictly(t, AuditSchema)
	var whole audit.Domain
	fill(reflect.ValueOf(&whole).Elem())
	whole.Verdict, whole.Findings[0].Severity, whole.State, whole.Rebuild[0].Kind = check.VerdictBlocked, check.Blocked, discover.StateRunning, rebuild.Lost
	for name, d := range map[string]audit.Domain{"everything": whole, "nothing": {Assessment: check.Assessment{Verdict: check.VerdictReady}}} {
		text, err := marshal(withoutNulls(d), "")
		if err != nil {
			t.Fatal(err)
		}
		doc := `{"schema": "kvm2openstack.audit/1", "at": "2026-01-02T03:04:05Z", "by": "test", "release": null, "hosts": [], "unreadable": [],
			"domains": [` + string(text) + `], "totals": {"hosts": 0, "hosts_failed": 0, "found": 0, "ready": 0, "attention": 0, "blocked": 0, "managed": 0, "unreadable": 0, "filtered": 0}}`
		if err := s.Validate(parsed(t, []byte(doc))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(string(text), "null") {
			t.Errorf("%s: a null where a list is promised: %s", name, text)
		}
	}
}

// fill puts something into everything.
func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.MustParseAddr("192.0.2.1")))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(0, 0).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(1.5)
	default:
		v.Set(reflect.ValueOf(1).Convert(v.Type()))
	}
}

// Filling lists for the output leaves the report as it was.
func TestWithoutNullsChangesNothing(t *testing.T) {
	d := audit.Domain{Domain: discover.Domain{Disks: []discover.Disk{{Target: "vda"}}}}
	if out := withoutNulls(d); out.Disks[0].Backing == nil || d.Disks[0].Backing != nil || d.Video != nil {
		t.Errorf("withoutNulls changed the domain: %+v", d)
	}
}
