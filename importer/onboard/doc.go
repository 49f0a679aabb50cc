// Package onboard knows what makes Nova accept a host that has guests, and
// refuse it; it says so beforehand (Judge), explains nova-compute's own words
// (Recognise), and makes a host Nova's that is refused for its guests alone
// (Onboarder).
//
// Looking changes nothing. An onboarding never touches a domain, writes into no
// table but services and host_mappings, and into those one row each at most, and
// leaves the service disabled: guests that are not adopted are not counted in
// Placement. A host that is only mapped again, and has no such guests, stays
// enabled. nova-compute is not started where it would destroy a guest, or
// what one rests on. Each step is in the journal before it and after it, asks the world
// whether it is done, and can be taken back. What Nova has made Nova is asked to
// delete.
package onboard
