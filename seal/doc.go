// Package seal is the arithmetic of the audit trail's seals: the canonical form
// of a row, the chain of hashes over rows, and the search for the first row that
// does not fit. It stands on the standard library alone and does no I/O, so that
// a sealed trail can be checked by a program that shares nothing else with the
// server, or by one written from this page.
//
// # Format 1
//
// A row of the trail is written as JSON with one member for each column, in the
// canonical form of RFC 8785 (members sorted, no spaces, shortest escapes;
// UTF-8), except that numbers keep the digits that the database gives them, all
// of them whole. The columns are those of [Columns]. A NULL is null; recorded_at
// is a string in UTC with six decimals, "2026-11-23T02:09:05.123456Z"; roles,
// entities and detail are the JSON values that they are.
//
// The rows of one tenant are chained in the order in which they were sealed:
//
//	h(0) = SHA-256("bonfire-audit-seal/1\n" + tenant)
//	h(i) = SHA-256(h(i-1) || seq as 8 bytes, big-endian || canonical row)
//
// A seal is one link of that chain: some rows in ascending order of seq, with
// the hash after each, the hash before the first (previous) and after the last
// (head). Seals are numbered from 1 without gaps, and the head of one is the
// previous of the next. The row's own seq need not ascend from seal to seal: it
// is drawn before its transaction commits, so a row may be sealed after others
// with higher ones.
//
// The anchor of a seal is the same seal as JSON, kept where those who can write
// to the database cannot: see [Seal.Key] and [Seal.JSON].
//
// What the chain cannot show: that the newest seals were cut off, unless an
// anchor or a head that somebody noted says otherwise; that a row was changed
// between its commit and its seal; that whoever runs the server lied when the
// row was written.
package seal
