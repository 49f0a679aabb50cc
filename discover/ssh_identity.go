package discover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// identity is what the user can prove himself with.
type identity struct {
	agent    net.Conn // nil without an agent
	signers  []ssh.Signer
	unusable []string // why a key file was left out
}

// identities gathers the keys for h: its key file first where one is named,
// then the agent's, then the usual files. A named file that cannot be used is
// an error; a usual one is only told of when the login fails.
func identities(ctx context.Context, h Host) (*identity, error) {
	id := new(identity)
	if h.KeyFile != "" {
		s, err := readKey(expand(h.KeyFile))
		if err != nil {
			return nil, err
		}
		id.signers = append(id.signers, s)
		return id, nil
	}
	id.askAgent(ctx)
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		s, err := readKey(homeFile(".ssh", name))
		switch {
		case err == nil:
			id.signers = append(id.signers, s)
		case !errors.Is(err, os.ErrNotExist):
			id.unusable = append(id.unusable, err.Error())
		}
	}
	if len(id.signers) == 0 {
		return nil, id.explain(errors.New("there is no key to log in with: no agent in SSH_AUTH_SOCK and no ~/.ssh/id_ed25519, id_ecdsa or id_rsa"))
	}
	return id, nil
}

// askAgent takes the agent's keys. No agent, or a dead one, is no error: the
// files may do.
func (id *identity) askAgent(ctx context.Context) {
	path := os.Getenv("SSH_AUTH_SOCK")
	if path == "" {
		return
	}
	conn, err := net.DialTimeout("unix", path, 5*time.Second)
	if err != nil {
		id.unusable = append(id.unusable, fmt.Sprintf("ask SSH agent: %v", err))
		return
	}
	// An agent may ask a person first, but it may not hold a scan for ever.
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(2 * time.Minute)
	}
	conn.SetDeadline(until)
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		conn.Close()
		id.unusable = append(id.unusable, fmt.Sprintf("ask SSH agent: %v", err))
		return
	}
	id.agent = conn
	id.signers = append(id.signers, signers...)
}

func readKey(file string) (ssh.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read SSH key: %w", err)
	}
	s, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, fmt.Errorf("SSH key %s is protected by a passphrase; load it into an agent with ssh-add and name no key file", file)
	case err != nil:
		return nil, fmt.Errorf("read SSH key %s: %w", file, err)
	}
	return s, nil
}

func (id *identity) methods() []ssh.AuthMethod {
	return []ssh.AuthMethod{ssh.PublicKeys(id.signers...)}
}

func (id *identity) close() {
	if id.agent != nil {
		id.agent.Close()
	}
}

// explain adds the keys that could not be tried to an error of logging in.
func (id *identity) explain(err error) error {
	if len(id.unusable) == 0 || errors.Is(err, ErrHostKey) {
		return err
	}
	return fmt.Errorf("%w (not tried: %s)", err, strings.Join(id.unusable, "; "))
}
