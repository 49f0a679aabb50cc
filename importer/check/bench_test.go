package check

import "testing"

// An audit of a large fleet assesses 100,000 domains: a rule that formats its
// sentence before it knows whether it applies is seen here.
func BenchmarkAssess(b *testing.B) {
	d, f := clean()
	b.ReportAllocs()
	for b.Loop() {
		Assess(d, f)
	}
}
