package discover

import (
	"strconv"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// counters are what one look found of one domain. They are kept until the
// second look, of all domains of all hosts: what is not needed stays out.
type counters struct {
	name    string
	id      int32 // of this run of the domain: another one after a restart
	paused  bool
	host    *moment // when its host answered about interfaces
	ticked  *moment // when its host answered about processor time; nil when not
	process *moment // when its QEMU answered about memory and disks; nil when not
	silence string  // why it did not

	cpu    *uint64 // nanoseconds
	memory memoryCounters
	disks  []diskCounters
	nics   []nicCounters
}

// A moment is when a question was under way. The counters in its answer were
// read at some time in it.
type moment struct{ asked, answered time.Time }

type memoryCounters struct {
	given, resident, available, unused, usable, updated, swapIn, swapOut uint64
}

type diskCounters struct {
	target, path         string
	io                   [4]uint64 // in the order of ioKeys
	has                  present
	capacity, allocation uint64
}

type nicCounters struct {
	tap    string
	counts [8]uint64 // in the order of nicKeys
	has    present
}

// present marks which counters of a list a daemon gave.
type present uint8

func (p present) all(n int) bool { return p == 1<<n-1 }

var (
	ioKeys  = [...]string{"rd.bytes", "wr.bytes", "rd.reqs", "wr.reqs"}
	nicKeys = [...]string{"rx.bytes", "tx.bytes", "rx.pkts", "tx.pkts", "rx.drop", "tx.drop", "rx.errs", "tx.errs"}
)

// add takes what is wanted from one answer. Keys that this tool has no use for
// are most of it.
func (c *counters) add(params []libvirt.TypedParam) {
	for _, p := range params {
		group, key, _ := strings.Cut(p.Field, ".")
		switch group {
		case "state":
			if n, ok := p.Value.I.(int32); ok && key == "state" {
				c.paused = stateWord(n) != StateRunning && stateWord(n) != StateBlocked
			}
		case "cpu":
			if n, ok := p.Value.I.(uint64); ok && key == "time" {
				c.cpu = &n
			}
		case "balloon":
			c.memory.add(key, p.Value.I)
		case "block":
			if d, key := item(&c.disks, key); d != nil {
				d.add(key, p.Value.I)
			}
		case "net":
			if n, key := item(&c.nics, key); n != nil {
				n.add(key, p.Value.I)
			}
		}
	}
}

// item finds the device that a key like 0.rd.bytes is of. Devices are numbered
// without a gap.
func item[T any](list *[]T, key string) (*T, string) {
	number, rest, ok := strings.Cut(key, ".")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 0 || n > len(*list) {
		return nil, ""
	}
	if n == len(*list) {
		*list = append(*list, *new(T))
	}
	return &(*list)[n], rest
}

func (m *memoryCounters) add(key string, value any) {
	n, ok := value.(uint64)
	if !ok {
		return
	}
	switch key {
	case "current":
		m.given = n
	case "rss":
		m.resident = n
	case "available":
		m.available = n
	case "unused":
		m.unused = n
	case "usable":
		m.usable = n
	case "last-update":
		m.updated = n
	case "swap_in":
		m.swapIn = n
	case "swap_out":
		m.swapOut = n
	}
}

func (d *diskCounters) add(key string, value any) {
	switch v := value.(type) {
	case string:
		switch key {
		case "name":
			d.target = v
		case "path":
			d.path = v
		}
	case uint64:
		switch key {
		case "capacity":
			d.capacity = v
		case "physical": // "allocation" is how far the guest has written since its start
			d.allocation = v
		default:
			take(d.io[:], &d.has, ioKeys[:], key, v)
		}
	}
}

func (n *nicCounters) add(key string, value any) {
	switch v := value.(type) {
	case string:
		if key == "name" {
			n.tap = v
		}
	case uint64:
		take(n.counts[:], &n.has, nicKeys[:], key, v)
	}
}

func take(to []uint64, has *present, keys []string, key string, v uint64) {
	for i, k := range keys {
		if k == key {
			to[i] = v
			*has |= 1 << i
		}
	}
}
