package plan

import (
	"strings"
	"testing"
)

func TestGroupOfRules(t *testing.T) {
	in := input(ready(linux(1, "db-1")), ready(linux(2, "web-1")))
	in.Settings.Rules = []Rule{{Match: Match{Name: "db-*"}, Group: "galera"}}
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range p.Domains {
		if want := map[string]string{"db-1": "galera", "web-1": ""}[d.Domain]; d.Group != want {
			t.Errorf("%s has group %q, want %q", d.Domain, d.Group, want)
		}
	}
	for _, c := range []struct{ group, want string }{
		{"galera", ""},
		{"Galera 🐈", "utf8mb3"},
		{"a\nb", "control character"},
		{strings.Repeat("x", 65), "64 fit"},
	} {
		err := Settings{Rules: []Rule{{Group: c.group}}}.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("a rule with group %q: %v, want %q", c.group, err, c.want)
		}
	}
}

func TestProbeCheck(t *testing.T) {
	for _, p := range []Probe{{TCP: 3389}, {ARP: true, From: "host"}, {HTTP: "http://a/", From: "root@router:2222"}, {Console: "login:"}} {
		if err := p.Check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []Probe{{}, {TCP: 3389, Ping: true}, {Console: "login:", From: "host"}, {Ping: true, From: "a b"}, {Ping: true, From: "a/b"}} {
		if err := p.Check(); err == nil {
			t.Errorf("%+v is fine", p)
		}
	}
}
