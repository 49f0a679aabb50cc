package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// quick bounds what misbehaves in these tests, and nothing that behaves.
var quick = Options{CallTimeout: time.Second, HostTimeout: time.Minute, SkipFiles: true}

// patient never gives up: a test that relies on it shows order, not speed.
var patient = Options{CallTimeout: time.Hour, HostTimeout: time.Hour, SkipFiles: true}

func collect(s Source) (all []Inventory) {
	for inv := range s {
		all = append(all, inv)
	}
	return all
}

func scanOne(t *testing.T, h Host, opt Options) Inventory {
	t.Helper()
	all := collect(Scan(context.Background(), []Host{h}, opt))
	if len(all) != 1 {
		t.Fatalf("Scan of one host yields %d inventories", len(all))
	}
	return all[0]
}

func TestScanReadsHost(t *testing.T) {
	run := newFakeDomain("web")
	run.id, run.state = 7, 1
	d := &fakeDaemon{domains: []fakeDomain{newFakeDomain("zeta"), run, newFakeDomain("名前 <&>")}}
	d.domains[2].xml = strings.ReplaceAll(newFakeDomain("X").xml, "<name>X</name>", "<name>名前 &lt;&amp;&gt;</name>")
	d.domains[2].xml = strings.ReplaceAll(d.domains[2].xml, newFakeDomain("X").uuid().String(), d.domains[2].uuid().String())
	inv := scanOne(t, d.start(t, "kvm1"), quick)
	if inv.Err != nil || len(inv.Unreadable) != 0 {
		t.Fatalf("Err %v, unreadable %v", inv.Err, inv.Unreadable)
	}
	got := fmt.Sprintf("%s %s %s %d %d %v", inv.Hostname, inv.LibvirtVersion, inv.QEMUVersion, inv.CPUs, inv.MemoryKiB, inv.ReadOnly)
	if want := "fake 9.0.0 7.2.0 4 16777216 true"; got != want {
		t.Errorf("host is %q, want %q", got, want)
	}
	var names []string
	for _, d := range inv.Domains {
		names = append(names, fmt.Sprintf("%s/%s/%s", d.Host, d.Name, d.State))
	}
	if got, want := strings.Join(names, " "), "kvm1/web/running kvm1/zeta/shutoff kvm1/名前 <&>/shutoff"; got != want {
		t.Errorf("domains are %q, want %q", got, want)
	}
	if len(inv.Domains) > 0 && inv.Domains[0].XML != nil {
		t.Error("Domain.XML is kept without KeepXML")
	}
}

// The hung host goes on only after all others are done: a scan in which it
// holds any of them never ends.
func TestScanHungHostHoldsNobody(t *testing.T) {
	const n, hung = 20, 7
	release := make(chan struct{})
	var hosts []Host
	for i := range n {
		d := &fakeDaemon{domains: []fakeDomain{newFakeDomain(fmt.Sprintf("d%d", i))}}
		if i == hung {
			d.before = func(uint32, int) *misdeed { <-release; return &misdeed{drop: true} }
		}
		hosts = append(hosts, d.start(t, fmt.Sprintf("kvm%02d", i)))
	}
	var others atomic.Int32
	opt := patient
	opt.Parallel = 4
	opt.Progress = func(p Progress) {
		if p.Done && p.Host != hosts[hung].Name && others.Add(1) == n-1 {
			close(release)
		}
	}
	all := collect(Scan(context.Background(), hosts, opt))
	for i, inv := range all {
		switch {
		case inv.Host.Name != hosts[i].Name:
			t.Errorf("inventory %d is of %s, want the order of hosts", i, inv.Host.Name)
		case i == hung && (!errors.Is(inv.Err, ErrLost) || !strings.Contains(inv.Err.Error(), "host kvm07: open the QEMU driver: ")):
			t.Errorf("hung host: Err = %v", inv.Err)
		case i != hung && (inv.Err != nil || len(inv.Domains) != 1):
			t.Errorf("%s: Err %v, %d domains", inv.Host.Name, inv.Err, len(inv.Domains))
		}
	}
	if len(all) != n {
		t.Errorf("%d inventories, want %d", len(all), n)
	}
}

