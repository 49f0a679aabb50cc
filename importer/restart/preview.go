package restart

import (
	"context"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A Viewer foresees restarts. Nothing it has can change anything.
type Viewer struct {
	Nova  Records
	Ports Ports // nil as in Restarter
	Hosts Lookers
}

// Lookers reach domains and files for looking. *Libvirt is one.
type Lookers interface {
	Look(ctx context.Context, h discover.Host, uuid string) (View, error)
}

// A View looks at one domain and at the files of its host.
type View interface {
	Save(ctx context.Context) (rename.Saved, error)
	Idle(ctx context.Context) error
	FreeName(ctx context.Context, name string) error
	Stat(ctx context.Context, path string) (rename.File, error)
	IsBridge(ctx context.Context, name string) (bool, error)
	Close() error
}

// A Preview is what a restart would do to one domain.
type Preview struct {
	Host         string `json:"host"`
	Domain       string `json:"domain"`
	UUID         string `json:"uuid"`
	DisplayName  string `json:"display_name"`
	InstanceName string `json:"instance_name"`

	StartBy StartBy `json:"start_by,omitempty"` // "" for a guest that is off and stays so
	// Definition is what becomes different in it. What Nova makes anew is not
	// known before, but for the disks, the interfaces and the name.
	Definition []rename.Difference `json:"definition"`
	Rows       []string            `json:"rows"`  // what is written to Nova's databases, in order
	Files      []string            `json:"files"` // what is made on the host
	// Longest is how long the guest may be off at the most: its shutdown counts
	// from the first request, during which it still works.
	Shutdown time.Duration `json:"shutdown_deadline"`
	Warnings []string      `json:"warnings,omitempty"`
	Refused  string        `json:"refused,omitempty"` // why it would not be begun
	Err      error         `json:"-"`                 // of Refused, an *Error
}
