package sync

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// partOf is a host with some adopted domains of which nothing has drifted.
func partOf(host string, domains ...int) Part {
	p := Part{Host: host, Hostname: host, ComputeHost: host, Seen: map[string]string{}, MACs: map[string]string{}, Recorded: map[string]int64{},
		Verdicts: map[check.Verdict]int{}, Adopted: len(domains)}
	for _, n := range domains {
		p.Seen[uuidOf(n)], p.MACs[macOf(n)], p.Recorded[uuidOf(n)] = fmt.Sprintf("guest-%d", n), uuidOf(n), noon.Unix()
	}
	return p
}

// fleetOf is ten hosts with ten adopted domains each: those of kvm03 are 30 to
// 39. An earlier run has seen all of them.
func fleetOf() Fleet {
	f := Fleet{Sightings: map[string]journal.Sighting{}, Now: noon, Latest: noon.Add(-time.Hour), Policy: Policy{Vanished: VanishedRelease}}
	for h := range 10 {
		host := fmt.Sprintf("kvm%02d", h)
		var domains []int
		for n := 10 * h; n < 10*h+10; n++ {
			domains = append(domains, n)
			f.Known = append(f.Known, journal.Outline{UUID: uuidOf(n), Host: host, Domain: fmt.Sprintf("guest-%d", n), ComputeHost: host, State: journal.StateImported})
			f.Sightings[uuidOf(n)] = journal.Sighting{UUID: uuidOf(n), Host: host, Recorded: noon.Unix()}
		}
		f.Parts = append(f.Parts, partOf(host, domains...))
	}
	return f
}

// lose takes domain n from its host; Nova has it there still.
func (f *Fleet) lose(n int) {
	p := &f.Parts[n/10]
	delete(p.Seen, uuidOf(n))
	delete(p.MACs, macOf(n))
	p.Absent = append(p.Absent, Absent{UUID: uuidOf(n), Domain: fmt.Sprintf("guest-%d", n), Why: "Nova has it on " + p.Host})
}

// unread makes a host one that does not answer.
func (f *Fleet) unread(h int) {
	f.Parts[h] = Part{Host: fmt.Sprintf("kvm%02d", h), Err: "no route to host", Drifts: []Drift{{Code: HostUnread, Host: fmt.Sprintf("kvm%02d", h)}}}
}

func codes(drifts []Drift) []string {
	var all []string
	for _, d := range drifts {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", d.Code, d.Host, strings.TrimPrefix(d.UUID, uuidOf(0)[:30]))))
	}
	return all
}

func wantCodes(t *testing.T, got Conclusion, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, codes(got.Drifts)); diff != "" {
		t.Errorf("drifts (-want +got):\n%s", diff)
	}
}

func TestConcludeClean(t *testing.T) {
	c := Conclude(fleetOf())
	if len(c.Drifts) != 0 || c.Stopped != "" || len(c.Sightings) != 0 || len(c.Places) != 10 {
		t.Errorf("Conclude = %+v, want nothing, and how ten hosts have answered", c)
	}
	f := fleetOf()
	clear(f.Sightings) // the first run of all
	if c := Conclude(f); len(c.Drifts) != 0 || len(c.Sightings) != 100 || c.Sightings[0].Host != "kvm00" || c.Sightings[0].Recorded != noon.Unix() {
		t.Errorf("Conclude = %d drifts, %d sightings, want none and all", len(c.Drifts), len(c.Sightings))
	}
}