// A host before a slow one is yielded while the slow one is still being read.
func TestScanYieldsAsSoonAsReady(t *testing.T) {
	release := make(chan struct{})
	first := (&fakeDaemon{}).start(t, "first")
	slow := (&fakeDaemon{before: func(uint32, int) *misdeed { <-release; return nil }}).start(t, "slow")
	var names []string
	for inv := range Scan(context.Background(), []Host{first, slow}, patient) {
		if names = append(names, inv.Host.Name); len(names) == 1 {
			close(release)
		}
		if inv.Err != nil {
			t.Error(inv.Err)
		}
	}
	if got := strings.Join(names, " "); got != "first slow" {
		t.Errorf("yielded %q", got)
	}
}

func TestScanMisbehaviour(t *testing.T) {
	at := func(proc uint32, nth int, m misdeed) func(uint32, int) *misdeed {
		return func(p uint32, n int) *misdeed {
			if p == proc && n >= nth {
				return &m
			}
			return nil
		}
	}
	three := []fakeDomain{newFakeDomain("a"), newFakeDomain("b"), newFakeDomain("c")}
	for _, c := range []struct {
		name   string
		before func(uint32, int) *misdeed
		is     error
		says   string
		found  int // domains that are listed, read or not
	}{
		{"hangs after connect", at(procAuthList, 0, misdeed{silent: true}), ErrNoAnswer, "open the QEMU driver: no answer within 1s", 0},
		{"hangs at list", at(procListDomains, 0, misdeed{silent: true}), ErrNoAnswer, "list domains: no answer within 1s", 0},
		{"drops at list", at(procListDomains, 0, misdeed{drop: true}), ErrLost, "connection lost", 0},
		{"drops in the middle of a list", at(procListDomains, 0, misdeed{raw: []byte{0, 0, 1, 0, 0x20, 0, 0x80, 0x86, 0, 0}, drop: true}), ErrLost, "connection lost", 0},
		{"hangs at definitions", at(procXML, 0, misdeed{silent: true}), ErrNoAnswer, "read definition: no answer within 1s", 3},
		{"drops at definitions", at(procXML, 0, misdeed{drop: true}), ErrLost, "read definition: connection lost", 3},
		{"is an SSH server", at(procAuthList, 0, misdeed{raw: []byte("SSH-2.0-OpenSSH_9.2\r\n")}), ErrLost, `does not speak libvirt's protocol: it sent "SSH-`, 0},
		{"is a web server", at(procAuthList, 0, misdeed{raw: []byte("HTTP/1.1 400 Bad Request\r\n\r\n")}), ErrLost, `it sent "HTTP`, 0},
		{"sends a length below the header's", at(procAuthList, 0, misdeed{raw: append([]byte{0, 0, 0, 4, 0x20, 0, 0x80, 0x86}, make([]byte, 40)...)}), ErrLost, "does not speak libvirt's protocol", 0},
		{"sends a length of two gigabytes", at(procAuthList, 0, misdeed{raw: append([]byte{0x7f, 0, 0, 0, 0x20, 0, 0x80, 0x86}, make([]byte, 40)...)}), ErrLost, "does not speak libvirt's protocol", 0},
		{"sends zeros", at(procAuthList, 0, misdeed{raw: make([]byte, 4096)}), ErrLost, "does not speak libvirt's protocol", 0},
		{"speaks another program", at(procAuthList, 0, misdeed{raw: []byte{0, 0, 0, 28, 'n', 'f', 's', '!'}}), ErrLost, "does not speak libvirt's protocol", 0},
		{"claims two billion domains", at(procListDomains, 0, misdeed{payload: []byte{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0}}), ErrLost, "claims 2147483647 elements", 0},
		{"lists less than it says", at(procListDomains, 0, misdeed{payload: listOf(three, 5)}), nil, "list domains: the daemon says that there are 5, and lists 3", 0},
		{"lists more than it says", at(procListDomains, 0, misdeed{payload: listOf(three, 0xffffffff)}), nil, "list domains: the daemon says that there are -1, and lists 3", 0},
		{"sends an answer that is cut", at(procHostname, 0, misdeed{payload: []byte{0, 0, 0, 99, 'a'}}), nil, "ask for the host name: ", 0},
		{"refuses the driver", at(procOpen, 0, misdeed{code: 38, message: "no polkit"}), nil, "open the QEMU driver: no polkit", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &fakeDaemon{domains: three, before: c.before}
			inv := scanOne(t, d.start(t, "kvm9"), quick)
			if inv.Err == nil || !strings.HasPrefix(inv.Err.Error(), "host kvm9: ") || !strings.Contains(inv.Err.Error(), c.says) {
				t.Errorf("Err = %v, want the host and %q", inv.Err, c.says)
			}
			if c.is != nil && !errors.Is(inv.Err, c.is) {
				t.Errorf("Err = %v is not %v", inv.Err, c.is)
			}
			if inv.Found() != c.found {
				t.Errorf("found %d domains, want %d", inv.Found(), c.found)
			}
		})
	}
}

