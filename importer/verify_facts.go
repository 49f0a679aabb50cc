package importer

import (
	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// PowerOf is libvirt's state in Nova's words.
func PowerOf(s discover.State) int {
	switch s {
	case discover.StateRunning, discover.StateBlocked:
		return nova.PowerRunning
	case discover.StatePaused:
		return nova.PowerPaused
	case discover.StateShutoff, discover.StateShutdown:
		return nova.PowerShutdown
	case discover.StateCrashed:
		return nova.PowerCrashed
	case discover.StatePMSuspended:
		return nova.PowerSuspended
	}
	return nova.PowerNone
}

// Agree reports whether Nova's power sync would leave a domain in that state
// alone.
func Agree(vmState string, s discover.State) bool {
	switch vmState {
	case "active":
		return s == discover.StateRunning || s == discover.StateBlocked
	case "stopped":
		return s == discover.StateShutoff || s == discover.StateShutdown || s == discover.StateCrashed
	case "paused":
		return s == discover.StatePaused
	case "suspended":
		return s == discover.StateShutoff || s == discover.StatePMSuspended
	}
	return true // error, rescued and so on: Nova does not look
}

func orSay(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}
