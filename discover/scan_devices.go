package discover

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// A NetDevice is a network device of a host, as the kernel shows it.
type NetDevice struct {
	Name string
	// Master is the bridge or bond that the device is a port of. For all bridges
	// of Open vSwitch's kernel datapath it is OpenVSwitch, and their own devices
	// have none; its userspace datapath leaves no trace here.
	Master   string
	Bridge   bool   // a Linux bridge
	Physical bool   // a card, or what a virtual machine has for one
	VLAN     int    // tag, 0 for none
	Under    string // device that the VLAN is on
	Peer     string // other end of a veth pair, if that is on this host as well
}

// OpenVSwitch is the device behind all ports of Open vSwitch's kernel datapath.
// A host whose switch has a userspace datapath shows OpenVSwitchUserspace, and
// of no device that it is a port.
const (
	OpenVSwitch          = "ovs-system"
	OpenVSwitchUserspace = "ovs-netdev"
)

const (
	netClass = "/sys/class/net"
	vlanFile = "/proc/net/vlan/config"

	// maxDevices is what a host without so many containers has not.
	maxDevices = 1024
)

// devices reads the host's network devices. Guests' taps, which are most of
// them, are known by the domains and left out. Nil says that they could not be
// read, as it is with a folder that holds a part of a host's files.
func (f *Files) devices(ctx context.Context, domains []Domain) []NetDevice {
	taps := map[string]bool{}
	for _, d := range domains {
		for _, i := range d.Interfaces {
			taps[i.Target] = true
		}
	}
	found, err := within(ctx, f, func() ([]NetDevice, error) { return readDevices(f.tree, taps) })
	if err != nil {
		return nil // It is worth having, and no audit ends by it.
	}
	return found
}

func readDevices(t tree, leave map[string]bool) ([]NetDevice, error) {
	names, err := t.list(netClass)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return leave[name] || name == "bonding_masters" })
	slices.Sort(names)
	names = names[:min(len(names), maxDevices)]
	found := make([]NetDevice, len(names))
	numbers := make([][2]string, len(names)) // its own, and that of what it is linked to
	group := errgroup.Group{}
	group.SetLimit(looksAtOnce)
	for n, name := range names {
		group.Go(func() error {
			found[n], numbers[n] = readDevice(t, name)
			return nil
		})
	}
	_ = group.Wait() // What one device does not say is not known of it.
	addPeers(found, numbers)
	if text, err := readStart(t, vlanFile, maxNeighbours); err == nil {
		addVLANs(found, text)
	}
	return found, nil
}

// readDevice reads what the kernel's folder of a device says.
func readDevice(t tree, name string) (d NetDevice, numbers [2]string) {
	at := path.Join(netClass, name)
	d.Name = name
	if to, err := t.link(at); err == nil {
		d.Physical = !strings.Contains(to, "/virtual/")
	}
	if to, err := t.link(at + "/master"); err == nil {
		d.Master = path.Base(to)
	}
	if d.Physical {
		return d, numbers
	}
	if _, err := t.find(at + "/bridge"); err == nil {
		d.Bridge = true
		return d, numbers
	}
	for i, file := range []string{"ifindex", "iflink"} {
		if text, err := readStart(t, at+"/"+file, 32); err == nil {
			numbers[i] = strings.TrimSpace(text)
		}
	}
	return d, numbers
}

// addPeers finds the ends of veth pairs: each is linked to the other. Numbers
// are those of one network name space, and a pair that leads out of it has the
// number of some other device here, or of none.
func addPeers(devices []NetDevice, numbers [][2]string) {
	for a := range devices {
		for b := range devices {
			if a != b && numbers[a][0] != "" && numbers[a] == [2]string{numbers[b][1], numbers[b][0]} {
				devices[a].Peer = devices[b].Name
			}
		}
	}
}

// addVLANs reads lines of name, tag and device beneath, with bars between.
func addVLANs(devices []NetDevice, text string) {
	for line := range strings.Lines(text) {
		f := strings.Split(line, "|")
		if len(f) != 3 {
			continue
		}
		tag, err := strconv.Atoi(strings.TrimSpace(f[1]))
		n := slices.IndexFunc(devices, func(d NetDevice) bool { return d.Name == strings.TrimSpace(f[0]) })
		if err == nil && n >= 0 {
			devices[n].VLAN, devices[n].Under = tag, strings.TrimSpace(f[2])
		}
	}
}
