//go:build !linux

package discover

// identify leaves the identity of files unknown where the scanning machine
// has no statx: only a Linux host can itself be adopted.
func identify(string, *File) error { return nil }
