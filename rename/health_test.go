package rename

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func answerTo(r Report, asked string) Answer {
	for _, a := range r.Answers {
		if strings.HasPrefix(a.Asked, asked) {
			return a
		}
	}
	return Answer{Said: "not asked"}
}

var eth = Address{MAC: "52:54:00:00:00:01", IP: netip.MustParseAddr("10.0.0.5"), Prefix: 24}

func TestHealth(t *testing.T) {
	steady := Health{Steady: 150 * time.Millisecond, Reboots: 1}
	watched := Health{Steady: time.Hour, Reboots: 1} // until something happens
	with := func(change func(*Health)) Health {
		h := steady
		change(&h)
		return h
	}
	agent := with(func(h *Health) { h.Agent = 2500 * time.Millisecond })
	address := with(func(h *Health) { h.Agent, h.Addresses = 2500*time.Millisecond, []Address{eth} })
	login := func(text string) Health {
		return with(func(h *Health) {
			files := memoryFiles{"/var/log/web-3": {1, "old boot\nlogin: new boot\nwelcome"}}
			h.Console = &Console{Files: files, Mark: ConsoleMark{"/var/log/web-3", 16, []byte("old boot\nlogin: ")}, Text: text, Within: 300 * time.Millisecond}
		})
	}
	for _, c := range []struct {
		name   string
		health Health
		then   func(*fakeDaemon, *fakeDomain) // after the start
		asked  string                         // the answer that is looked at
		ok     bool
		says   string
	}{
		{"steady", steady, nil, "runs", true, "150ms, 0 reboots"},
		{"stops", watched, stops(2), "runs", false, "stopped (crashed)"},
		{"stops unheard", watched, func(f *fakeDaemon, d *fakeDomain) { f.change(func() { d.state = shutoff }) }, "runs", false, "shutoff"},
		{"is another process", watched, func(f *fakeDaemon, d *fakeDomain) { f.change(func() { d.number += 3 }) }, "runs", false, "started again"},
		{"reboots once", with(func(h *Health) { h.Steady = 2 * time.Second }), (*fakeDaemon).reboot, "runs", true, "1 reboots"},
		{"reboots in a loop", watched, func(f *fakeDaemon, d *fakeDomain) { f.reboot(d); f.reboot(d) }, "runs", false, "rebooted 2 times"},
		{"pauses on an error", watched, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { d.state = paused })
			f.event(d, 3, 2)
		}, "runs", false, "paused"},
		{"crashes", watched, func(f *fakeDaemon, d *fakeDomain) { f.event(d, 8, 0) }, "runs", false, "crashed"},
		{"vanishes", watched, func(f *fakeDaemon, d *fakeDomain) { f.change(func() { delete(f.domains, d.id) }) }, "runs", false, "no such domain"},
		{"agent answers", agent, func(f *fakeDaemon, d *fakeDomain) { f.change(func() { d.agent = func() error { return nil } }) }, "guest agent", true, "answered"},
		{"agent refuses", agent, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() {
				d.agent = func() error {
					return errors.New("internal error: unable to execute QEMU agent command 'guest-get-time': disabled")
				}
			})
		}, "guest agent", true, "answered"},
		{"agent is away", agent, nil, "guest agent", false, "not connected"},
		{"agent hangs", agent, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { d.agent = func() error { <-f.ended; return nil } })
		}, "guest agent", false, "no answer"},
		{"address there", address, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() { d.addresses, d.agent = []Address{eth}, func() error { return nil } })
		}, "addresses", true, "10.0.0.5/24"},
		{"address missing", address, func(f *fakeDaemon, d *fakeDomain) {
			f.change(func() {
				d.agent = func() error { return nil }
				d.addresses = []Address{{eth.MAC, netip.MustParseAddr("169.254.3.4"), 16}}
			})
		}, "addresses", false, "missing [10.0.0.5/24 at 52:54:00:00:00:01], has []"},
		{"console", login("welcome"), nil, "console /var/log/web-3", true, "was written"},
		{"console of before", login("login:"), nil, "console /var/log/web-3", false, `the last line is "welcome"`},
		{"probe", with(func(h *Health) { h.Probes = []Probe{{Command: []string{"true"}}} }), nil, "command true", true, ""},
		{"probe fails", with(func(h *Health) {
			h.Probes = []Probe{{Command: []string{"sh", "-c", "echo no route; false"}, Within: 200 * time.Millisecond}}
		}), nil, "command sh", false, "no route"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFakeDaemon(t)
			d := f.add("web-3", running)
			o, e := open(t, f, d), listen(t, f)
			if c.then != nil {
				time.AfterFunc(50*time.Millisecond, func() { c.then(f, d) })
			}
			since := time.Now()
			r, err := o.CheckHealth(soon(t), c.health, since, e)
			if err != nil {
				t.Fatal(err)
			}
			a := answerTo(r, c.asked)
			if a.OK != c.ok || !strings.Contains(a.Said, c.says) || a.Took <= 0 || a.Took > time.Since(since) {
				t.Errorf("answer %+v", a)
			}
			if got := r.Err(); (got == nil) != c.ok || got != nil && !errors.Is(got, ErrUnhealthy) {
				t.Errorf("report %+v: %v", r, got)
			}
		})
	}
}

