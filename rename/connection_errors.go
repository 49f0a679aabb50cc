package rename

import "errors"

// What a caller may want to know of an error. Those of a connection say nothing
// of the domain: whether a call that was not answered took effect is found out
// by looking, which every function of this package does when it is called again.
var (
	// ErrLost is a connection that ended while it was needed.
	ErrLost = errors.New("connection to libvirt lost")
	// ErrNoAnswer is a deadline that passed without an answer: of the daemon,
	// or of a QEMU process that hangs.
	ErrNoAnswer = errors.New("no answer")
)

// What a domain is or has that keeps it from being restarted or renamed.
var (
	// ErrGone is a domain that its host no longer has.
	ErrGone = errors.New("the host has no such domain")
	// ErrTransient is a domain without a persistent definition: once it is off
	// there is nothing left of it.
	ErrTransient = errors.New("the domain is transient: it would cease to exist when it stops; define it first (virsh dumpxml --security-info, virsh define)")
	// ErrManagedSave is memory that was saved under the present definition.
	ErrManagedSave = errors.New("it has a managed save image, which belongs to its present definition; start it and shut it down, or virsh managedsave-remove")
	// ErrSnapshots is libvirt's or a backup program's own record of a disk's past.
	ErrSnapshots = errors.New("it has snapshots or checkpoints; libvirt before 6.10 does not rename such a domain, and Nova cannot keep them")
	// ErrBusy is a job that a restart would break: a migration, a backup, a
	// copy of a disk.
	ErrBusy = errors.New("a job is under way; wait for its end")
	// ErrActive is a domain that runs where it must be off.
	ErrActive = errors.New("the domain runs")
	// ErrNameTaken is another domain that has the wanted name.
	ErrNameTaken = errors.New("another domain of the host has this name")
)

// Ways in which a shutdown does not come to its end.
var (
	// ErrStillRunning is a domain that was asked to shut down and did not do so
	// before the deadline. It runs on.
	ErrStillRunning = errors.New("still running at the deadline; shut it down from inside, or allow this domain to be forced")
	// ErrRebooted is a guest that started anew when it was asked to shut down.
	// It runs on.
	ErrRebooted = errors.New("the guest rebooted instead of shutting down")
	// ErrPaused is a domain whose guest cannot hear a request.
	ErrPaused = errors.New("the guest does not run but is paused or asleep, and may not be resumed")
	// ErrPoweroffRestarts is a definition by which a shutdown is a reboot.
	ErrPoweroffRestarts = errors.New("its on_poweroff makes a restart of every shutdown; set it to destroy (virsh set-lifecycle-action DOMAIN poweroff destroy --live --config)")
	// ErrNoButton is a guest that there is no way to ask.
	ErrNoButton = errors.New("it can be asked neither by ACPI, which its definition leaves out, nor by a guest agent, of which none is connected; shut it down from inside, or allow it to be forced")
	// ErrElsewhere is a domain that stopped because it was saved to disk or
	// migrated: its guest goes on at another time or place.
	ErrElsewhere = errors.New("its guest was not shut down but saved or migrated by somebody else")
	// ErrStarted is a domain that stopped and was started again by somebody.
	ErrStarted = errors.New("it stopped, and somebody else started it again; is there a watchdog or a cluster manager?")
)

// unanswered is the error of a call that got no answer, as opposed to one that
// was answered with an error.
type unanswered struct{ error }

func (e unanswered) Unwrap() error { return e.error }

// Unanswered reports whether err is of a call that got no answer: nobody knows
// whether it took effect. Calling the same function again finds out and goes on.
func Unanswered(err error) bool {
	var e unanswered
	return errors.As(err, &e)
}
