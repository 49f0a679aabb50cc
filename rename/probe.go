package rename

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// A Vantage is a place from which a guest is asked whether it answers: this
// machine (Here), or a host in the guest's network.
type Vantage interface {
	// Dial is as that of net.Dialer.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Run runs a program without a shell and returns what it wrote, and an
	// error if it did not exit with 0.
	Run(ctx context.Context, argv ...string) (output []byte, err error)
}

// A Probe is one question to a guest. Exactly one of its fields besides From
// and Within is set.
type Probe struct {
	Ping    netip.Addr // answers an ICMP echo request
	ARP     *ARP       // answers who has its address; only from a host in its network
	TCP     string     // takes a connection: "10.0.0.5:22"
	HTTP    *HTTP      // answers a request
	Command []string   // this program exits with 0

	// From is where it is asked from; nil is this machine.
	From Vantage
	// Within is how long the guest may take until it answers, from the moment
	// it is asked first, right after its start: 2 minutes by default. Guests boot.
	Within time.Duration
}

// ARP asks for the neighbour at an address. It is answered by guests that drop
// pings too.
type ARP struct {
	Address netip.Addr
	MAC     string // who has to answer, "" for anybody
}

// HTTP is a request by GET.
type HTTP struct {
	URL    string // http or https; the certificate is not looked at
	Status int    // the answer's status, 0 for any below 400
}

// String says what is asked.
func (p Probe) String() string {
	switch {
	case p.Ping.IsValid():
		return "ping " + p.Ping.String()
	case p.ARP != nil:
		return strings.TrimSpace("arp " + p.ARP.Address.String() + " " + p.ARP.MAC)
	case p.TCP != "":
		return "tcp " + p.TCP
	case p.HTTP != nil:
		return "http " + p.HTTP.URL
	}
	return "command " + strings.Join(p.Command, " ")
}

// ErrProbe is a probe that asks nothing, or several things.
var ErrProbe = errors.New("a probe has exactly one question")

// Check refuses a probe that cannot be asked.
func (p Probe) Check() error {
	asked := 0
	for _, is := range []bool{p.Ping.IsValid(), p.ARP != nil, p.TCP != "", p.HTTP != nil, len(p.Command) > 0} {
		if is {
			asked++
		}
	}
	if asked != 1 {
		return fmt.Errorf("%w: this one has %d", ErrProbe, asked)
	}
	switch {
	case p.ARP != nil && !p.ARP.Address.Is4():
		return fmt.Errorf("probe %s: ARP is for IPv4 addresses", p)
	case p.TCP != "":
		if _, _, err := net.SplitHostPort(p.TCP); err != nil {
			return fmt.Errorf("probe %s: %w", p, err)
		}
	case p.HTTP != nil:
		return p.HTTP.check()
	}
	return nil
}

// ask asks once.
func (p Probe) ask(ctx context.Context, since time.Time) (answer string, err error) {
	from := p.From
	if from == nil {
		from = Here{}
	}
	switch {
	case p.Ping.IsValid():
		return ping(ctx, from, p.Ping)
	case p.ARP != nil:
		return p.ARP.ask(ctx, from, since)
	case p.TCP != "":
		return dialTCP(ctx, from, p.TCP)
	case p.HTTP != nil:
		return p.HTTP.get(ctx, from)
	}
	out, err := from.Run(ctx, p.Command...)
	return lastLine(out), err
}

// once is how long one try of a probe may take.
const once = 5 * time.Second

// until asks again and again until the guest answers or ctx ends.
func (p Probe) until(ctx context.Context, since time.Time) (answer string, tries int, err error) {
	return untilAnswered(ctx, func() (string, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, once, fmt.Errorf("no answer within %v", once))
		defer cancel()
		return p.ask(ctx, since)
	})
}

// dialTCP connects, and says nothing.
func dialTCP(ctx context.Context, from Vantage, address string) (string, error) {
	conn, err := from.Dial(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	conn.Close() // nothing was sent that could be lost
	return "connected", nil
}

// lastLine is what a program said in the end.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	line := []rune(strings.TrimSpace(lines[len(lines)-1]))
	return string(line[:min(len(line), 200)])
}
