package discover

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// ErrHostKey is the refusal of an SSH server whose key is unknown, another one
// than before, or revoked.
var ErrHostKey = errors.New("host key is not trusted")

// systemKnownHosts is OpenSSH's GlobalKnownHostsFile.
const systemKnownHosts = "/etc/ssh/ssh_known_hosts"

// knownKeys checks the keys that SSH servers show.
type knownKeys struct {
	files    []string
	callback ssh.HostKeyCallback
}

// hostKeys opens the known_hosts file of h, or the user's and the system's.
// Without any there is nothing to trust, and that is said before dialling.
func hostKeys(h Host) (knownKeys, error) {
	files := []string{expand(h.KnownHosts)}
	if h.KnownHosts == "" {
		files = existing(homeFile(".ssh", "known_hosts"), systemKnownHosts)
	}
	if len(files) == 0 {
		return knownKeys{}, fmt.Errorf("%w: there is neither %s nor %s; add the server's key with ssh-keyscan after comparing its fingerprint", ErrHostKey, homeFile(".ssh", "known_hosts"), systemKnownHosts)
	}
	callback, err := knownhosts.New(files...)
	if err != nil {
		return knownKeys{}, fmt.Errorf("read known_hosts: %w", err)
	}
	return knownKeys{files, callback}, nil
}

// check is an ssh.HostKeyCallback whose refusals say which file to look at.
func (k knownKeys) check(hostport string, remote net.Addr, key ssh.PublicKey) error {
	err := k.callback(hostport, remote, key)
	if err == nil {
		return nil
	}
	name := knownhosts.Normalize(hostport)
	shown := fmt.Sprintf("%s key %s", key.Type(), ssh.FingerprintSHA256(key))
	var unknown *knownhosts.KeyError
	switch {
	case !errors.As(err, &unknown):
		return fmt.Errorf("%w: %s showed %s: %w", ErrHostKey, name, shown, err)
	case len(unknown.Want) == 0:
		return fmt.Errorf("%w: %s showed %s, and %s is not in %s; compare the fingerprint on the host, then add the key with ssh-keyscan", ErrHostKey, name, shown, name, strings.Join(k.files, " or "))
	}
	w := unknown.Want[0]
	return fmt.Errorf("%w: %s showed %s, but %s line %d has %s; either the host was installed anew (then remove that line and add the new key) or something else answers in its place", ErrHostKey, name, shown, w.Filename, w.Line, ssh.FingerprintSHA256(w.Key))
}

// algorithms asks a server for the kind of key we know of it. Left to itself
// the client prefers another kind, which is then not in known_hosts although
// the server is. nil, the library's own choice, where no key is known.
func (k knownKeys) algorithms(hostport string) (all []string) {
	probe, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	var known *knownhosts.KeyError
	if !errors.As(k.callback(hostport, &net.TCPAddr{}, probe), &known) {
		return nil
	}
	for _, w := range known.Want {
		if w.Key.Type() == ssh.KeyAlgoRSA {
			// The last one, with SHA-1, is all that OpenSSH before 7.2 has,
			// and hosts of 2012 are what this tool is for; the key is known.
			all = append(all, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA)
			continue
		}
		all = append(all, w.Key.Type())
	}
	return all
}

func homeFile(elem ...string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/"
	}
	return filepath.Join(append([]string{home}, elem...)...)
}

// expand lets a configuration say ~/ as a shell does.
func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return homeFile(rest)
	}
	return path
}

func existing(files ...string) (found []string) {
	for _, f := range files {
		if _, err := os.Stat(f); err == nil {
			found = append(found, f)
		}
	}
	return found
}