// A domain that is missing is missed for three runs and an hour before its
// records may be taken out.
func TestConcludeVanished(t *testing.T) {
	f := fleetOf()
	f.lose(31)
	for n, c := range []struct {
		after   time.Duration
		missing int
		heal    Remedy
	}{
		{0, 1, ""}, {20 * time.Minute, 2, ""}, {40 * time.Minute, 3, ""}, {59 * time.Minute, 4, ""}, {time.Hour, 5, ByRelease}, {24 * time.Hour, 6, ByRelease},
	} {
		f.Now = noon.Add(c.after)
		got := Conclude(f)
		wantCodes(t, got, "D03 kvm03 000031")
		if len(got.Sightings) != 1 || got.Sightings[0].Missing != c.missing || got.Sightings[0].Since != noon.Unix() {
			t.Fatalf("run %d: sightings = %+v, want it missed %d times since noon", n, got.Sightings, c.missing)
		}
		if got.Drifts[0].Heal != c.heal || got.Stopped != "" {
			t.Errorf("run %d, after %v: healed by %q, stopped %q, want %q", n, c.after, got.Drifts[0].Heal, got.Stopped, c.heal)
		}
		f.Sightings[uuidOf(31)] = got.Sightings[0]
	}
	// A day, and only two looks: not often enough.
	g := fleetOf()
	g.lose(31)
	g.Sightings[uuidOf(31)] = journal.Sighting{UUID: uuidOf(31), Missing: 1, Since: noon.Add(-24 * time.Hour).Unix()}
	if got := Conclude(g); got.Drifts[0].Heal != "" {
		t.Errorf("missed twice: healed by %q, want by nobody", got.Drifts[0].Heal)
	}
	// It is back: all is forgotten.
	h := fleetOf()
	h.Sightings[uuidOf(31)] = f.Sightings[uuidOf(31)]
	if got := Conclude(h); len(got.Drifts) != 0 || len(got.Sightings) != 1 || got.Sightings[0].Missing != 0 || got.Sightings[0].Since != 0 {
		t.Errorf("it is back: %+v, want it seen", got)
	}
}

// While any host could not be read, the domain may be there.
func TestConcludeVanishedWhileAHostIsDown(t *testing.T) {
	f := fleetOf()
	f.lose(31)
	f.Sightings[uuidOf(31)] = journal.Sighting{UUID: uuidOf(31), Missing: 9, Since: noon.Add(-24 * time.Hour).Unix()}
	f.Parts[5] = Part{Host: "kvm05", Err: "no route", Drifts: []Drift{{Code: HostUnread, Host: "kvm05"}}}
	f.Policy.StopAbove = "50%"
	got := Conclude(f)
	wantCodes(t, got, "D03 kvm03 000031", "D40 kvm05")
	if got.Drifts[0].Heal != "" || !strings.Contains(got.Drifts[0].Text, "it may be on kvm05") || len(got.Sightings) != 1 || got.Sightings[0].Missing != 9 {
		t.Errorf("Conclude = %+v, sightings %+v, want it not counted, and where it may be", got.Drifts[0], got.Sightings)
	}
}

func TestConcludeElsewhere(t *testing.T) {
	f := fleetOf()
	f.lose(31)
	f.Parts[4].Seen[uuidOf(31)] = "guest-31"
	f.Parts[4].Drifts = []Drift{{Code: Elsewhere, Host: "kvm04", UUID: uuidOf(31)}, {Code: AllocationDiffers, Host: "kvm04", UUID: uuidOf(31), Heal: "allocations"}}
	got := Conclude(f)
	wantCodes(t, got, "D04 kvm04 000031", "D23 kvm04 000031")
	if got.Drifts[1].Heal != "" {
		t.Error("something of a domain that is on the wrong host would be healed")
	}
	if len(got.Sightings) != 1 || got.Sightings[0].Host != "kvm04" || got.Sightings[0].Missing != 0 {
		t.Errorf("sightings = %+v, want it seen on kvm04", got.Sightings)
	}
}

