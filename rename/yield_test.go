package rename

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestYielding(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		gave                []string
	}{
		{"fixed port", `<graphics type='vnc' port='5901' autoport='no' passwd='a'/>`, `<graphics type='vnc' port='-1' autoport='yes' passwd='a'/>`, []string{"port 5901 of its vnc console"}},
		{"fixed port, no word of autoport", `<graphics type="vnc" port="5901"/>`, `<graphics type="vnc" port="-1"/>`, []string{"port 5901 of its vnc console"}},
		{"both of SPICE", `<graphics type='spice' port='5901' tlsPort='5902' autoport='no'><listen type='address'/></graphics>`,
			`<graphics type='spice' port='-1' tlsPort='-1' autoport='yes'><listen type='address'/></graphics>`,
			[]string{"port 5901 of its spice console", "tlsPort 5902 of its spice console"}},
		{"websocket", `<graphics type='vnc' port='5901' autoport='no' websocket='5701'/>`, `<graphics type='vnc' port='-1' autoport='yes' websocket='-1'/>`,
			[]string{"port 5901 of its vnc console", "websocket 5701 of its vnc console"}},
		{"libvirt's choice", `<graphics type='vnc' port='-1' autoport='yes'/>`, "", nil},
		{"no port at all", `<graphics type='vnc'><listen type='none'/></graphics>`, "", nil},
		{"medium", `<disk type='file' device='cdrom'><source file='/a b.iso'/><target dev='sda'/></disk>`,
			`<disk type='file' device='cdrom'><source file='/a b.iso' startupPolicy='optional'/><target dev='sda'/></disk>`, []string{`the medium "/a b.iso"`}},
		{"medium that is insisted on", `<disk type='file' device='floppy'><source startupPolicy='mandatory' file='/a'/><target dev='fda'/></disk>`,
			`<disk type='file' device='floppy'><source startupPolicy='optional' file='/a'/><target dev='fda'/></disk>`, []string{`the medium "/a"`}},
		{"medium that is optional", `<disk type='file' device='cdrom'><source file='/a.iso' startupPolicy='optional'/><target dev='sda'/></disk>`, "", nil},
		{"empty drive", `<disk type='file' device='cdrom'><target dev='sda'/></disk>`, "", nil},
		{"disk", `<disk type='file' device='disk'><source file='/a'/><target dev='vda'/></disk>`, "", nil},
		{"nothing", "", "", nil},
	} {
		whole := func(devices string) string {
			return "<domain type='kvm'>\n  <name>a</name><!-- graphics -->\n  <devices>\n    " + devices + "\n  </devices>\n</domain>\n"
		}
		want := whole(c.after)
		if c.after == "" {
			want = whole(c.before)
		}
		got, gave, err := Yielding(whole(c.before))
		if err != nil || cmp.Diff(want, got) != "" || strings.Join(gave, "|") != strings.Join(c.gave, "|") {
			t.Errorf("%s: gave %q, %v\n%s", c.name, gave, err, cmp.Diff(want, got))
		}
	}
	if _, _, err := Yielding("<domain>"); err == nil {
		t.Error("half a definition was taken")
	}
	if onlyYields("<domain><devices><disk><target dev='vda'/></disk></devices></domain>", "<domain><devices/></domain>") == nil {
		t.Error("a disk was lost, and nobody said so")
	}
}
