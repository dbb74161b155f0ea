// Package iterate asks authoritative servers: it walks from the deepest delegation that the cache knows, or from the root,
// down to a server that answers, as RFC 1034 section 5.3.3 has it.
//
// What it promises:
//
//   - Each reply is classified once (Kind), after it was scrubbed of all that its sender has no say in: what is not at or
//     below the zone whose server was asked, and what the question does not lead to (RFC 2181 section 5.4.1, RFC 5452).
//   - A reply counts only with the query's ID and question; others are ignored while the wait goes on.
//   - A server that is silent, lame, or answers SERVFAIL, REFUSED or nonsense has the zone's other servers asked. Timeouts
//     start at 400 ms, follow what was measured, double with each silence, and are bounded; servers that have been silent
//     for long are tried last and once.
//   - A server that does not serve a zone is remembered, and asked for that zone only when the others have failed.
//   - A truncated reply is asked for again over TCP. A server that answers FORMERR, NOTIMP or BADVERS to EDNS is asked
//     without it (RFC 6891 section 7), and so is one that is silent, at the last try, unless it answered EDNS before or its
//     zone is signed and somebody validates.
//   - What referrals tell goes into the cache as what it is: delegations and glue, not for clients.
//   - As Policy says: priming (RFC 9609), QNAME minimisation (RFC 9156), forwarders and stub zones, DNS cookies (RFC 7873),
//     mixed case (draft-vixie-dnsext-dns0x20), each of which is off in its zero value.
//   - The work for one question is bounded by Limits, and by a Budget that it shares with all that it leads to.
//   - A DS is asked for at the parent's servers (RFC 4035 section 3.1.4.1).
//
// What it leaves to its caller: to validate and to cache answers, to follow CNAME and DNAME, to give the addresses of name
// servers that came without glue (Request.Addresses), and to bound the whole (Request.Budget, and ctx).
package iterate
