package nova

import "testing"

// The wanted names are what Python's % operator gives.
func TestNameFor(t *testing.T) {
	const uuid = "9e1b5ab6-0000-4000-8000-000000000000"
	tests := []struct{ template, want string }{
		{"instance-%08x", "instance-0000002a"},
		{"vm-%d", "vm-42"},
		{"%5d|", "   42|"},
		{"%-6d|", "42    |"},
		{"%-08d|", "42      |"},
		{"%+d", "+42"},
		{"% d", " 42"},
		{"% 08d", " 0000042"},
		{"%+08x", "+000002a"},
		{"%s", "42"},
		{"%x", "2a"},
		{"%X", "2A"},
		{"%o", "52"},
		{"%i", "42"},
		{"100%%-%d", "100%-42"},
		{"%(uuid)s", uuid},
		{"%(id)08x", "0000002a"},
		{"%(id)d-%(uuid).8s", "42-9e1b5ab6"},
		{"%(hostname)s-%(id)d", "web-42"},
		{"plain", "plain"},
	}
	for _, tt := range tests {
		got, err := NameFor(tt.template, 42, uuid, "web")
		if err != nil || got != tt.want {
			t.Errorf("NameFor(%q) = %q, %v, want %q", tt.template, got, err, tt.want)
		}
	}
	for _, template := range []string{"%d-%d", "%(id)d-%d", "%", "vm-%", "%(display_name)s", "%(uuid)d", "%e", "%#x", "%.3d", "%q"} {
		if got, err := NameFor(template, 42, uuid, "web"); err == nil {
			t.Errorf("NameFor(%q) = %q, want an error", template, got)
		}
	}
	if got, err := NameFor("%(hostname)s", 42, uuid); err == nil {
		t.Errorf("NameFor without a host name = %q, want an error", got)
	}
}
