//go:build bench

package discover

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
)

const (
	benchDomains = 1000
	benchRounds  = 7
	benchVirsh   = 100 // of the domains; the rest is extrapolated
	benchFar     = 100 // domains behind the slow line
	benchRTT     = 10 * time.Millisecond
)

func benchEnv(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set; run make bench", name)
	}
	return v
}

// TestSpeedDiscovery measures the scan against what else reads a host, in
// alternating rounds on the same daemon, and fails where a ratio is worse than
// promised.
func TestSpeedDiscovery(t *testing.T) {
	near, far := benchEnv(t, "K2O_TEST_LIBVIRT_SOCKET2"), benchEnv(t, "K2O_TEST_LIBVIRT_SOCKET")
	defineMany(t, near, benchDomains)
	defineMany(t, far, benchFar)
	slow := slowLine(t, far+"-ro", benchRTT)

	ways := []*benchWay{
		{name: "scan", do: func() (int, time.Duration) { return timed(t, func() int { return scanCount(t, near+"-ro") }) }},
		{name: "bulk RPC without parsing", do: func() (int, time.Duration) { return timed(t, func() int { return bareRPC(t, near+"-ro") }) }},
		{name: "python3-libvirt, the way of 2012", do: func() (int, time.Duration) { return legacyPython(t, near+"-ro") }},
		{name: fmt.Sprintf("virsh dumpxml loop (of %d domains, scaled)", benchVirsh), do: func() (int, time.Duration) { return virshLoop(t, near+"-ro") }},
		{name: "10 ms away: scan", do: func() (int, time.Duration) { return timed(t, func() int { return scanCount(t, slow) }) }},
		{name: "10 ms away: one call at a time", do: func() (int, time.Duration) { return timed(t, func() int { return oneByOne(t, slow) }) }},
	}
	scanCount(t, near+"-ro") // a fresh daemon first finds out what its QEMU can do,
	scanCount(t, slow)       // which takes seconds and is asked of it once
	for range benchRounds {
		for i, w := range ways {
			n, took := w.do()
			if want := []int{benchDomains, benchFar}[i/4]; n != want {
				t.Fatalf("%s read %d domains, want %d", w.name, n, want)
			}
			w.took = append(w.took, took)
		}
	}
	report(t, ways)
}

type benchWay struct {
	name string
	do   func() (int, time.Duration)
	took []time.Duration
}

func (w *benchWay) median() time.Duration { return median(w.took) }

func median[T cmp.Ordered](of []T) T {
	return slices.Sorted(slices.Values(of))[len(of)/2]
}

// ratio is the median of the ratios within each round: what else the machine
// does meanwhile weighs on both sides of each.
func ratio(over, under *benchWay) float64 {
	all := make([]float64, len(over.took))
	for i := range all {
		all[i] = float64(over.took[i]) / float64(under.took[i])
	}
	return median(all)
}

func report(t *testing.T, ways []*benchWay) {
	var text bytes.Buffer
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "discovery\tmedian of %d\tslowest\tfastest\n", benchRounds)
	for _, w := range ways {
		fmt.Fprintf(out, "%s\t%v\t%v\t%v\n", w.name, w.median().Round(time.Millisecond), slices.Max(w.took).Round(time.Millisecond), slices.Min(w.took).Round(time.Millisecond))
	}
	fmt.Fprintf(out, "\nratio (median of the rounds)\tmeasured\tpromised\n")
	for _, r := range []struct {
		name     string
		over     *benchWay
		under    *benchWay
		at       float64
		mostFail bool
	}{
		{"times faster than python3-libvirt", ways[2], ways[0], 4, false},
		{"times faster than a virsh loop", ways[3], ways[0], 40, false},
		{"times the bulk RPC without parsing", ways[0], ways[1], 2.5, true},
		{"times faster than one call at a time, 10 ms away", ways[5], ways[4], 6, false},
	} {
		got := ratio(r.over, r.under)
		word := "at least"
		if r.mostFail {
			word = "at most"
		}
		fmt.Fprintf(out, "%s\t%.1f\t%s %.1f\n", r.name, got, word, r.at)
		if r.mostFail && got > r.at || !r.mostFail && got < r.at {
			t.Errorf("%s: %.2f, promised %s %.1f", r.name, got, word, r.at)
		}
	}
	out.Flush()
	t.Logf("\n%d domains with 2 disks and 2 interfaces each, all off; %d of them 10 ms away\n\n%s", benchDomains, benchFar, text.String())
}

func timed(t *testing.T, do func() int) (int, time.Duration) {
	t.Helper()
	began := time.Now()
	n := do()
	return n, time.Since(began)
}

func scanCount(t *testing.T, socket string) (n int) {
	for inv := range Scan(context.Background(), []Host{{Name: "bench", URI: "qemu:///system?socket=" + socket}}, Options{SkipFiles: true}) {
		if inv.Err != nil || len(inv.Unreadable) > 0 {
			t.Fatal(inv.Err, inv.Unreadable)
		}
		for _, d := range inv.Domains {
			if len(d.Disks) != 2 || len(d.Interfaces) != 2 || d.Disks[1].CapacityBytes == 0 {
				t.Fatalf("domain %+v", d)
			}
		}
		n += len(inv.Domains)
	}
	return n
}

func dialBench(t *testing.T, socket string) *libvirt.Libvirt {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	lv := libvirt.NewWithDialer(oneConn{&frames{Conn: conn}})
	if err := lv.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return lv
}

