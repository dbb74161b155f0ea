// Package cache remembers what a resolver has learned: RRsets, that names or types do not exist (RFC 2308), and that
// questions could not be answered (RFC 9520). Every call takes the time; nothing here reads a clock, and lives are kept as
// absolute expiries.
//
// What it promises:
//
//   - Data of a lower rank (RFC 2181 section 5.4.1) does not replace live data of a higher one. Secure data replaces data
//     that is not, and gives way neither to Bogus data nor to data that was not validated. Bogus data gives way to any.
//   - An entry lives as long as its shortest TTL, within the floor and the ceiling of Config; a negative one for the
//     lesser of its SOA's TTL and MINIMUM (RFC 2308 section 5), and not at all without a SOA. TTLs of 2^31 and more count
//     as large, not as zero (RFC 8767 section 4).
//   - Secure data never outlives its signatures (RFC 4035 section 5.3.3), whatever the floor says.
//   - An NS RRset that replaces a live one does not live longer than that one would have: a zone's own servers cannot
//     hold on to a delegation that the parent has withdrawn.
//   - NXDOMAIN is for all types of its name, not for the names below it.
//   - It stays within Config.MaxBytes by its own estimate: what has expired goes first, then what was not used since the
//     last look (second chance, in order of age). What goes depends on the calls alone, not on chance or map order.
//
// Records that it hands out are shared with others: nobody writes to them. TTLs are counted down in copies of the cache's
// own, one for each second in which somebody asks, so that a cached answer costs next to nothing.
//
// Beside the entries of a name it keeps packed messages that were made of them (Ready), until any of them changes; they
// count towards the bound. What zones deny for names that nobody has asked for is kept apart, in Denials.
//
// What it leaves to its caller: to rank and scrub what servers say, to validate, to follow CNAMEs, and to decide what may
// be told to whom (glue and Bogus data, say).
package cache
