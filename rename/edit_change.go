package rename

import (
	"fmt"
	"net"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// normal judges a Change by itself and writes its MAC addresses as libvirt
// does.
func (c Change) normal() (Change, error) {
	if c.Name != "" {
		if err := domainName(c.Name); err != nil {
			return c, refused("", ErrChange, "the new name %q %w", c.Name, err)
		}
	}
	for _, target := range sorted(c.Disks) {
		if err := imagePath(c.Disks[target]); err != nil {
			return c, refused("disk "+printable(target), ErrChange, "the new path %q %w", c.Disks[target], err)
		}
	}
	if c.NVRAM != "" {
		if err := imagePath(c.NVRAM); err != nil {
			return c, refused("", ErrChange, "the path of the EFI variables, %q, %w", c.NVRAM, err)
		}
	}
	nics := make(map[string]NIC, len(c.NICs))
	for _, address := range sorted(c.NICs) {
		mac, err := net.ParseMAC(address)
		if err != nil || len(mac) != 6 {
			return c, refused("interface "+printable(address), ErrChange, "this is no MAC address")
		}
		if _, twice := nics[mac.String()]; twice {
			return c, refused("interface "+printable(address), ErrChange, "it is asked for twice, in different letters")
		}
		if err := c.NICs[address].judge(); err != nil {
			return c, refused("interface "+mac.String(), ErrChange, "%w", err)
		}
		nics[mac.String()] = c.NICs[address]
	}
	c.NICs = nics
	return c, nil
}

// domainName is libvirt's rule, for the name becomes that of a file
// (domain_conf.c, virDomainDefPostParseCheckFeatures), and a little stricter.
func domainName(name string) error {
	if strings.Contains(name, "/") || name == "." || name == ".." {
		return fmt.Errorf("cannot be the name of a file on the host")
	}
	if strings.TrimSpace(name) != name {
		return fmt.Errorf("begins or ends with white space")
	}
	return plainText(name)
}

// imagePath is absolute and in its shortest form, as it is compared with what
// libvirt gives back.
func imagePath(p string) error {
	if !path.IsAbs(p) || path.Clean(p) != p {
		return fmt.Errorf("is not an absolute path in its shortest form")
	}
	return plainText(p)
}

// plainText is what XML can carry, and an operator can see.
func plainText(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("is not UTF-8")
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF {
			return fmt.Errorf("has the control character %U in it", r)
		}
	}
	return nil
}

// printable quotes what does not look like a device's name.
func printable(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || r == ' ' }) {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// judge looks at what is asked of one interface.
func (n NIC) judge() error {
	if n.Model != "" && !known(n.Model, models) {
		return fmt.Errorf("the model %q is not one of %s", n.Model, strings.Join(models, ", "))
	}
	if err := n.judgeTarget(); err != nil {
		return err
	}
	if n.OVSPort != "" {
		if n.Bridge == "" {
			return fmt.Errorf("the port %s on Open vSwitch needs the name of its bridge", n.OVSPort)
		}
		if id, err := uuid.Parse(n.OVSPort); err != nil || id.String() != n.OVSPort {
			return fmt.Errorf("the interface id %q on Open vSwitch is no UUID", n.OVSPort)
		}
	}
	if n.Bridge != "" {
		if err := deviceName(n.Bridge); err != nil {
			return fmt.Errorf("the name of the bridge, %q, %w", n.Bridge, err)
		}
	}
	return nil
}

// generated are the beginnings of names that libvirt gives to taps itself. It
// drops such a name from a definition (virDomainNetDefParseXML): the next start
// would take another one.
var generated = []string{"vnet", "macvtap", "macvlan"}

func (n NIC) judgeTarget() error {
	if n.Target == "" {
		return nil
	}
	if err := deviceName(n.Target); err != nil {
		return fmt.Errorf("the name of the tap, %q, %w", n.Target, err)
	}
	for _, prefix := range generated {
		if strings.HasPrefix(n.Target, prefix) {
			return fmt.Errorf("the name of the tap, %q, begins with %s: libvirt drops names that it could have given itself", n.Target, prefix)
		}
	}
	return nil
}

// deviceName is what Linux takes for a network device (dev_valid_name).
func deviceName(name string) error {
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r == ':' }
	switch {
	case name == "", name == ".", name == "..", strings.ContainsFunc(name, bad), !utf8.ValidString(name):
		return fmt.Errorf("cannot be the name of a network device")
	case len(name) > 15:
		return fmt.Errorf("has %d bytes; names of network devices have at most 15", len(name))
	}
	return nil
}
