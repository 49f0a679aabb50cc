package nova

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
)

// A Secret is a password. It prints and logs as stars, whatever the verb.
type Secret string

const stars = "***"

// String hides the secret.
func (Secret) String() string { return stars }

// GoString hides it from %#v.
func (Secret) GoString() string { return stars }

// LogValue hides it from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(stars) }

// MarshalText hides it from JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(stars), nil }

// A dsn is an SQLAlchemy database URL taken apart. User, password and options
// are decoded.
type dsn struct {
	scheme   string // mysql+pymysql
	user     string
	password Secret
	host     string // without brackets
	port     string
	database string // for sqlite a path
	options  url.Values
}

// urlForm is the pattern of SQLAlchemy 1.4 and later
// (sqlalchemy/engine/url.py, _parse_url): a password may hold anything but @.
var urlForm = regexp.MustCompile(
	`^([\w+]+)://(?:([^:/]*)(?::([^@]*))?@)?(?:\[([^/?]+)\]|([^/:?]+))?(?::([^/?]*))?(?:/([^?]*))?(?:\?(.*))?$`)

// oldURLForm is the one of 1.3, where the last @ ends the password. It is the
// second try, for URLs that Victoria still accepted.
var oldURLForm = regexp.MustCompile(
	`^([\w+]+)://(?:([^:/]*)(?::(.*))?@)?(?:\[([^/?]+)\]|([^/:?@]+))?(?::([^/?]*))?(?:/([^?]*))?(?:\?(.*))?$`)

var errNoURL = errors.New("this is no database URL; it looks like mysql+pymysql://user:password@host/database")

// parseURL reads an SQLAlchemy URL. Its errors hold no part of the URL: a
// broken one may have the password anywhere.
func parseURL(text string) (dsn, error) {
	m := urlForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil || strings.Contains(m[5], "@") {
		m = oldURLForm.FindStringSubmatch(strings.TrimSpace(text))
	}
	if m == nil {
		return dsn{}, errNoURL
	}
	options, err := url.ParseQuery(m[8])
	if err != nil {
		return dsn{}, errors.New("the options of the database URL, after the ?, cannot be read")
	}
	return dsn{
		scheme:   strings.ToLower(m[1]),
		user:     unquote(m[2]),
		password: Secret(unquote(m[3])),
		host:     m[4] + m[5],
		port:     m[6],
		database: m[7],
		options:  options,
	}, nil
}

// unquote decodes percent escapes as Python's urllib.parse.unquote does: a
// plus stays one, and a % that starts no escape stays as it is.
func unquote(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Redact shows a database URL without its password and options. What is no
// URL at all becomes stars, for nobody knows where its password is.
func Redact(text string) string {
	if text == "" {
		return ""
	}
	d, err := parseURL(text)
	if err != nil {
		return stars
	}
	return d.String()
}

// String shows where the database is, without the password.
func (d dsn) String() string {
	if d.dialect() == "sqlite" {
		return d.scheme + ":///" + d.database
	}
	var b strings.Builder
	b.WriteString(d.scheme + "://")
	if d.user != "" {
		b.WriteString(d.user + ":" + stars + "@")
	}
	if strings.Contains(d.host, ":") {
		b.WriteString("[" + d.host + "]")
	} else {
		b.WriteString(d.host)
	}
	if d.port != "" {
		b.WriteString(":" + d.port)
	}
	return b.String() + "/" + d.database
}

// dialect is mysql, sqlite, or the scheme itself when we do not speak it.
func (d dsn) dialect() string {
	switch base, _, _ := strings.Cut(d.scheme, "+"); base {
	case "mysql", "mariadb":
		return "mysql"
	default:
		return base
	}
}

// option returns the first of the named options that is set.
func (d dsn) option(names ...string) string {
	for _, name := range names {
		if v := d.options.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// truth reads a boolean option as SQLAlchemy does (util.asbool).
func (d dsn) truth(name string, absent bool) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(d.options.Get(name))) {
	case "":
		return absent, nil
	case "true", "yes", "on", "y", "t", "1":
		return true, nil
	case "false", "no", "off", "n", "f", "0":
		return false, nil
	default:
		return false, fmt.Errorf("option %s of the database URL is neither true nor false", name)
	}
}
