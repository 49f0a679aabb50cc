//go:build integration

package discover

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// env is a variable that testdata/services/libvirt-up.sh wrote.
func env(t *testing.T, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Fatalf("%s is not set; run testdata/services/with.sh go test -tags integration ./discover/", name)
	}
	return v
}

func virsh(t *testing.T, socket string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.Command("virsh", append([]string{"-q", "-c", "qemu:///system?socket=" + socket}, args...)...).CombinedOutput()
	return string(out), err
}

func mustVirsh(t *testing.T, socket string, args ...string) string {
	t.Helper()
	out, err := virsh(t, socket, args...)
	if err != nil {
		t.Fatalf("virsh %v: %v\n%s", args, err, out)
	}
	return out
}

// qemuDomain is a guest of 16 MiB without an operating system.
func qemuDomain(name, devices string) (xml, id string) {
	id = uuid.NewString()
	return fmt.Sprintf(`<domain type='qemu'><name>%s</name><uuid>%s</uuid><memory unit='MiB'>16</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/><memballoon model='none'/>%s</devices></domain>`, name, id, devices), id
}

// define leaves nothing behind when the test ends.
func define(t *testing.T, socket, xml, id string) {
	t.Helper()
	mustVirsh(t, socket, "define", write(t, "domain.xml", []byte(xml)))
	t.Cleanup(func() {
		virsh(t, socket, "destroy", id)
		if out, err := virsh(t, socket, "undefine", "--managed-save", "--snapshots-metadata", "--nvram", id); err != nil {
			t.Errorf("undefine %s: %v %s", id, err, out)
		}
	})
}

func qcow2Disk(t *testing.T, size string) (path, xml string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "disk.qcow2")
	if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", path, size).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img: %v %s", err, out)
	}
	return path, fmt.Sprintf(`<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>`, path)
}

func find(t *testing.T, inv Inventory, id string) Domain {
	t.Helper()
	for _, d := range inv.Domains {
		if d.UUID == id {
			return d
		}
	}
	t.Fatalf("domain %s is not among %d domains of %s (Err %v, unreadable %v)", id, len(inv.Domains), inv.Host.Name, inv.Err, inv.Unreadable)
	return Domain{}
}

func sshHost(t *testing.T) Host {
	return Host{Name: "ssh", URI: "qemu+ssh://root@" + env(t, "K2O_TEST_SSH") + "/system", KeyFile: env(t, "K2O_TEST_SSH_KEY"), KnownHosts: env(t, "K2O_TEST_KNOWN_HOSTS")}
}

func unixHost(t *testing.T) Host {
	return Host{Name: "unix", URI: "qemu:///system?socket=" + env(t, "K2O_TEST_LIBVIRT_SOCKET") + "-ro"}
}

func TestTransports(t *testing.T) {
	disk, diskXML := qcow2Disk(t, "64M")
	xml, id := qemuDomain("transport", diskXML)
	define(t, env(t, "K2O_TEST_LIBVIRT_SOCKET"), xml, id)
	for _, c := range []struct {
		host            Host
		readOnly, files bool
		hostname        string
	}{
		{unixHost(t), true, true, "k2o-a"},
		{Host{Name: "rw", URI: "qemu:///system?socket=" + env(t, "K2O_TEST_LIBVIRT_SOCKET")}, false, true, "k2o-a"},
		{sshHost(t), true, true, "k2o-a"}, // by libvirt's own socket path
		{Host{Name: "tcp", URI: "qemu+tcp://" + env(t, "K2O_TEST_LIBVIRT_TCP") + "/system", Insecure: true}, false, false, "k2o-a"},
		{Host{Name: "tls", URI: "qemu+tls://" + env(t, "K2O_TEST_LIBVIRT_TLS") + "/system", PKIPath: env(t, "K2O_TEST_PKI")}, false, false, "k2o-a"},
		{Host{Name: "tls+sftp", URI: "qemu+tls://" + env(t, "K2O_TEST_LIBVIRT_TLS") + "/system", PKIPath: env(t, "K2O_TEST_PKI"),
			Files: "sftp://root@" + env(t, "K2O_TEST_SSH"), KeyFile: env(t, "K2O_TEST_SSH_KEY"), KnownHosts: env(t, "K2O_TEST_KNOWN_HOSTS")}, false, true, "k2o-a"},
	} {
		t.Run(c.host.Name, func(t *testing.T) {
			inv := scanOne(t, c.host, Options{})
			if inv.Err != nil || inv.ReadOnly != c.readOnly || (inv.FilesErr == "") != c.files || !strings.HasPrefix(inv.Hostname, c.hostname) {
				t.Fatalf("Err %v, read-only %v, files %q, host name %q", inv.Err, inv.ReadOnly, inv.FilesErr, inv.Hostname)
			}
			if inv.LibvirtVersion == "" || inv.QEMUVersion == "" || inv.CPUs == 0 || inv.MemoryKiB == 0 {
				t.Errorf("host facts %+v", inv)
			}
			d := find(t, inv, id)
			if d.Name != "transport" || d.State != StateShutoff || !d.Persistent || d.Autostart || len(d.Disks) != 1 || d.Disks[0].CapacityBytes != 64<<20 {
				t.Fatalf("domain %+v", d)
			}
			file := d.Disks[0].File
			switch {
			case !c.files && (file != nil || inv.InstancesDir != nil):
				t.Errorf("files were looked at: %+v", file)
			case c.files && (file == nil || file.Kind != "file" || file.Format != "qcow2" || file.VirtualBytes != 64<<20 || file.Resolved != disk || file.FS == ""):
				t.Errorf("file of the disk %+v", file)
			}
			states, err := States(context.Background(), c.host, Options{})
			if err != nil || states[id] != StateShutoff {
				t.Errorf("States = %v, %v", states, err)
			}
		})
	}
}

