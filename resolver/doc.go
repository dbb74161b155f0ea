// Package resolver is a caching, iterative, validating DNS resolver.
//
// For a client's question it looks into its cache (package cache), asks authoritative servers from the root down (package
// iterate), checks what they say against its trust anchors (package validate), and follows aliases link by link.
//
// What it promises:
//
//   - RFC 1034 section 5.3.3 and RFC 2181 in what it asks and believes; TTLs that count down, negative answers by RFC 2308,
//     failures remembered by RFC 9520.
//
//   - RFC 4035 with RFC 6840: with trust anchors, data is Secure, Insecure or Bogus, and Bogus data is given only to those
//     who disable checking (CD). AD is set in Secure answers to those who asked with AD or DO; with CD, where all of it
//     was validated for somebody else before.
//     Secure data is not kept for longer than its signatures hold. A bogus answer of one server has the others asked.
//
//   - Each SERVFAIL says why (RFC 8914): 22 when no server of a zone gave an answer, 23 beside it where the network or
//     the servers themselves said something, the validator's code for bogus data, and 13 with a failure that is remembered.
//
//   - Trace tells the path of a question: what was cached and for how long, whom it asked, what they said, each verdict.
//
//   - The same question is never under way twice; whoever asks it meanwhile waits for the first one's answer.
//
//   - Servers that are wrong have the others asked first: what a resolver says in the place of an authority, what a signed
//     zone's server says without signatures, a denial with nothing to show for it. Where a zone and its parent name different
//     servers, both are tried, the zone's own first.
//
//   - The cost of one question is bounded (Limits): in time, queries, links, depth and name servers looked up.
//
//   - An answer that is told again is the one that would be put together again: packed answers are kept in the cache
//     beside what they were made of, aged as they are told, and go with it.
//
// Off unless Config says so: expired data when there is none fresher (RFC 8767), data got anew before it expires, and
// denials by what is known of a name's neighbours (RFC 8198); priming (RFC 9609), QNAME minimisation (RFC 9156), forwarders,
// stub zones and negative trust anchors (RFC 7646), trust anchors that follow a key roll (RFC 5011), cookies (RFC 7873) and mixed case towards servers. So the packets that go
// out are those that the question takes.
//
// All waiting is done through the Clock, by those who called Serve or Resolve, and, for data that nobody waits for any more
// or yet, by activities that Clock.Go starts and Close ends. Nothing is locked while it waits. It is safe for concurrent use.
//
// What it leaves to others: sockets (Exchanger), time (Clock), and being an authoritative server: local data is for names
// that public servers know nothing of, and for what an operator wants told instead.
package resolver
