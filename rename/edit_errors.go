package rename

import (
	"errors"
	"fmt"
)

// Reasons why a definition is not edited. Callers tell them apart with
// errors.Is; every one arrives inside an EditError.
var (
	// ErrDefinition says that the text is not the definition of one domain.
	ErrDefinition = errors.New("this is not the definition of one domain")
	// ErrLive says that the text was read from the running domain. Defining it
	// would lose what libvirt expanded or left out at the start: the CPU mode,
	// names of taps, passwords.
	ErrLive = errors.New("this is the live definition, not the persistent one")
	// ErrChange says that what is asked for makes no sense in any definition.
	ErrChange = errors.New("this change cannot be made in any definition")
	// ErrDevice says that the device is missing, or there more than once.
	ErrDevice = errors.New("the definition has not exactly one such device")
	// ErrRefused says that the device is of a kind that is left alone.
	ErrRefused = errors.New("this is not changed")
)

// An EditError says what in a definition could not be edited, and why. Nothing
// was changed.
type EditError struct {
	Domain  string // name as the definition has it, "" when it could not be read
	Element string // "disk vda", "interface 52:54:00:00:00:01", "" for the whole
	Err     error
}

// Error names domain and element. Both are quoted where needed, for a damaged
// definition can hold any byte.
func (e *EditError) Error() string {
	what := "edit definition without a readable name"
	if e.Domain != "" {
		what = fmt.Sprintf("edit definition of %q", e.Domain)
	}
	if e.Element != "" {
		what += ": " + e.Element
	}
	return what + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *EditError) Unwrap() error { return e.Err }

// refused is an EditError about one element; the domain's name is added by
// Apply.
func refused(element string, why error, format string, args ...any) error {
	return &EditError{Element: element, Err: fmt.Errorf("%w: %w", why, fmt.Errorf(format, args...))}
}