// The questions to running guests and the looks at files share one SSH login:
// whichever ends first must not end the other.
func TestSSHFilesBesideGuests(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	_, diskXML := qcow2Disk(t, "64M")
	xml, id := qemuDomain("beside", diskXML)
	define(t, socket, xml, id)
	mustVirsh(t, socket, "start", id)
	for range 10 {
		inv := scanOne(t, sshHost(t), Options{})
		if inv.Err != nil || inv.FilesErr != "" || len(inv.Silent) > 0 {
			t.Fatalf("Err %v, files %q, silent %v", inv.Err, inv.FilesErr, inv.Silent)
		}
		if f := find(t, inv, id).Disks[0].File; f == nil || f.Format != "qcow2" {
			t.Fatalf("file of the disk %+v", f)
		}
	}
}

// Over ?socket= the other daemon of the same SSH server is reached.
func TestSSHSocketOption(t *testing.T) {
	h := sshHost(t)
	h.URI += "?socket=" + env(t, "K2O_TEST_SSH_SOCKET")
	if inv := scanOne(t, h, Options{}); inv.Err != nil || !inv.ReadOnly || !strings.HasPrefix(inv.Hostname, "k2o-b") {
		t.Errorf("Err %v, read-only %v, host name %q", inv.Err, inv.ReadOnly, inv.Hostname)
	}
	h.URI = strings.TrimSuffix(h.URI, "-ro") + "-nowhere"
	if inv := scanOne(t, h, Options{}); inv.Err == nil || !strings.Contains(inv.Err.Error(), "-nowhere") {
		t.Errorf("Err = %v", inv.Err)
	}
}

