// Command generate writes the demo's data centre: the folders below
// testdata/demo/hosts, the list of image files that lie on those hosts, and
// what the cloud's Keystone and Neutron would answer about them.
//
// The fleet itself is the table in fleet.go. Nothing here is random: the same
// table gives the same bytes, so that a change of the table is a readable diff.
//
// Run it from testdata/demo with "go generate".
package main