// Two hosts with the same UUID: nobody can tell which is the guest.
func TestConcludeTwice(t *testing.T) {
	f := fleetOf()
	f.Parts[4].Seen[uuidOf(31)] = "copy"
	f.Parts[3].Drifts = []Drift{{Code: PowerDiffers, Host: "kvm03", UUID: uuidOf(31), Heal: "power"}, {Code: PowerDiffers, Host: "kvm03", UUID: uuidOf(32), Heal: "power"}}
	f.Parts[4].Drifts = []Drift{{Code: NewReady, Host: "kvm04", UUID: uuidOf(31), Heal: ByImport}}
	got := Conclude(f)
	wantCodes(t, got, "D10 kvm03 000031", "D10 kvm03 000032", "D05 kvm03 000031", "D02 kvm04 000031", "D05 kvm04 000031")
	for _, d := range got.Drifts {
		if want := d.UUID == uuidOf(32); (d.Heal != "") != want {
			t.Errorf("%+v: healed, want %v", d, want)
		}
	}
	if !strings.Contains(got.Drifts[2].Text, "kvm03 and kvm04") {
		t.Errorf("text = %q, want both hosts", got.Drifts[2].Text)
	}
}

// Whatever else has drifted of a domain of which nobody knows what it is waits.
func TestConcludeDoubtful(t *testing.T) {
	for _, code := range []Code{Elsewhere, Older, LostInNova, DeletedInNova, Unjournalled} {
		f := fleetOf()
		f.Parts[3].Drifts = []Drift{
			{Code: code, Host: "kvm03", UUID: uuidOf(31)},
			{Code: AllocationDiffers, Host: "kvm03", UUID: uuidOf(31), Heal: "allocations"},
			{Code: NewReady, Host: "kvm03", UUID: uuidOf(31), Heal: ByImport},
			{Code: AllocationDiffers, Host: "kvm03", UUID: uuidOf(32), Heal: "allocations"},
		}
		got := Conclude(f)
		for _, d := range got.Drifts {
			if want := d.UUID == uuidOf(32) && code != Older; (d.Heal != "") != want || d.Code == NewReady {
				t.Errorf("beside %s: %+v, want it healed: %v", code, d, want)
			}
		}
	}
}

// A domain that was defined anew without its UUID is another domain.
func TestConcludeDefinedAnew(t *testing.T) {
	f := fleetOf()
	f.lose(31)
	f.Parts[3].Absent[0].Namesake = uuidOf(999)
	got := Conclude(f)
	wantCodes(t, got, "D07 kvm03 000031")
	if !strings.Contains(got.Drifts[0].Text, uuidOf(999)) || got.Drifts[0].Heal != "" {
		t.Errorf("Conclude = %+v, want the other's UUID and no remedy", got.Drifts[0])
	}
}

// Half of the inventory is gone: it is said once for each host, nothing is
// healed, and nothing is noted by which a later run could go on.
func TestConcludeShrunkInventory(t *testing.T) {
	f := fleetOf()
	f.Parts = f.Parts[:5]
	f.Parts[0].Drifts = []Drift{{Code: PowerDiffers, Host: "kvm00", UUID: uuidOf(1), Heal: "power"}}
	for run := range 5 {
		got := Conclude(f)
		wantCodes(t, got, "D50", "D10 kvm00 000001", "D42 kvm05", "D42 kvm06", "D42 kvm07", "D42 kvm08", "D42 kvm09")
		if !strings.Contains(got.Stopped, "50 of 100") || !strings.Contains(got.Stopped, "5 hosts with adopted domains not in the inventory") || got.Drifts[1].Heal != "" || len(got.Sightings)+len(got.Places)+len(got.Forgotten) != 0 {
			t.Fatalf("run %d: %+v, want it stopped and nothing noted", run, got)
		}
		f.Now = f.Now.Add(time.Hour)
	}
	f.Accept = true
	if got := Conclude(f); got.Stopped != "" || len(got.Sightings) == 0 || got.Drifts[0].Heal != "power" {
		t.Errorf("accepted: %+v, want it to go on", got)
	}
}

