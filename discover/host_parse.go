package discover

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ErrInsecure is what a qemu+tcp:// host is refused with until Host.Insecure
// says that the operator insists.
var ErrInsecure = errors.New("qemu+tcp:// neither encrypts nor proves who answers, and anybody on the network can do there what root can; use qemu+tls:// or qemu+ssh://, or insist with \"insecure: true\" for this host")

// allowedURIs is what every refusal of a URI ends with.
const allowedURIs = "allowed are qemu:///system[?socket=PATH], qemu+ssh://[USER@]HOST[:PORT]/system[?keyfile=&known_hosts=&socket=], qemu+tls://HOST[:PORT]/system[?pkipath=], qemu+tcp://HOST[:PORT]/system and dir:///PATH"

// How a host is reached.
const (
	overUnix = "unix"
	overSSH  = "ssh"
	overTLS  = "tls"
	overTCP  = "tcp"
	fromDir  = "dir"
)

// An address is a host's URI taken apart.
type address struct {
	transport string
	user      string
	host      string // without brackets
	port      string
	path      string // dir: only
	options   url.Values
}

// hostPort is what is dialled.
func (a address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// transports says what each scheme is, which port it has by itself and which
// options its URI may carry.
var transports = map[string]struct {
	transport string
	port      string
	options   []string
}{
	"qemu":      {overUnix, "", []string{"socket"}},
	"qemu+unix": {overUnix, "", []string{"socket"}},
	"qemu+ssh":  {overSSH, "22", []string{"keyfile", "known_hosts", "socket"}},
	"qemu+tls":  {overTLS, "16514", []string{"pkipath"}},
	"qemu+tcp":  {overTCP, "16509", nil},
	"dir":       {fromDir, "", nil},
}

// ParseHost makes a Host of a connection URI. Its name is the URI's host part,
// for a local daemon the local host name, for a folder the folder's name.
// Passwords in URIs are refused, for they would end in process lists and logs.
func ParseHost(uri string) (Host, error) {
	h := Host{URI: strings.TrimSpace(uri)}
	a, err := h.address()
	if err != nil {
		return Host{}, err
	}
	h.KeyFile = a.options.Get("keyfile")
	h.KnownHosts = a.options.Get("known_hosts")
	h.PKIPath = a.options.Get("pkipath")
	switch a.transport {
	case overUnix:
		if h.Name, err = os.Hostname(); err != nil {
			return Host{}, fmt.Errorf("name the local host: %w", err)
		}
	case fromDir:
		h.Name = path.Base(a.path)
	default:
		h.Name = a.host
	}
	return h, nil
}

// Check says whether the host can be dialled as it is described: a sound URI,
// a sound files URL, and the operator's word where the transport needs it
// (ErrInsecure). It connects to nothing.
func (h Host) Check() error {
	a, err := h.address()
	if err != nil {
		return err
	}
	if a.transport == overTCP && !h.Insecure {
		return fmt.Errorf("host %s: %w", h.Name, ErrInsecure)
	}
	if _, err := h.filesPlace(); err != nil {
		return fmt.Errorf("host %s: %w", h.Name, err)
	}
	return nil
}

// address takes the host's URI apart and refuses what cannot be meant.
func (h Host) address() (address, error) {
	u, err := parseURL(h.URI)
	if err != nil {
		return address{}, err
	}
	t, known := transports[u.Scheme]
	if !known || u.Opaque != "" || u.Fragment != "" {
		return address{}, fmt.Errorf("host URI %q is not known; %s", redact(h.URI), allowedURIs)
	}
	a := address{transport: t.transport, user: u.User.Username(), host: u.Hostname(), port: u.Port(), options: u.Query()}
	if a.port == "" {
		a.port = t.port
	}
	for name, values := range a.options {
		if !slices.Contains(t.options, name) || len(values) != 1 || values[0] == "" {
			return address{}, fmt.Errorf("host URI %q: option %q is unknown here, empty or given twice; %s", h.URI, name, allowedURIs)
		}
	}
	if err := a.check(u.Path); err != nil {
		return address{}, fmt.Errorf("host URI %q: %w; %s", h.URI, err, allowedURIs)
	}
	if a.transport == fromDir {
		a.path = path.Clean(u.Path)
	}
	return a, nil
}

func (a address) check(urlPath string) error {
	remote := a.transport == overSSH || a.transport == overTLS || a.transport == overTCP
	switch {
	case remote && a.host == "":
		return errors.New("names no host")
	case !remote && (a.host != "" || a.user != "" || a.port != ""):
		return errors.New("needs three slashes, for it names no other host")
	case a.user != "" && a.transport != overSSH:
		return errors.New("only SSH takes a user")
	case a.transport == fromDir && path.Clean(urlPath) == "/":
		return errors.New("names no folder")
	case a.transport != fromDir && urlPath != "/system":
		return fmt.Errorf("path %q is not /system", urlPath)
	case remote:
		return checkPort(a.port)
	}
	return nil
}

func checkPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q is not between 1 and 65535", port)
	}
	return nil
}

// parseURL is url.Parse for text that may hold a password: no error of it
// repeats one.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		var cause *url.Error
		if errors.As(err, &cause) && !strings.Contains(text, "@") {
			return nil, fmt.Errorf("URI %q: %w", text, cause.Err)
		}
		return nil, fmt.Errorf("URI %q cannot be read", redact(text))
	}
	if _, has := u.User.Password(); has || strings.Contains(u.User.Username(), ":") {
		return nil, fmt.Errorf("URI %q holds a password; leave it out and use an SSH agent, a key file or a client certificate", redact(text))
	}
	return u, nil
}

// redact leaves out whatever could be a user and a password.
func redact(text string) string {
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return text
	}
	scheme, _, found := strings.Cut(text[:at], "://")
	if !found {
		return "…" + text[at:]
	}
	return scheme + "://…" + text[at:]
}
