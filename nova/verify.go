package nova

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Expect is what an instance should be like in the databases. Fields that
// are zero are not compared; the invariants that Nova itself relies on are
// always checked.
type Expect struct {
	UUID string
	// Absent expects no trace of the uuid in any database, as after a release.
	Absent bool

	DisplayName      string
	ProjectID        string
	UserID           string
	Host, Node       string
	AvailabilityZone string
	Flavor           Flavor // by FlavorID; sizes are compared when it is set
	ImageRef         string
	Disks            []BlockDevice
	Ports            []Port            // by ID and MAC
	OSType           string            // windows
	NICModel         string            // e1000
	Properties       map[string]string // of the image, without image_: hw_machine_type and so on
	Locked           *bool             // nil: either is fine
}

// A Violation is one invariant that does not hold for one instance.
type Violation struct {
	UUID     string `json:"uuid"`
	Code     string `json:"code"` // V6; stable
	What     string `json:"what"` // the fact that is compared, in one phrase
	Expected string `json:"expected"`
	Found    string `json:"found"`
}

// String reads like "V9 power state of 9e1b…: expected 1, found 4".
func (v Violation) String() string {
	return fmt.Sprintf("%s %s of %s: expected %s, found %s", v.Code, v.What, v.UUID, v.Expected, v.Found)
}

// Verify checks the invariants that the databases can answer, with SELECTs
// only, in the order of expected. Rows that other hands wrote may hold
// anything: what cannot be read is a violation, never an error.
//
//	V1  one live row, no archived one         V11 block device mappings
//	V2  no other cell knows the uuid          V12 virtual interfaces
//	V3  mapping: cell, project, user          V13 hardware properties
//	V4  no build request                      V14 Windows, NIC model
//	V5  request spec                          V15 what must be empty or 0
//	V6  flavor in instance_extra              V16 names
//	V7  info cache                            V19 flavor exists and is the same
//	V8  host and node                         V20 migrations, faults
//	V9  states and lock                       V22 rows without an instance
//	V10 dates
//
// V17 and V18 are Placement's; V21 and V25 need the host.
func (c *Cloud) Verify(ctx context.Context, expected []Expect) ([]Violation, error) {
	all, err := c.background(ctx)
	if err != nil {
		return nil, err
	}
	var found []Violation
	for chunk := range slices.Chunk(expected, inLimit) {
		records, err := c.readRecords(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, e := range chunk {
			v := &verifier{background: all, records: records, expect: e, uuid: strings.ToLower(e.UUID)}
			v.verify()
			found = append(found, v.found...)
		}
	}
	return found, nil
}

// background is what all instances are compared with.
type background struct {
	computes map[string]map[string]Compute // cell uuid -> host
	nodes    map[string][]nodeRow          // cell uuid and host, joined by a zero byte
	flavors  map[string]Flavor             // by flavorid
	release  Release
	scope    string
	now      time.Time
}

func (c *Cloud) background(ctx context.Context) (*background, error) {
	rows, err := c.hostRows(ctx)
	if err != nil {
		return nil, err
	}
	flavors, err := c.Flavors(ctx)
	if err != nil {
		return nil, err
	}
	b := &background{
		computes: map[string]map[string]Compute{}, nodes: map[string][]nodeRow{}, flavors: map[string]Flavor{},
		release: c.release, scope: c.config.UniqueNameScope, now: rows.now,
	}
	for _, one := range rows.cells {
		b.computes[one.cell.UUID] = one.compose(rows.now, rows.major)
		for _, n := range one.nodes {
			key := one.cell.UUID + "\x00" + n.Host
			b.nodes[key] = append(b.nodes[key], n)
		}
	}
	for _, f := range flavors {
		b.flavors[f.FlavorID] = f
	}
	return b, nil
}

// A verifier compares one instance. Its methods are the invariants.
type verifier struct {
	*background
	*records
	expect Expect
	uuid   string // lower case
	row    instanceRecord
	cell   *cellRecords // that has row
	found  []Violation
}

func (v *verifier) add(code, what string, expected, found any) {
	v.found = append(v.found, Violation{
		UUID: v.expect.UUID, Code: code, What: what, Expected: show(expected), Found: show(found),
	})
}

// show writes a value for a person. Other people's text is cut, so that a
// broken blob does not fill a screen.
func show(value any) string {
	s := fmt.Sprint(value)
	if s == "" {
		return `""`
	}
	if r := []rune(s); len(r) > 120 {
		s = string(r[:120]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}

// same compares where there is an expectation.
func same[T comparable](v *verifier, code, what string, expected, found T) {
	var none T
	if expected != none && expected != found {
		v.add(code, what, expected, found)
	}
}

// must compares always.
func must[T comparable](v *verifier, code, what string, expected, found T) {
	if expected != found {
		v.add(code, what, expected, found)
	}
}

func (v *verifier) verify() {
	if v.expect.Absent {
		v.leftovers()
		return
	}
	if !v.present() {
		v.leftovers()
		return
	}
	v.mapping()
	v.requestSpec()
	v.extra()
	v.infoCache()
	v.place()
	v.states()
	v.dates()
	v.devices()
	v.interfaces()
	v.hardware()
	v.guest()
	v.empty()
	v.names()
	v.flavorRow()
	v.history()
}
