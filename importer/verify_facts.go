package importer

import (
	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// actions are what to do about a finding of Verify, by its code.
var actions = map[string]string{
	"V1":  "see who else knows this UUID; a row marked as deleted goes with nova-manage db archive_deleted_rows before it destroys the domain",
	"V2":  "find out which cell is right; release takes an adopted instance out of its own",
	"V3":  "release the domain and import it again; the rows of the API database are written anew",
	"V4":  "wait for the build to end, or delete what it left",
	"V5":  "release the domain and import it again, before anybody resizes it",
	"V6":  "release the domain and import it again at once: one such row stops the API's lists",
	"V7":  "release the domain and import it again, before anybody reboots it: without a cached interface it comes up with none",
	"V8":  "if the instance was moved, that is Nova's to know; else release the domain and import it again",
	"V9":  "let the operation end; a state that stays wrong is set right by openstack server set --state, a missing lock by openstack server lock",
	"V10": "release the domain and import it again",
	"V11": "release the domain and import it again, before anybody reboots it",
	"V12": "release the domain and import it again",
	"V13": "release the domain and import it again: without these the next hard reboot makes another machine of it",
	"V14": "release the domain and import it again, before anybody reboots it",
	"V15": "release the domain and import it again",
	"V16": "rename one of the two: openstack server set --name",
	"V19": "make the flavor again as it was, or resize the instance to another",
	"V20": "look at openstack server migration list and openstack server show",
	"V21": "rename the other domain before anybody hard-reboots this instance: Nova would undefine it and then fail to define it",
	"V22": "import again to complete it, or release to remove it",
	"V25": "make the two one file again, before anybody hard-reboots the instance: release and import link them anew",
	"V30": "find out why the host does not answer, then verify again",
	"V31": "define it from the definition in the journal, or let a hard reboot by Nova make it anew",
	"V32": "wait for Nova's next power sync, then verify again; if it stays: kvm2openstack release and import record the state anew",
	"V33": "run the import again, which completes it, or release it",
	"V34": "remove it before anybody hard-reboots the instance: Nova cannot undefine the domain with it, or drops it",
	"V35": "make the port again with the interface's MAC address and address, and attach it; or release the domain and import it again",
	"V36": "openstack port set --host HOST PORT binds it anew; one that was left behind goes with openstack port delete",
	"V37": "nova-manage placement heal_allocations makes a missing one; one that was left behind goes with openstack resource provider allocation delete UUID",
	"V38": "openstack image set --protected IMAGE; one that is gone: release the domains and import them again, or resize and cold migrate will fail",
	"V39": "name the cloud in the configuration, see that its APIs answer, and verify again",
}

// powerOf is libvirt's state in Nova's words.
func powerOf(s discover.State) int {
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

// agree reports whether Nova's power sync would leave the domain alone.
func agree(vmState string, s discover.State) bool {
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
