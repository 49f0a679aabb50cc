package rename

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUnmeant says that a definition is not what it was meant to become. It
// arrives inside a UnmeantError.
var ErrUnmeant = errors.New("the definition is not what it was meant to become")

// A UnmeantError names what else is different, or what is not different yet.
type UnmeantError struct {
	Domain      string // name as the definition from before has it
	Differences []Difference
}

// Error names the first few paths.
func (e *UnmeantError) Error() string {
	const shown = 5
	words := make([]string, 0, shown+1)
	for i, d := range e.Differences {
		if i == shown {
			words = append(words, fmt.Sprintf("and %d more", len(e.Differences)-shown))
			break
		}
		words = append(words, d.String())
	}
	return fmt.Sprintf("compare definitions of %q: %v: %s", e.Domain, ErrUnmeant, strings.Join(words, "; "))
}

// Unwrap makes it an ErrUnmeant.
func (e *UnmeantError) Unwrap() error { return ErrUnmeant }

// Check proves that after is before with exactly the change: every path that
// was meant has its new value, and no other is lost, changed or added. It is
// for the text that is about to be defined.
func Check(before, after string, c Change) error {
	domain, found, err := unmeant(before, after, c)
	if err != nil || len(found) == 0 {
		return err
	}
	return &UnmeantError{domain, found}
}

// CheckDefined is Check for what libvirt has made of the text, read back with
// VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE. At a define libvirt fills in
// what it has learnt since the domain was defined last: addresses, defaults of
// a newer version. Such additions are returned, for the report; whatever is
// lost or changed is an error, and the definition from before has to be put
// back. Before, too, must have come from libvirt, for of what a person wrote it
// also drops some.
func CheckDefined(before, after string, c Change) (added []Difference, err error) {
	domain, found, err := unmeant(before, after, c)
	if err != nil {
		return nil, err
	}
	var wrong []Difference
	for _, d := range found {
		if d.How == Added {
			added = append(added, d)
		} else {
			wrong = append(wrong, d)
		}
	}
	if len(wrong) > 0 {
		return added, &UnmeantError{domain, wrong}
	}
	return added, nil
}

// unmeant are the differences between what before was meant to become and
// after. Nothing of the editing is used for it, so that a mistake there shows.
func unmeant(before, after string, c Change) (domain string, found []Difference, err error) {
	a, err := parse(before)
	if err != nil {
		return "", nil, fmt.Errorf("read the definition from before: %w", err)
	}
	b, err := parse(after)
	if err != nil {
		return "", nil, fmt.Errorf("read the definition from after: %w", err)
	}
	want := flatten(a)
	domain = want.values["name"]
	if err := want.change(c); err != nil {
		return domain, nil, fmt.Errorf("compare definitions of %q: %w", domain, err)
	}
	return domain, differences(want, flatten(b)), nil
}
