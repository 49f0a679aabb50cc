//go:build lab

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// A pinger pings a guest five times a second.
type pinger struct {
	guest   *legacy
	address string
	cmd     *exec.Cmd
	out     bytes.Buffer
}

// startPings pings every address of the guests until the returned function is
// called, which gives the number of pings sent to each and fails for any that
// was lost.
func (l *lab) startPings(guests []*legacy) (stop func() map[string]int) {
	l.t.Helper()
	var all []*pinger
	for _, g := range guests {
		for _, n := range g.nics {
			p := &pinger{guest: g, address: n.address, cmd: exec.Command("ping", "-n", "-i", "0.2", n.address)}
			p.cmd.Stdout = &p.out
			l.must(p.cmd.Start())
			all = append(all, p)
		}
	}
	return func() map[string]int {
		time.Sleep(2 * time.Second) // Let the last answers arrive that are late.
		sent := map[string]int{}
		for _, p := range all {
			l.must(p.cmd.Process.Signal(syscall.SIGINT))
			_ = p.cmd.Wait() // 1 when there was no answer at all, which lost says better
			n, lost := p.lost()
			if n == 0 || len(lost) > 0 {
				l.t.Errorf("%s at %s: %d pings answered up to number %d, lost: %v", p.guest.name, p.address, n-len(lost), n, lost)
			}
			sent[p.guest.name] += n
		}
		return sent
	}
}

var (
	pingAnswer = regexp.MustCompile(`icmp_seq=(\d+) ttl=`)
	pingsSent  = regexp.MustCompile(`(\d+) packets transmitted`)
)

// onTheWay is how many of the last pings may still be without an answer.
const onTheWay = 5

// lost are the numbers of the pings that were sent and not answered.
func (p *pinger) lost() (last int, lost []string) {
	answered := map[int]bool{}
	for _, m := range pingAnswer.FindAllStringSubmatch(p.out.String(), -1) {
		n, _ := strconv.Atoi(m[1]) // it is digits
		answered[n] = true
	}
	if m := pingsSent.FindStringSubmatch(p.out.String()); m != nil {
		last, _ = strconv.Atoi(m[1])
		last -= onTheWay
	}
	for n := 1; n <= last; n++ {
		if !answered[n] {
			lost = append(lost, fmt.Sprint(n))
		}
	}
	return last, lost
}
