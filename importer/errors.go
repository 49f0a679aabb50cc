package importer

import (
	"errors"
	"fmt"
)

// Why a domain is not adopted or not released. cmd turns them into advice.
var (
	// ErrHostUnread: libvirt on the host could not be asked.
	ErrHostUnread = errors.New("the host could not be read")
	// ErrGone: the domain is not on the host that the plan names.
	ErrGone = errors.New("the domain is not on this host any more")
	// ErrChanged: the definition is not the one the plan was made from.
	ErrChanged = errors.New("the domain is not as planned")
	// ErrEdited: an earlier run has recorded it by a plan that said otherwise.
	ErrEdited = errors.New("the plan was edited since an earlier run began the import")
	// ErrState: no final state can be recorded for the state it is in.
	ErrState = errors.New("its present state cannot be recorded")
	// ErrNoCompute: Nova has no usable compute host for it.
	ErrNoCompute = errors.New("Nova cannot take instances on this host")
	// ErrNotPlanned: what the plan refers to is not in Nova.
	ErrNotPlanned = errors.New("Nova does not have what the plan names")
	// ErrNotRecorded: the instance has something that Nova could not read back.
	ErrNotRecorded = errors.New("it cannot be recorded as planned")
	// ErrNoPorts: nothing would be in the info cache of a domain that has
	// interfaces, and Nova plugs what is in it.
	ErrNoPorts = errors.New("its info cache would be empty although the domain has interfaces, and Nova's first start would leave it without any")
	// ErrDeleted: Nova has a deleted row with the UUID, by which nova-compute
	// destroys the domain.
	ErrDeleted = errors.New("Nova has a deleted instance with this UUID")
	// ErrForeign: Nova has rows with the UUID that this program did not write.
	ErrForeign = errors.New("Nova knows this UUID, and not by this program")
	// ErrRegenerated: Nova has made the domain anew from its records, so the
	// link is the name it runs on.
	ErrRegenerated = errors.New("Nova has made the domain anew since the import")
	// ErrRestarting: a run that restarts the domain under its new name, or
	// under its old one again, has not come to its end.
	ErrRestarting = errors.New("it is on its way to its new name or back; run rename again first, which goes on")
	// ErrMoved: the instance is on another host now.
	ErrMoved = errors.New("the instance is on another host now")
	// ErrUnknown: neither the journal nor Nova knows of an adoption.
	ErrUnknown = errors.New("it was not adopted")
	// ErrViolated: rows, domain and disks do not agree.
	ErrViolated = errors.New("what was written does not verify")
	// ErrNoCloud: it has, or is to have, ports, an allocation or an image, and
	// the configuration names no cloud whose APIs could make or delete them.
	ErrNoCloud = errors.New("it needs the cloud's APIs, and the configuration names no cloud")
	// ErrCloudUnread: Neutron or Placement could not be asked.
	ErrCloudUnread = errors.New("the cloud could not be asked")
	// ErrPortGone: the records of a half-done import name a port that somebody
	// has deleted.
	ErrPortGone = errors.New("its records name a port that is gone; release it, then import it again")
	// ErrInterrupted: the run was asked to stop.
	ErrInterrupted = errors.New("the run was stopped")
)

// An Error says for which domain on which host what failed, and why.
type Error struct {
	Host, Domain, Step string
	Err                error
}

// Error reads like "kvm07: domain web-3: link disks: no space left on device".
func (e *Error) Error() string {
	return fmt.Sprintf("%s: domain %s: %s: %v", e.Host, e.Domain, e.Step, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// perDomain are the failures of some domains of a batch, by UUID. The others
// went well.
type perDomain map[string]error

func (p perDomain) Error() string {
	for uuid, err := range p {
		if len(p) == 1 {
			return fmt.Sprintf("domain %s: %v", uuid, err)
		}
	}
	return fmt.Sprintf("%d domains failed", len(p))
}

// orNil is p as an error, nil when nothing failed.
func (p perDomain) orNil() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