// listOf is an answer to a question for domains that claims to have says.
func listOf(domains []fakeDomain, says uint32) []byte {
	var x xdr
	x.U32(uint32(len(domains)))
	for _, d := range domains {
		x.domain(d)
	}
	x.U32(says)
	return x.Bytes()
}

// What a host cannot have is not known of it, rather than reported.
func TestScanImpossibleHost(t *testing.T) {
	for name, answer := range map[string]struct {
		memory uint64
		cpus   uint32
	}{"negative processors": {16 << 20, 0xfffffffb}, "memory without end": {1<<64 - 1, 8}} {
		var x xdr
		x.Write(make([]byte, 4*32))
		x.U64(answer.memory)
		x.U32(answer.cpus)
		x.Write(make([]byte, 4*5))
		d := &fakeDaemon{domains: []fakeDomain{newFakeDomain("a")}, before: func(p uint32, _ int) *misdeed {
			if p == procNodeInfo {
				return &misdeed{payload: x.Bytes()}
			}
			return nil
		}}
		inv := scanOne(t, d.start(t, "kvm1"), quick)
		if inv.Err != nil || len(inv.Domains) != 1 || inv.CPUs != 0 || inv.MemoryKiB != 0 {
			t.Errorf("%s: Err %v, %d domains, %d processors, %d KiB; want nothing known of the last two", name, inv.Err, len(inv.Domains), inv.CPUs, inv.MemoryKiB)
		}
	}
}

// A definition that calls a domain something else than the list does is not
// taken for it.
func TestScanOtherName(t *testing.T) {
	d := &fakeDaemon{domains: []fakeDomain{newFakeDomain("good"), newFakeDomain("listed")}}
	d.domains[1].xml = strings.Replace(d.domains[1].xml, "<name>listed<", "<name>defined<", 1)
	inv := scanOne(t, d.start(t, "kvm1"), quick)
	if len(inv.Domains) != 1 || len(inv.Unreadable) != 1 || !strings.Contains(inv.Unreadable[0].Err.Error(), `its definition calls it "defined", and the list "listed"`) {
		t.Errorf("%d domains, unreadable %v", len(inv.Domains), inv.Unreadable)
	}
}

// A size that no disk has is not known: added up it would come to nothing.
func TestImpossibleSizes(t *testing.T) {
	for _, c := range []struct{ capacity, allocation, wantCapacity, wantAllocation uint64 }{
		{40 << 30, 1 << 30, 40 << 30, 1 << 30}, {1<<64 - 1, 1 << 30, 0, 1 << 30}, {40 << 30, 1 << 63, 40 << 30, 0},
	} {
		var k Disk
		if k.setSizes(c.capacity, c.allocation); k.CapacityBytes != c.wantCapacity || k.AllocationBytes != c.wantAllocation {
			t.Errorf("setSizes(%d, %d) = %d, %d, want %d, %d", c.capacity, c.allocation, k.CapacityBytes, k.AllocationBytes, c.wantCapacity, c.wantAllocation)
		}
	}
	image := File{Format: "qcow2", VirtualBytes: 1<<64 - 1}
	k := Disk{Format: "qcow2"}
	if k.addFile(t.Context(), nil, image); k.CapacityBytes != 0 {
		t.Errorf("an image whose header says %d bytes gives %d, want 0", image.VirtualBytes, k.CapacityBytes)
	}
}

func TestScanRefusedConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	inv := scanOne(t, Host{Name: "gone", URI: "qemu+tcp://" + addr + "/system", Insecure: true}, quick)
	if inv.Err == nil || !strings.Contains(inv.Err.Error(), "host gone: connect: ") || !strings.Contains(inv.Err.Error(), "refused") {
		t.Errorf("Err = %v", inv.Err)
	}
	inv = scanOne(t, Host{Name: "gone", URI: "qemu:///system?socket=/nonexistent/libvirt-sock"}, quick)
	if inv.Err == nil || !strings.Contains(inv.Err.Error(), "/nonexistent/libvirt-sock") {
		t.Errorf("Err = %v", inv.Err)
	}
}

