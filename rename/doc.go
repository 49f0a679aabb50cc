// Package rename changes one domain of one host into the one that Nova
// expects: its name, the paths of its disks, and where asked the model of its
// network adapters and where they are plugged.
//
// The text of a definition is edited byte by byte (Apply): what is not meant
// stays as the host had it, down to quotes and comments. A definition is never
// parsed into types and written out again, for what the types do not know
// would be lost without a word. Every edit is proven by comparing the two
// definitions path by path (Check), and again with what libvirt made of it
// (CheckDefined).
//
// A domain is never undefined here, for between undefining and defining anew it
// does not exist.
package rename
