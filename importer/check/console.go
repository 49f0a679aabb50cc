package check

import (
	"net"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// consoleRules: screens, consoles and the agent. Nothing here hinders an
// adoption; it says what a person finds changed.
var consoleRules = []Rule{
	{
		Code: "K2O-501", Severity: Info,
		Title:  "No screen",
		Action: "Set hw_video_model in the plan's image_properties if somebody wants a screen.",
		Fact:   "nova/virt/libvirt/driver.py _guest_add_video_device; a console URL needs <graphics type='vnc'> (tried on Zed)",
		find: func(s subject) []detail {
			return when(len(s.Graphics) == 0, say("It has no graphics device, so Nova's console URL leads nowhere."))
		},
	},
	{
		Code: "K2O-502", Severity: Info,
		Title:  "VNC on the loopback address",
		Action: "Nothing; Nova's first start gives it [vnc] server_listen.",
		Fact:   "nova.conf [vnc] server_listen; nova-novncproxy on another machine cannot reach 127.0.0.1",
		find: func(s subject) []detail {
			return each(s.Graphics, func(g discover.Graphics) (detail, bool) {
				ip := net.ParseIP(g.Listen)
				return say("VNC listens on %s only: Nova's console cannot reach it before its first start.", show(g.Listen)),
					g.Type == "vnc" && (g.Listen == "localhost" || ip != nil && ip.IsLoopback())
			})
		},
	},
	{
		Code: "K2O-503", Severity: Attention,
		Title:  "Screen with a password",
		Action: "Close the VNC ports to all but nova-novncproxy; take the password out when the console is wanted before the first start.",
		Fact:   "nova/virt/libvirt/config.py LibvirtConfigGuestGraphics writes no passwd; nova-novncproxy asks for none; libvirt shows a password to VIR_DOMAIN_XML_SECURE alone, so that a look at a live host finds it only by its date of expiry",
		find: func(s subject) []detail {
			return each(s.Graphics, func(g discover.Graphics) (detail, bool) {
				return say("Its %s screen has a password, which shuts Nova's console out today and is gone after Nova's first start.", show(g.Type)), g.Password
			})
		},
	},
	{
		Code: "K2O-504", Severity: Info,
		Title:  "SPICE only",
		Action: "Nothing; it has the screen that the compute host's nova.conf names after Nova's first start.",
		Fact:   "nova.conf [vnc] enabled, [spice] enabled",
		find: func(s subject) []detail {
			vnc := slices.ContainsFunc(s.Graphics, func(g discover.Graphics) bool { return g.Type == "vnc" })
			return when(len(s.Graphics) > 0 && !vnc, say("Its screen is %s and not VNC: a VNC console shows nothing before Nova's first start.", show(s.firstScreen())))
		},
	},
	{
		Code: "K2O-505", Severity: Attention,
		Title:  "Video model that Nova lacks",
		Action: "Set hw_video_model in the plan's image_properties to one that the guest has a driver for; vga always shows a picture.",
		Fact:   "nova/objects/fields.py VideoModel: cirrus, qxl, vga, vmvga, virtio, none, bochs under QEMU",
		find: func(s subject) []detail {
			return each(s.Video, func(v string) (detail, bool) {
				return say("Its video card is a %s, which Nova does not make.", show(v)), !slices.Contains(videoKnown, v)
			})
		},
	},
	{
		Code: "K2O-506", Severity: Info,
		Title:  "Several video cards",
		Action: "Nothing, unless somebody uses a second screen.",
		Fact:   "nova/virt/libvirt/driver.py _add_video_driver adds one",
		find: func(s subject) []detail {
			return when(len(s.Video) > 1, say("Of its %s (%s) one is left after Nova's first start.", Plural(len(s.Video), "video card"), list(s.Video)))
		},
	},
	{
		Code: "K2O-507", Severity: Info,
		Title:  "Console other than a pty",
		Action: "Point what reads it to Nova's console log.",
		Fact:   "nova/virt/libvirt/driver.py _create_consoles: one pty with a log file, or TCP by [serial_console]",
		find: func(s subject) []detail {
			odd := slices.DeleteFunc(slices.Clone(s.Consoles), func(c string) bool { return strings.HasSuffix(c, ":pty") })
			return when(len(odd) > 0, say("Its consoles %s are replaced by Nova's own after its first start.", list(odd)))
		},
	},
	{
		Code: "K2O-508", Severity: Info,
		Title:  "Guest agent channel",
		Action: "Keep hw_qemu_guest_agent: \"yes\" in the plan's image_properties.",
		Fact:   "nova/virt/libvirt/driver.py _set_qemu_guest_agent: image property hw_qemu_guest_agent",
		find: func(s subject) []detail {
			return when(s.AgentChannel, say("It has a channel for the QEMU guest agent, which Nova makes only for servers that say so."))
		},
	},
}

var videoKnown = []string{"cirrus", "qxl", "vga", "vmvga", "virtio", "none", "bochs"}

// firstScreen is the type of the first screen, "" without one.
func (s subject) firstScreen() string {
	if len(s.Graphics) == 0 {
		return ""
	}
	return s.Graphics[0].Type
}