// A server that accepts and never says a word must not hold a TLS handshake or
// an SSH login.
func TestScanSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	key, known := testKey(t), testKnownHosts(t, l.Addr().String())
	h := Host{Name: "mute", URI: "qemu+ssh://root@" + l.Addr().String() + "/system", KeyFile: key, KnownHosts: known}
	inv := scanOne(t, h, quick)
	if !errors.Is(inv.Err, ErrNoAnswer) || !strings.Contains(inv.Err.Error(), "log in as root at ") {
		t.Errorf("Err = %v", inv.Err)
	}
}

func TestScanAuthIsNamed(t *testing.T) {
	d := &fakeDaemon{auth: authSASL, before: func(p uint32, _ int) *misdeed {
		if p == procOpen {
			return &misdeed{code: 7, message: "authentication required"}
		}
		return nil
	}}
	inv := scanOne(t, d.start(t, "kvm1"), quick)
	if !errors.Is(inv.Err, ErrAuth) {
		t.Errorf("Err = %v, want ErrAuth", inv.Err)
	}
}

// What goes wrong with one domain is that domain's, and totals add up.
func TestScanUnreadableDomains(t *testing.T) {
	d := &fakeDaemon{domains: []fakeDomain{newFakeDomain("good"), newFakeDomain("broken"), newFakeDomain("other"), newFakeDomain("gone")}}
	d.domains[1].xml = "<domain><name>broken</na"
	d.domains[2].xml = d.domains[0].xml // another domain's UUID
	d.domains[3].xml = "\x00"
	inv := scanOne(t, d.start(t, "kvm1"), quick)
	if inv.Err != nil || len(inv.Domains) != 1 || inv.Found() != 4 {
		t.Fatalf("Err %v, %d domains, found %d", inv.Err, len(inv.Domains), inv.Found())
	}
	for _, u := range inv.Unreadable {
		if u.Err == nil || u.Host != "kvm1" || u.UUID != newFakeDomain(u.Name).uuid().String() {
			t.Errorf("unreadable %+v", u)
		}
	}
}

func TestScanVanishedDomain(t *testing.T) {
	d := &fakeDaemon{domains: []fakeDomain{newFakeDomain("a")}, before: func(p uint32, _ int) *misdeed {
		if p == procXML {
			return &misdeed{code: 42, message: "Domain not found"}
		}
		return nil
	}}
	inv := scanOne(t, d.start(t, "kvm1"), quick)
	if inv.Err != nil || len(inv.Unreadable) != 1 || !strings.Contains(inv.Unreadable[0].Err.Error(), "vanished") {
		t.Errorf("Err %v, unreadable %v", inv.Err, inv.Unreadable)
	}
}

// Daemons before 1.2.8 have no bulk statistics, and before 5.6 no checkpoints.
func TestScanOldDaemon(t *testing.T) {
	d := &fakeDaemon{domains: []fakeDomain{newFakeDomain("a")}, noCheckpoints: true, before: func(p uint32, n int) *misdeed {
		if p == procDomainStats {
			return &misdeed{code: 1, message: "unknown procedure: 344"}
		}
		return nil
	}}
	inv := scanOne(t, d.start(t, "kvm1"), quick)
	if inv.Err != nil || len(inv.Domains) != 1 || inv.Domains[0].State != StateShutoff {
		t.Errorf("Err %v, domains %v", inv.Err, inv.Domains)
	}
}

// A daemon that waits for an image on a dead NFS server still tells the rest.
func TestScanSilentSizes(t *testing.T) {
	d := &fakeDaemon{domains: []fakeDomain{newFakeDomain("a"), newFakeDomain("b")}}
	d.before = func(p uint32, n int) *misdeed {
		if p == procDomainStats && n > 0 { // the first asks for states
			return &misdeed{silent: true}
		}
		return nil
	}
	if inv := scanOne(t, d.start(t, "kvm1"), quick); inv.Err != nil || len(inv.Domains) != 2 {
		t.Errorf("Err %v, %d domains", inv.Err, len(inv.Domains))
	}
}

