package nova

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mysqlConfig turns the URL into the driver's configuration. The session is
// the one oslo.db makes for Nova: sql_mode TRADITIONAL, so that a value that
// does not fit is an error instead of being cut off, and times are UTC.
func (d dsn) mysqlConfig(c Config) (*mysql.Config, error) {
	if d.database == "" {
		return nil, errors.New("the database URL names no database")
	}
	m := mysql.NewConfig()
	m.User, m.Passwd, m.DBName = d.user, string(d.password), d.database
	m.Net, m.Addr = "tcp", net.JoinHostPort(orElse(d.host, "localhost"), orElse(d.port, "3306"))
	if port, err := strconv.ParseUint(orElse(d.port, "3306"), 10, 16); err != nil || port == 0 {
		return nil, errors.New("the port of the database URL is no port number")
	}
	if socket := d.option("unix_socket"); socket != "" {
		m.Net, m.Addr = "unix", socket
	}
	m.ParseTime, m.Loc = true, time.UTC
	m.Timeout, m.ReadTimeout, m.WriteTimeout = c.ConnectTimeout, c.QueryTimeout, c.QueryTimeout
	m.Params = map[string]string{"sql_mode": "'TRADITIONAL'"}
	m.Logger = &mysql.NopLogger{}
	var err error
	m.TLS, err = d.tlsConfig()
	return m, err
}

// tlsConfig follows PyMySQL and SQLAlchemy's MySQL dialect: no ssl option, no
// TLS; a CA is checked together with the host's name unless
// ssl_check_hostname or ssl_verify_identity says no; a client certificate
// without a CA encrypts without checking.
func (d dsn) tlsConfig() (*tls.Config, error) {
	ca, cert, key := d.option("ssl_ca"), d.option("ssl_cert"), d.option("ssl_key")
	verify, err1 := d.truth("ssl_verify_cert", ca != "")
	name, err2 := d.truth("ssl_check_hostname", true)
	identity, err3 := d.truth("ssl_verify_identity", name)
	off, err4 := d.truth("ssl_disabled", false)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	if off || ca == "" && cert == "" && key == "" && !d.options.Has("ssl_verify_cert") && !d.options.Has("ssl_verify_identity") {
		return nil, nil
	}
	t := &tls.Config{ServerName: d.host, MinVersion: tls.VersionTLS12}
	if ca != "" {
		pool, err := readCA(ca)
		if err != nil {
			return nil, err
		}
		t.RootCAs = pool
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, orElse(key, cert))
		if err != nil {
			return nil, fmt.Errorf("load ssl_cert and ssl_key of the database URL: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	switch {
	case !verify:
		t.InsecureSkipVerify = true // as Nova itself would connect with this URL
	case !identity:
		checkChainOnly(t)
	}
	return t, nil
}

// checkChainOnly checks the server's certificate but not its name.
func checkChainOnly(t *tls.Config) {
	t.InsecureSkipVerify = true
	t.VerifyConnection = func(s tls.ConnectionState) error {
		between := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: t.RootCAs, Intermediates: between})
		return err
	}
}

func readCA(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read ssl_ca of the database URL: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ssl_ca of the database URL, %s, holds no certificate", path)
	}
	return pool, nil
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
