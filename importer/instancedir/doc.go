// Package instancedir makes Nova's directory of an instance on its host, and
// in it the hard links by which Nova finds the disks of an adopted domain:
// instances_path/UUID/disk is one more name of the very file the domain runs on.
//
// It never copies, moves or overwrites a disk, never changes a disk's owner or
// mode, and never removes the last name of one: a name is taken away only while
// the other one is proven to be the same file with at least two names.
//
// Paths are the host's. A host's files are reached locally, over SFTP, or as a
// folder that holds the host's file tree; symbolic links are then followed
// inside that folder, as the host itself would.
package instancedir
