// Package journal is the memory of what was done to which domain: intent is
// written before a change, the end after it, and beside them everything the
// way back needs (the definition from before, instance ids, paths made).
//
// It is kept in a SQLite file, or in a schema of its own on a MySQL or MariaDB
// server. The tables are ours, so they are made and extended by this package;
// a journal that a newer version has extended is refused.
//
// The journal never decides whether a change took effect. After a crash the
// world is asked; the journal says what to ask about.
//
// No secret is ever written: definitions come from reads without SECURE, and
// plans hold none.
package journal
