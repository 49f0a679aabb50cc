// Package importer carries out a plan: it is the only place where libvirt and
// Nova meet. It writes Nova's records of a domain, links the domain's disks to
// where Nova looks for them, and can take all of it back. It never starts,
// stops or redefines a domain.
//
// # Import
//
// Domains go through the steps in batches of at most fifty of one cell:
//
//	check       the domain is still as planned, Nova does not know its UUID, its host can take it
//	ports       every planned interface gets its port, unbound
//	records     the cell's rows, without a host: nova-compute does not see them
//	mappings    the API database's rows: the API finds the instance, locked and busy
//	directory   instances_path/UUID with a hard link of every disk; and one of the EFI variables, under the instance's name
//	bind        the ports are bound to the host, and the info cache is written in full
//	allocation  Placement counts what the instance takes
//	final       one UPDATE from the domain's state at that moment: the instance is Nova's
//	verify      all of it is read back and compared
//	unlock      unless the plan keeps the lock
//
// Ports, bind and allocation go through the cloud's APIs; on the databases
// alone they are left out. Flavors and placeholder images that several domains
// share are made before the first of them is taken, and deleted with the last
// instance that has them.
//
// Every step asks the world whether it is done already, the journal notes the
// intent before and the end after, and a run that was killed at any moment is
// completed by the same command. A domain that fails before it is final is
// taken back and does not hold the others; from the final step on it stays as
// it is, locked, and is named. When the cloud's APIs stop answering, a batch
// stays where it is: taking it back would need them too. Two groups of hosts in
// a row without an answer end the run.
//
// # Release
//
// Release is the same list backwards, with one difference: all rows of a final
// instance are removed first, and its links only then. Otherwise a hard reboot
// in between would make Nova undefine the domain and then miss its disk. Rows
// are removed for good; a row that is only marked as deleted makes
// nova-compute destroy the domain. Between the two the domains are looked at
// once more: one that Nova has made anew keeps what it runs on.
//
// A port that Nova has plugged into Open vSwitch stays there when Nova forgets
// the instance. Release takes it out of br-int where the switch knows it by that
// port's id and its tap is gone, and names it, with the command, where not.
//
// Only what carries our mark is deleted in the cloud. A port that was there is
// given back unused, and one that was the instance's already stays so, without
// a host if it had none.
package importer
