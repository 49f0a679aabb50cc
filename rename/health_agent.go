package rename

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// untilAgent asks until the agent answers. It is asked for the time, not by
// guest-ping: libvirt has a call for the one, whereas the other would mark the
// domain as tainted until its next restart (custom-ga-command).
func (d *Domain) untilAgent(ctx context.Context) (said string, tries int, err error) {
	return untilAnswered(ctx, func() (string, error) {
		q := request{act: "ask the guest agent", limit: left(ctx), patient: true}
		_, err := do(ctx, d, q, func(lv calls, l libvirt.Domain) (none struct{}, err error) {
			_, _, err = lv.DomainGetTime(l, 0)
			return none, err
		})
		if err == nil || refusedByAgent(err) {
			return "answered", nil
		}
		return "", err
	})
}

// refusedByAgent reports whether the agent itself answered that it does not do
// this, which is an answer (qemu_agent.c, qemuAgentCheckError).
func refusedByAgent(err error) bool {
	var e libvirt.Error
	return errors.As(err, &e) && (e.Code == uint32(libvirt.ErrAgentCommandFailed) ||
		e.Code == uint32(libvirt.ErrInternalError) && strings.HasPrefix(e.Message, "internal error: unable to execute QEMU agent command"))
}

// An Address is one of a guest's, as its agent tells.
type Address struct {
	MAC    string     `json:"mac"` // of the interface, in small letters
	IP     netip.Addr `json:"ip"`
	Prefix int        `json:"prefix"`
}

func (a Address) String() string { return fmt.Sprintf("%s/%d at %s", a.IP, a.Prefix, a.MAC) }

// Addresses asks the guest's agent for all addresses that others could reach
// the guest by, in order. Those of loopback and link-local ones are left out.
func (d *Domain) Addresses(ctx context.Context) ([]Address, error) {
	return d.addresses(ctx, request{act: "ask the guest agent for addresses", patient: true})
}

func (d *Domain) addresses(ctx context.Context, q request) ([]Address, error) {
	found, err := do(ctx, d, q, func(lv calls, l libvirt.Domain) ([]libvirt.DomainInterface, error) {
		return lv.DomainInterfaceAddresses(l, uint32(libvirt.DomainInterfaceAddressesSrcAgent), 0)
	})
	if err != nil {
		return nil, err
	}
	var all []Address
	for _, i := range found {
		for _, a := range i.Addrs {
			ip, err := netip.ParseAddr(a.Addr)
			if err != nil || len(i.Hwaddr) == 0 || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() {
				continue
			}
			all = append(all, Address{MAC: strings.ToLower(i.Hwaddr[0]), IP: ip, Prefix: int(a.Prefix)})
		}
	}
	slices.SortFunc(all, func(a, b Address) int {
		if c := strings.Compare(a.MAC, b.MAC); c != 0 {
			return c
		}
		return a.IP.Compare(b.IP)
	})
	return all, nil
}

// Missing are the addresses of before that are not among after. A guest that
// got further ones is no worse for it.
func Missing(before, after []Address) (missing []Address) {
	for _, a := range before {
		if !slices.Contains(after, a) {
			missing = append(missing, a)
		}
	}
	return missing
}

func (d *Domain) untilAddresses(ctx context.Context, before []Address) (said string, tries int, err error) {
	return untilAnswered(ctx, func() (string, error) {
		after, err := d.addresses(ctx, request{act: "ask the guest agent for addresses", limit: left(ctx), patient: true})
		if err != nil {
			return "", err
		}
		if missing := Missing(before, after); len(missing) > 0 {
			return "", fmt.Errorf("missing %v, has %v", missing, after)
		}
		return fmt.Sprint(after), nil
	})
}

// untilAnswered asks every second until there is no error or ctx ends, and
// returns the last error that says more than that time is over.
func untilAnswered(ctx context.Context, ask func() (string, error)) (said string, tries int, err error) {
	for {
		tries++
		said, failed := ask()
		if failed == nil {
			return said, tries, nil
		}
		if ctx.Err() == nil || err == nil {
			err = failed
		}
		select {
		case <-ctx.Done():
			return "", tries, err
		case <-time.After(time.Second):
		}
	}
}

// left is how long ctx lasts, but for a moment in which to say that there was no
// answer. A question to an agent is asked once and waited for: each that is not
// answered keeps a worker of the daemon.
func left(ctx context.Context) time.Duration {
	end, bounded := ctx.Deadline()
	if !bounded {
		return time.Minute
	}
	return max(time.Until(end)-50*time.Millisecond, time.Millisecond)
}
