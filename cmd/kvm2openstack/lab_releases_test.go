//go:build lab

package main

import "testing"

// A labRelease is what a lab's release changes of what the tests expect. What
// it changes of the lab itself is in testdata/lab/releases.
type labRelease struct {
	major int // of Nova
}

var labReleases = map[string]labRelease{
	"zed":   {major: 26},
	"epoxy": {major: 31},
}

// release is that of the lab that the test runs in.
func release(t *testing.T) labRelease {
	t.Helper()
	name := labEnv(t, "K2O_LAB_RELEASE")
	r, ok := labReleases[name]
	if !ok {
		t.Fatalf("the tests know no release %s", name)
	}
	return r
}