// A domain that goes off ends the waiting for what it can no longer answer.
func TestHealthGivesUpSoon(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	h := Health{Agent: time.Minute, Probes: []Probe{{Command: []string{"false"}, Within: time.Minute}}}
	time.AfterFunc(50*time.Millisecond, func() { f.stop(d, 2) })
	began := time.Now()
	r, err := open(t, f, d).CheckHealth(soon(t), h, began, listen(t, f))
	if err != nil || time.Since(began) > 50*time.Second || len(r.Answers) != 3 || r.Err() == nil {
		t.Errorf("after %v: %+v, %v", time.Since(began), r, err)
	}
}

// A start that took long, as one by Nova may, takes nothing from the time in
// which the guest has to answer.
func TestHealthAfterLongStart(t *testing.T) {
	f := newFakeDaemon(t)
	h := Health{Steady: 10 * time.Millisecond, Probes: []Probe{{Command: []string{"true"}, Within: time.Minute}}}
	r, err := open(t, f, f.add("web-3", running)).CheckHealth(soon(t), h, time.Now().Add(-time.Hour), listen(t, f))
	if a := answerTo(r, "command"); err != nil || !a.OK || a.Took < time.Hour {
		t.Errorf("%+v, %v", a, err)
	}
}

// It is watched for as long as others are waited for.
func TestHealthWatchesOn(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	h := Health{Steady: 10 * time.Millisecond, Probes: []Probe{{Command: []string{"sleep", "30"}}}}
	time.AfterFunc(300*time.Millisecond, func() { f.stop(d, 2) })
	r, err := open(t, f, d).CheckHealth(soon(t), h, time.Now(), listen(t, f))
	if err != nil || answerTo(r, "runs").OK {
		t.Errorf("%+v, %v", r, err)
	}
}

// A daemon that is away for a moment says nothing about the domain.
func TestHealthDaemonRestarts(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	time.AfterFunc(20*time.Millisecond, func() {
		f.change(func() { f.down = true })
		f.cut()
		time.Sleep(300 * time.Millisecond)
		f.change(func() { f.down = false })
	})
	r, err := open(t, f, d).CheckHealth(soon(t), Health{Steady: 150 * time.Millisecond}, time.Now(), listen(t, f))
	if err != nil || r.Err() != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestHealthProbeChecked(t *testing.T) {
	f := newFakeDaemon(t)
	_, err := open(t, f, f.add("web-3", running)).CheckHealth(soon(t), Health{Probes: []Probe{{}}}, time.Now(), nil)
	if !errors.Is(err, ErrProbe) {
		t.Errorf("CheckHealth = %v", err)
	}
}

func TestAddresses(t *testing.T) {
	f := newFakeDaemon(t)
	d := f.add("web-3", running)
	v6 := Address{MAC: "52:54:00:00:00:01", IP: netip.MustParseAddr("2001:db8::5"), Prefix: 64}
	d.addresses = []Address{v6, {MAC: "52:54:00:00:00:01", IP: netip.MustParseAddr("fe80::1"), Prefix: 64}, {MAC: "00:00:00:00:00:00", IP: netip.MustParseAddr("127.0.0.1"), Prefix: 8}, {MAC: strings.ToUpper(eth.MAC), IP: eth.IP, Prefix: 24}}
	got, err := open(t, f, d).Addresses(soon(t))
	if err != nil || len(got) != 2 || got[0] != eth || got[1] != v6 {
		t.Errorf("Addresses = %v, %v", got, err)
	}
	moved := eth
	moved.MAC = "52:54:00:00:00:02"
	for _, c := range []struct {
		before, after []Address
		want          int
	}{{nil, got, 0}, {got, got, 0}, {got, got[:1], 1}, {got, nil, 2}, {[]Address{eth}, []Address{moved}, 1}} {
		if m := Missing(c.before, c.after); len(m) != c.want {
			t.Errorf("Missing(%v, %v) = %v", c.before, c.after, m)
		}
	}
}

func TestConsoleMark(t *testing.T) {
	type file = struct {
		inode uint64
		text  string
	}
	long := strings.Repeat("line of the old boot\n", 20)
	for _, c := range []struct {
		name          string
		before, after string
		want          string // what counts as new
	}{
		{"goes on", long, long + "new", "new"},
		{"begins anew", long, "new", "new"},
		{"begins anew and is longer", long, strings.Repeat("another line of text\n", 30), strings.Repeat("another line of text\n", 30)},
		{"short, goes on", "a", "ab", "b"},
		{"was empty", "", "new", "new"},
	} {
		files := memoryFiles{"/c": file{1, c.before}}
		m, err := MarkConsole(soon(t), files, "/c")
		if err != nil {
			t.Fatal(err)
		}
		files["/c"] = file{1, c.after}
		from, err := m.begin(soon(t), files)
		if err != nil || c.after[from:] != c.want {
			t.Errorf("%s: from %d, %v", c.name, from, err)
		}
	}
	if m, err := MarkConsole(soon(t), memoryFiles{}, "/c"); err != nil || m.Bytes != 0 {
		t.Errorf("no file: %+v, %v", m, err)
	}
}
