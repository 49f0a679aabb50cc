package discover

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// pki is where the three files of a TLS client lie.
type pki struct{ ca, cert, key string }

// pkiPlaces are the places libvirt itself looks at (tls_cacert and friends in
// libvirt's virnettlscontext.c): the host's folder where one is named, else
// the user's, else the system's.
func pkiPlaces(h Host) []pki {
	in := func(dir string) pki {
		return pki{filepath.Join(dir, "cacert.pem"), filepath.Join(dir, "clientcert.pem"), filepath.Join(dir, "clientkey.pem")}
	}
	if h.PKIPath != "" {
		return []pki{in(expand(h.PKIPath))}
	}
	return []pki{
		in(homeFile(".pki", "libvirt")),
		{"/etc/pki/CA/cacert.pem", "/etc/pki/libvirt/clientcert.pem", "/etc/pki/libvirt/private/clientkey.pem"},
	}
}

// tlsConfig trusts the CA of the first place that has one, and only it.
func tlsConfig(h Host, serverName string) (*tls.Config, pki, error) {
	var missing error
	for _, p := range pkiPlaces(h) {
		ca, err := os.ReadFile(p.ca)
		if err != nil {
			missing = err
			continue
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(ca) {
			return nil, p, fmt.Errorf("CA file %s holds no certificate", p.ca)
		}
		cert, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			return nil, p, fmt.Errorf("read client certificate %s and key %s: %w", p.cert, p.key, err)
		}
		return &tls.Config{ServerName: serverName, RootCAs: roots, Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, p, nil
	}
	return nil, pki{}, fmt.Errorf("read CA certificate: %w", missing)
}

func dialTLS(ctx context.Context, h Host, a address) (link, error) {
	config, files, err := tlsConfig(h, a.host)
	if err != nil {
		return link{}, err
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", a.hostPort())
	if err != nil {
		return link{}, fmt.Errorf("connect: %w", causeOf(ctx, err))
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	conn := tls.Client(raw, config)
	if err := handshake(ctx, conn); err != nil {
		raw.Close()
		return link{}, fmt.Errorf("set up TLS with %s (CA %s, client certificate %s): %w", a.hostPort(), files.ca, files.cert, causeOf(ctx, err))
	}
	// Closing the TLS connection first says good-bye, which can block on a
	// peer that no longer reads; closing what is below it cannot.
	return link{Conn: conn, kill: func() { raw.Close() }}, nil
}

// handshake ends when both sides have accepted each other. TLS 1.3 does not
// tell a client that its certificate was refused, so libvirt sends one byte
// afterwards: 1 is a welcome.
func handshake(ctx context.Context, conn *tls.Conn) error {
	if err := conn.HandshakeContext(ctx); err != nil {
		var unknown x509.UnknownAuthorityError
		if errors.As(err, &unknown) {
			return fmt.Errorf("the server's certificate is not signed by this CA: %w", err)
		}
		return err
	}
	var welcome [1]byte
	if _, err := conn.Read(welcome[:]); err != nil {
		return fmt.Errorf("the server does not accept our client certificate: %w", err)
	}
	if welcome[0] != 1 {
		return errors.New("the server does not accept our client certificate or address")
	}
	return nil
}