// survey makes the bulk calls, one after the other.
func benchSurvey(t *testing.T, lv questions) []libvirt.Domain {
	t.Helper()
	listed, _, err := lv.ConnectListAllDomains(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, filter := range []libvirt.ConnectListAllDomainsFlags{4, 256, 1024, 4096, 16384} {
		if _, _, err := lv.ConnectListAllDomains(1, filter); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := lv.ConnectGetAllDomainStats(nil, uint32(libvirt.DomainStatsState), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := lv.ConnectGetAllDomainStats(nil, uint32(libvirt.DomainStatsBlock), 2); err != nil {
		t.Fatal(err)
	}
	return listed
}

// bareRPC is as fast as the calls themselves allow: eight at a time, and
// nothing is made of the answers.
func bareRPC(t *testing.T, socket string) int {
	lv := dialBench(t, socket)
	listed := benchSurvey(t, lv)
	next := make(chan libvirt.Domain, len(listed))
	for _, l := range listed {
		next <- l
	}
	close(next)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for l := range next {
				if _, err := lv.DomainGetXMLDesc(l, libvirt.DomainXMLInactive); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	return len(listed)
}

// oneByOne waits for each answer before the next question.
func oneByOne(t *testing.T, socket string) int {
	lv := dialBench(t, socket)
	listed := benchSurvey(t, lv)
	for _, l := range listed {
		text, err := lv.DomainGetXMLDesc(l, libvirt.DomainXMLInactive)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse([]byte(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	return len(listed)
}

func legacyPython(t *testing.T, socket string) (n int, took time.Duration) {
	out, err := exec.Command("/usr/bin/python3", "../testdata/bench/legacy_read.py", "qemu:///system?socket="+socket).Output()
	if err != nil {
		t.Fatalf("legacy_read.py: %v", err)
	}
	var seconds float64
	if _, err := fmt.Sscan(string(out), &n, &seconds); err != nil {
		t.Fatalf("legacy_read.py printed %q: %v", out, err)
	}
	return n, time.Duration(seconds * float64(time.Second))
}

func virshLoop(t *testing.T, socket string) (int, time.Duration) {
	uri := "qemu:///system?socket=" + socket
	names, err := exec.Command("virsh", "-q", "-c", uri, "list", "--all", "--name").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(names))
	began := time.Now()
	for _, n := range all[:benchVirsh] {
		if err := exec.Command("virsh", "-q", "-c", uri, "dumpxml", n).Run(); err != nil {
			t.Fatal(err)
		}
	}
	return len(all), time.Since(began) * time.Duration(len(all)) / benchVirsh
}

// slowLine is a socket that leads to another one, each direction half a round
// trip long. It delays without narrowing: what is sent together arrives so.
func slowLine(t *testing.T, to string, rtt time.Duration) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "k2o")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	at := filepath.Join(dir, "slow-ro")
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", to)
			if err != nil {
				near.Close()
				return
			}
			go delay(far, near, rtt/2)
			go delay(near, far, rtt/2)
		}
	}()
	return at
}

func delay(to, from net.Conn, by time.Duration) {
	type part struct {
		bytes []byte
		due   time.Time
	}
	parts := make(chan part, 1<<16)
	go func() {
		defer close(parts)
		for {
			b := make([]byte, 64<<10)
			n, err := from.Read(b)
			if n > 0 {
				parts <- part{b[:n], time.Now().Add(by)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range parts {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.bytes); err != nil {
			break
		}
	}
	to.Close()
	from.Close()
}

// defineMany defines domains as virt-install makes them, each with two small
// but real qcow2 disks.
func defineMany(t *testing.T, socket string, n int) {
	t.Helper()
	dir := t.TempDir()
	model := filepath.Join(dir, "model.qcow2")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", model, "64M").CombinedOutput(); err != nil {
		t.Fatalf("qemu-img: %v %s", err, out)
	}
	image, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	lv := dialBench(t, socket)
	undefineBench(t, lv) // of a run that was killed
	next := make(chan int)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range next {
				for _, disk := range []string{"a", "b"} {
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d%s.qcow2", i, disk)), image, 0o600); err != nil {
						t.Error(err)
					}
				}
				if _, err := lv.DomainDefineXML(benchXML(dir, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
	t.Cleanup(func() { undefineBench(t, dialBench(t, socket)) })
	if t.Failed() {
		t.FailNow()
	}
}

// undefineBench takes away what defineMany made, by its names.
func undefineBench(t *testing.T, lv *libvirt.Libvirt) {
	t.Helper()
	listed, _, err := lv.ConnectListAllDomains(1, libvirt.ConnectListDomainsInactive)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range listed {
		if strings.HasPrefix(d.Name, "bench-") {
			if err := lv.DomainUndefine(d); err != nil {
				t.Error(err)
			}
		}
	}
}

func benchXML(dir string, i int) string {
	return fmt.Sprintf(`<domain type='qemu'>
<name>bench-%[2]d</name><uuid>%[3]s</uuid><title>Customer %[2]d</title>
<metadata><libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"><libosinfo:os id="http://centos.org/centos/7.0"/></libosinfo:libosinfo></metadata>
<memory unit='KiB'>4194304</memory><vcpu placement='static'>4</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
<features><acpi/><apic/></features>
<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/></clock>
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='%[1]s/%[2]da.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='%[1]s/%[2]db.qcow2'/><target dev='vdb' bus='virtio'/></disk>
<interface type='bridge'><mac address='52:54:00:00:%02[4]x:%02[5]x'/><source bridge='br0'/><model type='virtio'/></interface>
<interface type='bridge'><mac address='52:54:00:01:%02[4]x:%02[5]x'/><source bridge='br1'/><model type='virtio'/></interface>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<serial type='pty'/><console type='pty'/><input type='tablet' bus='usb'/><graphics type='vnc' port='-1'/><video><model type='cirrus'/></video><memballoon model='virtio'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
</devices></domain>`, dir, i, uuid.NewString(), i/256, i%256)
}
