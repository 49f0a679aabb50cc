package usage

import (
	"math"

	"github.com/lightcloud/kvm2openstack/discover"
)

func (u *Usage) judge(d discover.Domain, l Limits) {
	if u.Paused || u.Seconds == 0 {
		return
	}
	u.Idle = u.idle(l)
	have := Size{VCPUs: d.VCPUs, MemoryMB: d.MemMaxKiB >> 10}
	want := u.want(d, have, l)
	if more := (Size{max(want.VCPUs, have.VCPUs), max(want.MemoryMB, have.MemoryMB)}); want != more {
		u.Oversized, u.Suggestion = true, &want
	}
}

// idle needs proof: what was not measured may be what the guest is busy with.
func (u *Usage) idle(l Limits) bool {
	for _, g := range u.NotMeasured {
		if g.What != "memory" {
			return false
		}
	}
	var requests, bytes float64
	for _, k := range u.Disks {
		if k.Rates == nil {
			return false
		}
		requests += k.Rates.ReadRequests + k.Rates.WriteRequests
	}
	for _, i := range u.Interfaces {
		bytes += i.RxBytes + i.TxBytes
	}
	return u.CPU != nil && u.CPU.PercentOfOne <= l.IdleCPUPercent && requests <= l.IdleDiskRequests && bytes <= l.IdleNetworkBytes
}

// want is the size that holds what was seen and the headroom. Of what is not
// far too much nothing is taken away, nor of what was not measured.
func (u *Usage) want(d discover.Domain, have Size, l Limits) Size {
	want := have
	if u.CPU != nil {
		need := math.Ceil(withHeadroom(u.CPU.PercentOfOne/100, l.CPUHeadroom))
		want.VCPUs = uint(fit(need, float64(have.VCPUs), 1, worthVCPUs, l))
	}
	if u.Memory != nil && !u.Memory.Swapping {
		need := math.Ceil(withHeadroom(float64(u.Memory.NeededKiB)/1024, l.MemoryHeadroom))
		if u.Memory.AtMost {
			need = min(need, float64(have.MemoryMB)) // caches fill what there is, and are no reason for more
		}
		want.MemoryMB = uint64(fit(need, float64(have.MemoryMB), smallest(d), worthMB, l))
	}
	return want
}

func withHeadroom(seen, percent float64) float64 { return seen * (1 + percent/100) }

func smallest(d discover.Domain) float64 {
	if d.Guest.Family == "windows" {
		return smallestMBOfWindows
	}
	return smallestMB
}

// fit is the step that holds need, where have is far more than that; a greater
// step where need is more than have; else have.
func fit(need, have, least, worth float64, l Limits) float64 {
	switch to := step(max(need, least)); {
	case need > have, have >= l.OversizedTimes*to && have-to >= worth:
		return to
	}
	return have
}

// step rounds up to what flavors are made of: 1, 2, 4, 6, 8, 12, 16, 24 and so
// on; the same for megabytes.
func step(n float64) float64 {
	for s := 1.0; ; s *= 2 {
		if n <= s {
			return s
		}
		if s >= 4 && n <= s*1.5 {
			return s * 1.5
		}
	}
}
