package check

// cpuRules: what the guest is told of its processors, and what ties it to the host's.
var cpuRules = []Rule{
	{
		Code: "K2O-421", Severity: Blocked,
		Title:  "No vCPU or no memory",
		Action: "Correct the definition.",
		Fact:   "nova/compute/flavors.py: a flavor has at least one vCPU and one MiB",
		find: func(s subject) []detail {
			return when(s.VCPUs == 0 || s.memoryKiB() == 0, say("Its definition gives it %s and %d KiB of memory, from which no flavor can be made.", Plural(int(s.VCPUs), "vCPU"), s.memoryKiB()).
				do("virsh edit %s", s.virsh()))
		},
	},
	{
		Code: "K2O-422", Severity: Attention,
		Title:  "CPU pinning",
		Action: "Adopt it onto a flavor with hw:cpu_policy only after the host's cpu_dedicated_set is laid out; else accept that it floats.",
		Fact:   "pinning comes from instance_extra.numa_topology, which the import does not write; a wrong one keeps nova-compute from starting (manager.py _validate_pinning_configuration)",
		find: func(s subject) []detail {
			return when(s.Tuning.Pinned, say("It is pinned to processors of its host, and floats after Nova's first start."))
		},
	},
	{
		Code: "K2O-423", Severity: Attention,
		Title:  "NUMA topology or tuning",
		Action: "Give the flavor hw:numa_nodes when the instance is resized later; else accept one NUMA node.",
		Fact:   "nova/virt/hardware.py: guest NUMA comes from flavor hw:numa_* and instance_extra.numa_topology, which the import does not write",
		find: func(s subject) []detail {
			return when(s.Tuning.NUMACells > 0 || s.Tuning.NUMATune, say("Its NUMA layout (%s, numatune %t) is lost at Nova's first start.", Plural(s.Tuning.NUMACells, "cell"), s.Tuning.NUMATune))
		},
	},
	{
		Code: "K2O-424", Severity: Info,
		Title:  "iothreads",
		Action: "Nothing; compare disk latency after the restart.",
		Fact:   "nova/virt/libvirt/config.py writes no <iothreads> before 33.0.0",
		find: func(s subject) []detail {
			return when(s.Tuning.IOThreads > 0, say("Its %s are lost at Nova's first start.", Plural(int(s.Tuning.IOThreads), "iothread")))
		},
	},
	{
		Code: "K2O-425", Severity: Info,
		Title:  "CPU shares or quota",
		Action: "Put quota:cpu_shares, quota:cpu_period and quota:cpu_quota into the flavor's extra specs.",
		Fact:   "nova/virt/libvirt/driver.py _update_guest_cputune reads the flavor's quota:cpu_*",
		find: func(s subject) []detail {
			return when(s.Tuning.CPUQuota, say("Its <cputune> shares or quota are lost at Nova's first start, unless the flavor has them."))
		},
	},
	{
		Code: "K2O-426", Severity: Attention,
		Title:  "Fewer vCPUs than its maximum",
		Action: "Choose in the plan's flavor how many it is to have.",
		Fact:   "nova/virt/libvirt/driver.py: <vcpu> is flavor.vcpus, without current=",
		find: func(s subject) []detail {
			return when(s.VCPUsMax > s.VCPUs, say("It has %d of at most %d vCPUs; a flavor knows one number, and no hot-plug.", s.VCPUs, s.VCPUsMax).
				do("set the flavor in the plan, or settle it now: virsh setvcpus %s %d --config --maximum", s.virsh(), s.VCPUs))
		},
	},
	{
		Code: "K2O-427", Severity: Info,
		Title:  "CPU topology",
		Action: "Nothing; the plan's image_properties keep it. Do not put hw:cpu_* into the flavor, which would go before them.",
		Fact:   "nova/virt/hardware.py get_best_cpu_topology: without hw_cpu_sockets, hw_cpu_cores and hw_cpu_threads as many sockets as vCPUs; the flavor's hw:cpu_* go before the image's",
		find: func(s subject) []detail {
			return when(s.ownTopology() && s.wholeTopology(), say("Its %s are kept: the plan records them as hw_cpu_* image properties%s.", s.topology(), s.mergedDies()))
		},
	},
	{
		Code: "K2O-428", Severity: Attention,
		Title:  "CPU topology that does not fit the vCPUs",
		Action: "Choose a topology for the vCPUs it has, by image_properties in a rule or in the plan; or give it all vCPUs of the topology.",
		Fact:   "nova/virt/hardware.py get_best_cpu_topology: sockets * cores * threads is the flavor's vCPUs; editions of Windows use one to four sockets and no more",
		find: func(s subject) []detail {
			return when(s.ownTopology() && !s.wholeTopology(), say("Its %s are not its %s, so the plan records none, and Nova gives each vCPU a socket of its own, of which Windows may leave some idle.", s.topology(), Plural(int(s.VCPUs), "vCPU")).
				do("%s", s.topologyProperties()))
		},
	},
	{
		Code: "K2O-429", Severity: Info,
		Title:  "CPU model",
		Action: "Set [libvirt] cpu_mode and cpu_models of the compute host if the guest needs this processor.",
		Fact:   "nova.conf [libvirt] cpu_mode, default host-model under KVM; per host, not per server",
		find: func(s subject) []detail {
			return when(s.CPU.Mode != "host-model", say("Its processor is %s, and after Nova's first start what the compute host's cpu_mode says.", s.processor()))
		},
	},
	{
		Code: "K2O-430", Severity: Info,
		Title:  "CPU features",
		Action: "Set [libvirt] cpu_model_extra_flags of the compute host if the guest needs them.",
		Fact:   "nova.conf [libvirt] cpu_model_extra_flags; per host, not per server",
		find: func(s subject) []detail {
			return when(s.CPU.Features > 0, say("Its %s are lost at Nova's first start.", Plural(s.CPU.Features, "CPU feature setting")))
		},
	},
}