// One host of ten is a tenth, which may be gone; two are too much.
func TestConcludeDeadNetwork(t *testing.T) {
	f := fleetOf()
	f.unread(1)
	if got := Conclude(f); got.Stopped != "" {
		t.Errorf("one host of ten: stopped: %s", got.Stopped)
	}
	f.unread(2)
	got := Conclude(f)
	if !strings.Contains(got.Stopped, "20 of 100") || !strings.Contains(got.Stopped, "2 of 10 hosts could not be read") {
		t.Errorf("two hosts of ten: stopped %q, want how much and why", got.Stopped)
	}
	f.Policy.StopAbove = "20%"
	if got := Conclude(f); got.Stopped != "" {
		t.Errorf("20 %% may be gone: stopped: %s", got.Stopped)
	}
}

// Of a few guests one is more than any share, and yet one guest; two are not.
func TestConcludeFewGuests(t *testing.T) {
	for _, c := range []struct {
		known, gone int
		above       string
		stopped     bool
	}{
		{1, 1, "", false}, {5, 1, "", false}, {9, 1, "", false}, {5, 2, "", true}, {5, 2, "40%", false}, {19, 2, "", true}, {20, 2, "", false},
		{5, 1, "0%", true}, {100, 1, "0", true}, {100, 0, "0", false},
	} {
		f := fleetOf()
		f.Policy.StopAbove = c.above
		f.Known = f.Known[:c.known]
		for n := range c.gone {
			f.lose(n)
		}
		got := Conclude(f)
		if (got.Stopped != "") != c.stopped || c.stopped == (len(got.Sightings) > 0) && c.gone > 0 {
			t.Errorf("%d of %d gone, stop_above %q: stopped %q and %d sightings, want it stopped: %v", c.gone, c.known, c.above, got.Stopped, len(got.Sightings), c.stopped)
		}
		for _, d := range got.Drifts {
			if d.Heal != "" {
				t.Errorf("%d of %d gone: %+v is healed at its first sighting", c.gone, c.known, d)
			}
		}
	}
}

// What was gone before is not gone at once, and what was deleted through Nova
// is not gone by mistake.
func TestConcludeSlowLoss(t *testing.T) {
	f := fleetOf()
	for n := range 30 {
		f.lose(n)
		f.Sightings[uuidOf(n)] = journal.Sighting{UUID: uuidOf(n), Missing: 1 + n, Since: noon.Unix()}
	}
	if got := Conclude(f); got.Stopped != "" {
		t.Errorf("lost over time: stopped: %s", got.Stopped)
	}
	g := fleetOf()
	for n := range 30 {
		delete(g.Parts[n/10].Seen, uuidOf(n))
		g.Parts[n/10].Drifts = append(g.Parts[n/10].Drifts, Drift{Code: DeletedInNova, Host: g.Parts[n/10].Host, UUID: uuidOf(n)})
	}
	got := Conclude(g)
	if got.Stopped != "" || len(got.Sightings) != 30 || got.Sightings[0].Missing != 1 {
		t.Errorf("deleted through Nova: %q with %d sightings, want it to go on", got.Stopped, len(got.Sightings))
	}
}

// A database of yesterday: records of what was imported since are gone, and
// those of the others are older than they were.
func TestConcludeRestoredDatabase(t *testing.T) {
	f := fleetOf()
	for n := range 11 {
		f.Parts[n/10].Drifts = append(f.Parts[n/10].Drifts, Drift{Code: LostInNova, Host: f.Parts[n/10].Host, UUID: uuidOf(n)})
	}
	f.Parts[3].Drifts = []Drift{{Code: AllocationDiffers, Host: "kvm03", UUID: uuidOf(31), Heal: "allocations"}}
	f.Accept = true // That is about domains, not about records.
	got := Conclude(f)
	if !strings.Contains(got.Stopped, "11 of 100") || !strings.Contains(got.Stopped, "restored") || len(got.Sightings) != 0 {
		t.Errorf("records gone: stopped %q, want how many", got.Stopped)
	}
	g := fleetOf()
	g.Parts[3].Drifts = []Drift{{Code: Older, Host: "kvm03", UUID: uuidOf(31)}, {Code: PowerDiffers, Host: "kvm03", UUID: uuidOf(32), Heal: "power"}}
	if got := Conclude(g); !strings.Contains(got.Stopped, "restored") || slices.ContainsFunc(got.Drifts, func(d Drift) bool { return d.Heal != "" }) {
		t.Errorf("records older: %+v, want it stopped", got)
	}
}