// A guest that does not answer is told of and costs nobody else; a host full
// of them is given up before it has spent a deadline on each.
func TestScanSilentGuests(t *testing.T) {
	const procBlockInfo = 194
	var domains []fakeDomain
	for i := range 12 {
		d := newFakeDomain(fmt.Sprintf("d%02d", i))
		d.id, d.state = int32(i+1), 1
		d.xml = strings.Replace(d.xml, "<devices/>", "<devices><disk type='file' device='disk'><source file='/x'/><target dev='vda' bus='virtio'/></disk></devices>", 1)
		domains = append(domains, d)
	}
	d := &fakeDaemon{domains: domains, before: func(p uint32, _ int) *misdeed {
		if p == procBlockInfo {
			return &misdeed{silent: true}
		}
		return nil
	}}
	inv := scanOne(t, d.start(t, "kvm1"), quick)
	if inv.Err != nil || len(inv.Domains) != 12 || len(inv.Silent) != 12 {
		t.Fatalf("Err %v, %d domains, %d silent", inv.Err, len(inv.Domains), len(inv.Silent))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.asked[procBlockInfo]; n != guestsAtOnce {
		t.Errorf("%d guests were asked, want %d", n, guestsAtOnce)
	}
}

func TestScanIsBounded(t *testing.T) {
	var now, most atomic.Int32
	var hosts []Host
	for i := range 12 {
		hosts = append(hosts, (&fakeDaemon{}).start(t, fmt.Sprintf("kvm%d", i)))
	}
	opt := quick
	opt.Parallel = 3
	opt.Progress = func(p Progress) {
		if p.Done {
			now.Add(-1)
			return
		}
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
	}
	collect(Scan(context.Background(), hosts, opt))
	if most.Load() > 3 || most.Load() == 0 {
		t.Errorf("%d hosts at a time, want at most 3", most.Load())
	}
}

// Leaving the loop ends the scan although hosts hang.
func TestScanEndsWithLoop(t *testing.T) {
	mute := func(uint32, int) *misdeed { return &misdeed{silent: true} }
	hosts := []Host{(&fakeDaemon{}).start(t, "a"), (&fakeDaemon{before: mute}).start(t, "b"), (&fakeDaemon{before: mute}).start(t, "c")}
	for range Scan(context.Background(), hosts, patient) {
		break
	}
}

func TestScanEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("interrupted by a person")
	mute := &fakeDaemon{before: func(uint32, int) *misdeed { cancel(why); return &misdeed{silent: true} }}
	hosts := []Host{mute.start(t, "a"), (&fakeDaemon{}).start(t, "b")}
	opt := patient
	opt.Parallel = 1
	all := collect(Scan(ctx, hosts, opt))
	if len(all) != 2 || !errors.Is(all[0].Err, why) || !errors.Is(all[1].Err, why) {
		t.Errorf("inventories %v", all)
	}
}

