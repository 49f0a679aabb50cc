package check

import (
	"fmt"
	"strings"
)

// roomRules: quota and capacity.
var roomRules = []Rule{
	{
		Code: "K2O-651", Severity: Attention,
		Title:  "Quota exceeded",
		Action: "Raise the project's quota.",
		Fact:   "nova/quota.py counts instances, cores and ram; adoption is not refused, but later creates and resizes in the project are",
		find: func(s subject) []detail {
			over := s.overQuota()
			if len(over) == 0 || s.Cloud != nil { // With the APIs a plan asks Nova itself, for the whole batch.
				return nil
			}
			return []detail{say("The quota of project %s does not hold it: %s.", show(s.Nova.Quota.Project), strings.Join(over, ", ")).
				do("openstack quota set --instances N --cores N --ram N %s", sh(s.Nova.Quota.Project))}
		},
	},
	{
		Code: "K2O-652", Severity: Attention,
		Title:  "Host is full at its allocation ratios",
		Action: "Raise the host's allocation ratio for the adoption.",
		Fact:   "Placement capacity is (total - reserved) * allocation_ratio (4.0/1.0/1.0 for new hosts from 27.0.0); an allocation beyond it is refused, and with the cloud's APIs a plan leaves out what does not fit",
		find: func(s subject) []detail {
			over := s.overRoom()
			if len(over) == 0 {
				return nil
			}
			return []detail{say("%s has no room for it by Placement's count: %s.", show(s.Domain.Host), strings.Join(over, ", ")).
				do("openstack resource provider inventory set --amend --resource CLASS:allocation_ratio=N %s, and the same ratio in the host's nova.conf", s.provider())}
		},
	},
	{
		Code: "K2O-653", Severity: Blocked,
		Title:  "More vCPUs than the host has",
		Action: "Take vCPUs away from the guest, or move it to a larger host.",
		Fact:   "Placement max_unit of VCPU is the host's processors; no ratio changes that",
		find: func(s subject) []detail {
			most := s.mostVCPUs()
			return when(most > 0 && int(s.VCPUs) > most, say("It has %s where %s has %s, and Placement allocates no more to one instance, at any ratio.",
				Plural(int(s.VCPUs), "vCPU"), show(s.Domain.Host), Plural(most, "processor")).
				do("%svirsh setvcpus %s %d --config --maximum, after virsh setvcpus with --config alone", s.whenOff(), s.virsh(), most))
		},
	},
}

// mostVCPUs is what one instance may have on the host, 0 when not known.
func (s subject) mostVCPUs() int {
	if s.Nova != nil && s.Nova.Room != nil && s.Nova.Room.MaxVCPUs > 0 {
		return s.Nova.Room.MaxVCPUs
	}
	return s.Facts.Host.CPUs
}

// overQuota says what of the domain the project's quota does not hold.
func (s subject) overQuota() []string {
	if s.Nova == nil || s.Nova.Quota == nil {
		return nil
	}
	q := s.Nova.Quota
	var over []string
	short := func(unlimited bool, need, left int, of string) {
		if !unlimited && need > left {
			over = append(over, fmt.Sprintf("needs %d %s, %d left", need, of, max(left, 0)))
		}
	}
	short(q.UnlimitedInstances, 1, q.Instances, "instance")
	short(q.UnlimitedCores, int(s.VCPUs), q.Cores, "cores")
	short(q.UnlimitedRAM, s.memoryMB(), q.RAMMB, "MB of ram")
	return over
}

// overRoom says what of the domain the host has no room for.
func (s subject) overRoom() []string {
	if s.Nova == nil || s.Nova.Room == nil {
		return nil
	}
	var over []string
	short := func(need, left int, class string) {
		if need > left {
			over = append(over, fmt.Sprintf("%s needs %d, %d left", class, need, max(left, 0)))
		}
	}
	short(int(s.VCPUs), s.Nova.Room.VCPUs, "VCPU")
	short(s.memoryMB(), s.Nova.Room.MemoryMB, "MEMORY_MB")
	short(s.diskGB(), s.Nova.Room.DiskGB, "DISK_GB")
	return over
}

// diskGB is the virtual size of all disks, each rounded up to whole GiB.
func (s subject) diskGB() int {
	const gib = 1 << 30
	sum := 0
	for _, d := range s.stored() {
		c := capacity(d)
		sum += int(c / gib)
		if c%gib != 0 {
			sum++
		}
	}
	return sum
}

// provider is the host's resource provider as a command names it.
func (s subject) provider() string {
	if u := s.compute().UUID; u != "" {
		return sh(u).String()
	}
	return "PROVIDER"
}