// ownTopology reports whether the guest sees another layout than Nova's own
// of one core in each socket.
func (s subject) ownTopology() bool {
	return s.CPU.Sockets > 0 && (s.CPU.Cores > 1 || s.CPU.Threads > 1 || s.CPU.Dies > 1)
}

// wholeTopology reports whether the layout multiplies to the vCPUs.
func (s subject) wholeTopology() bool {
	return s.CPU.Sockets*max(s.CPU.Dies, 1)*s.CPU.Cores*s.CPU.Threads == int(s.VCPUs)
}

func (s subject) topology() sentence {
	return sentence{"%s of %s of %s", []any{
		Plural(s.CPU.Sockets, "socket"), Plural(max(s.CPU.Dies, 1)*s.CPU.Cores, "core"), Plural(s.CPU.Threads, "thread"),
	}}
}

// mergedDies is what Nova has no word for.
func (s subject) mergedDies() string {
	if s.CPU.Dies > 1 {
		return ", the cores of its dies counted together"
	}
	return ""
}

// topologyProperties are a layout for the vCPUs it has: as many sockets and
// threads as now where that comes out even, else one socket.
func (s subject) topologyProperties() sentence {
	sockets, threads := max(s.CPU.Sockets, 1), max(s.CPU.Threads, 1)
	if s.VCPUs == 0 || int(s.VCPUs)%(sockets*threads) != 0 {
		sockets, threads = 1, 1
	}
	return sentence{"set image_properties in a rule or in the plan: {hw_cpu_sockets: \"%d\", hw_cpu_cores: \"%d\", hw_cpu_threads: \"%d\"}; or give it all vCPUs first: virsh setvcpus %s %d --config, then plan again",
		[]any{sockets, int(s.VCPUs) / (sockets * threads), threads, s.virsh(), s.CPU.Sockets * max(s.CPU.Dies, 1) * s.CPU.Cores * s.CPU.Threads}}
}

// processor names what the guest sees.
func (s subject) processor() string {
	switch {
	case s.CPU.Mode == "" && s.CPU.Model == "":
		return "QEMU's default"
	case s.CPU.Model != "":
		return show(s.CPU.Model).String()
	}
	return show(s.CPU.Mode).String()
}
