// Package importer carries out a plan: it is the only place where libvirt and
// Nova meet. It writes Nova's records of a domain, links the domain's disks to
// where Nova looks for them, and can take all of it back. It never starts,
// stops or redefines a domain.
//
// # Import
//
// Domains go through the steps in batches of at most fifty of one cell:
//
//	check      the domain is still as planned, Nova does not know its UUID, its host can take it
//	records    the cell's rows, without a host: nova-compute does not see them
//	mappings   the API database's rows: the API finds the instance, locked and busy
//	directory  instances_path/UUID with a hard link of every disk
//	final      one UPDATE from the domain's state at that moment: the instance is Nova's
//	verify     the rows are read back and compared
//	unlock     unless the plan keeps the lock
//
// Every step asks the world whether it is done already, the journal notes the
// intent before and the end after, and a run that was killed at any moment is
// completed by the same command. A domain that fails before it is final is
// taken back and does not hold the others; from the final step on it stays as
// it is, locked, and is named.
//
// # Release
//
// Release is the same list backwards, with one difference: all rows of a final
// instance are removed first, and its links only then. Otherwise a hard reboot
// in between would make Nova undefine the domain and then miss its disk. Rows
// are removed for good; a row that is only marked as deleted makes
// nova-compute destroy the domain.
package importer
