package check

// memoryRules: what a guest's memory is made of.
var memoryRules = []Rule{
	{
		Code: "K2O-441", Severity: Blocked,
		Title:  "Huge pages",
		Action: "Leave it out, or take <hugepages> out of the definition when the host has as much ordinary memory free.",
		Fact:   "nova/virt/libvirt/driver.py: huge pages follow flavor hw:mem_page_size and instance_extra.numa_topology, which the import does not write",
		find: func(s subject) []detail {
			return when(s.Tuning.Hugepages, say("Its memory is huge pages, and after Nova's first start ordinary memory, of which a host laid out for huge pages has too little.").
				do("free -m on %s; %svirsh edit %s, take <hugepages> out and start it once", show(s.Domain.Host), s.whenOff(), s.virsh()))
		},
	},
	{
		Code: "K2O-442", Severity: Info,
		Title:  "Locked memory",
		Action: "Use a flavor with hw:locked_memory if the guest needs it.",
		Fact:   "nova/virt/libvirt/driver.py: <locked/> for SEV, realtime and hw:locked_memory only",
		find: func(s subject) []detail {
			return when(s.Tuning.Locked, say("Its memory is locked into its host's today, and no longer so after Nova's first start."))
		},
	},
	{
		Code: "K2O-443", Severity: Info,
		Title:  "Shared memory backing",
		Action: "Nothing, unless a vhost-user or virtiofs device needs it.",
		Fact:   "nova/virt/libvirt/driver.py: access mode shared with huge pages or file-backed memory only",
		find: func(s subject) []detail {
			return when(s.Tuning.SharedMem, say("Its memory is shared with other processes of its host, and no longer so after Nova's first start."))
		},
	},
	{
		Code: "K2O-444", Severity: Attention,
		Title:  "Memory hot-plug",
		Action: "Choose a flavor with the memory that the guest has now, modules plugged in included.",
		Fact:   "nova/virt/libvirt/config.py writes no <maxMemory> for QEMU guests",
		find: func(s subject) []detail {
			return when(s.HotplugKiB > 0, say("Its memory can be plugged in up to %d MiB, and is a fixed amount after Nova's first start.", s.HotplugKiB/1024))
		},
	},
	{
		Code: "K2O-445", Severity: Info,
		Title:  "Memory is not a whole number of MiB",
		Action: "Nothing; the flavor has the next whole MiB.",
		Fact:   "flavors.memory_mb is a whole number",
		find: func(s subject) []detail {
			return when(s.memoryKiB()%1024 != 0, say("Its memory is %d KiB, and %d MiB in a flavor.", s.memoryKiB(), s.memoryMB()))
		},
	},
	{
		Code: "K2O-446", Severity: Attention,
		Title:  "Memory is ballooned down",
		Action: "Choose in the plan's flavor how much it is to have.",
		Fact:   "nova/virt/libvirt/driver.py: <memory> is flavor.memory_mb, without <currentMemory>",
		find: func(s subject) []detail {
			return when(s.MemoryKiB > 0 && s.MemoryKiB < s.MemMaxKiB, say("It uses %d of at most %d MiB; a flavor knows one number, and Nova's first start gives it all of that.", s.MemoryKiB/1024, s.MemMaxKiB/1024).
				do("set the flavor in the plan, or settle it now: virsh setmaxmem %s %dK --config", s.virsh(), s.MemoryKiB))
		},
	},
	{
		Code: "K2O-447", Severity: Info,
		Title:  "Memory limits",
		Action: "Put quota:memory_limit and the like into the flavor's extra specs where the release knows them.",
		Fact:   "nova/virt/libvirt/config.py LibvirtConfigGuestMemoryTune; extra specs quota:memory_* are for other drivers",
		find: func(s subject) []detail {
			return when(s.Tuning.MemoryTune, say("Its <memtune> limits are lost at Nova's first start."))
		},
	},
	{
		Code: "K2O-448", Severity: Info,
		Title:  "Block I/O weights",
		Action: "Put quota:disk_* limits into the flavor's extra specs.",
		Fact:   "nova/virt/libvirt/config.py writes no <blkiotune>",
		find: func(s subject) []detail {
			return when(s.Tuning.BlkioTune, say("Its <blkiotune> weights are lost at Nova's first start."))
		},
	},
}

// memoryKiB is the memory that a flavor has to give.
func (s subject) memoryKiB() uint64 { return max(s.MemMaxKiB, s.MemoryKiB) }

// memoryMB is the same in Nova's unit, rounded up.
func (s subject) memoryMB() int { return int((s.memoryKiB() + 1023) / 1024) }
