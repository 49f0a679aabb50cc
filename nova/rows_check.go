package nova

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// A FieldError says which field of which instance cannot be recorded, and why.
type FieldError struct {
	UUID, Name string // of the instance
	Field      string
	Err        error
}

// Error implements error.
func (e *FieldError) Error() string {
	return fmt.Sprintf("instance %s (%q): %s: %v", e.UUID, e.Name, e.Field, e.Err)
}

// Unwrap returns the reason.
func (e *FieldError) Unwrap() error { return e.Err }

// A checker gathers all that is wrong with one instance, so that an operator
// corrects a plan once and not field by field.
type checker struct {
	in   Instance
	errs []error
}

func (c *checker) fail(field string, err error) {
	if err != nil {
		c.errs = append(c.errs, c.in.fault(field, err))
	}
}

func (c *checker) failf(field, format string, args ...any) {
	c.fail(field, fmt.Errorf(format, args...))
}

// markerUUID is the row that online_data_migrations leaves in instances.
const markerUUID = "00000000-0000-0000-0000-000000000000"

var (
	requestIDForm     = regexp.MustCompile(`^req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	reservationIDForm = regexp.MustCompile(`^r-[0-9a-z]{8}$`)
)

// check says what of the instance Nova could not live with; nil when nothing.
func (in Instance) check(now time.Time) error {
	c := &checker{in: in}
	c.identity(now)
	c.names()
	c.flavor()
	c.properties()
	c.disks()
	c.ports()
	c.labels()
	return errors.Join(c.errs...)
}

func (c *checker) identity(now time.Time) {
	in := c.in
	c.fail("uuid", checkUUID(in.UUID))
	if in.UUID == markerUUID {
		c.failf("uuid", "is that of Nova's own marker row")
	}
	c.fail("project id", checkText(in.ProjectID, 1, 255))
	c.fail("user id", checkText(in.UserID, 1, 255))
	c.fail("project name", checkText(in.ProjectName, 0, 255))
	c.fail("user name", checkText(in.UserName, 0, 255))
	if in.ImageRef != "" {
		c.fail("image ref", checkUUID(in.ImageRef))
	}
	if !requestIDForm.MatchString(in.RequestID) {
		c.failf("request id", "%q is not req- and a uuid", in.RequestID)
	}
	if !reservationIDForm.MatchString(in.ReservationID) {
		c.failf("reservation id", "%q is not r- and eight small letters or digits", in.ReservationID)
	}
	if in.Created.After(now) {
		c.failf("created", "%s is in the future", in.Created.UTC().Format(time.RFC3339))
	}
	c.fail("host", checkText(in.Host.Host, 1, 255))
	if in.Host.CellID <= 0 {
		c.failf("host", "%s is in no known cell", in.Host.Host)
	}
	// Without a zone Nova would write compute:None as the owner of the ports.
	c.fail("availability zone", checkText(in.AvailabilityZone, 1, 255))
}

func (c *checker) names() {
	c.fail("display name", checkText(c.in.DisplayName, 1, 255))
	c.fail("description", checkText(c.in.Description, 0, 255))
	c.fail("hostname", checkHostname(c.in.Hostname))
	switch c.in.DiskFormat {
	case "", "qcow2", "raw":
	default:
		c.failf("disk format", "%q is not one of qcow2, raw", c.in.DiskFormat)
	}
}

func (c *checker) labels() {
	for k, v := range c.in.Metadata {
		c.fail(fmt.Sprintf("metadata %q", k), errors.Join(checkText(k, 1, 255), checkText(v, 0, 255)))
	}
	seen := map[string]bool{}
	for _, t := range c.in.Tags {
		// nova/api/validation/parameter_types.py, tag: at most 60, no / and no ,
		c.fail(fmt.Sprintf("tag %q", t), errors.Join(checkText(t, 1, 60), checkWithout(t, "/,")))
		if seen[t] {
			c.failf("tags", "%q occurs twice", t)
		}
		seen[t] = true
	}
}
