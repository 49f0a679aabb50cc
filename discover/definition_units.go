package discover

import (
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"
)

// What no host has. A number above is damage, and would overflow later.
const (
	maxMemoryKiB = 1 << 40 // 1 PiB
	maxVCPUs     = 1 << 14
)

// kibibytes converts as libvirt does (virDomainParseMemory, virScaleInteger):
// KiB when there is no unit, letters in any case, "KB" decimal and "K" or
// "KiB" binary, rounded up to whole KiB.
func kibibytes(value uint64, unit string) (uint64, error) {
	scale, err := unitScale(unit)
	if err != nil {
		return 0, err
	}
	if value > math.MaxUint64/scale {
		return 0, fmt.Errorf("%d %s is more memory than can be", value, unit)
	}
	bytes := value * scale
	kib := bytes / 1024
	if bytes%1024 != 0 {
		kib++
	}
	if kib > maxMemoryKiB {
		return 0, fmt.Errorf("%d %s is more memory than can be", value, unit)
	}
	return kib, nil
}

func unitScale(unit string) (uint64, error) {
	u := strings.ToLower(strings.TrimSpace(unit))
	switch u {
	case "":
		return 1024, nil
	case "b", "byte", "bytes":
		return 1, nil
	}
	power := strings.IndexByte("kmgtpe", u[0]) + 1
	var base uint64
	switch u[1:] {
	case "", "ib":
		base = 1024
	case "b":
		base = 1000
	}
	if power == 0 || base == 0 {
		return 0, fmt.Errorf("%q is no unit of memory", unit)
	}
	scale := uint64(1)
	for range power {
		scale *= base
	}
	return scale, nil
}

// canonicalUUID is lower case with hyphens. Like libvirt it takes hex digits
// without hyphens, and refuses sixteen equal bytes, which are nobody's own.
func canonicalUUID(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", fmt.Errorf("it has no <uuid>; every definition read from libvirt has one")
	}
	id, err := uuid.Parse(s)
	if err != nil || (len(s) != 36 && len(s) != 32) {
		return "", fmt.Errorf("%q is no UUID", s)
	}
	for _, b := range id {
		if b != id[0] {
			return id.String(), nil
		}
	}
	return "", fmt.Errorf("%q is no UUID that libvirt would take", s)
}
