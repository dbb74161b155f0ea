// Package zone holds a DNS zone as data: immutable, checked, and able to answer.
//
// A [Zone] is made by [Load] from a master file (RFC 1035 section 5), or by [New] from records, which a transfer
// brings from a primary. Both check it, and tell everything that is wrong at once; Load says in which line.
// [CheckDigest] compares a zone with its ZONEMD records (RFC 8976). From then on it never changes: [Zone.Apply] gives
// another one. So any number of readers may share a zone without locks, and a server changes what it serves by
// changing one pointer.
//
// [Zone.Lookup] is the authoritative part of RFC 1034 section 4.3.2, as clarified since: wildcards (RFC 4592), DNAME
// (RFC 6672), empty non-terminals (RFC 8020), negative answers (RFC 2308), glue (RFC 9471), a small answer to ANY (RFC
// 8482), and, when asked for, the DNSSEC records that prove each of them (RFC 4035 section 3.1, RFC 5155 section 7.2).
// It gives sections, not messages: header bits other than AA, EDNS, truncation and compression are the server's.
//
// The package reads no clock, opens no file but through the fs.FS that it is given, and makes no signatures: it
// carries those that it finds. Package sign makes them.
//
// Records handed out are shared by everybody who asks. Copy one before changing it. Slices handed out have no spare
// capacity, so that appending to one copies it.
package zone