func TestConcludeClockBack(t *testing.T) {
	f := fleetOf()
	f.lose(31)
	f.Sightings[uuidOf(31)] = journal.Sighting{UUID: uuidOf(31), Missing: 9, Since: noon.Add(-24 * time.Hour).Unix()}
	f.Latest = noon.Add(2 * time.Hour)
	got := Conclude(f)
	wantCodes(t, got, "D51", "D03 kvm03 000031")
	if !strings.Contains(got.Stopped, "14:00:00") || got.Drifts[1].Heal != "" || len(got.Sightings) != 0 {
		t.Errorf("Conclude = %+v, want it stopped, and by when", got)
	}
	f.Latest = noon.Add(30 * time.Second)
	if got := Conclude(f); got.Stopped != "" {
		t.Errorf("half a minute: stopped: %s", got.Stopped)
	}
	// A sighting of the future counts as one of now.
	f.Sightings[uuidOf(31)] = journal.Sighting{UUID: uuidOf(31), Missing: 9, Since: noon.Add(time.Hour).Unix()}
	if got := Conclude(f); got.Drifts[0].Heal != "" {
		t.Error("what was missed first in the future was missed long enough")
	}
}

// Two names of the inventory lead to one machine: neither is believed, unless
// an earlier run knows whose name it is.
func TestConcludeOneMachineTwice(t *testing.T) {
	f := fleetOf()
	f.Policy.StopAbove = "100%"
	f.Parts[4] = partOf("kvm04", 30, 31)
	f.Parts[4].Hostname = "kvm03"
	got := Conclude(f)
	wantCodes(t, got, "D41 kvm03", "D41 kvm04")
	if !strings.Contains(got.Drifts[0].Text, `kvm04 answers as "kvm03", too`) || len(got.Sightings) != 0 {
		t.Errorf("Conclude = %+v, sightings %+v, want both named and nothing missed", got.Drifts, got.Sightings)
	}
	// The second is known to be another: the first is itself.
	f = fleetOf()
	f.Parts[4] = Part{Host: "kvm04", Hostname: "kvm03", Stranger: "it answers as kvm03", Drifts: []Drift{{Code: HostRenamed, Host: "kvm04"}}}
	got = Conclude(f)
	if !slices.Equal(codes(got.Drifts), []string{"D41 kvm04"}) {
		t.Errorf("drifts = %v, want that of kvm04 alone", codes(got.Drifts))
	}
	// Else the next run would believe it.
	if slices.ContainsFunc(got.Places, func(p journal.Place) bool { return p.Name == "kvm04" }) || len(got.Places) != 9 {
		t.Errorf("places = %+v, want those of the nine others", got.Places)
	}
}

// Neutron has a MAC address once.
func TestConcludeDuplicateMAC(t *testing.T) {
	f := fleetOf()
	for h, n := range map[int]int{3: 300, 4: 400} {
		f.Parts[h].Seen[uuidOf(n)] = "new"
		f.Parts[h].MACs["52:54:00:ff:ff:ff"] = uuidOf(n)
	}
	f.Parts[3].Drifts = []Drift{{Code: NewReady, Host: "kvm03", UUID: uuidOf(300), Heal: ByImport}}
	got := Conclude(f)
	wantCodes(t, got, "D02 kvm03 000300")
	if !strings.Contains(got.Drifts[0].Text, uuidOf(400)) || got.Drifts[0].Heal != "" {
		t.Errorf("Conclude = %+v, want who has it too", got.Drifts[0])
	}
}

