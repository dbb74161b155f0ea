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
//   - A truncated reply is asked for again over TCP; a server that does not understand EDNS is asked without it
//     (RFC 6891 section 7).
//   - What referrals tell goes into the cache as what it is: delegations and glue, not for clients.
//   - A DS is asked for at the parent's servers (RFC 4035 section 3.1.4.1).
//
// What it leaves to its caller: to validate and to cache answers, to follow CNAME and DNAME, to give the addresses of name
// servers that came without glue (Request.Addresses), and to bound the whole (Request.Budget, and ctx).
package iterate
