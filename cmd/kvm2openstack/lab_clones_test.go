//go:build lab

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// shapes are those of the fleet that can be adopted, in the order of their
// numbers.
var shapes = []string{
	"web01", "sata01", "ide01", "uefi01", "win01", "off01", "paused01", "auto01", "deaf01", "two01", "vnc01", "q35", "uefi02",
}

// kinds are the shapes that differ in what an operation meets: one disk, a
// data disk beside it, firmware with variables of its own.
var kinds = []string{"web01", "sata01", "uefi01"}

// A batch is the names that the test's own domains begin with, and how far
// their numbers are above the fleet's.
type batch struct {
	prefix string
	above  int
}

// Neutron's pool begins at 200, the fleet ends at 30.
var (
	dayBatch   = batch{"day", 100}
	adminBatch = batch{"adm", 140}
)

var (
	fleetUUID = regexp.MustCompile(`6c656700-0000-4000-8000-0*(\d+)`)
	fleetMAC  = regexp.MustCompile(`52:54:00:10:00:([0-9a-f]{2})`)
)

// cloneOf is the definition of a domain of a shape under a name of the batch's:
// name, UUID, MAC addresses and files are its own.
func (b batch) cloneOf(definition string) string {
	definition = strings.ReplaceAll(definition, labPrefix, b.prefix+"-")
	definition = fleetUUID.ReplaceAllStringFunc(definition, func(s string) string {
		n, _ := strconv.Atoi(fleetUUID.FindStringSubmatch(s)[1]) // digits
		return fmt.Sprintf("6c656700-0000-4000-8000-%012d", n+b.above)
	})
	return fleetMAC.ReplaceAllStringFunc(definition, b.macOf)
}

func (b batch) macOf(mac string) string {
	n, _ := strconv.ParseUint(mac[len(mac)-2:], 16, 8) // two hexadecimal digits
	return fmt.Sprintf("%s%02x", mac[:len(mac)-2], n+uint64(b.above))
}

// rules are for the clones what the test's configuration says of the fleet:
// addresses of guests that do not speak, and for Windows no Hyper-V features,
// which QEMU refuses without KVM, but an e1000. The power of the deaf one may be
// cut. All but one get ports with security groups.
func (b batch) rules() string {
	return fmt.Sprintf(`  - {match: {name: %[1]s-off01}, addresses: {"%[2]s": [10.66.0.%[3]d]}, port_security: true}
  - {match: {name: %[1]s-paused01}, addresses: {"%[4]s": [10.66.0.%[5]d]}, port_security: true}
  - {match: {name: %[1]s-win01}, os_type: linux, nic_model: e1000, port_security: true}
  - {match: {name: %[1]s-sata01}}
  - {match: {name: %[1]s-deaf01}, port_security: true, force: true}
  - {match: {name: "%[1]s-*"}, port_security: true}
`, b.prefix, b.macOf("52:54:00:10:00:15"), 21+b.above, b.macOf("52:54:00:10:00:16"), 22+b.above)
}

// clones makes domains of the shapes and starts them, as fleet.sh makes the
// fleet. They are taken away when the test ends, whatever became of them.
func (l *lab) clones(b batch, shapes []string) []*legacy {
	l.t.Helper()
	dir := filepath.Join(l.dir, b.prefix)
	l.must(os.MkdirAll(dir, 0o755))
	var names []string
	for _, shape := range shapes {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "lab", "fleet", labPrefix+shape+".xml"))
		l.must(err)
		name := b.prefix + "-" + shape
		l.must(os.WriteFile(filepath.Join(dir, name+".xml"), []byte(b.cloneOf(string(text))), 0o644))
		names = append(names, name)
	}
	l.t.Cleanup(func() {
		if out, err := fleetScript(dir, append([]string{"--remove"}, names...)...).CombinedOutput(); err != nil {
			l.t.Errorf("fleet.sh --remove: %v\n%s", err, out)
		}
	})
	if out, err := fleetScript(dir, names...).CombinedOutput(); err != nil {
		l.t.Fatalf("fleet.sh: %v\n%s", err, out)
	}
	var made []*legacy
	for _, name := range names {
		l.fleet[name] = l.legacy(name)
		made = append(made, l.fleet[name])
	}
	return made
}

// fleetScript is fleet.sh for other definitions than the fleet's.
func fleetScript(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join("..", "..", "testdata", "lab", "fleet.sh"), args...)
	cmd.Env = append(os.Environ(), "FLEET="+dir)
	return cmd
}
