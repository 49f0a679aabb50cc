package nova

import "testing"

// The wanted names were made by Nova's own function.
func TestSanitizeHostname(t *testing.T) {
	tests := []struct{ name, want string }{
		{"web-1", "web-1"},
		{"Web Server_01.example.COM", "web-server-01-example-com"},
		{"中文服务器", ""},
		{"db中文1", "db1"},
		{"  -x-. ", "x"},
		{"Ünïcode", "ünïcode"},
		{"a\tb\nc", "abc"},
		{"½ x² ªº µ", "½-x²-ªº-µ"},
		{"../../etc/passwd", "etcpasswd"},
		{"'; DROP TABLE instances;--", "drop-table-instances"},
		{"😀smile", "smile"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{"中中中中中中中中中中bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
		{"--------------------------------------------------------------ab", "a"},
		{"", ""},
		{"Server×÷", "server"},
		{"ÀÖØÞß", "àöøþß"},
		{"a\u0085b\u00a0c", "abc"},
		{"a/b", "ab"},
		{"bad\xff\xfebytes", "badbytes"},
	}
	for _, tt := range tests {
		if got := SanitizeHostname(tt.name, ""); got != tt.want {
			t.Errorf("SanitizeHostname(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
	const def = "Server-9e1b5ab6-0000-4000-8000-000000000000"
	if got := SanitizeHostname("中文", def); got != def {
		t.Errorf("SanitizeHostname of nothing left = %q, want the default", got)
	}
}

func TestFitsUTF8MB3(t *testing.T) {
	for s, want := range map[string]bool{"": true, "web": true, "数据库": true, "\uffff": true, "😀": false, "𠀀": false, "\xff": false} {
		if got := FitsUTF8MB3(s); got != want {
			t.Errorf("FitsUTF8MB3(%q) = %v, want %v", s, got, want)
		}
	}
}