func TestConcludeForgets(t *testing.T) {
	f := fleetOf()
	f.Known[31].State = journal.StateReleased
	f.Known = slices.Delete(f.Known, 40, 41)
	delete(f.Parts[4].Seen, uuidOf(40))
	got := Conclude(f)
	slices.Sort(got.Forgotten)
	if !slices.Equal(got.Forgotten, []string{uuidOf(31), uuidOf(40)}) {
		t.Errorf("forgotten = %v, want what is not adopted any more", got.Forgotten)
	}
}

// What was not asked is said once.
func TestConcludeCloudUnread(t *testing.T) {
	f := fleetOf()
	for n := range 3 {
		f.Parts[n].CloudErr = "connection refused"
	}
	got := Conclude(f)
	wantCodes(t, got, "D43")
	if got.Drifts[0].Text != "of 3 hosts: connection refused" || got.Stopped != "" {
		t.Errorf("Conclude = %+v", got)
	}
}

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		p    Policy
		want string // part of the error
	}{
		{Policy{}, ""},
		{Policy{Heal: []Remedy{"power", "unfinished", "sizes", "ports", "info_cache", "allocations"}, Vanished: "release", StopAbove: "2.5 %"}, ""},
		{Policy{StopAbove: "0.1"}, ""},
		{Policy{Heal: []Remedy{"everything"}}, `"everything"`},
		{Policy{Heal: []Remedy{"import"}}, "import"},
		{Policy{Vanished: "delete"}, `"delete"`},
		{Policy{Vanished: "release", Missed: Missed{Runs: 1, For: time.Hour}}, "one look"},
		{Policy{Missed: Missed{Runs: -1, For: time.Hour}}, "-1 runs"},
		{Policy{StopAbove: "ten"}, `"ten"`},
		{Policy{StopAbove: "110%"}, `"110%"`},
		{Policy{StopAbove: "NaN"}, `"NaN"`},
		{Policy{Lease: time.Second}, "1s"},
	} {
		err := c.p.Check()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("Check(%+v) = %v, want an error with %q", c.p, err, c.want)
		}
	}
	if !(Policy{}).Nothing() || (Policy{Vanished: "release"}).Nothing() || (Policy{Heal: []Remedy{"power"}}).Nothing() {
		t.Error("Nothing is wrong about one of the policies")
	}
	d := Drift{Code: PowerDiffers, Heal: "power"}
	if (Policy{}).allows(d) || !(Policy{Heal: []Remedy{"power"}}).allows(d) || (Policy{Heal: []Remedy{"power"}}).allows(Drift{Code: PowerDiffers}) {
		t.Error("allows is wrong about one of the policies")
	}
}

// What the policy does not name is left alone, however it could be healed.
func TestPolicyAllows(t *testing.T) {
	all := []Remedy{ByImport, ByFinish, ByRelease, "power", "sizes", "ports", "info_cache", "allocations", ""}
	for _, c := range []struct {
		p    Policy
		want []Remedy
	}{
		{Policy{}, nil},
		{Policy{Vanished: VanishedReport}, nil},
		{Policy{Vanished: VanishedRelease}, []Remedy{ByRelease}},
		{Policy{Import: []plan.Match{{Name: "*"}}}, []Remedy{ByImport, ByFinish}},
		{Policy{Heal: []Remedy{"power", "unfinished"}}, []Remedy{ByFinish, "power"}},
		{Policy{Heal: []Remedy{"sizes", "ports", "info_cache", "allocations"}}, []Remedy{"sizes", "ports", "info_cache", "allocations"}},
	} {
		var got []Remedy
		for _, heal := range all {
			if c.p.WithDefaults().allows(Drift{Heal: heal}) {
				got = append(got, heal)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v allows %q, want %q", c.p, got, c.want)
		}
	}
}