func TestRefusedLogins(t *testing.T) {
	wrongKnown, wrongKey, unknown := sshHost(t), sshHost(t), sshHost(t)
	wrongKnown.KnownHosts = env(t, "K2O_TEST_KNOWN_HOSTS_WRONG")
	unknown.KnownHosts = write(t, "empty", nil)
	wrongKey.KeyFile = testKey(t)
	secure := Host{Name: "tls", URI: "qemu+tls://" + env(t, "K2O_TEST_LIBVIRT_TLS") + "/system", PKIPath: env(t, "K2O_TEST_PKI")}
	wrongCA, wrongCert, noPKI := secure, secure, secure
	wrongCA.PKIPath = env(t, "K2O_TEST_PKI_WRONG")
	wrongCert.PKIPath = mixedPKI(t)
	noPKI.PKIPath = "/nonexistent/pki"
	plain := Host{Name: "tcp", URI: "qemu+tcp://" + env(t, "K2O_TEST_LIBVIRT_TCP") + "/system"}
	crossed := secure
	crossed.URI = "qemu+tls://" + env(t, "K2O_TEST_LIBVIRT_TCP") + "/system"
	crossed2 := Host{Name: "tcp", URI: "qemu+tcp://" + env(t, "K2O_TEST_LIBVIRT_TLS") + "/system", Insecure: true}
	crossed3 := Host{Name: "tcp", URI: "qemu+tcp://" + env(t, "K2O_TEST_SSH") + "/system", Insecure: true}
	for _, c := range []struct {
		name string
		host Host
		is   error
		says []string
	}{
		{"wrong host key", wrongKnown, ErrHostKey, []string{"line 1 has SHA256:", wrongKnown.KnownHosts, "installed anew"}},
		{"unknown host key", unknown, ErrHostKey, []string{"is not in " + unknown.KnownHosts, "ssh-keyscan"}},
		{"wrong key", wrongKey, nil, []string{"log in as root at 127.0.0.1", "unable to authenticate"}},
		{"wrong CA", wrongCA, nil, []string{"not signed by this CA", wrongCA.PKIPath + "/cacert.pem"}},
		{"wrong client certificate", wrongCert, nil, []string{"does not accept our client certificate"}},
		{"no PKI", noPKI, nil, []string{"/nonexistent/pki/cacert.pem"}},
		{"tcp without insisting", plain, ErrInsecure, []string{"insecure: true"}},
		{"TLS to a plain port", crossed, nil, []string{"set up TLS with"}},
		{"plain to a TLS port", crossed2, nil, []string{"host tcp: open the QEMU driver: "}},
		{"plain to an SSH port", crossed3, nil, []string{`does not speak libvirt's protocol: it sent "SSH-`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inv := scanOne(t, c.host, Options{CallTimeout: 5 * time.Second})
			if inv.Err == nil || c.is != nil && !errors.Is(inv.Err, c.is) || inv.Found() != 0 {
				t.Fatalf("Err = %v, want %v", inv.Err, c.is)
			}
			for _, s := range c.says {
				if !strings.Contains(inv.Err.Error(), s) {
					t.Errorf("Err = %v, want %q", inv.Err, s)
				}
			}
		})
	}
}

