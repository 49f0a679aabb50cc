package plan

import "regexp"

func (v *validator) flavor() {
	f := v.Flavor
	v.required("flavor.name", f.Name)
	for field, n := range sorted(map[string]int{"flavor.vcpus": f.VCPUs, "flavor.memory_mb": f.MemoryMB, "flavor.root_gb": f.RootGB}) {
		if n <= 0 {
			v.bad(field, "is %d, want more than 0", n)
		}
	}
	if f.EphemeralGB < 0 {
		v.bad("flavor.ephemeral_gb", "is %d, want 0 or more", f.EphemeralGB)
	}
	if problem := textProblem(f.Name, maxName); problem != "" {
		v.bad("flavor.name", "%s", problem)
	}
	for name, value := range sorted(f.ExtraSpecs) {
		if !extraSpecName.MatchString(name) {
			v.bad("flavor.extra_specs", "%s is not the name of an extra spec", quotedShort(name))
		}
		if problem := textProblem(value, maxProperty); problem != "" {
			v.bad("flavor.extra_specs", "%s: %s", quotedShort(name), problem)
		}
	}
}

// extraSpecName is what Nova's API takes
// (nova/api/validation/parameter_types.py, extra_spec_key).
var extraSpecName = regexp.MustCompile(`^[A-Za-z0-9 _.:-]{1,255}$`)
