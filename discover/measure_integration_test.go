//go:build integration

package discover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Boot sectors: one reads its own sector over and over, the other switches
// interrupts off and stops.
var (
	busySector = []byte{0x31, 0xc0, 0x8e, 0xc0, 0xb8, 1, 2, 0xbb, 0, 0x80, 0xb9, 1, 0, 0xba, 0x80, 0, 0xcd, 0x13, 0xeb, 0xf0}
	idleSector = []byte{0xfa, 0xf4, 0xeb, 0xfd}
)

// program is a running guest that does nothing but its boot sector.
func program(t *testing.T, socket, name string, sector []byte, more string) (id string) {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk.img")
	text := make([]byte, 1<<20)
	copy(text, sector)
	copy(text[510:], "\x55\xaa")
	if err := os.WriteFile(disk, text, 0o600); err != nil {
		t.Fatal(err)
	}
	xml, id := qemuDomain(name, fmt.Sprintf(`<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>%s`, disk, more))
	define(t, socket, strings.Replace(xml, "<devices>", "<features><acpi/></features><devices>", 1), id) // without ACPI nothing can be plugged in
	mustVirsh(t, socket, "start", id)
	domstats(t, socket, id) // once QEMU has answered it will answer soon
	return id
}

// domstats are the numbers that virsh prints of one domain.
func domstats(t *testing.T, socket, id string) map[string]uint64 {
	t.Helper()
	out := map[string]uint64{}
	lines := bufio.NewScanner(strings.NewReader(mustVirsh(t, socket, "domstats", id)))
	for lines.Scan() {
		key, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			out[key] = n
		}
	}
	return out
}

// measureWith measures one host, with what is to happen between the looks.
func measureWith(t *testing.T, h Host, opt Options, between func()) (HostLoad, map[string]Load) {
	t.Helper()
	looked, goOn := make(chan struct{}), make(chan struct{})
	m := measurer{opt: opt.withDefaults(), interval: 3 * time.Second, now: time.Now, wait: func(ctx context.Context, d time.Duration) error {
		close(looked)
		<-goOn
		return sleep(ctx, d)
	}}
	got := make(chan HostLoad, 1)
	go func() {
		for l := range m.measure(context.Background(), []Host{h}) {
			got <- l
		}
	}()
	select {
	case <-looked:
		between()
		close(goOn)
	case l := <-got:
		t.Fatalf("the first look: %v", l.Err)
	}
	l := <-got
	byID := map[string]Load{}
	for _, d := range l.Loads {
		byID[d.UUID] = d
	}
	return l, byID
}

// What is measured lies between what virsh says was counted from just after
// the first look to just before the second, and from before the first to after
// the second.
func TestMeasureAgainstVirsh(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	busyID := program(t, socket, "measure-busy", busySector, `<interface type='ethernet'><mac address='52:54:00:aa:bb:01'/><model type='rtl8139'/></interface>`)
	idleID := program(t, socket, "measure-idle", idleSector, "")
	pausedID := program(t, socket, "measure-paused", busySector, "")
	mustVirsh(t, socket, "suspend", pausedID)
	var inner, outer [2]map[string]uint64
	const frames = 50 // which this model takes, whether its guest listens or not
	outer[0] = domstats(t, socket, busyID)
	tap := strings.Fields(mustVirsh(t, socket, "domiflist", busyID))[0]
	l, loads := measureWith(t, unixHost(t), Options{}, func() {
		inner[0] = domstats(t, socket, busyID)
		sendFrames(t, tap, frames)
		time.Sleep(3 * time.Second)
		inner[1] = domstats(t, socket, busyID)
	})
	outer[1] = domstats(t, socket, busyID)
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	d := loads[busyID]
	if d.Processors == nil || len(d.Disks) != 1 || d.Disks[0].Rates == nil || len(d.Interfaces) != 1 || d.Memory == nil {
		t.Fatalf("not whole: %+v, gaps %s", d, gapText(d))
	}
	s := d.Interval.Seconds()
	// The interval is known to a tenth, at worst.
	within := func(what string, rate float64, unit float64) {
		t.Helper()
		few, many := inner[1][what]-inner[0][what], outer[1][what]-outer[0][what]
		if got := rate * s * unit; few == 0 || got < float64(few)*0.9 || got > float64(many)*1.1 {
			t.Errorf("%s: %.0f in %.2f s, but virsh counts at least %d and at most %d", what, got, s, few, many)
		}
	}
	within("cpu.time", *d.Processors, 1e9)
	within("block.0.rd.reqs", d.Disks[0].Rates.ReadRequests, 1)
	within("block.0.rd.bytes", d.Disks[0].Rates.ReadBytes, 1)
	within("net.0.rx.bytes", d.Interfaces[0].RxBytes, 1)
	if n := d.Interfaces[0].RxPackets * s; n < frames*0.9 || d.Interfaces[0].Tap != tap {
		t.Errorf("interface %s got %.1f packets, and %d were sent to %s", d.Interfaces[0].Tap, n, frames, tap)
	}
	if per := d.Disks[0].Rates.ReadBytes / d.Disks[0].Rates.ReadRequests; per < 511 || per > 513 {
		t.Errorf("%v bytes a request, and every one is of one sector", per)
	}
	if m := d.Memory; m.Fresh || m.GivenKiB != outer[0]["balloon.current"] || m.ResidentKiB == 0 {
		t.Errorf("memory %+v, want what is resident, for nobody set a period", m)
	}
	if k := d.Disks[0]; k.CapacityBytes != 1<<20 || k.AllocationBytes != outer[1]["block.0.physical"] || k.FillPercent == nil {
		t.Errorf("disk %+v", k)
	}
	idle, paused := loads[idleID], loads[pausedID]
	if idle.Processors == nil || *idle.Processors*5 > *d.Processors || idle.Disks[0].Rates == nil || *idle.Disks[0].Rates != (IO{}) {
		t.Errorf("the idle guest uses %v processors and %+v, the busy one %v", *idle.Processors, idle.Disks[0].Rates, *d.Processors)
	}
	if !paused.Paused || idle.Paused || paused.Processors == nil || *paused.Processors*5 > *d.Processors {
		t.Errorf("paused guest %+v, idle one paused %v", paused, idle.Paused)
	}
}

