package check

import "github.com/lightcloud/kvm2openstack/discover"

// in is a domain in a state.
func in(s discover.State) tweak { return func(d *discover.Domain, _ *Facts) { d.State = s } }

var stateFixtures = map[string]fixture{
	"K2O-101": {func(d *discover.Domain, _ *Facts) { d.Persistent = false }, in(discover.StateShutoff)},
	"K2O-102": {func(d *discover.Domain, _ *Facts) { d.ManagedSave = true }, in(discover.StateShutoff)},
	"K2O-103": {func(d *discover.Domain, _ *Facts) { d.Snapshots = true }, func(d *discover.Domain, _ *Facts) { d.Checkpoints = true }},
	"K2O-104": {func(d *discover.Domain, _ *Facts) { d.Checkpoints = true }, func(d *discover.Domain, _ *Facts) { d.Snapshots = true }},
	"K2O-105": {func(d *discover.Domain, _ *Facts) { d.BlockJob = true }, func(d *discover.Domain, _ *Facts) { d.Checkpoints = true }},
	"K2O-106": {in(discover.StatePaused), in(discover.StatePMSuspended)},
	"K2O-107": {in(discover.StateCrashed), in(discover.StateShutoff)},
	"K2O-108": {in(discover.StatePMSuspended), in(discover.StatePaused)},
	"K2O-109": {in(discover.StateShutdown), in(discover.StateShutoff)},
	"K2O-110": {in(discover.StateNone), in(discover.StateBlocked)},
	"K2O-111": {func(d *discover.Domain, _ *Facts) { d.Tainted = "custom-argv" }, in(discover.StateShutoff)},

	"K2O-121": {func(d *discover.Domain, _ *Facts) { d.ACPI = false }, in(discover.StateShutoff)},
	"K2O-122": {func(d *discover.Domain, _ *Facts) { d.OnPoweroff = "restart" }, func(d *discover.Domain, _ *Facts) { d.OnPoweroff = "" }},
	"K2O-123": {func(d *discover.Domain, _ *Facts) { d.OnReboot = "destroy" }, func(d *discover.Domain, _ *Facts) { d.OnReboot = "" }},
	"K2O-124": {func(d *discover.Domain, _ *Facts) { d.OnCrash = "preserve" }, func(d *discover.Domain, _ *Facts) { d.OnCrash = "restart" }},
	"K2O-125": {
		func(d *discover.Domain, _ *Facts) { d.Autostart = true },
		func(d *discover.Domain, _ *Facts) { d.Autostart, d.State = true, discover.StateShutoff },
	},
	"K2O-126": {
		func(d *discover.Domain, _ *Facts) { d.Autostart, d.State = true, discover.StateShutoff },
		func(d *discover.Domain, _ *Facts) { d.Autostart = true },
	},
}
