package check

import "github.com/lightcloud/kvm2openstack/discover"

func screen(g ...discover.Graphics) tweak {
	return func(d *discover.Domain, _ *Facts) { d.Graphics = g }
}

func video(v ...string) tweak { return func(d *discover.Domain, _ *Facts) { d.Video = v } }

func clock(offset string) tweak {
	return func(d *discover.Domain, _ *Facts) { d.ClockOffset = offset }
}

func guest(name string) tweak {
	return func(d *discover.Domain, _ *Facts) {
		d.Guest = discover.Guest{Family: "linux", Name: name, Confidence: "high"}
	}
}

// windows is a Windows guest as most are: local time, enlightened, virtio NIC.
func windows(d *discover.Domain, _ *Facts) {
	d.Guest = discover.Guest{Family: "windows", Name: "Windows Server 2019", Confidence: "high", Score: 100}
	d.ClockOffset, d.HyperV = "localtime", []string{"relaxed", "vapic", "spinlocks"}
}

func score(points int, confidence string) tweak {
	return func(d *discover.Domain, _ *Facts) {
		d.Guest = discover.Guest{Family: "unknown", Confidence: confidence, Score: points, Evidence: []string{"clock localtime +30"}}
	}
}

var guestFixtures = map[string]fixture{
	"K2O-501": {screen(), screen(discover.Graphics{Type: "spice"})},
	"K2O-502": {screen(discover.Graphics{Type: "vnc", Listen: "127.0.0.1"}), screen(discover.Graphics{Type: "spice", Listen: "127.0.0.1"})},
	"K2O-503": {screen(discover.Graphics{Type: "vnc", Listen: "0.0.0.0", Password: true}), screen(discover.Graphics{Type: "vnc", Listen: "127.0.0.1"})},
	"K2O-504": {screen(discover.Graphics{Type: "spice"}), screen(discover.Graphics{Type: "spice"}, discover.Graphics{Type: "vnc"})},
	"K2O-505": {video("ramfb"), video("bochs")},
	"K2O-506": {video("qxl", "qxl"), video("qxl")},
	"K2O-507": {
		func(d *discover.Domain, _ *Facts) { d.Consoles = []string{"serial:pty", "serial:tcp"} },
		func(d *discover.Domain, _ *Facts) { d.Consoles = []string{"serial:pty", "console:pty"} },
	},
	"K2O-508": {func(d *discover.Domain, _ *Facts) { d.AgentChannel = true }, func(d *discover.Domain, _ *Facts) { d.AgentConnected = true }},

	"K2O-521": {clock("localtime"), both(windows, clock("localtime"))},
	"K2O-522": {both(windows, clock("")), both(windows, clock("localtime"))},
	"K2O-523": {clock("variable"), clock("localtime")},
	"K2O-524": {func(d *discover.Domain, _ *Facts) { d.HyperV = []string{"relaxed"} }, windows},
	"K2O-525": {both(windows, func(d *discover.Domain, _ *Facts) { d.HyperV = []string{"relaxed", "stimer"} }), windows},
	"K2O-526": {both(windows, func(d *discover.Domain, _ *Facts) { d.HyperV = nil }), windows},
	"K2O-527": {windows, both(windows, nicModel("e1000"))},
	"K2O-528": {windows, score(59, "medium")},
	"K2O-529": {both(windows, second(func(*discover.Disk) {})), both(windows, drive("cdrom", "/iso/virtio-win.iso"))},
	"K2O-530": {score(30, "low"), score(29, "low")},
	"K2O-531": {score(0, "none"), score(45, "low")},
	"K2O-532": {guest("CentOS 5.5"), guest("CentOS 5.6")},
	"K2O-533": {guest("Red Hat Enterprise Linux 5"), guest("CentOS 6")},
}