// sendFrames sends to the guest behind a tap and to nobody else.
func sendFrames(t *testing.T, tap string, n int) {
	t.Helper()
	const experimental = 0x88b5
	link, err := net.InterfaceByName(tap)
	if err != nil {
		t.Fatal(err)
	}
	s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	frame := make([]byte, 200)
	copy(frame, []byte{0x52, 0x54, 0, 0xaa, 0xbb, 1, 2, 0, 0, 0, 0, 1, experimental >> 8, experimental & 0xff})
	for range n {
		if err := unix.Sendto(s, frame, 0, &unix.SockaddrLinklayer{Ifindex: link.Index, Halen: 6}); err != nil {
			t.Fatal(err)
		}
	}
}

// What real domains do between the looks has its reason and no number.
func TestMeasureRealChanges(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	same := program(t, socket, "measure-same", idleSector, "")
	again := program(t, socket, "measure-again", idleSector, "")
	gone := program(t, socket, "measure-gone", idleSector, "")
	late := program(t, socket, "measure-late", idleSector, "")
	mustVirsh(t, socket, "destroy", late)
	extra, _ := qcow2Disk(t, "16M")
	l, loads := measureWith(t, unixHost(t), Options{}, func() {
		mustVirsh(t, socket, "destroy", again)
		mustVirsh(t, socket, "start", again)
		mustVirsh(t, socket, "destroy", gone)
		mustVirsh(t, socket, "start", late)
		mustVirsh(t, socket, "attach-disk", same, extra, "vdb", "--driver", "qemu", "--subdriver", "qcow2", "--live")
	})
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	for id, want := range map[string]string{
		same: "disk vdb: " + whyAttached, again: "all: " + whyRestart, gone: "all: " + whyStopped, late: "all: " + whyStarted,
	} {
		if got := gapText(loads[id]); got != want {
			t.Errorf("%s: gaps %q, want %q", loads[id].Name, got, want)
		}
	}
	if d := loads[same]; d.Processors == nil || len(d.Disks) != 2 || d.Disks[0].Rates == nil || d.Disks[1].Rates != nil || d.Disks[1].CapacityBytes != 16<<20 {
		t.Errorf("the domain that stayed: %+v", d)
	}
}

// A real QEMU process that is stopped costs its own numbers only.
func TestMeasureStoppedGuest(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	hung := program(t, socket, "measure-hung", idleSector, "")
	well := program(t, socket, "measure-well", idleSector, "")
	pid := qemuPID(t, "guest=measure-hung,")
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	l, loads := measureWith(t, unixHost(t), Options{CallTimeout: 3 * time.Second}, func() {})
	if l.Err != nil {
		t.Fatal(l.Err)
	}
	if d := loads[hung]; d.Processors == nil || d.Memory != nil || gapText(d) != "memory: "+whyBusy+"; disks: "+whyBusy {
		t.Errorf("the hung guest: %+v, gaps %q", d, gapText(d))
	}
	if d := loads[well]; d.Processors == nil || d.Memory == nil || len(d.Disks) != 1 || d.Disks[0].Rates == nil {
		t.Errorf("the other guest: %+v, gaps %q", d, gapText(d))
	}
}

// Guests outlive their daemon, and so do their counters: one that is killed and
// comes back between the looks has lost nothing, and one that does not is lost.
func TestMeasureKilledDaemon(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET2")
	id := program(t, socket, "measure-outlives", idleSector, "")
	h := Host{Name: "b", URI: "qemu:///system?socket=" + socket + "-ro"}
	kill := func() {
		if err := syscall.Kill(daemonPID(t, socket), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	restart := func() {
		up, err := filepath.Abs("../testdata/services/libvirt-up.sh")
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(up, filepath.Dir(filepath.Dir(env(t, "K2O_TEST_SSH_KEY")))).CombinedOutput(); err != nil {
			t.Fatalf("restart the daemon: %v\n%s", err, out)
		}
	}
	t.Cleanup(restart) // runs before the domain is undefined
	l, loads := measureWith(t, h, Options{}, func() { kill(); restart(); domstats(t, socket, id) })
	if d := loads[id]; l.Err != nil || d.Processors == nil || d.Disks[0].Rates == nil || len(d.Gaps) > 0 {
		t.Errorf("Err %v, load %+v, gaps %q", l.Err, d, gapText(d))
	}
	l, _ = measureWith(t, h, Options{CallTimeout: 3 * time.Second}, kill)
	if l.Err == nil || errors.Is(l.Err, ErrNoAnswer) || !strings.Contains(l.Err.Error(), "host b: answered at the first look and not at the second: connect") {
		t.Errorf("Err = %v", l.Err)
	}
}
