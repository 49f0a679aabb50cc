package nova

import (
	"strconv"
	"strings"
)

// A float is written with a decimal point even when it is whole, as Python
// does: 1.0, not 1.
type float float64

// MarshalJSON implements json.Marshaler.
func (f float) MarshalJSON() ([]byte, error) {
	s := strconv.FormatFloat(float64(f), 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return []byte(s), nil
}
