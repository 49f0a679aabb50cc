package journal

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// Deadlines of the connections to a journal on a server, and how many there may
// be. All are kept for a while: threads that end their work at the same time
// would else connect anew each time.
const (
	dialTimeout        = 10 * time.Second
	queryTimeout       = 60 * time.Second
	maxConnections     = 16
	connectionLifetime = 5 * time.Minute // below the idle limits of load balancers before Galera
)

func connectMySQL(location string) (*Journal, error) {
	config, err := mysqlConfig(location)
	if err != nil {
		return nil, err
	}
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db, err := gorm.Open(mysql.New(mysql.Config{Conn: sql.OpenDB(connector), DefaultStringSize: 255}), settings())
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(maxConnections)
	pool.SetMaxIdleConns(maxConnections)
	pool.SetConnMaxLifetime(connectionLifetime)
	return &Journal{db: db, label: label(location), lock: &serverLock{pool: pool, schema: config.DBName}}, nil
}

// mysqlConfig reads mysql://user:password@host[:port]/schema. Its errors never
// quote the URL, for it holds a password.
func mysqlConfig(location string) (*driver.Config, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, errors.New("the journal's URL cannot be read; special characters in its password must be written as %XX")
	}
	c := driver.NewConfig()
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.DBName = strings.Trim(u.Path, "/")
	if c.DBName == "" || strings.Contains(c.DBName, "/") {
		return nil, errors.New("the journal's URL must name one schema: mysql://user:password@host/schema")
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	c.Net, c.Addr = "tcp", net.JoinHostPort(u.Hostname(), port)
	if socket := u.Query().Get("unix_socket"); socket != "" {
		c.Net, c.Addr = "unix", socket
	}
	c.ParseTime, c.Loc = true, time.UTC
	c.Timeout, c.ReadTimeout, c.WriteTimeout = dialTimeout, queryTimeout, queryTimeout
	c.Params = map[string]string{"sql_mode": "'TRADITIONAL'"} // What does not fit is an error, not cut off.
	c.Logger = &driver.NopLogger{}
	c.TLS, err = tlsConfig(u)
	return c, err
}

// tlsConfig understands ssl_ca, as SQLAlchemy's URLs have it, and tls=true for
// a certificate that the system's own authorities vouch for.
func tlsConfig(u *url.URL) (*tls.Config, error) {
	ca := u.Query().Get("ssl_ca")
	if ca == "" && u.Query().Get("tls") != "true" {
		return nil, nil
	}
	t := &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	if ca == "" {
		return t, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("read ssl_ca of the journal's URL: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read ssl_ca of the journal's URL: no certificate in %s", ca)
	}
	return t, nil
}