// mixedPKI trusts the server, but the server does not trust it.
func mixedPKI(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for file, from := range map[string]string{"cacert.pem": "K2O_TEST_PKI", "clientcert.pem": "K2O_TEST_PKI_WRONG", "clientkey.pem": "K2O_TEST_PKI_WRONG"} {
		text, err := os.ReadFile(filepath.Join(env(t, from), file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A certificate for 127.0.0.1 is none for another name of the same server.
func TestTLSNameIsChecked(t *testing.T) {
	_, port, err := net.SplitHostPort(env(t, "K2O_TEST_LIBVIRT_TLS"))
	if err != nil {
		t.Fatal(err)
	}
	config, _, err := tlsConfig(Host{PKIPath: env(t, "K2O_TEST_PKI")}, "other.example")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := handshake(context.Background(), tls.Client(conn, config)); err == nil || !strings.Contains(err.Error(), "other.example") {
		t.Errorf("handshake = %v", err)
	}
}

// What comes in through the read-only socket can change nothing, whatever this
// program would do.
func TestReadOnlySocketRefusesToDefine(t *testing.T) {
	xml, _ := qemuDomain("forbidden", "")
	out, err := virsh(t, env(t, "K2O_TEST_LIBVIRT_SOCKET")+"-ro", "define", write(t, "d.xml", []byte(xml)))
	if err == nil || !strings.Contains(out, "read only access prevents") {
		t.Errorf("define through the socket that the scan uses: %v %s", err, out)
	}
}

func TestStatesAndFlags(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	_, diskXML := qcow2Disk(t, "16M")
	names := []string{"off", "running", "paused", "saved", "snapshot"}
	ids := map[string]string{}
	for _, n := range names {
		devices := ""
		if n == "snapshot" {
			devices = diskXML
		}
		xml, id := qemuDomain("flags-"+n, devices)
		define(t, socket, xml, id)
		ids[n] = id
	}
	for _, n := range []string{"running", "paused", "saved"} {
		mustVirsh(t, socket, "start", ids[n])
	}
	transient, tid := qemuDomain("flags-transient", "")
	mustVirsh(t, socket, "create", write(t, "t.xml", []byte(transient)))
	t.Cleanup(func() { virsh(t, socket, "destroy", tid) })
	mustVirsh(t, socket, "suspend", ids["paused"])
	mustVirsh(t, socket, "managedsave", ids["saved"])
	mustVirsh(t, socket, "snapshot-create-as", ids["snapshot"], "one")
	mustVirsh(t, socket, "autostart", ids["off"])
	inv := scanOne(t, unixHost(t), Options{})
	for _, c := range []struct {
		name string
		id   string
		want string
	}{
		{"off", ids["off"], "shutoff persistent autostart"},
		{"running", ids["running"], "running persistent"},
		{"paused", ids["paused"], "paused persistent"},
		{"saved", ids["saved"], "shutoff persistent saved"},
		{"snapshot", ids["snapshot"], "shutoff persistent snapshots"},
		{"transient", tid, "running"},
	} {
		d := find(t, inv, c.id)
		got := string(d.State)
		for word, on := range map[string]bool{" persistent": d.Persistent, " autostart": d.Autostart, " saved": d.ManagedSave, " snapshots": d.Snapshots, " checkpoints": d.Checkpoints} {
			if on != strings.Contains(c.want, strings.TrimSpace(word)) {
				t.Errorf("%s:%s is %v, want %q", c.name, word, on, c.want)
			}
		}
		if !strings.HasPrefix(c.want, got) {
			t.Errorf("%s: state %q, want %q", c.name, got, c.want)
		}
	}
	if len(inv.Silent) != 0 || inv.Err != nil {
		t.Errorf("Err %v, silent %v", inv.Err, inv.Silent)
	}
}

// What only a running domain tells: the size by its process, the counters of
// its tap, that it is tainted.
func TestRunningDomain(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	_, diskXML := qcow2Disk(t, "32M")
	devices := diskXML
	if _, err := os.Stat("/dev/net/tun"); err == nil {
		devices += `<interface type='ethernet'><mac address='52:54:00:aa:bb:cc'/><model type='virtio'/></interface>`
	}
	xml, id := qemuDomain("live", devices)
	define(t, socket, xml, id)
	mustVirsh(t, socket, "start", id)
	inv := scanOne(t, unixHost(t), Options{KeepXML: true})
	d := find(t, inv, id)
	if inv.Err != nil || len(inv.Silent) != 0 || d.State != StateRunning || d.Disks[0].CapacityBytes != 32<<20 {
		t.Errorf("Err %v, silent %v, state %s, disks %+v", inv.Err, inv.Silent, d.State, d.Disks)
	}
	if !strings.Contains(string(d.XML), "<name>live</name>") || strings.Contains(string(d.XML), "<alias") || !strings.Contains(string(d.LiveXML), "<alias") {
		t.Error("the inactive and the live definition are not both kept, each as itself")
	}
	for _, i := range d.Interfaces {
		if i.Target == "" {
			t.Errorf("interface without its tap: %+v", i)
		}
	}
}

// One QEMU process that is stopped costs its own deadline and no more.
func TestStoppedGuestHoldsNobody(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	_, diskXML := qcow2Disk(t, "16M")
	_, diskXML2 := qcow2Disk(t, "16M")
	xml, hung := qemuDomain("hung", diskXML)
	define(t, socket, xml, hung)
	xml, well := qemuDomain("well", diskXML2)
	define(t, socket, xml, well)
	_, diskXML3 := qcow2Disk(t, "16M")
	xml, off := qemuDomain("off", diskXML3)
	define(t, socket, xml, off)
	mustVirsh(t, socket, "start", hung)
	mustVirsh(t, socket, "start", well)
	pid := qemuPID(t, "guest=hung,")
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	inv := scanOne(t, unixHost(t), Options{CallTimeout: 2 * time.Second, SkipFiles: true})
	if inv.Err != nil || inv.Took > time.Minute {
		t.Fatalf("Err %v after %v", inv.Err, inv.Took)
	}
	if d := find(t, inv, well); d.Disks[0].CapacityBytes != 16<<20 {
		t.Errorf("the other guest was not asked: %+v", d.Disks[0])
	}
	if d := find(t, inv, off); d.Disks[0].CapacityBytes != 16<<20 {
		t.Errorf("the sizes of domains that are off wait for the hung one: %+v", d.Disks[0])
	}
	if d := find(t, inv, hung); d.Name != "hung" || d.State != StateRunning {
		t.Errorf("hung domain %+v", d)
	}
	if len(inv.Silent) != 1 || inv.Silent[0].UUID != hung || !errors.Is(inv.Silent[0].Err, ErrNoAnswer) {
		t.Errorf("silent %+v", inv.Silent)
	}
}

// qemuPID finds our guest by its command line.
func qemuPID(t *testing.T, text string) int {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		line, _ := os.ReadFile(p) // gone meanwhile
		if strings.Contains(string(line), "qemu-system") && strings.Contains(string(line), text) {
			var pid int
			fmt.Sscanf(p, "/proc/%d/", &pid)
			return pid
		}
	}
	t.Fatalf("no QEMU process with %q", text)
	return 0
}

// daemonPID is of the daemon whose socket is given: the server's side of a
// connection to it.
func daemonPID(t *testing.T, socket string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(socket), "..", "libvirtd.pid"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// A daemon that is stopped ends by deadline, over every kind of transport.
func TestStoppedDaemon(t *testing.T) {
	pid := daemonPID(t, env(t, "K2O_TEST_LIBVIRT_SOCKET"))
	hosts := []Host{
		unixHost(t), sshHost(t),
		{Name: "tls", URI: "qemu+tls://" + env(t, "K2O_TEST_LIBVIRT_TLS") + "/system", PKIPath: env(t, "K2O_TEST_PKI")},
		{Name: "tcp", URI: "qemu+tcp://" + env(t, "K2O_TEST_LIBVIRT_TCP") + "/system", Insecure: true},
		{Name: "other", URI: "qemu:///system?socket=" + env(t, "K2O_TEST_LIBVIRT_SOCKET2")},
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	for inv := range Scan(context.Background(), hosts, Options{CallTimeout: 3 * time.Second}) {
		stopped := inv.Host.Name != "other"
		if stopped != errors.Is(inv.Err, ErrNoAnswer) || !stopped && inv.Err != nil {
			t.Errorf("%s: Err = %v", inv.Host.Name, inv.Err)
		}
	}
}

// An SSH server that is stopped in the middle does not hold the scan.
func TestStoppedSSHServer(t *testing.T) {
	h := sshHost(t)
	ctx := context.Background()
	tr, err := openTransport(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.close()
	opt := Options{CallTimeout: 3 * time.Second}.withDefaults()
	r, err := tr.reader(ctx, false, opt)
	if err != nil {
		t.Fatal(err)
	}
	pid := sshdPID(t)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	if _, err := call(ctx, r, "ask for the host name", questions.ConnectGetHostname); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("call = %v", err)
	}
	if _, err := openFiles(ctx, h, tr.ssh, opt); err == nil {
		t.Error("files are open over a dead connection")
	}
}

// sshdPID is the server process of our one login.
func sshdPID(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(env(t, "K2O_TEST_SSH_KEY")), "sshd.pid"))
	if err != nil {
		t.Fatal(err)
	}
	children, err := exec.Command("pgrep", "-P", strings.TrimSpace(string(text))).Output()
	if err != nil {
		t.Fatalf("find the login's process: %v", err)
	}
	pid := 0
	for _, line := range strings.Fields(string(children)) {
		fmt.Sscan(line, &pid)
	}
	return pid
}

// A daemon that is killed while it is read: what was read stays, the totals
// add up. The second daemon is restarted afterwards.
func TestKilledDaemon(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET2")
	const n = 60
	for i := range n {
		xml, id := qemuDomain(fmt.Sprintf("kill-%02d", i), "")
		define(t, socket, xml, id)
	}
	t.Cleanup(func() { // runs before the domains are undefined
		up, err := filepath.Abs("../testdata/services/libvirt-up.sh")
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(filepath.Dir(env(t, "K2O_TEST_SSH_KEY")))
		if out, err := exec.Command(up, dir).CombinedOutput(); err != nil {
			t.Fatalf("restart the daemon: %v\n%s", err, out)
		}
	})
	s := &hostScan{opt: Options{}.withDefaults(), inv: &Inventory{Host: Host{Name: "b", URI: "qemu:///system?socket=" + socket}}}
	ctx := context.Background()
	if err := s.connect(ctx); err != nil {
		t.Fatal(err)
	}
	defer s.reader.close()
	if err := s.takeSurvey(ctx); err != nil {
		t.Fatal(err)
	}
	if d, err := s.readDomain(ctx, s.survey.domains[0]); err != nil || d.UUID == "" {
		t.Fatal(err)
	}
	if err := syscall.Kill(daemonPID(t, socket), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err := s.readDomains(ctx)
	if !errors.Is(err, ErrLost) || s.inv.Found() != n {
		t.Errorf("readDomains = %v, found %d of %d", err, s.inv.Found(), n)
	}
}

// The name ".." is not among them: libvirt 9.0 defines such a domain half, and as
// it gives up removes what it takes for the domain's own snapshots, snapshot/..
// below /var/lib/libvirt/qemu, which is everything.
func TestHostileNames(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	names := []string{"with space", "引号 「名」", `quote'"&lt;`, "-rf", "$(reboot)", "'; drop table instances; --", strings.Repeat("long", 50), "emoji 🐧", "%s%n", "\\n"}
	ids := map[string]string{}
	for _, n := range names {
		xml, id := qemuDomain("placeholder", "")
		esc := strings.NewReplacer("&lt;", "&lt;", "'", "&apos;", `"`, "&quot;").Replace(n)
		xml = strings.Replace(xml, "<name>placeholder</name>", "<name>"+esc+"</name>", 1)
		out, err := virsh(t, socket, "define", write(t, "d.xml", []byte(xml)))
		if err != nil {
			t.Logf("libvirt itself refuses the name %q: %s", n, out)
			continue
		}
		t.Cleanup(func() { mustVirsh(t, socket, "undefine", id) })
		ids[strings.ReplaceAll(n, "&lt;", "<")] = id
	}
	if len(ids) < 8 {
		t.Errorf("only %d names could be defined", len(ids))
	}
	inv := scanOne(t, unixHost(t), Options{})
	for n, id := range ids {
		if d := find(t, inv, id); d.Name != n {
			t.Errorf("name %q came back as %q", n, d.Name)
		}
	}
}

func TestNetworkBehindInterface(t *testing.T) {
	socket := env(t, "K2O_TEST_LIBVIRT_SOCKET")
	mustVirsh(t, socket, "net-define", write(t, "n.xml", []byte("<network><name>office</name><forward mode='bridge'/><bridge name='br-office'/></network>")))
	t.Cleanup(func() { mustVirsh(t, socket, "net-undefine", "office") })
	xml, id := qemuDomain("networked", "<interface type='network'><source network='office'/></interface><interface type='network'><source network='gone'/></interface>")
	define(t, socket, xml, id)
	d := find(t, scanOne(t, unixHost(t), Options{}), id)
	if got := d.Interfaces[0]; got.NetworkBridge != "br-office" || got.NetworkForward != "bridge" {
		t.Errorf("interface %+v", got)
	}
	if got := d.Interfaces[1]; got.NetworkForward != "unknown" {
		t.Errorf("interface of a network that is gone: %+v", got)
	}
}

// Files over SFTP are seen as they are locally.
func TestRemoteFiles(t *testing.T) {
	root := testTree(t)
	remote, err := OpenFiles(context.Background(), sshHost(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	local, err := OpenFiles(context.Background(), Host{Name: "local", URI: "qemu:///system"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	for _, p := range []string{"/img/base.qcow2", "/img/mid.qcow2", "/img/raw", "/img/new\nline", "/img/empty", "/img", "/img/nothing", "/nothing/at/all", "/dangling", "/img/pipe"} {
		want, got := local.Look(context.Background(), root+p), remote.Look(context.Background(), root+p)
		if (got.FS == "") != (want.FS == "") {
			t.Errorf("Look(%q).FS = %q over SFTP, %q locally", p, got.FS, want.FS)
		}
		want.Inode, want.Links, want.FS, got.FS = 0, 0, "", "" // SFTP tells neither
		if got != want {
			t.Errorf("Look(%q)\n over SFTP %+v\n   locally %+v", p, got, want)
		}
	}
	there, missing := remote.Place(context.Background(), root), remote.Place(context.Background(), root+"/var/lib/nova/instances")
	if missing.FS == "" || missing.FS != there.FS || !missing.Missing {
		t.Errorf("Place = %+v beside %+v", missing, there)
	}
	other := remote.Look(context.Background(), "/proc/version")
	if other.FS != "" && other.FS == there.FS {
		t.Errorf("/proc and %s are on one file system, %s", root, other.FS)
	}
}

// Network devices over SFTP are seen as they are locally.
func TestRemoteDevices(t *testing.T) {
	var seen [2][]NetDevice
	for n, h := range []Host{sshHost(t), {Name: "local", URI: "qemu:///system"}} {
		f, err := OpenFiles(context.Background(), h, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		seen[n] = f.devices(context.Background(), nil)
	}
	if diff := cmp.Diff(seen[1], seen[0]); diff != "" || len(seen[0]) == 0 {
		t.Errorf("%d devices (-local +over SFTP):\n%s", len(seen[0]), diff)
	}
}

func TestDialSSH(t *testing.T) {
	c, err := DialSSH(context.Background(), sshHost(t))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := DialSSH(ctx, sshHost(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("DialSSH with a context that has ended = %v", err)
	}
	if _, err := DialSSH(context.Background(), Host{Name: "x", URI: "qemu:///system"}); err == nil {
		t.Error("DialSSH to a host without SSH")
	}
}
