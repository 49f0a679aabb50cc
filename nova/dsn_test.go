package nova

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestMySQLConfig(t *testing.T) {
	tests := []struct{ url, user, password, network, address, database string }{
		{"mysql+pymysql://nova:secret@db1/nova_api?charset=utf8", "nova", "secret", "tcp", "db1:3306", "nova_api"},
		{"mysql://nova:secret@db1:3307/nova", "nova", "secret", "tcp", "db1:3307", "nova"},
		{"mariadb+pymysql://nova:s%40cr%2Fet%3A%25%3F@db1/nova", "nova", "s@cr/et:%?", "tcp", "db1:3306", "nova"},
		{"mysql+pymysql://nova:a+b%2Bc@db1/nova", "nova", "a+b+c", "tcp", "db1:3306", "nova"},
		{"mysql+pymysql://nova:100%@db1/nova", "nova", "100%", "tcp", "db1:3306", "nova"},
		{"mysql+pymysql://nova:p@ss@db1/nova", "nova", "p@ss", "tcp", "db1:3306", "nova"},
		{"mysql+pymysql://nova:pa/ss?w@db1/nova", "nova", "pa/ss?w", "tcp", "db1:3306", "nova"},
		{"mysql+pymysql://nova@db1/nova", "nova", "", "tcp", "db1:3306", "nova"},
		{"mysql+pymysql://no%3Ava:x@db1/nova", "no:va", "x", "tcp", "db1:3306", "nova"},
		{"mysql+pymysql://nova:x@[2001:db8::1]:3307/nova", "nova", "x", "tcp", "[2001:db8::1]:3307", "nova"},
		{"mysql+pymysql://nova:x@[2001:db8::1]/nova", "nova", "x", "tcp", "[2001:db8::1]:3306", "nova"},
		{"mysql+pymysql://nova:x@/nova?unix_socket=/run/mysqld/mysqld.sock", "nova", "x", "unix", "/run/mysqld/mysqld.sock", "nova"},
		{"  mysql+pymysql://nova:密码@db1/nova\n", "nova", "密码", "tcp", "db1:3306", "nova"},
		{"MySQL+PyMySQL://nova:x@db1/nova?charset=utf8&read_default_file=/etc/my.cnf", "nova", "x", "tcp", "db1:3306", "nova"},
	}
	for _, tt := range tests {
		d, err := parseURL(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		m, err := d.mysqlConfig(Config{}.withDefaults())
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		got := [5]string{m.User, m.Passwd, m.Net, m.Addr, m.DBName}
		if want := [5]string{tt.user, tt.password, tt.network, tt.address, tt.database}; got != want {
			t.Errorf("%s: %q, want %q", tt.url, got, want)
		}
		if !m.ParseTime || m.Loc.String() != "UTC" || m.Timeout == 0 || m.ReadTimeout == 0 || m.Params["sql_mode"] != "'TRADITIONAL'" {
			t.Errorf("%s: session settings are missing: %+v", tt.url, m.Params)
		}
	}
}

func TestTLS(t *testing.T) {
	const base = "mysql+pymysql://nova:sesame@db1/nova"
	tests := []struct {
		options               string
		on, unchecked, failed bool
	}{
		{"", false, false, false},
		{"?charset=utf8", false, false, false},
		{"?ssl_verify_cert=true", true, false, false},
		{"?ssl_verify_cert=false", true, true, false},
		{"?ssl_verify_cert=true&ssl_disabled=true", false, false, false},
		{"?ssl_verify_cert=maybe", false, false, true},
		{"?ssl_ca=/nonexistent/ca.pem", false, false, true},
		{"?ssl_cert=/nonexistent/cert.pem", false, false, true},
		{"?ssl_ca=/dev/null", false, false, true},
	}
	for _, tt := range tests {
		d, err := parseURL(base + tt.options)
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.tlsConfig()
		if (err != nil) != tt.failed {
			t.Errorf("%q: error %v, want one: %v", tt.options, err, tt.failed)
		}
		if err != nil {
			continue
		}
		if (c != nil) != tt.on || c != nil && c.InsecureSkipVerify != tt.unchecked {
			t.Errorf("%q: %+v, want TLS %v, unchecked %v", tt.options, c, tt.on, tt.unchecked)
		}
	}
}

func TestSecretsStayHidden(t *testing.T) {
	const secret = "sesame"
	c := Config{APIDatabase: "mysql+pymysql://nova:sesame@db1:3306/nova_api?password=sesame", MainDatabase: "sesame"}
	d, err := parseURL(c.APIDatabase)
	if err != nil {
		t.Fatal(err)
	}
	js, err := json.Marshal(struct{ P Secret }{secret})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", Secret(secret), "config", c)
	for _, text := range []string{
		fmt.Sprintf("%v %s %+v %#v %q %d", Secret(secret), Secret(secret), Secret(secret), Secret(secret), Secret(secret), []any{Secret(secret).String()}),
		fmt.Sprint(c), fmt.Sprintf("%+v %#v", c, c), d.String(), Redact(c.APIDatabase), Redact("nova:sesame@db1"), string(js), log.String(),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows the secret", text)
		}
	}
	if got, want := Redact(c.APIDatabase), "mysql+pymysql://nova:***@db1:3306/nova_api"; got != want {
		t.Errorf("Redact = %q, want %q", got, want)
	}
}

func TestExpandTemplate(t *testing.T) {
	const main = "mysql+pymysql://nova:s%40e@db1:3307/nova_cell0?charset=utf8&ssl_ca=/etc/ca.pem#f"
	const many = "mysql://u1:p1@h1:1,u2:p2@[2001:db8::2]:2/nova"
	tests := []struct{ template, main, want string }{
		{"mysql://x:y@z/w", "", "mysql://x:y@z/w"},
		{"{scheme}://{username}:{password}@{hostname}:{port}/nova_cell1?{query}", main, "mysql+pymysql://nova:s%40e@db1:3307/nova_cell1?charset=utf8&ssl_ca=/etc/ca.pem"},
		{"{scheme}://{username}:{password}@db9/{path}#{fragment}", main, "mysql+pymysql://nova:s%40e@db9/nova_cell0#f"},
		{"{{{path}}}", main, "{nova_cell0}"},
		{"{username1}:{password2}@{hostname2}:{port1}", many, "u1:p2@[2001:db8::2]:1"},
		{"{hostname}:{port}", "mysql://u:p@h/n", "h:3306"},
	}
	for _, tt := range tests {
		if got, err := expandTemplate(tt.template, tt.main); err != nil || got != tt.want {
			t.Errorf("expandTemplate(%q) = %q, %v, want %q", tt.template, got, err, tt.want)
		}
	}
	for _, tt := range [][2]string{{"{scheme}", ""}, {"{nothing}", main}, {"{username3}", many}, {"{path}", "nonsense"}} {
		if got, err := expandTemplate(tt[0], tt[1]); err == nil {
			t.Errorf("expandTemplate(%q, %q) = %q, want an error", tt[0], tt[1], got)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"mysql://u:p@h/d", "sqlite:////x", "mysql://u:%zz@h/d?a=%", "://", "mysql://[::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseURL(s)
		if err != nil {
			return
		}
		if p := string(d.password); len(p) > 8 && !strings.Contains(d.scheme+d.user+d.host+d.port+d.database+stars, p) && strings.Contains(d.String(), p) {
			t.Errorf("String() of %q shows the password", s)
		}
	})
}
