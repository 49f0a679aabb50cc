package restart

import "errors"

// Why a domain is not restarted, or not brought back. Those of rename and nova
// (rename.ErrStillRunning, nova.ErrBusy and so on) arrive as they are. cmd turns
// them into advice.
var (
	// ErrState: the journal's word on the domain does not allow it.
	ErrState = errors.New("it is not at a stage for this")
	// ErrChanged: the domain is not the one that was planned and imported.
	ErrChanged = errors.New("the domain is not as planned")
	// ErrStranger: the domain has neither its legacy name nor Nova's.
	ErrStranger = errors.New("somebody has renamed the domain")
	// ErrUnlinked: the two names of a disk are not one file.
	ErrUnlinked = errors.New("the two names of a disk are not one file")
	// ErrMissing: a file without which the domain would not start again.
	ErrMissing = errors.New("it could not be started again")
	// ErrInNova: Nova's records do not allow a restart.
	ErrInNova = errors.New("Nova's records do not allow a restart")
	// ErrNoServers: Nova is to start or prove it, and no cloud is configured.
	ErrNoServers = errors.New("it needs Nova's API, and the configuration names no cloud")
	// ErrNova: Nova did not do what it was asked.
	ErrNova = errors.New("Nova did not do it")
	// ErrKept: what was saved of the domain cannot be read any more.
	ErrKept = errors.New("what was saved of the domain cannot be read any more")
	// ErrMeanwhile: somebody did something to the domain during its restart.
	ErrMeanwhile = errors.New("somebody else has changed the domain meanwhile")
	// ErrInterrupted: the run was asked to stop.
	ErrInterrupted = errors.New("the run was stopped")
	// ErrJournal: the journal cannot be written, so nothing more is done.
	ErrJournal = errors.New("the journal cannot be written")
	// ErrAway: the host does not answer.
	ErrAway = errors.New("no answer from the host, or from the guest's process")
)
