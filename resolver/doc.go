// Package resolver is a caching, iterative, validating DNS resolver.
//
// For a client's question it looks into its cache (package cache), asks authoritative servers from the root down (package
// iterate), checks what they say against its trust anchors (package validate), and follows aliases link by link.
//
// What it promises:
//
//   - RFC 1034 section 5.3.3 and RFC 2181 in what it asks and believes; TTLs that count down, negative answers by RFC 2308,
//     failures remembered by RFC 9520.
//   - RFC 4035 with RFC 6840: with trust anchors, data is Secure, Insecure or Bogus, and Bogus data is given only to those
//     who disable checking (CD). AD is set in Secure answers to those who asked with AD or DO, and never with CD.
//     Secure data is not kept for longer than its signatures hold. A bogus answer of one server has the others asked.
//   - Each SERVFAIL says why (RFC 8914): 22 when no server of a zone gave an answer, 23 beside it where the network or
//     the servers themselves said something, and the validator's code for bogus data.
//   - The same question is never under way twice; whoever asks it meanwhile waits for the first one's answer.
//   - The cost of one question is bounded: in time, queries, links and depth.
//
// All waiting is done through the Clock, by those who called Serve or Resolve; there are no goroutines of its own. Nothing
// is locked while it waits. It is safe for concurrent use.
//
// What it leaves to others: sockets (Exchanger), time (Clock), and being an authoritative server: there are no local zones.
package resolver
