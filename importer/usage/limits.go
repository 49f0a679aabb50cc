package usage

import (
	"cmp"
	"fmt"
)

// What counts as idle, and what a guest is to have beyond what it was seen to
// use. A guest that does nothing still ticks, writes a log and hears the
// broadcasts of its network.
const (
	IdleCPUPercent      = 5     // of one processor
	IdleDiskRequests    = 5     // a second, of all disks
	IdleNetworkBytes    = 10240 // a second, of all interfaces, both ways
	CPUHeadroom         = 50    // percent of what was seen
	MemoryHeadroom      = 25    // likewise
	OversizedTimes      = 2     // as much as the suggestion, or more
	worthVCPUs          = 2     // less is not worth a restart
	worthMB             = 1024
	smallestMB          = 512
	smallestMBOfWindows = 2048
)

// Limits are those constants as a configuration may have them; what is 0 is
// as above.
type Limits struct {
	IdleCPUPercent   float64 `yaml:"idle_cpu_percent"`
	IdleDiskRequests float64 `yaml:"idle_disk_requests"`
	IdleNetworkBytes float64 `yaml:"idle_network_bytes"`
	CPUHeadroom      float64 `yaml:"cpu_headroom"`
	MemoryHeadroom   float64 `yaml:"memory_headroom"`
	OversizedTimes   float64 `yaml:"oversized_times"`
}

func (l Limits) withDefaults() Limits {
	l.IdleCPUPercent = cmp.Or(l.IdleCPUPercent, IdleCPUPercent)
	l.IdleDiskRequests = cmp.Or(l.IdleDiskRequests, IdleDiskRequests)
	l.IdleNetworkBytes = cmp.Or(l.IdleNetworkBytes, IdleNetworkBytes)
	l.CPUHeadroom = cmp.Or(l.CPUHeadroom, CPUHeadroom)
	l.MemoryHeadroom = cmp.Or(l.MemoryHeadroom, MemoryHeadroom)
	l.OversizedTimes = cmp.Or(l.OversizedTimes, OversizedTimes)
	return l
}

// Check refuses limits that mean nothing.
func (l Limits) Check() error {
	for _, c := range []struct {
		name  string
		value float64
		least float64
	}{
		{"idle_cpu_percent", l.IdleCPUPercent, 0}, {"idle_disk_requests", l.IdleDiskRequests, 0}, {"idle_network_bytes", l.IdleNetworkBytes, 0},
		{"cpu_headroom", l.CPUHeadroom, 0}, {"memory_headroom", l.MemoryHeadroom, 0}, {"oversized_times", l.OversizedTimes, 1},
	} {
		if c.value != 0 && !(c.value >= c.least) { // nor NaN
			return fmt.Errorf("usage: %s is %v; it must be at least %v", c.name, c.value, c.least)
		}
	}
	return nil
}
