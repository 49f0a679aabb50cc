// Package sync compares, on a schedule, what hosts have with what Nova, Neutron,
// Placement and the journal have of it, names what has drifted apart, and heals
// what the operator's policy allows.
//
// # Compare
//
// Every host is read on its own, and Compare says what of it has drifted; it
// looks at nothing but its argument. What that gives is small, so that any
// number of hosts fits into memory. Conclude then looks at all hosts together:
// whether a domain that is missing on one is on another, whether a UUID occurs
// twice, and whether so much is gone at once that the inventory, the network or
// a database must be wrong rather than the guests.
//
// # Heal
//
// Only hosts with something to heal are looked at again, and only what has
// drifted both times is healed, as steps in the journal (importer.Heal, Import,
// Release). Nothing is done
//
//   - to a domain that Nova has created, or that somebody else has recorded;
//   - on a host that could not be read whole, or that is not who it should be;
//   - while more is gone at once than the policy allows, a database is older
//     than it was, or the clock was set back;
//   - to records of a domain that was missed once: it takes several runs and
//     some time in which all hosts were read.
//
// # Rounds
//
// One comparison of the whole inventory is a round. Its hosts are handed out
// by leases in the journal, to the threads of one process or to several
// processes; see journal.Lease. A round of a run that was killed is given up:
// what it has read is old, and what it has begun to heal is found anew.
package sync
