package instancedir

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// A statter asks the host for what SFTP does not tell.
type statter interface {
	identify(nodes []node) error
}

// shellStat runs stat(1) of coreutils or busybox in the login shell. It is a
// read; where the account may run no command, nothing is removed, for that
// needs the proof.
type shellStat struct {
	run func(command string) ([]byte, error)
}

func sshRunner(conn *ssh.Client) func(string) ([]byte, error) {
	return func(command string) ([]byte, error) {
		session, err := conn.NewSession()
		if err != nil {
			return nil, err
		}
		defer session.Close()
		return session.Output(command)
	}
}

func (s shellStat) works() bool {
	nodes := []node{{path: "/", kind: directory}}
	return s.identify(nodes) == nil && nodes[0].inode != 0
}

func (s shellStat) identify(nodes []node) error {
	command := strings.Builder{}
	command.WriteString("LC_ALL=C stat -c '%d %i %h' --")
	var asked []int
	for i, n := range nodes {
		if n.kind != missing {
			asked = append(asked, i)
			command.WriteString(" " + quote(n.path))
		}
	}
	if len(asked) == 0 {
		return nil
	}
	out, err := s.run(command.String())
	if err != nil {
		return fmt.Errorf("run stat on the host: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(asked) {
		return fmt.Errorf("run stat on the host: %d answers for %d files", len(lines), len(asked))
	}
	for k, i := range asked {
		if err := nodes[i].parseStat(lines[k]); err != nil {
			return err
		}
	}
	return nil
}

// parseStat reads "device inode links".
func (n *node) parseStat(line string) error {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return fmt.Errorf("run stat on the host: it answered %q", line)
	}
	var numbers [3]uint64
	for i, f := range fields {
		v, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return fmt.Errorf("run stat on the host: it answered %q", line)
		}
		numbers[i] = v
	}
	n.dev, n.inode, n.links = numbers[0], numbers[1], numbers[2]
	n.fsid = strconv.FormatUint(n.dev, 16)
	return nil
}

// quote makes one word of a path for the login shell, whatever is in it.
func quote(p string) string { return "'" + strings.ReplaceAll(p, "'", `'\''`) + "'" }
