// Command memory measures how much memory an audit needs: it defines domains
// in a libvirtd, audits them with the real binary, and prints the peak
// resident size as the kernel counted it, at several numbers of domains.
//
// go run ./testdata/bench/memory -bin bin/kvm2openstack -socket /run/.../libvirt-sock
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	log.SetFlags(0)
	bin := flag.String("bin", "bin/kvm2openstack", "the binary to measure")
	socket := flag.String("socket", os.Getenv("K2O_TEST_LIBVIRT_SOCKET"), "libvirtd's socket; it should have no domains of its own")
	flag.Parse()
	if *socket == "" {
		log.Fatal("memory: give -socket, or let make bench start a libvirtd")
	}
	if err := measure(*bin, *socket, []int{0, 1000, 5000}); err != nil {
		log.Fatalf("memory: %v", err)
	}
}

// promisedMB is what README promises for the largest size, and pageMB what
// the audit's page may add to it: it is written as it is made.
const (
	promisedMB = 60
	pageMB     = 8
)

// measure prints one line a size. The domains are undefined at the end.
func measure(bin, socket string, sizes []int) (err error) {
	uri := "qemu:///system?socket=" + socket
	defined := 0
	defer func() {
		err = errors.Join(err, virsh(uri, defined, func(i int) string { return "undefine bench-" + number(i) }))
	}()
	dir, err := os.MkdirTemp("", "k2o-memory")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%-10s %-14s %s\n", "domains", "peak RSS MB", "more per 1,000 MB")
	var last float64
	lastSize := 0
	for _, n := range sizes {
		if err := define(uri, dir, defined, n); err != nil {
			return err
		}
		defined = n
		peak, err := peakOfAudit(bin, uri)
		if err != nil {
			return err
		}
		growth := "-"
		if n > lastSize {
			growth = fmt.Sprintf("%.1f", (peak-last)/float64(n-lastSize)*1000)
		}
		fmt.Printf("%-10d %-14.1f %s\n", n, peak, growth)
		last, lastSize = peak, n
	}
	fmt.Printf("promised: at most %d MB at %d domains\n", promisedMB, lastSize)
	if last > promisedMB {
		return fmt.Errorf("%.1f MB are more than promised", last)
	}
	return measurePage(bin, uri, filepath.Join(dir, "audit.html"), last)
}

// measurePage compares with an audit that also writes its page.
func measurePage(bin, uri, page string, without float64) error {
	peak, err := peakOfAudit(bin, uri, "--html", page)
	if err != nil {
		return err
	}
	info, err := os.Stat(page)
	if err != nil {
		return err
	}
	fmt.Printf("with --html %.1f MB, for a page of %.1f MB; promised: at most %d MB more\n", peak, float64(info.Size())/1e6, pageMB)
	if peak > without+pageMB {
		return fmt.Errorf("%.1f MB more are more than promised", peak-without)
	}
	return nil
}

// peakOfAudit runs one audit and returns its peak resident size in MB. An
// audit that finds blocked domains ends with a status of its own; a crash or a
// usage error is none.
func peakOfAudit(bin, uri string, more ...string) (float64, error) {
	cmd := exec.Command(bin, append([]string{"audit", "--host", uri, "--no-files", "-o", "json"}, more...)...)
	cmd.Env = append(os.Environ(), "KVM2OPENSTACK_CONFIG=")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	cmd.Stdout = io.Discard
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code > 2 || code < 0 {
		return 0, fmt.Errorf("audit: %w: %s", err, errOut.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return float64(usage.Maxrss) / 1024, nil
}

func number(i int) string { return fmt.Sprintf("%05d", i) }

// define adds domains from..to, two disks and two interfaces each.
func define(uri, dir string, from, to int) error {
	for i := from; i < to; i++ {
		if err := os.WriteFile(filepath.Join(dir, number(i)+".xml"), []byte(definition(i)), 0o600); err != nil {
			return err
		}
	}
	return virshRange(uri, from, to, func(i int) string { return "define " + filepath.Join(dir, number(i)+".xml") })
}

func virsh(uri string, n int, command func(int) string) error { return virshRange(uri, 0, n, command) }

// virshRange gives virsh its commands on standard input: one process for all.
func virshRange(uri string, from, to int, command func(int) string) error {
	if from >= to {
		return nil
	}
	var script strings.Builder
	for i := from; i < to; i++ {
		script.WriteString(command(i) + "\n")
	}
	cmd := exec.Command("virsh", "-q", "-c", uri)
	cmd.Stdin = strings.NewReader(script.String())
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("virsh: %w: %s", err, errOut.String())
	}
	return nil
}

func definition(i int) string {
	return fmt.Sprintf(`<domain type='qemu'><name>bench-%05[1]d</name><uuid>b0000000-0000-4000-8000-%012[1]d</uuid>
<memory unit='MiB'>2048</memory><vcpu>2</vcpu><os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type><boot dev='hd'/></os>
<features><acpi/><apic/></features><clock offset='utc'/><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/bench-%05[1]d.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/bench-%05[1]d-data.qcow2'/><target dev='vdb' bus='virtio'/></disk>
<interface type='bridge'><mac address='52:54:00:%02[2]x:%02[3]x:01'/><source bridge='br0'/><model type='virtio'/></interface>
<interface type='bridge'><mac address='52:54:00:%02[2]x:%02[3]x:02'/><source bridge='br1'/><model type='virtio'/></interface>
<serial type='pty'/><console type='pty'/><graphics type='vnc' autoport='yes' listen='0.0.0.0'/><video><model type='cirrus'/></video></devices></domain>`,
		i, i>>8&0xff, i&0xff)
}
