//go:build integration

package discover

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
)

func TestDialerTransports(t *testing.T) {
	for _, h := range []Host{
		{Name: "unix", URI: "qemu:///system?socket=" + env(t, "K2O_TEST_LIBVIRT_SOCKET")},
		sshHost(t),
		{Name: "tcp", URI: "qemu+tcp://" + env(t, "K2O_TEST_LIBVIRT_TCP") + "/system", Insecure: true},
		{Name: "tls", URI: "qemu+tls://" + env(t, "K2O_TEST_LIBVIRT_TLS") + "/system", PKIPath: env(t, "K2O_TEST_PKI")},
	} {
		t.Run(h.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			conn, err := Dialer(h)(ctx)
			if err != nil {
				t.Fatal(err)
			}
			cancel() // bounds the dialling alone
			lv := libvirt.NewWithDialer(oneConn{&conn.(*ownConn).frames})
			if err := lv.Connect(); err != nil {
				t.Fatal(err)
			}
			// Autostart of a domain that does not exist: a read-only connection
			// is refused before the domain is looked for.
			err = lv.DomainSetAutostart(libvirt.Domain{Name: "none", UUID: libvirt.UUID{1}}, 0)
			if !libvirt.IsNotFound(err) {
				t.Errorf("a change over the connection: %v", err)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			select {
			case <-lv.Disconnected():
			case <-time.After(time.Minute):
				t.Error("closing the connection did not end it")
			}
		})
	}
}

func TestDialerReadOnlySocket(t *testing.T) {
	if _, err := Dialer(unixHost(t))(context.Background()); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Dialer of a read-only socket: %v", err)
	}
}
