package discover

import (
	"errors"
	"fmt"
	"net/url"
	"path"
)

// A filesPlace is where the files of a host are reached.
type filesPlace struct {
	prefix string // local folder that holds the host's tree, "/" for the host itself; "" when the files are remote
	user   string
	host   string
	port   string
	shared bool // over the SSH connection that also carries libvirt
}

// errNoFiles is why the files of a host cannot be looked at.
var errNoFiles = errors.New("its URI gives no way to its files; name one in \"files\": sftp://[user@]host[:port], or file:///path for a folder that holds the host's tree")

// filesPlace follows Host.Files, or the URI where that is empty. A host whose
// URI gives no way to its files is no error here: the zero place says so.
func (h Host) filesPlace() (filesPlace, error) {
	if h.Files == "" {
		return h.filesFromURI()
	}
	u, err := parseURL(h.Files)
	if err != nil {
		return filesPlace{}, fmt.Errorf("files: %w", err)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return filesPlace{}, fmt.Errorf("files URL %q takes no options", h.Files)
	}
	switch u.Scheme {
	case "file":
		return prefixPlace(u)
	case "sftp":
		return sftpPlace(u)
	}
	return filesPlace{}, fmt.Errorf("files URL %q is not known; allowed are sftp://[USER@]HOST[:PORT] and file:///PATH", h.Files)
}

func (h Host) filesFromURI() (filesPlace, error) {
	a, err := h.address()
	switch {
	case err != nil:
		return filesPlace{}, err
	case a.transport == overUnix:
		return filesPlace{prefix: "/"}, nil
	case a.transport == overSSH:
		return filesPlace{user: a.user, host: a.host, port: a.port, shared: true}, nil
	}
	return filesPlace{}, nil
}

func prefixPlace(u *url.URL) (filesPlace, error) {
	if u.Host != "" || u.User != nil || !path.IsAbs(u.Path) {
		return filesPlace{}, fmt.Errorf("files URL %q needs three slashes and a path", u)
	}
	return filesPlace{prefix: path.Clean(u.Path)}, nil
}

func sftpPlace(u *url.URL) (filesPlace, error) {
	p := filesPlace{user: u.User.Username(), host: u.Hostname(), port: u.Port()}
	if p.port == "" {
		p.port = "22"
	}
	if p.host == "" || (u.Path != "" && u.Path != "/") {
		return filesPlace{}, fmt.Errorf("files URL %q needs a host and no path", u)
	}
	if err := checkPort(p.port); err != nil {
		return filesPlace{}, fmt.Errorf("files URL %q: %w", u, err)
	}
	return p, nil
}
