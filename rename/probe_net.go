package rename

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Here is this machine.
type Here struct{}

// Dial connects from here.
func (Here) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

// Run runs a program here, which is killed when ctx ends.
func (Here) Run(ctx context.Context, argv ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second // its children may keep the pipe open
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s", argv[0], err, lastLine(out))
	}
	return out, nil
}

// ping sends one echo request by the system's ping, which may open the socket
// for it where this tool may not.
func ping(ctx context.Context, from Vantage, address netip.Addr) (string, error) {
	out, err := from.Run(ctx, "ping", "-n", "-c", "1", "-W", "2", address.String())
	if err != nil {
		return "", err
	}
	if found := roundTrip.FindSubmatch(out); found != nil {
		return "answered in " + string(found[1]), nil
	}
	return "answered", nil
}

var roundTrip = regexp.MustCompile(`time[=<]([0-9.]+ ms)`)

// ask makes the kernel of a host in the guest's network ask for its neighbour,
// by a ping whose own answer does not matter, and reads what it learned. Only
// what was confirmed since the guest was started counts, for entries outlive
// those they are of.
func (a ARP) ask(ctx context.Context, from Vantage, since time.Time) (string, error) {
	_, silent := ping(ctx, from, a.Address)
	out, err := from.Run(ctx, "ip", "-s", "neigh", "show", "to", a.Address.String())
	if err != nil {
		return "", err
	}
	n, err := readNeighbour(string(out))
	switch {
	case err != nil:
		return "", err
	case n.mac == "" || n.state != "REACHABLE":
		return "", fmt.Errorf("no answer (neighbour state %s; ping: %w)", n.state, orNone(silent))
	case time.Since(since) <= n.confirmed:
		return "", fmt.Errorf("no answer since the start; %s was there %v ago", n.mac, n.confirmed)
	case a.MAC != "" && !strings.EqualFold(a.MAC, n.mac):
		return "", fmt.Errorf("the address is answered for by %s, not by %s", n.mac, a.MAC)
	}
	return "is at " + n.mac, nil
}

func orNone(err error) error {
	if err == nil {
		return errors.New("answered")
	}
	return err
}

// A neighbour is one entry of a kernel's table.
type neighbour struct {
	mac, state string
	confirmed  time.Duration // ago
}

// readNeighbour understands "10.0.0.5 dev br0 lladdr 52:54:00:00:00:05 ref 1
// used 2/1/2 probes 1 REACHABLE", the output of ip -s neigh. The three numbers
// are the seconds since the entry was used, confirmed and changed
// (iproute2, ipneigh.c). Of several interfaces only one may reach the address;
// what was heard of it on another before is of no account.
func readNeighbour(out string) (neighbour, error) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if reached := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		return !strings.HasSuffix(strings.TrimSpace(line), " REACHABLE")
	}); len(reached) > 0 {
		lines = reached
	}
	if len(lines) > 1 {
		return neighbour{}, fmt.Errorf("the address is known on several interfaces: %q", out)
	}
	words := strings.Fields(lines[0])
	n := neighbour{state: "none"}
	for i, word := range words {
		if i+1 == len(words) {
			n.state = word
			break
		}
		switch word {
		case "lladdr":
			n.mac = words[i+1]
		case "used":
			ages := strings.Split(words[i+1], "/")
			if len(ages) != 3 {
				return n, fmt.Errorf("ip neigh says %q, which is not understood", lines[0])
			}
			seconds, err := strconv.Atoi(ages[1])
			if err != nil {
				return n, fmt.Errorf("ip neigh says %q, which is not understood", lines[0])
			}
			n.confirmed = time.Duration(seconds) * time.Second
		}
	}
	return n, nil
}

func (h HTTP) check() error {
	u, err := url.Parse(h.URL)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("probe: %q is no http or https URL", h.URL)
	}
	if u.User != nil {
		return fmt.Errorf("probe: the URL of %s holds a user name; a probe logs in nowhere", u.Host)
	}
	return nil
}

// get asks for the page. Redirections are not followed: that the guest sends
// one is an answer.
func (h HTTP) get(ctx context.Context, from Vantage) (string, error) {
	client := http.Client{
		Transport: &http.Transport{
			DialContext:       from.Dial,
			DisableKeepAlives: true,
			// The question is whether it answers, and it is asked by address.
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	response.Body.Close() // only the status is wanted
	if response.StatusCode != h.Status && (h.Status != 0 || response.StatusCode >= 400) {
		return "", fmt.Errorf("it answers %s", response.Status)
	}
	return response.Status, nil
}
