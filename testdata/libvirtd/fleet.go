// Package libvirtd is any number of libvirt hosts in one process. Each listens
// on a socket of its own, speaks libvirt's wire protocol, and answers what a
// comparison asks, as late as it is told to. Definitions are made when they are
// asked for, so that a fleet weighs little beside what is measured with it.
package libvirtd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Fleet is hosts that are all alike.
type Fleet struct {
	Hosts, Domains int // and domains of each host

	// Delay is how long a host takes for each answer; nil: it answers at once.
	Delay func(host int) time.Duration
	// Silent hosts take every connection and never say a word.
	Silent func(host int) bool
	// Edit changes a definition, of what somebody has done to a domain.
	Edit func(host, domain int, definition string) string

	dir       string
	listeners []net.Listener
	conns     sync.WaitGroup
	closed    chan struct{}

	asked atomic.Int64
	mu    sync.Mutex
	open  map[int]map[net.Conn]bool // connections by host
	since map[int]time.Time
	busy  time.Duration
}

// Name of a host, of which the inventory and Nova speak.
func Name(host int) string { return fmt.Sprintf("kvm%04d", host) }

// Domain is the name of a domain.
func Domain(host, domain int) string { return fmt.Sprintf("guest-%04d-%02d", host, domain) }

// UUID of a domain. Its first part is the host's.
func UUID(host, domain int) string { return fmt.Sprintf("%s-0000-4000-8000-%012x", Mark(host), domain) }

// Mark is the first part of the UUIDs of a host's domains.
func Mark(host int) string { return fmt.Sprintf("4b56%04x", host) }

// Start has all hosts listen, in a folder of its own.
func (f *Fleet) Start() (err error) {
	if f.dir, err = os.MkdirTemp("", "k2o-fleet"); err != nil {
		return err
	}
	f.closed, f.open, f.since = make(chan struct{}), map[int]map[net.Conn]bool{}, map[int]time.Time{}
	for h := range f.Hosts {
		l, err := net.Listen("unix", f.socket(h))
		if err != nil {
			return errors.Join(fmt.Errorf("host %s: %w", Name(h), err), f.Close())
		}
		f.listeners = append(f.listeners, l)
		f.conns.Go(func() { f.accept(h, l) })
	}
	return nil
}

func (f *Fleet) socket(host int) string { return filepath.Join(f.dir, Name(host)+"-ro") }

// URI is where a host is reached.
func (f *Fleet) URI(host int) string { return "qemu:///system?socket=" + f.socket(host) }

// Questions is how many were asked.
func (f *Fleet) Questions() int64 { return f.asked.Load() }

// Busy is for how long somebody was connected to each host, all together.
func (f *Fleet) Busy() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busy
}

// HangUp ends all connections to a host, as a host does that is switched off.
func (f *Fleet) HangUp(host int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open[host] {
		_ = c.Close() // It is done with, whatever it says.
	}
}

func (f *Fleet) connected(host int, c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.open[host]) == 0 {
		f.since[host], f.open[host] = time.Now(), map[net.Conn]bool{}
	}
	f.open[host][c] = true
}

func (f *Fleet) disconnected(host int, c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if delete(f.open[host], c); len(f.open[host]) == 0 {
		f.busy += time.Since(f.since[host])
	}
}

// Close ends all connections and takes the sockets away.
func (f *Fleet) Close() error {
	close(f.closed)
	for _, l := range f.listeners {
		_ = l.Close() // Nobody connects any more.
	}
	f.conns.Wait()
	return os.RemoveAll(f.dir)
}

func (f *Fleet) accept(host int, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		f.conns.Go(func() { f.serve(host, c) })
	}
}

// Runs: of three domains two do.
func Runs(domain int) bool { return domain%3 != 2 }

// GiB of a domain's disk.
const GiB = 40

// Definition is a usual one: a disk, an interface, and what virt-manager adds.
func (f *Fleet) Definition(host, domain int) string {
	text := strings.NewReplacer(
		"NAME", Domain(host, domain), "UUID", UUID(host, domain), "DISK", fmt.Sprintf("/data/guest-%02d.qcow2", domain),
		"MAC", MAC(host, domain),
	).Replace(definition)
	if f.Edit != nil {
		text = f.Edit(host, domain, text)
	}
	return text
}

// MAC address of a domain.
func MAC(host, domain int) string {
	return fmt.Sprintf("52:54:%02x:%02x:%02x:01", host>>8, host&0xff, domain)
}

const definition = `<domain type='kvm'><name>NAME</name><uuid>UUID</uuid>
<metadata><libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"><libosinfo:os id="http://debian.org/debian/11"/></libosinfo:libosinfo></metadata>
<memory unit='MiB'>4096</memory><currentMemory unit='MiB'>4096</currentMemory><vcpu placement='static'>2</vcpu>
<os><type arch='x86_64' machine='pc-i440fx-4.2'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/><vmport state='off'/></features>
<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/></clock>
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash><devices><emulator>/usr/bin/kvm</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='DISK'/><target dev='vda' bus='virtio'/>
<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></disk>
<controller type='usb' index='0' model='piix3-uhci'><address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x2'/></controller>
<controller type='pci' index='0' model='pci-root'/>
<interface type='bridge'><mac address='MAC'/><source bridge='br0'/><model type='virtio'/>
<address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/></interface>
<serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target></serial><console type='pty'><target type='serial' port='0'/></console>
<input type='mouse' bus='ps2'/><input type='keyboard' bus='ps2'/><graphics type='vnc' port='-1' autoport='yes' listen='0.0.0.0'/>
<video><model type='cirrus' vram='16384' heads='1' primary='yes'/></video><memballoon model='none'/></devices></domain>
`
