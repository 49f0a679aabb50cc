package plan

import (
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

func TestFilter(t *testing.T) {
	web := with(linux(1, "web-1"), func(d *discover.Domain) { d.Host = "kvm01" })
	win := with(windows(2, "WIN[1]"), func(d *discover.Domain) { d.Host, d.State = "KVM02", discover.StateShutoff })
	tests := []struct {
		name       string
		only, skip []string
		web, win   bool
	}{
		{"nothing", nil, nil, true, true},
		{"name", []string{"web-1"}, nil, true, false},
		{"pattern", []string{"w*"}, nil, true, false},
		{"a name's case counts", []string{"WEB-1"}, nil, false, false},
		{"a name that looks like a pattern", []string{"WIN[1]"}, nil, false, true},
		{"two words", []string{"web-1", "WIN*"}, nil, true, true},
		{"uuid", []string{"1E6AC700-0000-4000-8000-000000000002"}, nil, false, true},
		{"host", []string{"kvm02"}, nil, false, true},
		{"host=", []string{"host=kvm0*"}, nil, true, true},
		{"name=", []string{"name=kvm02"}, nil, false, false},
		{"uuid=", []string{"uuid=1e6ac700*1"}, nil, true, false},
		{"state=", []string{"state=running"}, nil, true, false},
		{"state= pattern", []string{"state=shut*"}, nil, false, true},
		{"os= family", []string{"os=windows"}, nil, false, true},
		{"os= name", []string{"os=*2019"}, nil, false, true},
		{"skip", nil, []string{"os=windows"}, true, false},
		{"skip wins", []string{"*"}, []string{"web-1"}, false, true},
		{"matches nothing", []string{"db"}, nil, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := ParseFilter(test.only, test.skip)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				d    discover.Domain
				want bool
			}{{web, test.web}, {win, test.win}} {
				if got := f.MatchDomain(c.d); got != c.want {
					t.Errorf("MatchDomain(%s) = %v, want %v", c.d.Name, got, c.want)
				}
				in := input(ready(c.d))
				in.Hosts[0].Host.Name = c.d.Host
				if got := f.Match(build(t, in)); got != c.want {
					t.Errorf("Match(%s) = %v in the plan, want %v as on the host", c.d.Name, got, c.want)
				}
			}
			if f.Empty() != (len(test.only)+len(test.skip) == 0) {
				t.Errorf("Empty() = %v", f.Empty())
			}
		})
	}
}

func TestLeavesOut(t *testing.T) {
	f := Filter{Only: []string{"web*", "os=windows"}, Skip: []string{"web-2", "host=kvm09"}}
	for name, want := range map[string]string{"web-1": "", "web-2": "--skip web-2", "db-1": "no --only"} {
		if got := f.LeavesOut(linux(1, name)); got != want {
			t.Errorf("LeavesOut(%s) = %q, want %q", name, got, want)
		}
	}
}

func TestParseFilterErrors(t *testing.T) {
	for word, want := range map[string]string{
		"":           `filter: an empty word matches nothing`,
		"web[":       `filter "web[": not a pattern: syntax error in pattern`,
		"os=[":       `filter "os=[": not a pattern: syntax error in pattern`,
		"flavor=big": `filter "flavor=big": begins with none of name=, uuid=, host=, state=, os=; a name with an equals sign is name=flavor=big`,
		"state=on":   `filter "state=on": no such state; libvirt knows running, shutoff, paused, crashed, pmsuspended, shutdown, blocked, nostate`,
	} {
		for _, given := range [][2][]string{{{word}, nil}, {nil, {"web-1", word}}} {
			if _, err := ParseFilter(given[0], given[1]); err == nil || err.Error() != want {
				t.Errorf("ParseFilter(%q) = %v, want %s", given, err, want)
			}
		}
	}
}

func TestRuleMatch(t *testing.T) {
	d := windows(2, "win-2")
	tests := []struct {
		name string
		m    Match
		want bool
	}{
		{"anything", Match{}, true},
		{"name", Match{Name: "win*"}, true},
		{"all must fit", Match{Name: "win*", State: "shutoff"}, false},
		{"all fit", Match{Name: "win*", UUID: "*2", Host: "kvm0?", OS: "windows", State: "run*"}, true},
		{"os name", Match{OS: "Windows Server 2019"}, true},
		{"other os", Match{OS: "linux"}, false},
	}
	for _, test := range tests {
		if got := test.m.fits(traitsOf(d)); got != test.want {
			t.Errorf("%s: fits = %v, want %v", test.name, got, test.want)
		}
	}
}

func TestFirstRuleWins(t *testing.T) {
	in := input(ready(linux(1, "web-1")))
	in.Settings.Rules = []Rule{
		{Match: Match{Name: "db*"}, Wave: 9},
		{Match: Match{Name: "web*"}, Wave: 3},
		{Match: Match{Name: "web-1"}, Wave: 4, Force: true},
	}
	if d := build(t, in); d.Wave != 3 || d.Force {
		t.Errorf("wave %d, force %v, want those of the second rule alone", d.Wave, d.Force)
	}
}

// A name in full names a domain; what matches it besides does not.
func TestFilterNames(t *testing.T) {
	d := Domain{Domain: "web-1", Host: "kvm01", UUID: "1e6ac700-0000-4000-8000-000000000001"}
	for _, c := range []struct {
		only, skip []string
		want       bool
	}{
		{nil, nil, false},
		{[]string{"web-1"}, nil, true},
		{[]string{"name=web-1"}, nil, true},
		{[]string{"1E6AC700-0000-4000-8000-000000000001"}, nil, true},
		{[]string{"uuid=1e6ac700-0000-4000-8000-000000000001"}, nil, true},
		{[]string{"web-*", "web-1"}, nil, true},
		{[]string{"web-1"}, []string{"kvm01"}, false},
		{[]string{"web-*"}, nil, false},
		{[]string{"kvm01"}, nil, false},
		{[]string{"host=web-1", "uuid=1e6ac700*", "web-2"}, nil, false},
	} {
		if got := (Filter{Only: c.only, Skip: c.skip}).Names(d); got != c.want {
			t.Errorf("--only %v --skip %v names web-1: %v, want %v", c.only, c.skip, got, c.want)
		}
	}
}
