//go:build integration

package nova

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// A proxy stands between us and the server, and can lose the answer to a
// COMMIT that it has delivered.
type proxy struct {
	address, server     string
	swallow             atomic.Bool
	swallowed, answered atomic.Int32
}

func newProxy(t *testing.T, dsn string) *proxy {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	p := &proxy{address: listener.Addr().String(), server: config.Addr}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed at the end of the test
			}
			go p.carry(client)
		}
	}()
	return p
}

func (p *proxy) swallowNextCommit()      { p.swallow.Store(true) }
func (p *proxy) commitsSwallowed() int32 { return p.swallowed.Load() }

// carry copies both ways until one side ends, or a COMMIT is to be lost: then
// the server gets it, has time to do it, and the client gets nothing.
func (p *proxy) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var lost atomic.Bool
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				_ = client.Close()
				return
			}
			if lost.Load() {
				p.answered.Add(1)
				continue
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		commit := bytes.Contains(buffer[:n], []byte("\x03COMMIT")) && p.swallow.CompareAndSwap(true, false)
		if commit {
			lost.Store(true)
		}
		if _, err := io.Copy(server, bytes.NewReader(buffer[:n])); err != nil {
			return
		}
		if commit {
			for p.answered.Load() == p.swallowed.Load() {
				time.Sleep(5 * time.Millisecond) // until the server has answered: the COMMIT is durable
			}
			p.swallowed.Add(1)
			return
		}
	}
}
