package main

import (
	"errors"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
	"github.com/lightcloud/kvm2openstack/importer/restart"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// advice is what an operator can do about err, "" when the error says it all.
func advice(err error) string {
	for _, a := range []struct {
		is   error
		text string
	}{
		{importer.ErrChanged, "plan it again and compare the two plans; nothing of it was written"},
		{importer.ErrGone, "audit all hosts to find where it is, then plan it again"},
		{importer.ErrHostUnread, "kvm2openstack audit --host URI says what is wrong with the host; then the same command again"},
		{importer.ErrState, "bring it into a state that lasts (running, paused or shut off), then the same command again"},
		{importer.ErrNoCompute, "kvm2openstack onboard HOST says what keeps Nova from using the host, and maps a new one, its service disabled until the guests are adopted"},
		{cloud.ErrUnbound, "openstack network agent list --host HOST: the L2 agent has to be alive and to know the network's segment; then the same command again"},
		{cloud.ErrTaken, "openstack port show PORT says whose it is; delete it if nobody needs it, or plan again"},
		{cloud.ErrNoRoom, "raise the allocation ratio of the host, or plan again, which leaves out what does not fit"},
		{cloud.ErrConflict, "wait until whoever changes the host's provider is done; then the same command again"},
		{importer.ErrNoPorts, "plan it again with the cloud named in the configuration, which makes its ports; or create them, and give the plan what Neutron knows; what an import has begun is released first (kvm2openstack release PLAN --only DOMAIN)"},
		{importer.ErrEdited, "put the plan back as it was and run it again, or release the domain first"},
		{importer.ErrPortGone, "kvm2openstack release PLAN --only DOMAIN, then import it again"},
		{importer.ErrCloudUnread, "see that Neutron and Placement answer; then the same command again, which finishes what was begun"},
		{importer.ErrNoCloud, "name the cloud in the configuration (cloud: NAME in clouds.yaml), then the same command again"},
		{importer.ErrRestarting, "kvm2openstack rename PLAN goes on with it"},
		{importer.ErrNotPlanned, "make what is missing, or name another in the plan"},
		{importer.ErrDeleted, "nova-manage db archive_deleted_rows --until-complete --all-cells removes the row that endangers the domain; then the same command again"},
		{importer.ErrForeign, "this domain belongs to Nova already, or did; look with openstack server show UUID --all-projects, and skip it in the plan"},
		{importer.ErrRegenerated, "it runs as Nova's own now; the legacy definition is in the journal if it has to go back by hand"},
		{importer.ErrMoved, "the instance was migrated; it cannot be released from its old host"},
		{importer.ErrViolated, "kvm2openstack verify PLAN names each difference"},
		{importer.ErrInterrupted, "the same command again goes on where this one stopped"},
		{restart.ErrChanged, "plan it again and compare the two plans; nothing of it was changed"},
		{restart.ErrStranger, "give it the name that the journal knows (virsh domrename), or skip it in the plan"},
		{restart.ErrAway, "the same command goes on when the host answers again"},
		{restart.ErrJournal, "make the journal writable (its disk may be full); the same command goes on"},
		{restart.ErrInterrupted, "the same command goes on where this one stopped"},
		{restart.ErrNova, "the log of nova-compute on the host says more; the guest runs as before where it was rolled back"},
		{restart.ErrState, "kvm2openstack status says where it stands, and what goes on with it"},
		{rename.ErrStillRunning, "shut it down from inside the guest and give the same command again, or set force: true for it in the plan"},
		{rename.ErrPaused, "resume it, or set restart: {resume_paused: true} in the configuration"},
		{rename.ErrUnhealthy, "look at the guest's console; a probe that cannot answer belongs out of the plan"},
		{onboard.ErrSilent, "its log on the host says why: journalctl -o cat -u nova-compute -u kvm2openstack-first-start | kvm2openstack explain -"},
		{onboard.ErrHopeless, "nothing was done there; set right what the others failed at, and the same command goes on"},
		{onboard.ErrNoUnit, "nothing was changed there; set it right, and give the same command again"},
		{onboard.ErrInterrupted, "the same command again goes on where this one stopped"},
		{onboard.ErrDoomed, "kvm2openstack onboard HOST says what to do about each guest; then the same command again"},
		{onboard.ErrNothing, "only what kvm2openstack onboard --apply has made is taken back, by the journal of that run; else openstack compute service delete"},
		{onboard.ErrNotOurs, "look whose it is; it was left as it is"},
		{onboard.ErrNoShell, "give the commands by hand: kvm2openstack onboard HOST prints them"},
		{nova.ErrHostInUse, "kvm2openstack release PLAN takes adopted guests out of Nova; servers of Nova's own are deleted or migrated first"},
		{cloud.ErrHosting, "openstack server list --all-projects --host HOST names them"},
		{nova.ErrHostTaken, "kvm2openstack onboard HOST says what Nova has of it now"},
		{nova.ErrBusy, "wait until Nova is through with it, then the same command again"},
		{journal.ErrHeld, "wait for the other run to end; if it hangs, kill PID on HOST: its lock goes with its process, the next run goes on, and there is no file to remove"},
		{journal.ErrOtherRound, "start all processes of a run with the same inventory and configuration, or wait until that run has ended"},
		{journal.ErrNotShared, "name a journal on a server in the configuration (journal: mysql://user:${PASSWORD}@host/schema), or leave --share out"},
		{nova.ErrLocked, "wait for the other run to end; its lock goes with its connection"},
		{importer.ErrNotMine, "look at it with the cloud's own client; sync leaves it as it is"},
		{nova.ErrReadOnly, "finish the upgrade of the cloud, or use a kvm2openstack that knows its release"},
	} {
		if errors.Is(err, a.is) {
			return a.text
		}
	}
	return ""
}
