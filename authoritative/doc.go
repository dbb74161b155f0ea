// Package authoritative is an authoritative DNS server: primary and secondary, with views, TSIG and online signing.
//
// What it promises:
//
//   - Answers from its zones as RFC 1034 section 4.3.2 and package zone say, over EDNS(0) (RFC 6891), truncated so
//     that glue a resolver needs is never left out silently (RFC 2181 section 9, RFC 9471). Recursion is never
//     offered. What it is not authoritative for is REFUSED, with the Extended DNS Error (RFC 8914) that says so.
//   - EDNS as ISC's compliance testers want it: server cookies (RFC 7873, RFC 9018) and NSID (RFC 5001) where they are
//     configured, everything else passed over. Class CHAOS (RFC 4892) is REFUSED where nothing is configured.
//   - Views, tried in order, chosen by the TSIG key of the query, its source address and the address that it was sent
//     to, so that one server shows one zone differently to different clients.
//   - Zone transfer out and in over TCP: AXFR (RFC 5936) and IXFR (RFC 1995), the latter out of a bounded history of
//     changes, condensed where that is shorter, and with the whole zone wherever changes will not do; what comes in is
//     bounded, and taken whole and sound or not at all. NOTIFY both ways (RFC 1996), and a secondary's life by the SOA
//     timers: refresh, retry, and expiry counted from the last moment at which a primary confirmed the copy (RFC 7314
//     between secondaries). A secondary whose zone has expired, or was never loaded, answers SERVFAIL with EDE 24
//     (Invalid Data).
//   - Dynamic update (RFC 2136) for those who may; a secondary hands it on.
//   - TSIG (RFC 8945) on all of these, with BADKEY, BADSIG, BADTIME and BADTRUNC told apart.
//   - Signatures renewed by a fixed calendar (see [Signing]), and the serial raised with each renewal so that the
//     secondaries fetch it.
//   - Key rollovers by pre-publication and double DS (RFC 6781), timed by the TTLs and the parent (see [Roll]).
//   - An administrative interface that does what an operator's rndc does, and no more: edit, re-sign, change an access
//     list, refresh, retransfer, ask for the status.
//
// It reads no clock and opens no socket of its own: time and transport come in through [Clock] and [Exchanger], random
// numbers through [Config].Rand. A [Server] may be used by any number of goroutines. It never holds a lock while it
// waits.
//
// What it leaves to others: the content of a zone and lookup in it (package zone), signatures (package sign), sockets
// and rate limits (the caller).
package authoritative
