package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lightcloud/kvm2openstack/testdata/libvirtd"
)

// callTimeout and parallel are the program's own defaults.
const (
	callTimeout = 15 * time.Second
	parallel    = 32
)

// A weather is what goes wrong on the way to hosts, once it is bad.
type weather struct{ bad atomic.Bool }

// delay is that of a network of a data centre, and of a host under load.
func (w *weather) delay(host int) time.Duration {
	switch {
	case !w.bad.Load():
		return 0
	case slow(host):
		return 100 * time.Millisecond
	}
	return time.Duration(2+host%7) * time.Millisecond
}

func (w *weather) dead(host int) bool { return w.bad.Load() && dead(host) }

// One host of a hundred is slow, and one is dead.
func slow(host int) bool { return host%100 == 50 }
func dead(host int) bool { return host%100 == 99 }

// changed: of one host of twenty Nova believes that a running domain is off.
func changed(host int) bool { return host%20 == 7 }

// A measured is one comparison.
type measured struct {
	hosts, domains         int
	took                   time.Duration
	program, server, world time.Duration // processor time
	machine                float64       // share of its processors that was used, by whomever
	busy                   time.Duration // of hosts, all together
	questions, commits     int64
	peakMB                 float64
	drifts                 map[string]int // by code
	first                  string         // the text of one
}

// measure has everything seen once, changes something, makes the weather bad,
// and has it compared again.
func (w *world) measure(ctx context.Context, hosts int) (m measured, err error) {
	config, err := w.configure(hosts)
	if err != nil {
		return m, err
	}
	w.weather.bad.Store(false)
	if _, _, err := w.command(ctx, 1, "sync", "-o", "json", "--config", config); err != nil {
		return m, err
	}
	if err := w.power(ctx, hosts, "stopped", 4); err != nil {
		return m, err
	}
	w.weather.bad.Store(true)
	if m, err = w.compare(ctx, hosts, config); err != nil {
		return m, err
	}
	if err := m.asExpected(w.strays); err != nil {
		return m, err
	}
	return m, w.power(ctx, hosts, "active", 1)
}

// power is what Nova believes of a domain of each host that has changed.
func (w *world) power(ctx context.Context, hosts int, state string, power int) error {
	for h := range hosts {
		if changed(h) {
			if _, err := w.cell.ExecContext(ctx, "UPDATE instances SET vm_state = ?, power_state = ? WHERE uuid = ?", state, power, libvirtd.UUID(h, 0)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) compare(ctx context.Context, hosts int, config string) (m measured, err error) {
	before, err := w.meters()
	if err != nil {
		return m, err
	}
	mine, busy, asked, began := ownTime(), w.fleet.Busy(), w.fleet.Questions(), time.Now()
	cmd, text, err := w.command(ctx, 1, "sync", "-o", "json", "--config", config)
	if err != nil {
		return m, err
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	m = measured{
		hosts: hosts, domains: hosts * w.fleet.Domains, took: time.Since(began), peakMB: float64(usage.Maxrss) / 1024,
		program: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), world: ownTime() - mine,
		busy: w.fleet.Busy() - busy, questions: w.fleet.Questions() - asked, drifts: map[string]int{},
	}
	after, err := w.meters()
	if err != nil {
		return m, err
	}
	m.server, m.commits = after.server-before.server, after.commits-before.commits
	m.machine = (after.used - before.used) / (after.all - before.all)
	var out struct{ Drifts []struct{ Code, Text string } }
	if err := json.Unmarshal(text, &out); err != nil {
		return m, fmt.Errorf("read what sync says: %w", err)
	}
	for _, d := range out.Drifts {
		m.drifts[d.Code]++
		m.first = d.Text
	}
	return m, nil
}

// asExpected: what was changed on hosts that could be read was found, and
// nothing else.
func (m measured) asExpected(strays int) error {
	want := map[string]int{}
	for h := range m.hosts {
		switch {
		case dead(h):
			want["D40"]++
			continue
		case changed(h):
			want["D10"]++
		}
		want["D02"] += strays // Nobody knows their addresses.
	}
	if !maps.Equal(want, m.drifts) {
		return fmt.Errorf("%d hosts have drifted by %v, want %v: %s", m.hosts, m.drifts, want, m.first)
	}
	return nil
}

// A share is how much of something was used.
type share struct {
	what, text string
	part       float64
}

func (m measured) shares() []share {
	wall := m.took.Seconds()
	cores := float64(runtime.NumCPU())
	used := (m.program + m.server + m.world).Seconds() / wall
	under := m.busy.Seconds() / wall
	total := memoryMB()
	all := []share{
		{"processors", fmt.Sprintf("%.1f of %.0f: the program %.1f, the database %.1f, the hosts themselves %.1f, others on this machine %.1f",
			cores*m.machine, cores, m.program.Seconds()/wall, m.server.Seconds()/wall, m.world.Seconds()/wall, max(0, cores*m.machine-used)), m.machine},
		{"hosts under way", fmt.Sprintf("%.1f of %d (scan.parallel)", under, parallel), under / parallel},
		{"memory", fmt.Sprintf("%.0f MB of %.0f", m.peakMB, total), m.peakMB / total},
	}
	slices.SortFunc(all, func(a, b share) int { return cmp.Compare(b.part, a.part) })
	return all
}

func (m measured) perHost(n float64) float64 { return n / float64(m.hosts) }

// perDomain is in milliseconds.
func (m measured) perDomain(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000 / float64(m.domains)
}

func (m measured) growthKB(before measured) float64 {
	return (m.peakMB - before.peakMB) * 1024 / float64(m.domains-before.domains)
}

// nearlyAll: what is used less than that has not held anything up.
const nearlyAll = 0.6

// print says how fast it was, and what ends first.
func (m measured) print(before measured) {
	fmt.Printf("%d domains on %d hosts: %.0f s, %.0f domains/s, peak %.0f MB\n", m.domains, m.hosts, m.took.Seconds(), float64(m.domains)/m.took.Seconds(), m.peakMB)
	fmt.Printf("  for each host %.0f questions and %.2f commits, for each domain %.2f ms of a processor in the program and %.2f in the database\n",
		m.perHost(float64(m.questions)), m.perHost(float64(m.commits)), m.perDomain(m.program), m.perDomain(m.server))
	if before.domains > 0 {
		fmt.Printf("  %.1f times the domains with %.1f times the processor time, and %.1f KB more of memory for each\n",
			float64(m.domains)/float64(before.domains), (m.program+m.server).Seconds()/(before.program+before.server).Seconds(), m.growthKB(before))
	}
	fmt.Printf("  found as planted: %v\n", m.drifts)
	for n, s := range m.shares() {
		first := ""
		if n == 0 && s.part >= nearlyAll {
			first = "  <- ends first"
		}
		fmt.Printf("  %-16s %3.0f %%  %s%s\n", s.what, 100*s.part, s.text, first)
	}
	if m.shares()[0].part < nearlyAll {
		fmt.Println("  none of these ends first: it waits for commits of the journal, or for the slowest hosts")
	}
}

// judge holds it against what is promised.
func (m measured) judge(before measured) error {
	if m.peakMB > promisedMB {
		return fmt.Errorf("%.0f MB are more than the %d promised", m.peakMB, promisedMB)
	}
	if before.domains > 0 && m.growthKB(before) > perDomainKB {
		return fmt.Errorf("%.1f KB per further domain are more than the %d promised", m.growthKB(before), perDomainKB)
	}
	return nil
}
