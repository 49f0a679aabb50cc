// Package restart gives an adopted domain Nova's name in one restart that the
// operator controls, and takes that back.
//
// # Forward
//
//	look      the domain is as planned and can be restarted; its two names of each disk are one file
//	save      definition, EFI variables and inode numbers, on the host itself
//	hold      Nova keeps its hands off; the model of its interfaces is recorded
//	stage     the definition it is to have is made ready while the guest runs
//	shutdown  the guest is asked to shut down
//	name      libvirt renames the domain
//	start     libvirt, or Nova from its own records, starts it
//	health    it shows that it works
//	prove     if asked for: shut down once more, a hard reboot through Nova's API, and health again
//	settle    Nova's records say what the domain does now; autostart is Nova's from here on
//	unlock    unless the plan keeps the lock
//
// Every step asks the world whether it is done: the domain, by its UUID, and
// Nova's row say where a run that was killed has stopped, and the same call
// goes on from there. The journal has the intent before and the end after.
//
// # Back
//
// When a step fails, and when a release asks for it, the domain goes back to
// the very bytes that were saved: name, definition, EFI variables, autostart,
// power, and Nova's records of it. What a released guest has changed of its EFI
// variables under Nova's name is kept beside what was saved. It is shut down for
// that once more, and cut off only if its plan allows it.
//
// A domain is never undefined. What cannot be finished, because its host or a
// database does not answer or a guest does not shut down, is left where it is
// and named; the same call goes on later.
//
// Saved definitions hold the passwords of consoles. They are in a folder of
// the host that only root reads, and never in the journal, a log or an error.
package restart
