// Package discover takes the inventory of libvirt hosts: which domains each
// host has, and what every domain's definition says about its memory, vCPUs,
// disks, interfaces and firmware.
//
// Discovery is read-only. Nothing in this package starts, stops, defines or
// undefines a domain, it dials libvirt's read-only socket where it can, and
// the connection type it uses has no writing method. A scan is safe on a host
// in production.
//
// Memory is in KiB and disk sizes in bytes, as libvirt reports them.
package discover
