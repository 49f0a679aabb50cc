//go:build lab

package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A process is kvm2openstack in a process of its own, so that it can be killed.
type process struct {
	*lab
	cmd *exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

// process starts one. It ends with the test at the latest.
func (l *lab) process(args ...string) *process {
	l.t.Helper()
	p := &process{lab: l}
	p.cmd = &exec.Cmd{
		Path: os.Args[0], Args: append([]string{"kvm2openstack"}, append(args, "--config", l.config)...), // see TestMain
		Env: os.Environ(), Stdout: p, Stderr: p,
	}
	l.must(p.cmd.Start())
	l.t.Cleanup(func() { p.kill() })
	return p
}

// Write takes what the process says.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(text)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// until waits until the process has said one thing after the other.
func (p *process) until(words ...string) {
	p.t.Helper()
	for end := time.Now().Add(5 * time.Minute); !inOrder(p.said(), words); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("it does not say %q:\n%s", words, p.said())
		}
	}
}

func inOrder(text string, words []string) (ok bool) {
	for _, w := range words {
		if _, text, ok = strings.Cut(text, w); !ok {
			return false
		}
	}
	return true
}

// kill ends it as nothing else does.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait() // It was killed.
	}
}
