package discover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// neighbourTable is the kernel's table of IPv4 neighbours (proc(5)).
const neighbourTable = "/proc/net/arp"

// maxNeighbours bounds the part of the table that is read: some 12,000 lines.
const maxNeighbours = 1 << 20

// complete is the flag of an entry whose neighbour has answered (ATF_COM of
// linux/if_arp.h).
const complete = "0x2"

// neighbours reads the host's own table, by MAC address. libvirt reads it as
// well (source arp), but 9.0 refuses with "wrong nlmsg len" where the kernel
// sends the table in more than one message.
func (f *Files) neighbours(ctx context.Context) (map[string][]netip.Addr, error) {
	text, err := within(ctx, f, func() (string, error) { return readStart(f.tree, neighbourTable, maxNeighbours) })
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", neighbourTable, err)
	}
	return parseNeighbours(text), nil
}

// within gives a read up that takes longer than a call may, as on a dead NFS
// server. It goes on alone.
func within[T any](ctx context.Context, f *Files, read func() (T, error)) (T, error) {
	ctx, cancel := withCallTimeout(ctx, Options{CallTimeout: f.timeout})
	defer cancel()
	type answer struct {
		found T
		err   error
	}
	given := make(chan answer, 1)
	go func() {
		found, err := read()
		given <- answer{found, err}
	}()
	select {
	case a := <-given:
		return a.found, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// readStart reads a file of unknown size, as those of /proc are.
func readStart(t tree, path string, limit int64) (string, error) {
	file, err := t.open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.NewSectionReader(file, 0, limit))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return string(text), err
}

// parseNeighbours reads lines of address, hardware type, flags, MAC address,
// mask and device. A line that is not of that shape is nobody's neighbour.
func parseNeighbours(text string) map[string][]netip.Addr {
	table := map[string][]netip.Addr{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 6 || f[2] != complete {
			continue
		}
		if ip, err := netip.ParseAddr(f[0]); err == nil {
			mac := strings.ToLower(f[3])
			table[mac] = append(table[mac], ip)
		}
	}
	return table
}

// addNeighbours gives running domains the addresses that their host has seen
// them answer from, where nobody named one.
func addNeighbours(domains []Domain, table map[string][]netip.Addr) {
	for n := range domains {
		d := &domains[n]
		if !d.State.Active() {
			continue // Its MAC address may be another's meanwhile.
		}
		for _, i := range d.Interfaces {
			if d.hasAddress(i.MAC) {
				continue
			}
			for _, ip := range table[strings.ToLower(i.MAC)] {
				if !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !ip.IsUnspecified() {
					d.addAddress(Address{MAC: strings.ToLower(i.MAC), IP: ip, Source: "arp"})
				}
			}
		}
	}
}

func (d *Domain) hasAddress(mac string) bool {
	for _, a := range d.Addresses {
		if strings.EqualFold(a.MAC, mac) {
			return true
		}
	}
	return false
}
