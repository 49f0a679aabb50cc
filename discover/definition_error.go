package discover

import (
	"errors"
	"fmt"
)

// Reasons why a definition is refused before its content is looked at. Callers
// tell them apart with errors.Is; every one arrives inside a DefinitionError.
var (
	ErrTooLarge  = errors.New("definition is too large")
	ErrDoctype   = errors.New("definition has a DOCTYPE, which libvirt never writes")
	ErrEncoding  = errors.New("definition is not UTF-8")
	ErrTruncated = errors.New("definition ends in the middle")
	ErrEmpty     = errors.New("definition is empty")
)

// A DefinitionError says why no Domain could be made of a definition.
type DefinitionError struct {
	Name string // the domain's name as far as it could be read, "" otherwise
	UUID string // likewise, as written
	Line int    // line of the definition at which reading ended, 0 when that says nothing
	Err  error
}

// Error names the domain if its name is known, quoted, for a damaged
// definition can hold any byte.
func (e *DefinitionError) Error() string {
	what := "definition without a readable name"
	if e.Name != "" {
		what = fmt.Sprintf("definition of %q", e.Name)
	}
	if e.Line > 0 {
		return fmt.Sprintf("read %s: line %d: %v", what, e.Line, e.Err)
	}
	return fmt.Sprintf("read %s: %v", what, e.Err)
}

// Unwrap gives the reason.
func (e *DefinitionError) Unwrap() error { return e.Err }
