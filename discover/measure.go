package discover

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// ErrNoDaemon is a host of which there are only definitions.
var ErrNoDaemon = errors.New("it is a folder of definitions; nothing runs there")

// Measure looks at the counters of all running domains of hosts, and again
// after the interval, and yields what was used between in the order of hosts.
// At most opt.Parallel hosts are looked at at a time, and all of them wait at
// the same time; nothing but a small record of each domain is kept meanwhile.
//
// The interval that counts is each host's own, from one answer of it to the
// other, by the monotonic clock here.
func Measure(ctx context.Context, hosts []Host, interval time.Duration, opt Options) iter.Seq[HostLoad] {
	m := measurer{opt: opt.withDefaults(), interval: interval, now: time.Now, wait: sleep}
	return m.measure(ctx, hosts)
}

// A measurer has a clock of its own, so that tests need not wait.
type measurer struct {
	opt      Options
	interval time.Duration
	now      func() time.Time
	wait     func(context.Context, time.Duration) error
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m measurer) measure(ctx context.Context, hosts []Host) iter.Seq[HostLoad] {
	return func(yield func(HostLoad) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var all sync.WaitGroup
		defer all.Wait() // no connection outlives the loop
		defer cancel()

		slots := make(chan struct{}, m.opt.Parallel)
		found := make([]chan HostLoad, len(hosts))
		for i := range hosts {
			found[i] = make(chan HostLoad, 1)
			all.Go(func() { found[i] <- m.host(ctx, hosts[i], slots) })
		}
		for i := range found {
			if !yield(<-found[i]) {
				return
			}
		}
	}
}

// host looks twice. It holds a slot while it looks, and none while it waits.
func (m measurer) host(ctx context.Context, h Host, slots chan struct{}) (l HostLoad) {
	l.Host = h
	m.opt.Progress(Progress{Host: h.Name})
	defer func() { m.opt.Progress(Progress{Host: h.Name, Done: true, Domains: len(l.Loads), Err: l.Err}) }()
	first, err := m.look(ctx, h, slots)
	if err != nil {
		l.Err = fmt.Errorf("host %s: %w", h.Name, err)
		return l
	}
	err = m.wait(ctx, m.interval)
	var second glance
	if err == nil {
		second, err = m.look(ctx, h, slots)
	}
	if err != nil {
		l.Err = fmt.Errorf("host %s: answered at the first look and not at the second: %w", h.Name, err)
		return l
	}
	l.Loads = between(first, second)
	return l
}

func (m measurer) look(ctx context.Context, h Host, slots chan struct{}) (glance, error) {
	a, err := h.address()
	if err != nil {
		return nil, err
	}
	if a.transport == fromDir {
		return nil, ErrNoDaemon
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return lookAt(ctx, h, m.opt, m.now)
}