func TestStates(t *testing.T) {
	run := newFakeDomain("run")
	run.id, run.state = 3, 3
	d := &fakeDaemon{domains: []fakeDomain{run, newFakeDomain("off")}}
	got, err := States(context.Background(), d.start(t, "kvm1"), quick)
	if err != nil || len(got) != 2 || got[run.uuid().String()] != StatePaused || got[newFakeDomain("off").uuid().String()] != StateShutoff {
		t.Errorf("States = %v, %v", got, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked[procXML] != 0 {
		t.Error("States reads definitions")
	}
}

// Packets arrive in whatever pieces the network likes.
func TestFramesInPieces(t *testing.T) {
	packet := func(proc uint32, payload ...byte) []byte {
		var x xdr
		x.U32(uint32(frameHeader + len(payload)))
		for _, w := range []uint32{remoteProg, 1, proc, 1, 7, 0} {
			x.U32(w)
		}
		x.Write(payload)
		return x.Bytes()
	}
	stream := slices.Concat(packet(1), packet(59, 0, 0, 0, 0), packet(procListDomains, make([]byte, 100)...), packet(14, make([]byte, 5000)...), packet(66))
	for _, size := range []int{1, 2, 3, 7, 28, 31, 33, 4096, len(stream)} {
		var f frames
		for part := range slices.Chunk(stream, size) {
			if err := f.inspect(part); err != nil {
				t.Fatalf("pieces of %d: %v", size, err)
			}
		}
		if f.have != 0 || f.body != 0 {
			t.Errorf("pieces of %d: %d bytes of a header and %d of a payload are left", size, f.have, f.body)
		}
	}
}

// What the agent says goes before leases, and nobody is told of addresses that
// are of no use outside the guest.
func TestScanAsksAgent(t *testing.T) {
	const procAddresses, procGuestInfo = 353, 418
	d := newFakeDomain("win")
	d.id, d.state = 1, 1
	d.xml = strings.Replace(d.xml, "<devices/>", `<devices><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel></devices>`, 1)
	var addresses, info xdr
	addresses.U32(1)
	addresses.Text("eth0")
	addresses.U32(1)
	addresses.Text("52:54:00:AA:00:01")
	all := []string{"192.0.2.7", "127.0.0.1", "fe80::1", "2001:db8::7", "nonsense"}
	addresses.U32(uint32(len(all)))
	for _, a := range all {
		addresses.U32(0)
		addresses.Text(a)
		addresses.U32(24)
	}
	info.U32(2)
	for k, v := range map[string]string{"os.id": "mswindows", "os.pretty-name": "Windows Server 2019"} {
		info.Text(k)
		info.U32(7) // string
		info.Text(v)
	}
	before := func(p uint32, n int) *misdeed {
		switch p {
		case procAddresses:
			return &misdeed{payload: addresses.Bytes()}
		case procGuestInfo:
			return &misdeed{payload: info.Bytes()}
		}
		return nil
	}
	one := []fakeDomain{d}
	inv := scanOne(t, (&fakeDaemon{domains: one, before: before}).start(t, "kvm1"), quick)
	if inv.Err != nil || len(inv.Silent) != 0 || len(inv.Domains) != 1 {
		t.Fatalf("Err %v, silent %v, %d domains", inv.Err, inv.Silent, len(inv.Domains))
	}
	var got []string
	for _, a := range inv.Domains[0].Addresses {
		got = append(got, fmt.Sprintf("%s %s/%d %s", a.MAC, a.IP, a.Prefix, a.Source))
	}
	if want := "52:54:00:aa:00:01 192.0.2.7/24 agent, 52:54:00:aa:00:01 2001:db8::7/24 agent"; strings.Join(got, ", ") != want {
		t.Errorf("addresses %q, want %q", got, want)
	}
	if g := inv.Domains[0].Guest; g.Family != "windows" || g.Confidence != "agent" || g.Name != "Windows Server 2019" {
		t.Errorf("guest %+v", g)
	}
	opt := quick
	opt.SkipGuest = true
	if inv := scanOne(t, (&fakeDaemon{domains: one, before: before}).start(t, "kvm1"), opt); len(inv.Domains) != 1 || len(inv.Domains[0].Addresses) != 0 {
		t.Errorf("a guest was asked for its addresses although SkipGuest is set")
	}
	opt = quick
	opt.Look = func(d Domain) bool { return d.Name != "win" }
	if inv := scanOne(t, (&fakeDaemon{domains: one, before: before}).start(t, "kvm1"), opt); len(inv.Domains) != 1 || len(inv.Domains[0].Addresses) != 0 {
		t.Errorf("a guest was asked for its addresses although nobody wants to know")
	}
}

// Files are looked at for the sake of some domains only, and not opened at all
// when no domain needs it.
func TestScanLooksAtSome(t *testing.T) {
	for _, c := range []struct{ wanted, looked string }{{"a", "a"}, {"", ""}} {
		dir := t.TempDir()
		for _, name := range []string{"a", "b"} {
			xml := fmt.Sprintf("<domain type='kvm'><name>%s</name><uuid>7d1ac0de-0000-4000-8000-00000000000%s</uuid><memory>1</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices><disk type='file' device='disk'><driver type='qcow2'/><source file='/img/top.qcow2'/><target dev='vda' bus='virtio'/></disk></devices></domain>", name, name)
			if err := os.WriteFile(filepath.Join(dir, name+".xml"), []byte(xml), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		h := Host{Name: "kvm1", URI: "dir://" + dir, Files: "file://" + testTree(t)}
		inv := scanOne(t, h, Options{Look: func(d Domain) bool { return d.Name == c.wanted }})
		looked := ""
		for _, d := range inv.Domains {
			if d.Disks[0].File != nil {
				looked += d.Name
			}
		}
		if inv.Err != nil || len(inv.Domains) != 2 || looked != c.looked || (inv.InstancesDir == nil) != (c.looked == "") {
			t.Errorf("wanted %q: looked at %q, instances folder %v, %v", c.wanted, looked, inv.InstancesDir, inv.Err)
		}
	}
}
