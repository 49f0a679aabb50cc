// Package nova speaks to Nova's databases in Nova's own words: it finds out
// which release and which cells there are, reads what an adoption must know,
// writes the rows of an adopted instance, takes them back, and checks the
// invariants that Nova relies on.
//
// The schema is Nova's: nothing here creates or alters a table. Rows are
// never soft-deleted, for nova-compute destroys a running guest whose row says
// deleted (nova/compute/manager.py, _cleanup_running_deleted_instances).
//
// Memory is in MB and disks in GB, as Nova counts them (both binary units).
package nova
