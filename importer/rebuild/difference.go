// Package rebuild foretells the definition that Nova will make of a domain.
//
// At a hard reboot, or a start, Nova undefines a domain and makes its
// definition anew from its records and from the configuration of the host's
// nova-compute. What the records have no word for is gone then. This package
// says beforehand how such a definition differs from the present one.
//
// It is pure: it looks at nothing but its arguments, and writes nothing.
package rebuild

// A Difference is one thing that is not as it was once Nova has made the
// definition anew.
type Difference struct {
	Field  string `json:"field"`            // what differs, such as nic.model; one of a fixed set
	Device string `json:"device,omitempty"` // of which device: vda, 52:54:00:12:34:56; "" for the domain as a whole
	Kind   Kind   `json:"kind"`             //
	Now    string `json:"now"`              // "" when it is added
	Then   string `json:"then"`             // "" when it is lost
	Guest  bool   `json:"guest"`            // the guest can notice; otherwise only its host does
	Why    string `json:"why"`              // what decides it, and what it means
}

// A Kind says what becomes of a thing.
type Kind string

// Lost things have no word in Nova's records, Added ones come unasked.
const (
	Lost    Kind = "lost"
	Changed Kind = "changed"
	Added   Kind = "added"
)
