package restart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/rename"
)

// asks are the plan's probes, or those of the options.
func (w *walk) asks() []plan.Probe {
	if len(w.job.Plan.Probes) > 0 {
		return w.job.Plan.Probes
	}
	return w.opt.Probes
}

// addProbes turns the plan's probes into questions. What cannot be asked is
// said, and not asked; the way to whom it is asked from is closed by the caller.
func (w *walk) addProbes(ctx context.Context, h *rename.Health) (closeAll func(), err error) {
	var open []func()
	closeAll = func() {
		for _, f := range open {
			f()
		}
	}
	for _, p := range w.asks() {
		if p.Console != "" {
			w.addConsole(p, h)
			continue
		}
		probe, ok := w.probe(p)
		if !ok {
			w.warn("probe %s was not asked: no address of the guest is known", told(p))
			continue
		}
		if err := probe.Check(); err != nil {
			return closeAll, err
		}
		if p.From != "" {
			from, end, err := w.Hosts.Vantage(ctx, w.job.Reach, p.From)
			if err != nil {
				return closeAll, fmt.Errorf("ask from %s: %w", p.From, away(err))
			}
			probe.From = from
			open = append(open, end)
		}
		h.Probes = append(h.Probes, probe)
	}
	return closeAll, nil
}

// probe turns a plan's probe into a question to the guest's first address.
func (w *walk) probe(p plan.Probe) (rename.Probe, bool) {
	q := rename.Probe{From: w.opt.From, Within: w.opt.Within}
	address, mac, known := firstAddress(w.job.Plan)
	switch {
	case p.HTTP != "":
		q.HTTP = &rename.HTTP{URL: p.HTTP}
		return q, true
	case p.Command != "":
		q.Command = strings.Fields(p.Command)
		return q, true
	case p.Ping:
		q.Ping = address
	case p.ARP:
		q.ARP = &rename.ARP{Address: address, MAC: mac}
	default:
		q.TCP = net.JoinHostPort(address.String(), strconv.Itoa(p.TCP))
	}
	return q, known
}

func firstAddress(d plan.Domain) (address netip.Addr, mac string, known bool) {
	for _, nic := range d.NICs {
		for _, text := range nic.Addresses {
			if a, err := netip.ParseAddr(text); err == nil {
				return a, nic.MAC, true
			}
		}
	}
	return netip.Addr{}, "", false
}

func told(p plan.Probe) string {
	switch {
	case p.Ping:
		return "ping"
	case p.ARP:
		return "arp"
	}
	return "tcp " + strconv.Itoa(p.TCP)
}

// addConsole waits for a text in the file of the guest's first console that has
// one.
func (w *walk) addConsole(p plan.Probe, h *rename.Health) {
	switch {
	case h.Console != nil:
		w.warn("only the first of several texts is waited for on the console")
	case len(w.here.Consoles) == 0:
		w.warn("%q was not waited for: the host keeps no console of the guest in a file", p.Console)
	default:
		file := w.here.Consoles[0]
		mark, ok := w.marks[file]
		if !ok { // An earlier call has started it: all of the file is looked at.
			mark = rename.ConsoleMark{Path: file}
		}
		h.Console = &rename.Console{Files: w.files, Mark: mark, Text: p.Console, Within: w.opt.Within}
	}
}

// markConsoles remembers where the consoles end before the guest is started:
// those of its definition, and the one that Nova makes. It costs a moment, and
// only where a console is asked for.
func (w *walk) markConsoles(ctx context.Context) {
	wanted := false
	for _, p := range w.asks() {
		wanted = wanted || p.Console != ""
	}
	if !wanted {
		return
	}
	w.marks = map[string]rename.ConsoleMark{}
	for _, file := range append([]string{path.Join(w.was.InstancesPath, w.job.uuid(), "console.log")}, w.kept.Saved.Consoles...) {
		if mark, err := rename.MarkConsole(ctx, w.files, file); err == nil {
			w.marks[file] = mark
		} else if !errors.Is(err, ErrAway) {
			w.log.Info("console cannot be looked at", "file", file, "err", err)
		}
	}
}
